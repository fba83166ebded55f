"""Mattes that people bring: a grey picture as large as the photo, white where the subject is."""

import numpy as np

from ..errors import MatteUnusable, PhotoUnusable
from ..files import PathLike
from .open import open_with_alpha, printable_name

SAME_ASPECT = 0.01  # relative difference between the proportions of pictures that one another's pixels belong to
BLACK = 8  # of 255; a matte that is nowhere lighter shows nobody


def open_matte(path: PathLike, photo_size: tuple[int, int]) -> np.ndarray:
    """Read the matte of a photo.

    path: a picture of the kinds that photos may be. Its alpha is taken where it is not opaque everywhere, else its
    brightness. photo_size: (width, height) of the upright photo in pixels.
    Returns (height, width) uint8. Raises MatteUnusable, a PortraitError.
    """
    try:
        pixels, alpha = open_with_alpha(path)
    except PhotoUnusable as error:
        raise MatteUnusable(f"the matte cannot be used: {error}") from None
    return fitted_matte(brightness(pixels) if alpha is None else alpha, photo_size, printable_name(path))


def fitted_matte(matte: np.ndarray, photo_size: tuple[int, int], name: str) -> np.ndarray:
    """A matte (h, w) uint8 as large as its photo, (height, width) uint8. Raises MatteUnusable.

    photo_size: (width, height) in pixels. name: of the matte, for messages.
    """
    height, width = matte.shape
    if matte.max() <= BLACK:
        raise MatteUnusable(f"the matte {name} is black all over; it must be white where the subject is")
    if abs(width * photo_size[1] / (height * photo_size[0]) - 1.0) > SAME_ASPECT:
        raise MatteUnusable(
            f"the matte {name} has {width} x {height} pixels, the upright photo {photo_size[0]} x {photo_size[1]}; "
            "make it as large as the photo"
        )
    if (width, height) == tuple(photo_size):
        return matte
    import cv2

    shrinks = width > photo_size[0]
    return cv2.resize(matte, photo_size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def brightness(pixels: np.ndarray) -> np.ndarray:
    """Rec. 601 luma (h, w) uint8 of colours (h, w, 3) uint8."""
    import cv2

    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
