"""Hair of single strands, drawn as ribbons over a darker cap: styles of :mod:`training.synthetic.strands` on any head.

A file of styles holds, of the mean head: ``triangles`` (t, 3) of MakeHuman vertices, the scalp; per style ``family``
(index into FAMILIES), ``thinning`` (0 = full hair .. 1 = little), ``hanging`` (over ears and neck), ``unit`` (metres) and
``cap`` (v,) uint8, how densely hair grows at the scalp's vertices, the sorted ones of ``triangles``; and of all styles' strands one
after another, ``first`` (styles + 1,) of them: ``root`` (s,) uint16 triangle, ``weights`` (s, 2) uint8 of its second
and third corner, ``steps`` (s, POINTS - 1, 3) int8 from point to point in the style's unit, in portrait space.
"""

import dataclasses
import zipfile

import cv2
import numpy as np
import scipy.spatial

from inference.geometry.curves import smooth_step
from training.errors import TrainingError

from .assets import Part, to_portrait
from .hood import CENTRE

STRANDS, POINTS = 3000, 12  # of a style at most, and of each strand
FAMILIES = {  # name: how often women and men have it, and how often it is drawn for African hair
    "buzz": (0.1, 1.0, 2.0), "crop": (0.3, 1.6, 0.3), "side": (0.15, 1.8, 0.2), "back": (0.3, 1.0, 0.2), "ring": (0.0, 0.6, 0.6),
    "thin": (0.2, 0.8, 0.5), "curly": (0.7, 0.5, 1.5), "afro": (0.3, 0.2, 3.0), "bob": (2.0, 0.1, 0.6), "long": (2.5, 0.15, 0.4),
    "wavy": (2.0, 0.15, 0.6), "curls": (1.5, 0.1, 1.5),
}  # fmt: skip
AFRICAN = ("afro", "curly", "curls", "buzz")
WIDTH, DOME_WIDTH = 0.0026, 0.0045  # metres, of a ribbon where it is widest: two pixels of a photo, a column of a dome
ENVELOPE, ENVELOPE_BLUR = 7, 1.5  # texels: window of the median that smooths a dome's hair, and the blur after it
HAIR_LABEL = 127  # of 255; a texel with more of it is hair
CAP_LIFT = 0.0008  # metres over the skin
FARTHEST_PUSH = 0.03  # metres; a strand that the body would push further ends there


def outside(points, skull, clearance, hanging):
    """Points (..., 3) metres kept outside of a :class:`~training.synthetic.hood.Skull`, and which of them cannot be: (...,) bool.

    clearance: (...,) metres. hanging: outside of ears, neck and shoulders too.
    """
    offset = points - CENTRE
    distance = np.linalg.norm(offset, axis=-1)
    direction = offset / np.maximum(distance, 1e-6)[..., None]
    least = skull.radius(direction) + clearance
    points = CENTRE + direction * np.maximum(distance, least)[..., None]
    if not hanging:
        return points, np.zeros(distance.shape, bool)
    x, y, z = np.moveaxis(points - CENTRE, -1, 0)
    azimuth, flat = np.arctan2(x, z), np.hypot(x, z)
    missing = (skull.body_radius(y + CENTRE[1], azimuth) + clearance - flat) * smooth_step(-0.05, -0.02, -(y + CENTRE[1]))
    push = np.clip(missing, 0.0, FARTHEST_PUSH)
    moved = CENTRE + np.stack([(flat + push) * np.sin(azimuth), y, (flat + push) * np.cos(azimuth)], -1)
    return moved, missing > FARTHEST_PUSH


def pack_styles(styles, scalp):
    """Arrays of a file. styles: list of (Style, strands (n, POINTS, 3) metres, how densely hair grows at the scalp's vertices
    (v,) 0..1); scalp: :class:`~training.synthetic.combing.Scalp`."""
    corners = scalp.verts[scalp.triangles]
    near = scipy.spatial.cKDTree(corners.mean(1))
    columns = {name: [] for name in ("family", "thinning", "hanging", "unit", "cap", "root", "weights", "steps")}
    first = [0]
    for style, strands, cap in styles:
        triangle, weights = attach(strands[:, 0], corners, near)
        offset = strands - strands[:, :1]
        unit = np.abs(np.diff(offset, axis=1)).max() / 126.0
        row = {
            "family": list(FAMILIES).index(style.family), "thinning": max(1.0 - style.density, min(style.bald_spot, 1.0), style.recession),
            "hanging": style.hanging, "unit": unit, "cap": np.round(255 * cap).astype(np.uint8),
            "root": triangle.astype(np.uint16), "weights": np.round(255 * weights[:, 1:]).astype(np.uint8),
            "steps": np.diff(np.round(offset / unit), axis=1).astype(np.int8),
        }  # fmt: skip
        for name, value in row.items():
            columns[name].append(value)
        first.append(first[-1] + len(strands))
    joined = {name: np.concatenate(columns.pop(name)) for name in ("root", "weights", "steps")}
    return {"triangles": scalp.triangles.astype(np.int32), "first": np.array(first), "unit": np.float32(columns.pop("unit"))} | joined | {
        name: np.array(value) for name, value in columns.items()}  # fmt: skip


def attach(points, corners, near):
    """Triangles (n,) that points (n, 3) lie on, and their weights (n, 3). corners: (t, 3, 3); near: tree of their centres."""
    nearest = near.query(points, k=8)[1]
    a, b, c = (corners[nearest, i] for i in range(3))
    u, v, w = b - a, c - a, points[:, None] - a
    uu, uv, vv, wu, wv = ((p * q).sum(-1) for p, q in ((u, u), (u, v), (v, v), (w, u), (w, v)))
    area = uu * vv - uv * uv
    second, third = (vv * wu - uv * wv) / area, (uu * wv - uv * wu) / area
    weights = np.clip(np.stack([1.0 - second - third, second, third], -1), 0.0, 1.0)
    weights /= weights.sum(-1, keepdims=True)
    found = np.einsum("ijk,ijkl->ijl", weights, corners[nearest])
    best = np.linalg.norm(found - points[:, None], axis=-1).argmin(1)
    rows = np.arange(len(points))
    return nearest[rows, best], weights[rows, best]


@dataclasses.dataclass
class Haircut:
    """What one head wears. style: index into a file's styles. mirrored: left for right. width: of the ribbons, 1 = WIDTH.
    roots: brightness of the roots, where the tips have 1. variation: of the brightness from strand to strand. seed: of the strands."""

    style: int
    mirrored: bool
    width: float
    roots: float
    variation: float
    seed: int


class Haircuts:
    """The styles of a file, and the two parts that they are drawn with. pack: :class:`~training.synthetic.assets.AssetPack`.

    Raises TrainingError if the file cannot be read.
    """

    def __init__(self, path, pack):
        try:
            self.pack, self.styles = pack, dict(np.load(path, allow_pickle=False))
            self.styles["steps"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise TrainingError(f"{path} cannot be read as strands, make it with training.synthetic.strands ({error})") from error
        self.vertices, inverse = np.unique(self.styles["triangles"], return_inverse=True)
        self.mirror = np.array(pack.mirrored(tuple(self.vertices)))
        self.mean = to_portrait(pack.mean_adult)
        cap = inverse.reshape(-1, 3).astype(np.int32)
        count = len(self.vertices)
        self.cap = Part("cap", "hair", np.arange(count), np.zeros((count, 2), np.float32), cap, cap)
        triangles, count = ribbon_triangles(STRANDS, POINTS), STRANDS * POINTS * 2
        self.ribbons = Part("ribbons", "hair", np.arange(count), np.zeros((count, 2), np.float32), triangles, triangles)

    def sample(self, rng, person):
        """Draw a :class:`Haircut` for a person."""
        african, old = person.ancestry[0] > 0.5, np.clip((person.age - 35.0) / 35.0, 0.0, 1.0)
        tables = np.array(list(FAMILIES.values()))
        weight = tables[:, 1 if person.sex > 0.5 else 0] * (tables[:, 2] if african else 1.0)
        if not african:
            weight[list(FAMILIES).index("afro")] *= 0.2
        number = np.bincount(self.styles["family"], minlength=len(FAMILIES))
        chance = (weight / np.maximum(number, 1))[self.styles["family"]]
        chance = chance * (0.02 + (1.0 - self.styles["thinning"]) * (1.0 - 0.5 * old) + self.styles["thinning"] * old)
        style = rng.choice(len(chance), p=chance / chance.sum())
        return Haircut(int(style), bool(rng.random() < 0.5), rng.uniform(0.8, 1.25), rng.uniform(0.5, 0.9), rng.uniform(0.08, 0.25),
                       int(rng.integers(1 << 30)))  # fmt: skip

    def thinning(self, haircut):
        """0 = full hair .. 1 = little."""
        return float(self.styles["thinning"][haircut.style])

    def curves(self, haircut, skin, skull):
        """Strands (n, POINTS, 3) metres on a head. skin: (v, 3) vertices; skull: its :class:`~training.synthetic.hood.Skull`."""
        s, k = self.styles, haircut.style
        mine = slice(s["first"][k], s["first"][k + 1])
        corners = s["triangles"][s["root"][mine]]
        offset = np.zeros((len(corners), POINTS, 3))
        offset[:, 1:] = np.cumsum(s["steps"][mine].astype(np.float64), 1) * s["unit"][k]
        if haircut.mirrored:
            corners = self.mirror[np.searchsorted(self.vertices, corners)]
            offset *= (-1.0, 1.0, 1.0)
        size = np.linalg.norm(skin[self.vertices] - CENTRE, axis=1).mean() / np.linalg.norm(self.mean[self.vertices] - CENTRE, axis=1).mean()
        weights = s["weights"][mine] / 255.0
        weights = np.concatenate([1.0 - weights.sum(1, keepdims=True), weights], 1)
        curves = np.einsum("ij,ijk->ik", weights, skin[corners])[:, None] + size * offset
        clearance = np.broadcast_to(0.0012 + 0.0012 * np.linspace(0.0, 1.0, POINTS), curves.shape[:2])
        moved, stuck = outside(curves, skull, clearance, bool(s["hanging"][k]))
        ended = np.maximum.accumulate(stuck, 1)
        last = np.maximum(POINTS - 1 - ended.sum(1), 1)
        moved = np.where(ended[..., None], moved[np.arange(len(moved)), last][:, None], moved)
        moved[:, 0] = curves[:, 0]
        return moved

    def grow(self, haircut, skin, normals, skull):
        """Cap and ribbons as a list of (part, points, uv, cover), and the ribbons' tint (vertices, 1) that their light is multiplied
        by. normals: (v, 3) of the skin."""
        rng = np.random.default_rng(haircut.seed)
        dense = self.styles["cap"][haircut.style] / 255.0
        if haircut.mirrored:
            dense = np.where(np.isin(self.mirror, self.vertices), dense[np.searchsorted(self.vertices, self.mirror) % len(dense)], 0.0)
        base, normal = skin[self.vertices], normals[self.vertices]
        offset = base - CENTRE
        across = np.arctan2(offset[:, 0], offset[:, 2])
        cap_uv = np.stack([across * 1.3, offset[:, 1] * 8.0], 1).astype(np.float32)
        cap = (self.cap, (base + CAP_LIFT * normal).astype(np.float32), cap_uv, np.where(dense > 0.04, 1.3 * dense, -0.2))
        curves = self.curves(haircut, skin, skull)
        points, uv, cover, tint = ribbon(curves, WIDTH * haircut.width, haircut, rng)
        return [cap, (self.ribbons, points, uv, cover)], tint


def ribbon_triangles(strands, points):
    """(t, 3) int32 of ribbons whose vertices are numbered by strand, point and side."""
    first = (np.arange(strands)[:, None] * points + np.arange(points - 1)) * 2
    a, b, c, d = (first.ravel() + k for k in range(4))
    return np.stack([np.stack([a, c, b], 1), np.stack([b, c, d], 1)], 1).reshape(-1, 3).astype(np.int32)


def ribbon(curves, width, haircut, rng):
    """Ribbons along curves (n, POINTS, 3): points (v, 3), uv (v, 2) and cover (v,), tint (v, 1), v = STRANDS * POINTS * 2."""
    n, along = len(curves), np.linspace(0.0, 1.0, POINTS)
    tangent = np.gradient(curves, axis=1)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=-1, keepdims=True), 1e-9)
    outward = curves - CENTRE
    outward[..., 1] = np.maximum(outward[..., 1], 0.0)  # below the skull's middle, away from the neck
    outward /= np.linalg.norm(outward, axis=-1, keepdims=True)
    side = np.cross(tangent, outward)
    side /= np.maximum(np.linalg.norm(side, axis=-1, keepdims=True), 1e-9)
    roll = rng.normal(0.0, 0.5, (n, 1, 1))
    side = np.cos(roll) * side + np.sin(roll) * np.cross(side, tangent)
    taper = np.interp(along, [0.0, 0.15, 0.6, 1.0], [0.6, 1.0, 0.9, 0.35])[:, None] * rng.uniform(0.7, 1.3, (n, 1, 1))
    edges = curves[:, :, None] + (0.5 * width * taper * side)[:, :, None] * np.array([-1.0, 1.0])[:, None]
    length = np.linalg.norm(np.diff(curves, axis=1), axis=-1).sum(1)
    across = rng.uniform(0.0, 8.0, n)[:, None, None] + np.array([0.0, 0.004])
    uv = np.stack(np.broadcast_arrays(across, (rng.random(n)[:, None] + along * length[:, None] * 2.0)[:, :, None]), -1)
    cover = np.broadcast_to(np.interp(along, [0.0, 0.7, 1.0], [1.6, 1.5, 0.7])[:, None], (n, POINTS, 2))
    bright = np.exp(rng.normal(0.0, haircut.variation, n))[:, None] * (haircut.roots + (1.0 - haircut.roots) * smooth_step(0.0, 0.5, along))
    tint = np.broadcast_to(bright[:, :, None], (n, POINTS, 2))
    out = []
    for values, rest in ((edges, CENTRE), (uv, 0.0), (cover, -1.0), (tint, 1.0)):
        whole = np.empty((STRANDS, *values.shape[1:]), np.float32)
        whole[:n], whole[n:] = values, rest
        out.append(whole.reshape(STRANDS * POINTS * 2, *values.shape[3:]))
    return *out[:3], out[3][:, None]


def widened(points, factor):
    """Ribbons' vertices (v, 3) about their middle lines, factor times as wide."""
    pairs = points.reshape(-1, 2, 3)
    middle = pairs.mean(1, keepdims=True)
    return (middle + factor * (pairs - middle)).reshape(-1, 3)


def envelope(radius, label):
    """A dome's radius (h, w) metres with its hair smoothed to one surface. label: (h, w, 3) uint8, skin, hair, cloth.

    A column is wider than a strand: of strands that stand apart it would hold now one, now what is far below.
    """
    hair = (label[..., 1] > HAIR_LABEL) & (radius > 0)
    around = np.pad(np.where(hair, radius, np.inf), ENVELOPE // 2, constant_values=np.inf)
    near = np.lib.stride_tricks.sliding_window_view(around, (ENVELOPE, ENVELOPE))[hair].reshape(-1, ENVELOPE**2)
    near = np.sort(near, 1)
    smooth = np.zeros_like(radius)
    smooth[hair] = near[np.arange(len(near)), (np.isfinite(near).sum(1) - 1) // 2]
    weight = cv2.GaussianBlur(hair.astype(np.float32), (0, 0), ENVELOPE_BLUR)
    smooth = cv2.GaussianBlur(smooth, (0, 0), ENVELOPE_BLUR) / np.maximum(weight, 1e-6)
    return np.where(hair, smooth, radius)
