"""How far around the head domes reach, and the way between domes that differ in it.

A portrait's domes go a quarter of a turn to either side: there a head is widest, and there its silhouette lies when it
is seen from the front. Networks and portrait files from before know less of the sides.
"""

import math
from typing import NamedTuple

import numpy as np

NEWTON = 20  # steps; the warp is monotonic, with slope in [1 - warp, 1 + warp]


class Reach(NamedTuple):
    """Which directions around the axis domes have textures for.

    azimuth: radians to either side of the front. warp: in [0, 1), relative extra texel density in the middle.
    """

    azimuth: float
    warp: float

    def u(self, azimuth: np.ndarray) -> np.ndarray:
        """Texture coordinate (...) of directions (...) in radians, of their type; in [0, 1] within reach."""
        share = azimuth / self.azimuth
        return 0.5 + 0.5 * (share + self.warp / math.pi * np.sin(math.pi * share))

    def direction(self, u: np.ndarray) -> np.ndarray:
        """Directions (...) float64 in radians of texture coordinates (...); inverse of :meth:`u`."""
        goal = 2.0 * np.asarray(u, np.float64) - 1.0
        share = goal.copy()
        for _ in range(NEWTON):
            value = share + self.warp / math.pi * np.sin(math.pi * share) - goal
            share = share - value / (1.0 + self.warp * np.cos(math.pi * share))
        return share * self.azimuth


REACH = Reach(math.radians(90.0), 0.44)  # of a portrait; with this warp the face has as many texels as by NARROW
NARROW = Reach(math.radians(75.0), 0.2)  # of models and portrait files that do not say


def across(u: np.ndarray, reach: Reach, other: Reach) -> np.ndarray:
    """Texture coordinates (...) float64 of other domes in the directions of u (...) of domes of a reach."""
    return other.u(reach.direction(u))


def respread(planes: np.ndarray, reach: Reach, other: Reach = REACH, corners: bool = False) -> np.ndarray:
    """Planes (..., w) over the u of domes of a reach as they are over that of others, linear between columns; beyond
    their reach the outermost column goes on. float32, or as they are where both reach the same.

    corners: the planes' outermost columns stand at u = 0 and 1, and not half a texel inside of them.
    """
    if reach == other:
        return planes
    width = planes.shape[-1]
    u = np.linspace(0.0, 1.0, width) if corners else (np.arange(width) + 0.5) / width
    there = across(u, other, reach)
    x = np.clip(there * (width - 1) if corners else there * width - 0.5, 0.0, width - 1.0)
    left = np.minimum(x.astype(np.int64), max(width - 2, 0))
    share = np.float32(x - left)
    return planes[..., left] * (1.0 - share) + planes[..., np.minimum(left + 1, width - 1)] * share
