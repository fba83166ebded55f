"""Procedural hair: a hood of strands round the skull, from a crop to long hair on the shoulders.

The hood is one polar grid about the middle of the skull, drawn in a few layers of falling density. Rows run from
the crown outwards; long hair turns to fall straight down at the widest place of the head.
"""

import dataclasses

import numpy as np
import scipy.spatial

from inference.geometry.curves import smooth_step

from .assets import Part
from .tubes import tube

CENTRE = np.array([0.0, 0.03, -0.02])  # metres, portrait space, middle of the skull
COLUMNS, ROWS, TURN_ROW = 81, 48, 22  # the first column is repeated at the end, behind the head
LOWEST_ANGLE = np.deg2rad(140.0)  # from the crown, of the last row of short hair
LAYERS = 3
KNOT_ROWS, KNOT_STEPS = 16, 14  # of a bun or a ponytail
STYLES = ("crop", "parted", "slick", "curls", "bob", "long", "tied")
HAIRLINE = (  # azimuth from the front in degrees, height in metres
    [0, 25, 45, 60, 75, 90, 110, 125, 140, 180],
    [0.083, 0.085, 0.080, 0.055, 0.028, 0.026, 0.024, -0.015, -0.050, -0.062],
)
MALE_STYLES = {"crop": 0.3, "parted": 0.42, "slick": 0.15, "curls": 0.1, "long": 0.03, "tied": 0.02}
FEMALE_STYLES = {"crop": 0.07, "parted": 0.07, "curls": 0.1, "bob": 0.26, "long": 0.28, "tied": 0.22}
UNDER_HAT = 1.3  # bald spot below a hat, which hair would come through
TUCKED_SHARE = 0.4  # of hanging hair is behind the ears


@dataclasses.dataclass
class HairStyle:
    """Lengths in metres. side: +-1, side of the parting. recession: 0..1. waves: amplitude. drop: lowest point y.
    sideburns: how far hair comes down before the ears. temples: how much higher the hairline is between forehead and ear.
    tuck, other_tuck: azimuth in degrees behind which hair hangs beside the ear, on ``side`` and on the other, 0 = over it.
    knot: radius of a bun or the thickest place of a ponytail, 0 = none. knot_place: degrees from the crown backwards.
    tail: length of a ponytail, 0 = a bun."""

    name: str
    top: float
    sides: float
    parting: float
    side: float
    recession: float
    bald_spot: float
    fringe: float
    opening: float
    behind: float
    drop: float
    flare: float
    waves: float
    roughness: float
    density: float
    sideburns: float
    temples: float
    tuck: float
    other_tuck: float
    knot: float
    knot_place: float
    tail: float
    bumps: np.ndarray

    def numbers(self):
        """(22,) float32: the style's index, then its fields."""
        fields = [getattr(self, f.name) for f in dataclasses.fields(self)[1:-1]]
        return np.array([STYLES.index(self.name), *fields], np.float32)


def sample_style(rng, person, african):
    """Draw a :class:`HairStyle` for a person."""
    male = person.sex > 0.5
    table = dict(MALE_STYLES if male else FEMALE_STYLES)
    if african:
        table |= {"crop": table.get("crop", 0) + 0.3, "curls": 0.5}
    names = list(table)
    name = names[rng.choice(len(names), p=np.array(list(table.values())) / sum(table.values()))]
    u = rng.uniform
    top, sides = {
        "crop": (u(0.003, 0.014), u(0.0015, 0.006)), "parted": (u(0.012, 0.032), u(0.003, 0.012)),
        "slick": (u(0.006, 0.018), u(0.003, 0.010)), "curls": (top := u(0.008, 0.045), top * u(0.55, 1.0)),
        "bob": (u(0.012, 0.030), u(0.014, 0.040)), "long": (u(0.010, 0.028), u(0.012, 0.034)),
        "tied": (u(0.005, 0.016), u(0.003, 0.010)),
    }[name]  # fmt: skip
    aging = np.clip((person.age - 30.0) / 35.0, 0.1, 1.0) if male else 0.15
    if person.age < 20.0:
        aging = 0.0
    ring = male and rng.random() < 0.3 * np.clip((person.age - 40.0) / 20.0, 0.0, 1.0)
    if ring:  # of hair round a bald crown
        name = "crop" if african or rng.random() < 0.5 else "parted"
        top, sides = u(0.003, 0.010), u(0.002, 0.008)
    thin = rng.beta(1.0, 1.5) * np.clip((person.age - 50.0) / 30.0, 0.0, 1.0)
    hanging = name in ("bob", "long")
    tuck = other_tuck = 0.0
    if hanging and rng.random() < TUCKED_SHARE:
        tuck, other_tuck = u(98.0, 114.0), u(98.0, 114.0) * (rng.random() < 0.75)
        sides = u(0.005, 0.015)
    knot = name == "tied"
    tail = u(0.1, 0.3) * (rng.random() < 0.6)
    return HairStyle(
        name=name, top=top, sides=min(sides, top * 1.6), parting=u(0.0, 0.045) if rng.random() < 0.75 else 0.0,
        side=float(rng.choice([-1.0, 1.0])), recession=1.0 if ring else float(np.clip(aging * rng.normal(0.45, 0.4), 0, 1)),
        bald_spot=u(1.15, 1.75) if ring else float(max(aging * u(-0.9, 1.0), 0.0)) if male else 0.0,
        fringe=u(0.045, 0.07) if (hanging or name in ("crop", "parted")) and rng.random() < 0.22 else 0.2,
        opening=u(48.0, 78.0), behind=u(75.0, 110.0) if rng.random() < 0.4 else 0.0,
        drop=u(-0.14, -0.05) if name == "bob" else u(-0.30, -0.13), flare=rng.normal(0.0, 0.02),
        waves=max(rng.normal(0.0015, 0.003), 0.0), roughness=u(0.6, 1.4) * (2.2 if name == "curls" else 1.0),
        density=u(0.8, 1.2) * (1.0 - 0.45 * thin), sideburns=u(0.0, 0.05 if male else 0.03) * (rng.random() < 0.75) * min(1.0, 0.01 / sides),
        temples=float(np.clip(rng.normal(-0.004, 0.010), -0.025, 0.02)), tuck=tuck, other_tuck=other_tuck,
        knot=knot * (u(0.016, 0.028) if tail else u(0.022, 0.045)), knot_place=u(20.0, 110.0), tail=knot * tail, bumps=rng.normal(size=(10, 5)),
    )  # fmt: skip


def under_hat(rng, hanging=False):
    """Hair (:class:`HairStyle`) that fits below a hat: short, or hanging out below it."""
    thin = rng.uniform(0.0015, 0.003)
    style = HairStyle("crop", thin, thin, 0.0, 1.0, 0.1, UNDER_HAT, 0.2, 60.0, 0.0, -0.1, 0.0, 0.0, 0.8, 1.0,
                      rng.uniform(0.0, 0.04), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, rng.normal(size=(10, 5)))  # fmt: skip
    if not hanging:
        return style
    tuck = rng.uniform(98.0, 114.0) * (rng.random() < TUCKED_SHARE)
    return dataclasses.replace(style, name="long", sideburns=0.0, opening=rng.uniform(48.0, 78.0), tuck=tuck, other_tuck=tuck,
                               drop=rng.uniform(-0.3, -0.08), flare=rng.normal(0.005, 0.01))  # fmt: skip


def hood_parts():
    """The layers' :class:`Part` objects, inner first."""
    i, j = np.meshgrid(np.arange(ROWS - 1), np.arange(COLUMNS - 1), indexing="ij")
    a = i * COLUMNS + j
    triangles = np.concatenate([np.stack([a, a + COLUMNS, a + 1], -1).reshape(-1, 3),
                                np.stack([a + 1, a + COLUMNS, a + COLUMNS + 1], -1).reshape(-1, 3)])  # fmt: skip
    triangles = triangles.astype(np.int32)
    count = ROWS * COLUMNS
    return [Part(f"hood{k}", "hair", np.arange(count), np.zeros((count, 2), np.float32), triangles, triangles)
            for k in range(LAYERS)]  # fmt: skip


def knot_part():
    """The :class:`Part` of a bun or ponytail."""
    line = np.arange(KNOT_ROWS)[:, None] * (0.0, 0.0, 1.0)
    verts, triangles = tube(line, 1.0, steps=KNOT_STEPS)
    triangles = triangles.astype(np.int32)
    return Part("knot", "hair", np.arange(len(verts)), np.zeros((len(verts), 2), np.float32), triangles, triangles)


def _directions():
    azimuth = np.linspace(-np.pi, np.pi, COLUMNS)
    polar = np.linspace(0.02, LOWEST_ANGLE, ROWS)
    return polar[:, None], azimuth[None]


class Skull:
    """Radii of a head about CENTRE, without the ears, and of everything that hair must stay outside of.

    verts: (n, 3) skin vertices, metres. scalp: (m,) indices of skull vertices. body: (k, 3) skin and clothes.
    """

    def __init__(self, verts, scalp, body):
        offset = verts[scalp] - CENTRE
        self.distance = np.linalg.norm(offset, axis=1)
        self.tree = scipy.spatial.cKDTree(offset / self.distance[:, None])
        shifted = body - CENTRE
        self.step = 0.006
        y = ((shifted[:, 1] + 0.40) / self.step).astype(int).clip(0, 99)
        azimuth = np.arctan2(shifted[:, 0], shifted[:, 2])
        column = np.round((azimuth + np.pi) / (2 * np.pi) * 60).astype(int) % 60
        self.outside = np.zeros((100, 60))
        np.maximum.at(self.outside, (y, column), np.hypot(shifted[:, 0], shifted[:, 2]))
        grown = self.outside
        for axis in (0, 1):
            grown = np.maximum(grown, np.maximum(np.roll(grown, 1, axis), np.roll(grown, -1, axis)))
        self.outside = grown

    def radius(self, directions):
        """Distance of the skull's surface along unit directions (..., 3)."""
        distance, index = self.tree.query(directions, k=4)
        weight = 1.0 / (distance + 0.02) ** 2
        return (self.distance[index] * weight).sum(-1) / weight.sum(-1)

    def body_radius(self, y, azimuth):
        """Largest horizontal distance from the axis of the body near a height and azimuth."""
        row = ((y - CENTRE[1] + 0.40) / self.step).astype(int).clip(0, 99)
        return self.outside[row, np.round((azimuth + np.pi) / (2 * np.pi) * 60).astype(int) % 60]


def bumps(style, points, scale):
    """Smooth noise in about -1..1 from a style's few random waves; points (..., 3) metres."""
    out = 0.0
    for kx, ky, kz, phase, _ in style.bumps:
        out = out + np.sin((points @ np.array([kx, ky, kz])) * scale + 6.0 * phase)
    return out / np.sqrt(len(style.bumps))


def receded(style, degrees):
    """By how much a style's receding hairline is higher at azimuths in degrees, metres."""
    return 0.028 * style.recession * (0.5 * (degrees < 70) + np.exp(-(((degrees - 32) / 16.0) ** 2)))


def beside_bald_spot(style, inside, points, degrees):
    """``inside``, metres from where hair ends, (...,) of points (..., 3) at azimuths in degrees, less the style's bald spot."""
    if style.bald_spot > 0.1:
        forward = 0.03 * max(style.bald_spot - 1.0, 0.0)  # a large one reaches the forehead and leaves a ring
        crown = np.linalg.norm((points - (0.0, 0.125, forward - 0.045)) * (1.3, 1.0, 1.0), axis=-1)
        inside = np.minimum(inside, crown - 0.075 * style.bald_spot)
        if style.bald_spot > 1.0:
            inside = np.minimum(inside, np.deg2rad(degrees - 60.0) * 0.09)
    return inside


def build_hood(style, skull, hairline_shift):
    """Shape of the hair.

    hairline_shift: metres by which this head's forehead is higher than the mean's.
    Returns a list per layer of (points (n, 3) metres, uv (n, 2) across and along the strands, cover (n,)); cover is
    the opacity before the strands' own: below 0 no hair, above 1 full.
    """
    polar, azimuth = _directions()
    hanging = style.name in ("bob", "long")
    if hanging:
        polar = np.concatenate([np.linspace(0.02, np.pi / 2, TURN_ROW), np.full(ROWS - TURN_ROW, np.pi / 2)])[:, None]
    direction = np.stack([np.sin(polar) * np.sin(azimuth), np.broadcast_to(np.cos(polar), (ROWS, COLUMNS)),
                          np.sin(polar) * np.cos(azimuth)], -1)  # fmt: skip
    base = skull.radius(direction)
    surface = CENTRE + base[..., None] * direction
    if hanging:
        fall = np.clip((np.arange(ROWS) - TURN_ROW + 1) / (ROWS - TURN_ROW), 0.0, 1.0)[:, None]
        surface[..., 1] += fall * (style.drop - CENTRE[1])
    degrees = np.rad2deg(np.abs(np.broadcast_to(azimuth, base.shape)))
    x, y = surface[..., 0], surface[..., 1]

    line = np.interp(degrees, *HAIRLINE) + hairline_shift * smooth_step(-70.0, -30.0, -degrees)
    line = line + receded(style, degrees)
    line = line + style.temples * np.exp(-(((degrees - 57) / 14.0) ** 2))
    line = line - style.sideburns * np.exp(-(((degrees - 80) / 9.0) ** 4))
    line = np.where(degrees < 45, np.minimum(line, style.fringe + 0.0004 * (degrees - 20)), line)
    line = line + 0.0015 * bumps(style, surface, 60.0)
    inside = y - line  # metres above the hairline
    inside = beside_bald_spot(style, inside, surface, degrees)
    top = smooth_step(0.045, 0.095, y)
    thickness = style.sides + (style.top - style.sides) * top
    part_x = style.parting * style.side
    if style.name in ("parted", "bob", "long"):
        gap = np.exp(-(((x - part_x) / 0.006) ** 2)) * smooth_step(-0.06, -0.03, surface[..., 2]) * top
        thickness = thickness * (1.0 - 0.55 * gap) * (1.0 - 0.25 * smooth_step(part_x * style.side, 0.06, x * style.side))
        front = np.exp(-((degrees / 45.0) ** 2)) * np.exp(-(((inside - 0.02) / 0.02) ** 2))
        thickness = thickness + 0.35 * style.top * front * (style.name == "parted")
    thickness = thickness * (1.0 + 0.18 * bumps(style, surface, 18.0))
    soft = {"parted": 0.05, "crop": 0.03, "curls": 0.02 + 1.2 * style.top}.get(style.name, 0.024)
    rooted = 0.0012 + thickness * (0.15 + 0.85 * smooth_step(0.0, soft, inside))

    if style.name in ("slick", "tied"):
        across, along = np.arctan2(x, y - 0.0), surface[..., 2] * 9.0
    elif style.name in ("crop", "curls"):
        across, along = azimuth * np.sin(polar) * 1.0 + 0 * x, polar * 1.3 + 0 * x
    elif hanging:  # from the front of the parting to the sides and back
        across = (0.5 * np.pi - np.abs(np.arctan2(x - part_x, surface[..., 2] - 0.02))) * 0.8
        along = polar * 1.0 + 0 * x
    else:
        across = (surface[..., 2] - 0.8 * (y - 0.1)) * 9.0 + 0.15 * bumps(style, surface, 15.0)
        along = np.arctan2(x - part_x, np.maximum(y, -0.4) + 0.05) * 0.9
    if hanging:
        below = smooth_step(0.9, 1.6, polar + fall)
        across = across * (1 - below) + below * (0.5 * np.pi - np.abs(azimuth)) * 0.8  # goes on as z does above
        along = along * (1 - below) + below * (-y * 6.0)
    across = across + style.waves * 12.0 * np.sin(along * 9.0 + 3.0 * style.bumps[0, 3])
    strands = np.sin(across * 55.0 + 2.0 * np.sin(across * 23.0 + style.bumps[1, 3] * 6.0))
    rooted = rooted + 0.0006 * style.roughness * strands * np.minimum(rooted / 0.01, 1.0)
    if style.name == "curls":
        curl = bumps(style, surface, 130.0) * 0.5 + bumps(style, surface[..., ::-1], 75.0) * 0.5
        rooted = rooted * (1.0 + 0.22 * curl * np.minimum(rooted / 0.01, 1.0))
    cover = inside / 0.006
    radius = base + rooted

    layers = []
    for k in range(LAYERS):
        grown = radius + (k - 1) * np.minimum(0.22 * rooted, 0.004)
        points = CENTRE + grown[..., None] * direction
        cover_k = cover
        if hanging:
            horizontal = np.sin(polar) * grown
            body = skull.body_radius(surface[..., 1], azimuth) + 0.003 + 0.002 * k
            bulge = style.flare * np.sin(np.pi * fall * (1.0 if style.name == "long" else 0.8))
            neck = -0.012 * np.exp(-(((y + 0.10) / 0.035) ** 2)) * (style.name == "long")
            wave = style.waves * np.sin(y * 95.0 + azimuth * 3.0 + style.bumps[2, 3] * 6.0) * fall
            horizontal = horizontal + bulge + neck + wave
            horizontal = horizontal + np.clip(body - horizontal, 0.0, 0.030) * smooth_step(1.1, 1.65, polar + fall)
            points = np.stack([CENTRE[0] + horizontal * np.sin(azimuth),
                               np.where(fall > 0, surface[..., 1], points[..., 1]),
                               CENTRE[2] + horizontal * np.cos(azimuth)], -1)  # fmt: skip
            opening = np.interp(-y, [-0.10, -0.05, 0.0, 0.08, 0.3],
                                [10.0, style.opening * 0.55, style.opening, style.opening, style.opening * 0.85])  # fmt: skip
            opening = np.maximum(opening, style.behind * smooth_step(0.03, 0.08, -y))
            tuck = np.where(azimuth * style.side > 0, style.tuck, style.other_tuck)
            opening = np.maximum(opening, tuck * smooth_step(-0.085, -0.055, y))
            opening = opening + 2.0 * bumps(style, surface * (1.0, 0.3, 1.0), 40.0)
            beside = np.deg2rad(degrees - opening) * 0.09
            ends = (y - style.drop) * (fall > 0) + 1.0 * (fall == 0)
            stuck = 0.03 - (body - horizontal) + 1.0 * (fall == 0)  # the shoulder is further out than hair can be pushed
            cover_k = np.minimum(np.maximum(inside, beside), np.minimum(ends * 0.5, stuck)) / 0.006
        uv = np.stack([across * 0.9 + 0.37 * k, along * 0.35 + 0.21 * k], -1)
        density = (3.0, 1.15 * style.density, 0.62 * style.density)[k]
        value = np.clip(cover_k, -1.0, 1.0) * np.where(cover_k > 0, density, 1.0)
        layers.append((points.reshape(-1, 3).astype(np.float32), uv.reshape(-1, 2).astype(np.float32),
                       value.reshape(-1).astype(np.float32)))  # fmt: skip
    return layers


def build_knot(style, skull):
    """A bun or ponytail as a layer of :func:`build_hood`."""
    place = np.deg2rad(style.knot_place)
    out = np.array([0.0, np.cos(place), -np.sin(place)])
    root = CENTRE + (skull.radius(out) + style.sides * 0.5) * out
    t = np.linspace(0.0, 1.0, KNOT_ROWS)[:, None]
    if style.tail:
        along = t * style.tail
        ahead = np.minimum(0.05, 0.4 * style.tail) * (1.0 - np.exp(-along / 0.03))
        path = root + ahead * out + np.maximum(along - 0.6 * ahead, 0.0) * (0.0, -1.0, 0.0)
        path = path + 0.008 * np.sin(along * 18.0 + 6.0 * style.bumps[0, :3]) * t
        radius = style.knot * np.interp(t[:, 0], [0.0, 0.06, 0.3, 0.8, 1.0], [0.6, 0.5, 1.0, 0.75, 0.15])
        back = np.minimum(path[:, 2], CENTRE[2] - skull.body_radius(path[:, 1], np.full(len(path), np.pi)) - 0.6 * radius)
        path[:, 2] += np.clip(back - path[:, 2], -0.06, 0.0)
    else:
        path = root + style.knot * (0.5 - 0.9 * np.cos(np.pi * t)) * out
        radius = style.knot * np.maximum(np.sin(np.pi * t[:, 0]), 0.05)
    points = tube(path, radius, steps=KNOT_STEPS)[0]
    points = points + 0.06 * style.knot * bumps(style, points, 70.0)[:, None] * (points - np.repeat(path, KNOT_STEPS, 0)) / style.knot
    around = np.abs(np.arange(KNOT_STEPS) / KNOT_STEPS * 2.0 - 1.0) * 9.0 * style.knot * np.pi
    uv = np.stack([np.tile(around, KNOT_ROWS), np.repeat(t[:, 0] * (3.0 * style.tail + 0.2), KNOT_STEPS)], -1)
    cover = np.repeat(np.where((t[:, 0] > 0.85) & (style.tail > 0), 1.1, 3.0), KNOT_STEPS)
    return points.astype(np.float32), uv.astype(np.float32), cover.astype(np.float32)
