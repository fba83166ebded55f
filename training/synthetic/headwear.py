"""Headwear grown from the skull, as hair is: beanies, caps with a brim and headscarves; and scarves round the neck."""

import dataclasses

import numpy as np
import scipy.ndimage

from inference.geometry.curves import smooth_step

from .assets import Part
from .hood import CENTRE, TURN_ROW, bumps
from .tubes import tube

KINDS = ("beanie", "cap", "headscarf")
COLUMNS, ROWS = 81, 48  # of the crown's polar grid, as of hood
BRIM_COLUMNS, BRIM_ROWS, BRIM_WIDTH = 25, 12, np.deg2rad(62.0)  # half the angle that a brim spans
SCARF_POINTS, SCARF_STEPS = 48, 12
SCARF_OUT = 0.082  # metres from the axis: a scarf lies round the neck, not round the shoulders
ROUND_EAR = 0.020  # metres; cloth over an ear is this much further out
FACE = (-0.012, 0.088, 0.092)  # metres: height of the middle of a headscarf's opening, and how far it reaches up and down
DRAPE = 0.16  # metres from the axis: further out a headscarf does not reach over the shoulders


@dataclasses.dataclass
class Cloth:
    """colour: (3,) linear. pattern: size of the weave's streaks, across and along. contrast: of the weave."""

    colour: np.ndarray
    pattern: np.ndarray
    contrast: float


@dataclasses.dataclass
class Headwear:
    """kind: of KINDS. thickness: metres. edge: heights in metres of the lower edge in front, beside and behind, or,
    of a headscarf, degrees of half the opening, lowest place and unused. shape: (3,) in 0..1: slouch or brim."""

    kind: str
    thickness: float
    edge: np.ndarray
    shape: np.ndarray
    bumps: np.ndarray
    cloth: Cloth


def sample_cloth(rng):
    """Draw a :class:`Cloth`."""
    colour = np.exp(rng.uniform(np.log(0.008), np.log(0.5))) * (1.0 + rng.choice([0.1, 0.4]) * rng.normal(size=3))
    return Cloth(np.clip(colour, 0.006, 0.7), np.exp(rng.uniform(np.log(0.5), np.log(6.0), 2)), rng.uniform(0.15, 0.8))


def sample_headwear(rng, male):
    """Draw a :class:`Headwear`."""
    u = rng.uniform
    kind = KINDS[rng.choice(3, p=(0.45, 0.55, 0.0) if male else (0.3, 0.2, 0.5))]
    edge = {
        "beanie": (u(0.056, 0.080), u(-0.03, 0.042), u(-0.05, -0.01)), "cap": (u(0.066, 0.080), u(0.034, 0.05), u(0.0, 0.03)),
        "headscarf": (u(42.0, 56.0), u(-0.27, -0.17), 0.0),
    }[kind]  # fmt: skip
    return Headwear(kind, u(0.006, 0.012), np.array(edge), u(size=3), rng.normal(size=(10, 5)), sample_cloth(rng))


def _grid(name, kind, rows, columns):
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    a = (i * columns + j).ravel()
    triangles = np.concatenate([np.stack([a, a + columns, a + 1], -1), np.stack([a + 1, a + columns, a + columns + 1], -1)])
    return _part(name, kind, rows * columns, triangles)


def _part(name, kind, count, triangles):
    triangles = triangles.astype(np.int32)
    return Part(name, kind, np.arange(count), np.zeros((count, 2), np.float32), triangles, triangles)


def headwear_parts():
    """The :class:`Part` objects: crown, brim, scarf."""
    ring = np.stack([np.cos(np.arange(SCARF_POINTS)), np.arange(SCARF_POINTS), 0.0 * np.arange(SCARF_POINTS)], -1)
    verts, triangles = tube(ring, 1.0, True, SCARF_STEPS)
    return (_grid("headwear", "hat", ROWS, COLUMNS), _grid("brim", "hat", BRIM_ROWS, BRIM_COLUMNS),
            _part("scarf", "suit", len(verts), triangles))  # fmt: skip


def _unit(polar, azimuth):
    return np.stack([np.sin(polar) * np.sin(azimuth), np.cos(polar) + 0 * azimuth, np.sin(polar) * np.cos(azimuth)], -1)


def _layer(points, uv, cover=None):
    count = points[..., 0].size
    cover = np.ones(count) if cover is None else cover
    return tuple(np.asarray(x, np.float32) for x in (points.reshape(count, 3), uv.reshape(count, 2), cover.reshape(count)))


def _crown(style, skull, azimuth):
    """Points (ROWS, COLUMNS, 3) of a beanie or cap, down to its edge, where the cloth turns inwards."""
    degrees = np.rad2deg(np.abs(azimuth))
    line = np.interp(degrees, [0, 35, 85, 110, 180], style.edge[[0, 0, 1, 1, 2]])
    line = scipy.ndimage.gaussian_filter1d(line, 2.5, mode="wrap")
    steps = np.linspace(0.1, 2.3, 60)[:, None]
    heights = CENTRE[1] + skull.radius(_unit(steps, azimuth)) * np.cos(steps)
    row = np.maximum((heights > line).sum(0) - 1, 0)  # the last one above the edge
    upper, lower = heights[row, np.arange(COLUMNS)], heights[np.minimum(row + 1, 59), np.arange(COLUMNS)]
    last = steps[row, 0] + (steps[1, 0] - steps[0, 0]) * np.clip((upper - line) / np.maximum(upper - lower, 1e-6), 0, 1)
    part = np.minimum(np.arange(ROWS) / (ROWS - 3), 1.0)[:, None]
    polar = 0.002 + (last - 0.002) * part
    direction = _unit(polar, azimuth)
    lift = np.full(polar.shape, style.thickness)
    surface = CENTRE + skull.radius(direction)[..., None] * direction
    low = line[None] < 0.03  # over the ears
    near = np.exp(-(((degrees - 90) / 24.0) ** 2)) * smooth_step(0.07, 0.02, surface[..., 1])
    lift += ROUND_EAR * near * low
    if style.kind == "beanie":
        behind = np.exp(-(((surface - (0.0, 0.12, -0.06)) / 0.06) ** 2).sum(-1))
        lift += 0.035 * style.shape[0] ** 2 * behind + 0.003 * np.sqrt(style.shape[0]) * bumps(style, surface, 35.0)
        lift += 0.004 * smooth_step(0.75, 0.8, part) * (style.shape[1] > 0.4)  # a cuff
        lift += 0.0007 * np.sin(60.0 * azimuth) * np.sin(polar)
    else:
        lift += 0.012 * np.exp(-(((surface - (0.0, 0.12, 0.06)) / 0.05) ** 2).sum(-1))  # stiff in front
        lift += 0.0012 * np.maximum(np.cos(6.0 * azimuth) - 0.9, 0.0) * 10.0 * (part < 0.9)  # seams
    lift[-2:] = np.stack([lift[-3] * 0.6, lift[-3] * 0.0 - 0.002])
    return surface + lift[..., None] * direction, np.stack([azimuth * 0.9 + 0 * polar, polar * 0.5], -1)


def _brim(style, crown):
    """Points (BRIM_ROWS, BRIM_COLUMNS, 3) of a cap's brim: out above and back below."""
    azimuth = np.linspace(-np.pi, np.pi, COLUMNS)
    angle = np.linspace(-BRIM_WIDTH, BRIM_WIDTH, BRIM_COLUMNS)
    root = np.stack([np.interp(angle, azimuth, crown[-3][:, i]) for i in range(3)], -1)
    out = np.abs(np.abs(np.linspace(-1.0, 1.0, BRIM_ROWS)) - 1.0)[:, None]
    length = (0.045 + 0.03 * style.shape[0]) * np.sqrt(np.maximum(1.0 - (angle / BRIM_WIDTH) ** 2, 0.0))
    points = root + (out * length)[..., None] * _unit(np.full(BRIM_COLUMNS, np.pi / 2), angle * 0.35)
    points[..., 1] += 0.002 - out * length * (0.1 + 0.4 * style.shape[1])
    points[..., 1] -= (1.0 + 5.0 * style.shape[2]) * points[..., 0] ** 2 * out
    points[BRIM_ROWS // 2 :, :, 1] -= 0.003 * np.minimum(out * length / 0.02, 1.0)[BRIM_ROWS // 2 :]
    return points, np.stack([points[..., 0] * 6.0, points[..., 2] * 6.0], -1)


def _headscarf(style, skull, azimuth):
    """Points (ROWS, COLUMNS, 3), uv and cover of a headscarf: over the skull, then down round face and neck."""
    polar = np.concatenate([np.linspace(0.002, np.pi / 2, TURN_ROW), np.full(ROWS - TURN_ROW, np.pi / 2)])[:, None]
    fall = np.clip((np.arange(ROWS) - TURN_ROW + 1) / (ROWS - TURN_ROW), 0.0, 1.0)[:, None]
    direction = _unit(polar, azimuth)
    points = CENTRE + (skull.radius(direction) + style.thickness)[..., None] * direction
    points[..., 1] += fall * (style.edge[1] - CENTRE[1])
    height = points[..., 1]
    out = np.hypot(points[..., 0] - CENTRE[0], points[..., 2] - CENTRE[2])
    around = np.broadcast_to(azimuth, height.shape)
    body = skull.body_radius(height, around) + 0.4 * style.thickness
    stuck = np.zeros(height.shape)
    for i in range(TURN_ROW, ROWS):
        drawn = np.clip(body[i], 0.975 * out[i - 1], out[i - 1] + 0.022)  # cloth spans hollows, and lies on the shoulders
        stuck[i] = np.maximum(body[i] - drawn - 0.01, stuck[i - 1])
        out[i] = drawn
    out[:, -1] = out[:, 0]
    smooth = scipy.ndimage.gaussian_filter(out[:, :-1], 2.0, mode=("nearest", "wrap"))
    out = np.where(fall > 0, np.concatenate([smooth, smooth[:, :1]], 1), out)
    folds = np.sin(3.0 * around + height * 45.0 + style.bumps[0, 0]) * np.sin(7.0 * around - height * 20.0 + style.bumps[1, 0])
    out = out + (0.0025 + 0.0035 * style.shape[0]) * folds * np.clip(fall * 3.0, 0.0, 1.0) + 0.003 * (fall > 0)
    points[..., 0] = np.where(fall > 0, CENTRE[0] + out * np.sin(around), points[..., 0])
    points[..., 2] = np.where(fall > 0, CENTRE[2] + out * np.cos(around), points[..., 2])
    points += (0.002 * bumps(style, points, 40.0) * (fall == 0))[..., None] * direction
    middle, up, down = FACE
    rise = (height - middle) / np.where(height > middle, up, down)
    opening = np.hypot(np.rad2deg(around) / style.edge[0], rise) - 1.0
    cover = np.minimum(opening, np.minimum(DRAPE - out, 0.02 - stuck) * 20.0)
    return points, np.stack([around * 0.6, height * 4.0], -1), np.clip(cover * 4.0, -1.0, 1.0)


def grow_headwear(style, skull, parts):
    """Layers of a :class:`Headwear`: list of (part, points (n, 3), uv (n, 2), cover (n,)). parts: :func:`headwear_parts`."""
    azimuth = np.linspace(-np.pi, np.pi, COLUMNS)
    if style.kind == "headscarf":
        return [(parts[0], *_layer(*_headscarf(style, skull, azimuth)))]
    points, uv = _crown(style, skull, azimuth)
    layers = [(parts[0], *_layer(points, uv))]
    if style.kind == "cap":
        layers.append((parts[1], *_layer(*_brim(style, points))))
    return layers


def grow_scarf(numbers, skull, parts):
    """The layer of a scarf round the neck, as of :func:`grow_headwear`. numbers: (6,) in 0..1."""
    around = np.arange(SCARF_POINTS) / SCARF_POINTS * 2.0 * np.pi
    height = -0.130 - 0.015 * numbers[0] - (0.010 + 0.015 * numbers[1]) * np.cos(around)
    radius = (0.020 + 0.012 * numbers[2]) * (1.0 + 0.18 * np.sin(3.0 * around + 6.0 * numbers[3]) + 0.1 * np.sin(8.0 * around))
    out = np.minimum(skull.body_radius(height, (around + np.pi) % (2 * np.pi) - np.pi), SCARF_OUT)
    out = scipy.ndimage.gaussian_filter1d(out, 2.0, mode="wrap") + 0.3 * radius
    path = np.stack([CENTRE[0] + out * np.sin(around), height, CENTRE[2] + out * np.cos(around)], -1)
    points = tube(path, radius, True, SCARF_STEPS)[0].reshape(SCARF_POINTS, SCARF_STEPS, 3)
    turn = np.arange(SCARF_STEPS) / SCARF_STEPS * 2.0 * np.pi
    crease = 0.14 * np.sin(3.0 * turn + 2.0 * around[:, None] + 6.0 * numbers[4])
    points = points + crease[..., None] * (points - path[:, None])
    uv = np.stack(np.broadcast_arrays(np.abs(np.sin(0.5 * turn)), around[:, None] * 0.5), -1)
    return parts[2], *_layer(points, uv)
