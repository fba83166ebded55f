"""Directions all round a head, from a vertical line inside it: a spine through neck and skull that ends at eye level.

The dome that the manifolds lie on is seen from an axis behind the skull, and sees the front only. Seen from the spine
instead, a head is one radius per direction from all sides: horizontal rays up to eye level, rays from its end above.
s in [0, 1] runs round the head from the back over the subject's right side (x < 0), the face and the left side to the
back again; t runs from 0 at the crown to 1 at the portrait's lower border.
"""

import math

import cv2
import numpy as np

from ..geometry import domes

SPINE_Z = -0.045  # metres; of 60 synthetic necks and skulls all lie round it, from the crown to the lower border
WARP = 0.4  # relative extra density in the middle of the face
NEWTON = 12  # steps; seven are enough
CROWN_T = 0.48  # of t is spent above eye level: a quarter of a circle of 11 cm beside 18.5 cm below


def directions(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """s, t and radius in metres of points in portrait space. x, y, z: (h, w) float32 each; so are the results.

    t goes on beyond 1 below the lower border.
    """
    y = y - np.float32(domes.EQUATOR_Y)
    horizontal, azimuth = cv2.cartToPolar(np.float32(SPINE_Z) - z, -x)  # 0 right behind, pi in front
    above = np.maximum(y, 0.0)
    radius, elevation = cv2.cartToPolar(horizontal, above)
    s = azimuth * np.float32(0.5 / math.pi) - np.float32(0.5 * WARP / math.pi) * np.sin(azimuth)
    t = np.float32(CROWN_T) - elevation * np.float32(CROWN_T / (0.5 * math.pi))
    return s, t + (above - y) * np.float32((1.0 - CROWN_T) / (domes.EQUATOR_Y - domes.BOTTOM_Y)), radius


def rays(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the rays of a table's texels start and their unit directions, (height, width, 3) float32 each."""
    s, t = (np.arange(width) + 0.5) / width, (np.arange(height)[:, None] + 0.5) / height
    elevation = 0.5 * math.pi * np.maximum(1.0 - t / CROWN_T, 0.0)
    depth = np.maximum(t - CROWN_T, 0.0) / (1.0 - CROWN_T) * (domes.EQUATOR_Y - domes.BOTTOM_Y)
    start = np.zeros((height, width, 3), np.float32)
    start[..., 1], start[..., 2] = domes.EQUATOR_Y - depth, SPINE_Z
    return start, ray(s, elevation).astype(np.float32)


def ray(s: np.ndarray, elevation: np.ndarray) -> np.ndarray:
    """Unit directions (..., 3) float64 at s in [0, 1] and elevation in radians, which broadcast."""
    azimuth = 2.0 * math.pi * s
    for _ in range(NEWTON):  # the warp is monotonic
        azimuth = azimuth - (azimuth - WARP * np.sin(azimuth) - 2.0 * math.pi * s) / (1.0 - WARP * np.cos(azimuth))
    flat, up = -np.cos(elevation), np.sin(elevation)
    return np.stack(np.broadcast_arrays(flat * np.sin(azimuth), up, flat * np.cos(azimuth)), -1)
