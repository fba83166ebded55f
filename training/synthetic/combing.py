"""How hair is combed: the styles that strands are made of, and guides that grow over the mean head in their way."""

import dataclasses

import numpy as np
import scipy.spatial

from inference.geometry.curves import smooth_step

from . import hood
from .appearance import skull_vertices
from .assets import to_portrait
from .hood import CENTRE
from .passes import smooth_normals
from .ribbons import outside

GUIDE_POINTS, STEPS = 24, 4  # of a guide, and steps of its growth from one point to the next
FOREHEAD = 0.072  # metres; hair that is combed aside has left the face below it
LOWEST = -0.075  # metres; no hair grows below it
WHORL = np.array([0.012, 0.120, -0.075])  # metres, where short hair starts from


@dataclasses.dataclass
class Style:
    """How one hairstyle grows; lengths in metres.

    top, sides: lengths. comb: "whorl", "side" or "back". part: x of the parting. lift: how steeply hair leaves the skin.
    volume: how far it stays away from it. gravity: how soon it falls, per metre. opening: azimuth in degrees behind which hair
    beside the face hangs. fringe: height at which hair over the forehead ends. recession, bald_spot: as of
    :class:`training.synthetic.hood.HairStyle`. density: 0..1. clump, curl, turns, noise, frizz: of Blender's nodes; noise and
    frizz in metres.
    """

    family: str
    top: float
    sides: float
    comb: str
    part: float = 0.0
    lift: float = 0.5
    volume: float = 0.008
    gravity: float = 4.0
    opening: float = 60.0
    fringe: float = 0.06
    recession: float = 0.0
    bald_spot: float = 0.0
    density: float = 1.0
    clump: float = 0.3
    curl: float = 0.0
    turns: float = 2.0
    noise: float = 0.003
    frizz: float = 0.0005

    @property
    def hanging(self):
        """Whether hair goes over the ears and falls beside the neck."""
        return self.family in ("bob", "long", "wavy", "curls")


def sample_style(rng, family):
    """Draw a :class:`Style` of one of ``ribbons.FAMILIES``."""
    u = rng.uniform
    part = u(0.01, 0.04) * rng.choice((-1.0, 1.0)) if rng.random() < 0.75 else 0.0
    recession = float(np.clip(rng.normal(0.15, 0.2), 0.0, 0.6))
    if family == "buzz":
        return Style(family, u(0.004, 0.010), u(0.003, 0.006), "whorl", lift=1.0, volume=0.004, gravity=0.0, recession=recession,
                     noise=0.001, clump=0.0)  # fmt: skip
    if family == "crop":
        return Style(family, u(0.025, 0.05), u(0.008, 0.02), "whorl", lift=u(0.5, 1.0), volume=u(0.008, 0.018), gravity=u(1.0, 4.0),
                     fringe=u(0.055, 0.075), recession=recession, clump=u(0.2, 0.6), noise=u(0.0015, 0.004))  # fmt: skip
    if family == "side":
        return Style(family, u(0.05, 0.10), u(0.012, 0.04), "side", part or 0.025, u(0.4, 0.9), u(0.008, 0.02), u(2.0, 6.0),
                     opening=u(30.0, 60.0), recession=recession, clump=u(0.2, 0.6), noise=u(0.002, 0.005))  # fmt: skip
    if family == "back":
        return Style(family, u(0.05, 0.11), u(0.015, 0.05), "back", lift=u(0.3, 1.0), volume=u(0.006, 0.02), gravity=u(1.0, 3.0),
                     recession=recession, clump=u(0.3, 0.7), noise=u(0.001, 0.005))  # fmt: skip
    if family == "ring":
        return Style(family, u(0.01, 0.03), u(0.008, 0.03), "whorl", lift=0.5, volume=u(0.004, 0.01), recession=1.0,
                     bald_spot=u(1.15, 1.7), density=u(0.6, 1.0), noise=0.0015)  # fmt: skip
    if family == "thin":
        return Style(family, u(0.02, 0.06), u(0.01, 0.03), str(rng.choice(("side", "back", "whorl"))), part or 0.03, u(0.3, 0.6),
                     u(0.003, 0.008), recession=u(0.5, 1.0), bald_spot=u(0.0, 0.8), density=u(0.25, 0.55), noise=0.002)  # fmt: skip
    if family == "curly":
        return Style(family, u(0.04, 0.08), u(0.025, 0.05), "whorl", lift=u(0.8, 1.2), volume=u(0.015, 0.03), gravity=u(1.0, 3.0),
                     fringe=u(0.055, 0.08), recession=recession, clump=u(0.5, 0.8), curl=u(0.004, 0.008), turns=u(1.0, 2.0),
                     noise=u(0.005, 0.01), frizz=0.001)  # fmt: skip
    if family == "afro":
        top = u(0.02, 0.07)
        return Style(family, top, top * u(0.7, 1.0), "whorl", lift=3.0, volume=0.1, gravity=0.0, fringe=0.075, recession=recession,
                     clump=0.0, curl=u(0.003, 0.005), turns=u(1.8, 2.6), noise=u(0.002, 0.005), frizz=0.003)  # fmt: skip
    fringed = rng.random() < 0.3
    style = Style(family, u(0.24, 0.34), u(0.20, 0.32), "side" if rng.random() < 0.85 else "back", part, u(0.4, 0.9), u(0.008, 0.022),
                  u(6.0, 14.0), opening=u(34.0, 46.0) if fringed else u(45.0, 80.0), fringe=u(0.045, 0.06) if fringed else 0.2, clump=u(0.2, 0.6),
                  noise=u(0.003, 0.008))  # fmt: skip
    if family == "bob":
        return dataclasses.replace(style, top=(top := u(0.14, 0.22)), sides=top * u(0.6, 0.8), noise=u(0.002, 0.005))
    if family == "wavy":
        return dataclasses.replace(style, curl=u(0.004, 0.009), turns=u(1.2, 2.2), clump=u(0.5, 0.8))
    if family == "curls":
        return dataclasses.replace(style, top=(top := u(0.16, 0.30)), sides=top * u(0.7, 0.9), curl=u(0.008, 0.014), turns=u(1.8, 2.6),
                                   clump=u(0.6, 0.85), volume=u(0.018, 0.035), lift=1.0, frizz=0.002)  # fmt: skip
    return style


def growth(style, roots):
    """How densely hair grows at roots (n, 3) metres on the mean head: (n,) 0..1."""
    degrees = np.rad2deg(np.abs(np.arctan2(roots[:, 0], roots[:, 2] - CENTRE[2])))
    line = np.interp(degrees, *hood.HAIRLINE) + hood.receded(style, degrees)
    inside = hood.beside_bald_spot(style, roots[:, 1] - line, roots, degrees)
    return smooth_step(-0.003, 0.008, inside) * style.density


def in_face(style, points):
    """Whether points (..., 3) hang before the face, or before an ear that the style leaves free."""
    x, y, z = np.moveaxis(points - CENTRE, -1, 0)
    degrees, height = np.rad2deg(np.abs(np.arctan2(x, z))), y + CENTRE[1]
    fringed = style.fringe < FOREHEAD
    wide = np.interp(height, [-0.1, 0.0, 0.06], [0.55, 1.0, 1.0]) * style.opening * (1.0 if fringed else 0.75)
    face = (height < min(style.fringe, FOREHEAD)) & (degrees < wide)
    ear = (np.abs(degrees - 93.0) < 17.0) & (height < 0.026) & (height > -0.05)
    front = (degrees < 80.0) & (height < 0.02)
    return face if style.hanging else face | ear | front


def comb(style, points):
    """Unit tangents (n, 3) of the skull along which hair at points (n, 3) is combed."""
    offset = points - CENTRE
    normal = offset / np.linalg.norm(offset, axis=1, keepdims=True)
    if style.comb == "whorl":
        way = points - WHORL
    elif style.comb == "back":
        way = np.array([0.0, -0.35, -1.0]) + 0.8 * (points - CENTRE) * (1.0, 0.0, 0.0) / 0.08
    else:
        side = np.where(points[:, 0] > style.part, 1.0, -1.0)
        way = np.stack([side, np.full(len(points), -0.6), np.full(len(points), -0.35)], 1)
        behind = smooth_step(-0.02, 0.06, -offset[:, 2])[:, None]
        way = way * (1.0 - 0.8 * behind) + behind * np.array([0.0, -1.0, -0.2])
        if style.fringe < FOREHEAD and style.hanging:
            degrees = np.rad2deg(np.abs(np.arctan2(offset[:, 0], offset[:, 2])))
            before = (smooth_step(0.02, 0.05, offset[:, 2]) * (1.0 - smooth_step(0.8, 1.1, degrees / style.opening)))[:, None]
            way = way * (1.0 - before) + before * np.array([0.0, -1.0, 0.7])
    way = way - (way * normal).sum(1, keepdims=True) * normal
    return way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-3)


def grow_guides(style, roots, normals, skull, rng):
    """Guides (g, GUIDE_POINTS, 3) metres from roots (g, 3) with unit normals (g, 3)."""
    top = smooth_step(0.045, 0.085, roots[:, 1])
    length = (style.sides + (style.top - style.sides) * top) * rng.uniform(0.88, 1.08, len(roots))
    layer = 0.35 + 0.65 * smooth_step(0.0, 0.13, roots[:, 1])  # what starts further up lies over what starts below
    step = length / ((GUIDE_POINTS - 1) * STEPS)
    point, way, stopped = roots + 0.0005 * normals, normals.copy(), np.zeros(len(roots), bool)
    out, gone = [point], 0.0
    for i in range((GUIDE_POINTS - 1) * STEPS):
        gone = gone + step
        offset = point - CENTRE
        normal = offset / np.linalg.norm(offset, axis=1, keepdims=True)
        falls = 1.0 - np.exp(-style.gravity * gone)
        lift = style.lift * np.exp(-gone / (0.35 * max(style.volume, 0.003) + 0.004 * style.lift))
        goal = lift[:, None] * normal + comb(style, point) * (1.0 - 0.92 * falls)[:, None]
        goal = goal + 1.6 * falls[:, None] * np.array([0.0, -1.0, 0.0])
        way = 0.75 * way + 0.25 * goal / np.linalg.norm(goal, axis=1, keepdims=True)
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        away = 0.0008 + style.volume * layer * (1.0 - np.exp(-gone / (0.8 * style.volume + 0.004)))
        moved, stuck = outside(point + step[:, None] * way, skull, away, style.hanging)
        if style.hanging:
            moved = _beside_face(style, moved)
        stopped |= stuck | in_face(style, moved) & (gone > 0.004)
        point = np.where(stopped[:, None], point, moved)
        if (i + 1) % STEPS == 0:
            out.append(point)
    return np.stack([resample(guide, GUIDE_POINTS) for guide in np.stack(out, 1)])


def _beside_face(style, points):
    """Points (n, 3) turned about the head's axis until they hang beside the face; a fringe stays before it."""
    x, y, z = (points - CENTRE).T
    height, azimuth, flat = y + CENTRE[1], np.arctan2(x, z), np.hypot(x, z)
    least = np.deg2rad(style.opening) * (1.0 - smooth_step(0.03, 0.08, height)) * (style.fringe > FOREHEAD)
    least = least * np.interp(height, [-0.1, 0.0], [0.6, 1.0])
    turned = np.where(np.abs(azimuth) < least, np.sign(azimuth + 1e-9) * least, azimuth)
    return CENTRE + np.stack([flat * np.sin(turned), y, flat * np.cos(turned)], 1)


class Scalp:
    """The part of the mean head that hair grows on.

    verts, normals: (n, 3) of the whole skin, metres. quads: (q, 4), triangles: (t, 3), vertices: (v,) of the scalp. skull: Skull.
    """

    def __init__(self, pack):
        self.verts = to_portrait(pack.mean_adult)
        part = pack.skin_part()
        self.normals = smooth_normals(part, self.verts)
        skull = skull_vertices(pack)
        self.skull = hood.Skull(self.verts, skull, self.verts[part.source])
        grows = np.zeros(len(self.verts), bool)
        grows[skull] = True
        low = np.interp(np.rad2deg(np.abs(np.arctan2(self.verts[:, 0], self.verts[:, 2] - CENTRE[2]))), *hood.HAIRLINE) - 0.012
        grows &= self.verts[:, 1] > np.maximum(low, LOWEST)
        quads = pack.base["faces"][pack.base["quad_bust"]]
        self.quads = quads[grows[quads].all(1)]
        self.triangles = np.concatenate([self.quads[:, [0, 1, 2]], self.quads[:, [0, 2, 3]]])
        self.vertices = np.unique(self.triangles)

    def sample(self, rng, count):
        """Roots and normals, (count, 3) each, evenly over the area."""
        a, b, c = (self.verts[self.triangles[:, i]] for i in range(3))
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        chosen = np.searchsorted(np.cumsum(area) / area.sum(), (np.arange(count) + rng.random(count)) / count).clip(0, len(area) - 1)
        weights = rng.dirichlet((1.0, 1.0, 1.0), count)
        roots = np.einsum("ij,ijk->ik", weights, self.verts[self.triangles[chosen]])
        normals = np.einsum("ij,ijk->ik", weights, self.normals[self.triangles[chosen]])
        return roots, normals / np.linalg.norm(normals, axis=1, keepdims=True)


def resample(strand, points):
    """A strand (k, 3) as (points, 3), evenly along its length."""
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(strand, axis=0), axis=1))])
    at = np.linspace(0.0, length[-1], points)
    return np.stack([np.interp(at, length, axis) for axis in strand.T], 1)


def trim(style, strands):
    """Strands (n, p, 3) that end where they come before the face; what is left is spread over their points."""
    out = strands.copy()
    wrong = in_face(style, strands)
    wrong[:, 0] = False
    for i in np.flatnonzero(wrong.any(1)):
        out[i] = resample(strands[i, : max(wrong[i].argmax(), 2)], strands.shape[1])
    return out


def strays(strands, skull):
    """Which strands (n, p, 3) stand off far further than those around them: (n,) bool."""
    offset = strands - CENTRE
    distance = np.linalg.norm(offset, axis=-1)
    direction = offset / distance[..., None]
    away = distance - skull.radius(direction)
    some = slice(None, None, 4)
    near = scipy.spatial.cKDTree(direction[some].reshape(-1, 3)).query(direction, k=16)[1]
    usual = np.percentile(away[some].ravel()[near], 75, axis=-1)
    return (away > 1.4 * usual + 0.004).any(1)
