"""What columns hold, gone on in all directions: around the subject, behind the head and above the crown."""

import math

import cv2
import numpy as np

from ..geometry import domes
from ..geometry.curves import linear_step, smooth_step
from ..geometry.sampling import sample_image

EDGE = 0.06  # of u: the strip at the subject's edge whose mean stands for its side
HEIGHT = 0.02  # of v: standard deviation of the Gaussian that evens such means out
PASSING = 0.06  # of u and v: how far around the subject its own values pass into those
INSIDE = 0.06, 0.035  # metres from the dome's axis between which a point comes to be of the nape, not of the front
NAPE_Z = domes.AXIS_Z - 0.05  # metres; as if it were there, the nape is looked up behind the axis that it lies before
CROWN = 0.06  # of v: the strip above the upper border over which values become one
_TURN = math.pi / domes.MAX_AZIMUTH  # from the front to the back
AROUND = 0.5 * (_TURN + domes.AZIMUTH_WARP / math.pi * math.sin(math.pi * _TURN)) - 0.5  # of u, from a side border on


def all_round(values: np.ndarray, opacity: np.ndarray, fine: np.ndarray | None = None) -> np.ndarray:
    """Values (h, w + 2 d, 3) uint8 of columns in all directions, for :func:`look_up`.

    values: (n, m, 3) uint8 of the portrait's columns; opacity: (n, m) float32, of their surface. fine: (h, w, 3) uint8,
    the same in more columns, None where there are none. Its middle are the portrait's columns, its ends, at u = -AROUND
    and 1 + AROUND, meet behind the head. Around the subject its own values go on, and soon pass into the means of its
    two sides at that height.
    """
    solid = (opacity >= 0.5).astype(np.float32)
    left, right = _side(values, solid), _side(values[:, ::-1], solid[:, ::-1])
    fine = values if fine is None else fine
    height, width = fine.shape[:2]
    left, right = (cv2.resize(side, (1, height)) for side in (left, right))
    around = round(AROUND * width)
    away = (cv2.resize(solid, (width, height)) <= 0.5).astype(np.uint8)
    away = cv2.copyMakeBorder(away, 0, 0, around, around, cv2.BORDER_CONSTANT, value=1)
    share = smooth_step(0.0, PASSING, cv2.distanceTransform(away, cv2.DIST_L2, 5) / np.float32(width))[..., None]
    u = (np.arange(width + 2 * around, dtype=np.float32)[:, None] + 0.5 - around) / width
    to_right = np.where(u < 0.0, 0.5 * smooth_step(0.0, AROUND, -u), u)
    to_right = np.where(u > 1.0, 1.0 - 0.5 * smooth_step(0.0, AROUND, u - 1.0), to_right)
    found = cv2.copyMakeBorder(fine, 0, 0, around, around, cv2.BORDER_REFLECT).astype(np.float32)
    found += share * (left + to_right * (right - left) - found)
    return np.rint(found).astype(np.uint8)


def look_up(columns: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Values (n, 3) uint8 at points (n, 3) metres in any direction; columns: of :func:`all_round`.

    Above the columns' upper border, where they run together, values become one.
    """
    height, width = columns.shape[:2]
    u, v, radius = domes.dome_coordinates(points)
    inside = np.flatnonzero(radius < INSIDE[0])
    if inside.size:
        moved = np.array(points[inside])
        moved[:, 2] -= linear_step(*INSIDE, radius[inside]) * np.maximum(moved[:, 2] - NAPE_Z, 0.0)
        u[inside], _, _ = domes.dome_coordinates(moved)
    found = sample_image(columns, (u + AROUND) / (1.0 + 2.0 * AROUND) * width, np.clip(v, 0.0, 1.0) * height)
    above = np.flatnonzero(v < 0.0)
    if above.size:
        share = smooth_step(0.0, -CROWN, v[above])[:, None]
        crown = columns[: max(1, round(CROWN * height))].mean((0, 1))
        found[above] = np.rint((1.0 - share) * found[above] + share * crown)
    return found


def _side(values, solid):
    """Mean (h, 1, 3) float32 of the leftmost solid texels at every height, evened out; where there are none, of the
    next heights. values: (h, w, 3); solid: (h, w) float32, 0 or 1."""
    strip = solid * (np.cumsum(solid, axis=1) <= max(1.0, EDGE * solid.shape[1]))
    known = np.flatnonzero(strip.any(1))
    means = (values[known] * strip[known][..., None]).sum(1) / strip[known].sum(1)[:, None]
    heights = np.arange(len(solid))
    means = np.stack([np.interp(heights, known, mean) for mean in means.T], -1).astype(np.float32)
    return cv2.GaussianBlur(means[:, None], (1, 0), 1.0, None, HEIGHT * len(solid), cv2.BORDER_REPLICATE)
