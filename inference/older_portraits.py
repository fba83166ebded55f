"""Portraits of files before version 3, whose domes reach 75 degrees to either side, on the domes of today."""

import numpy as np

from .geometry.reach import NARROW, REACH, across, respread


def on_todays_domes(
    textures: np.ndarray, radii: np.ndarray, detail: np.ndarray | None, parts: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]:
    """What such a file holds over texture coordinates, in the shapes and types of :class:`.portrait.Portrait`.

    Beyond their reach sheets are empty, as they were; their radii, details and parts go on.
    """
    width = textures.shape[2]
    within = np.abs(across((np.arange(width) + 0.5) / width, REACH, NARROW) - 0.5) <= 0.5
    textures = np.stack([*map(_image, textures[:-1]), textures[-1]])
    textures[:-1, ..., 3] *= within
    detail, parts = (None if image is None else _image(image) for image in (detail, parts))
    return textures, respread(radii, NARROW, corners=True), detail, parts


def _image(pixels):
    """An image (h, w, c) uint8 over texture coordinates."""
    return np.rint(respread(pixels.swapaxes(1, 2).astype(np.float32), NARROW)).astype(np.uint8).swapaxes(1, 2)
