"""The sheets of one subject: a band of domes close around the surface that the networks found.

The networks speak in *levels* of the model's sheets, which are the same for everybody and so must lie far apart to
hold every head and hair. The manifolds of a portrait run nearly parallel to its own surface instead, less than a
millimetre apart: wherever a surface crosses sheets at a steep angle, silhouettes would show the gaps between them.
"""

from collections.abc import Iterator

import numpy as np

from ..geometry.curves import smooth_step
from ..geometry.filling import continued
from ..geometry.grids import at_corners, at_texels
from .columns import GRID

SHEETS = 23  # GRAM, CVPR 2022, section 4.1: 23 sheets and the background plane
KNEE = 6  # model sheets outside the bulk of the population; the level runs evenly on either side of it
ROOM_OUTSIDE, ROOM_INSIDE = 0.0042, 0.0108  # metres from the surface to first and last sheet: softest hair, two noses
THINNEST = 0.012  # metres from the axis below which no sheet goes


def level_bounds(radii: np.ndarray) -> np.ndarray:
    """Outermost sheet, knee and innermost sheet of the model's radii (23, n, n): what its levels are measured by."""
    return radii[[0, KNEE, -1]]


def level_to_radius(bounds: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Radius, metres, of a level. bounds (3, ...) metres of :func:`level_bounds` and level (...) broadcast."""
    outer, bulk, inner = bounds
    steps = SHEETS - 1 - KNEE
    outside = outer + (bulk - outer) * (level / KNEE)
    return np.where(level < KNEE, outside, bulk + (inner - bulk) * ((level - KNEE) / steps))


def surface_radius(radii: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Radius (h, w) float32 metres of a surface at a level (h, w) of the model's sheets; radii (23, n, n) metres."""
    bounds = np.stack([at_texels(table, *level.shape) for table in level_bounds(radii)])
    return level_to_radius(bounds, level).astype(np.float32)


def radius_to_level(bounds: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Inverse of :func:`level_to_radius`."""
    outer, bulk, inner = bounds
    past = bulk - radius
    inside = np.maximum(past, 0.0) * ((SHEETS - 1 - KNEE) / (bulk - inner))
    return KNEE + np.minimum(past, 0.0) * (KNEE / (outer - bulk)) + inside


def place_sheets(radius: np.ndarray, valid: np.ndarray, count: int = SHEETS) -> np.ndarray:
    """Radii (count, 161, 161) float32 metres of sheets around a surface, outermost first, even along each column.

    radius (h, w) metres at texel centres; valid (h, w) bool where there is a surface, which is continued elsewhere.
    """
    surface = at_corners(continued(radius, valid), GRID)
    outer, inner = surface + ROOM_OUTSIDE, np.maximum(surface - ROOM_INSIDE, THINNEST)
    share = np.linspace(0.0, 1.0, count, dtype=np.float32)[:, None, None]
    return (outer + (inner - outer) * share).astype(np.float32)


def in_levels(
    radius: np.ndarray, softness: np.ndarray, outer: np.ndarray, inner: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Level of a surface among a subject's own sheets, and its softness in levels; the last sheet lets nothing pass.

    radius of the surface, its softness, and the radii of the outermost and the innermost of ``count`` sheets: (...)
    metres.
    """
    step = (outer - inner) / (count - 1)
    softness = softness / step
    return np.minimum((outer - radius) / step, count - 0.5 - softness), softness


def sheet_opacities(level: np.ndarray, softness: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """Shares of the rays into a column that each of ``count`` sheets ends, of those that reach it: the opacities of a
    soft surface, outermost sheet first.

    Where rays end is spread around the surface by a smoothstep, half of them in front of it, so what is composited
    shows it where it is, and a ray that grazes it fades as much on either side (opacities from a distribution of
    depths, as in NeuS, NeurIPS 2021). level (...) of the surface and softness (...), in levels of the subject's own
    sheets, on either side of it. Yields ``count`` arrays (...) in [0, 1].
    """
    after = _passing((-0.5 - level) / softness)
    for index in range(count):
        before, after = after, _passing((index + 0.5 - level) / softness)
        yield 1.0 - after / np.maximum(before, 1e-6)


def _passing(past):
    """Share of the rays that pass a point, which lies past the surface by ``past`` times its softness."""
    return smooth_step(1.0, -1.0, past)
