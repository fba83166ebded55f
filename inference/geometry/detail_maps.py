"""Detail maps: signed residuals of colour over the dome's texture coordinates, finer than the textures.

They are kept as (h, w, 3) uint8, in levels of sRGB added to NO_DETAIL.
"""

import math

import cv2
import numpy as np

NO_DETAIL = 128  # value that changes nothing
MAX_SIDE = 1024  # texels per side: those of a head then lie .35 mm apart, about a pixel of a 1024 x 1024 view
SPAN = 0.36  # metres of a head's surface that a map covers in the middle of the face, the mean of across and down
SHARPER = 1.5  # texels per pixel, so that bilinear look-ups blur little and small views do not sparkle


def side_for(pixel: float) -> int:
    """Texels per side of the map for pixels that cover so many metres of the surface."""
    return max(1, math.ceil(min(SHARPER * SPAN / pixel, MAX_SIDE)))


def encode(residual: np.ndarray) -> np.ndarray:
    """A map from residuals (h, w, 3) float32 of sRGB values in [0, 1]; what is stronger than half is cut."""
    return np.rint(255.0 * np.clip(residual, -0.5, 127 / 255) + NO_DETAIL).astype(np.uint8)


def decode(levels: np.ndarray) -> np.ndarray:
    """Residuals float32 of a map's values uint8, of the same shape."""
    return (levels - np.float32(NO_DETAIL)) * np.float32(1 / 255)


def reduced(detail: np.ndarray, pixel: float) -> np.ndarray:
    """A map (h, w, 3) uint8 averaged over the areas that pixels cover, so that small views do not sparkle.

    pixel: metres of the surface across one. A map that is as coarse already is given back as it is.
    """
    side = side_for(pixel)
    if side >= max(detail.shape[:2]):
        return detail
    return cv2.resize(detail, (side, side), interpolation=cv2.INTER_AREA)
