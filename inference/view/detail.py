"""The photo's detail in a view: looked up once a pixel, at the depth of what the sheets show, and added to it."""

import cv2
import numpy as np

from ..geometry import detail_maps
from .rays import CameraRays
from .shells import Place


def detail_for(detail: np.ndarray, rays: CameraRays, nearest: float) -> np.ndarray:
    """A detail map (h, w, 3) uint8 as fine as the pixels of a camera; nearest: metres below which no head is seen."""
    return detail_maps.reduced(detail, pixel_of(rays, nearest))


def pixel_of(rays: CameraRays, nearest: float) -> float:
    """Metres of the head that a pixel of a camera covers; nearest: as of :func:`detail_for`."""
    pixel = 1.0 / max(rays.camera.pixels_per_unit())
    return pixel if rays.camera.ortho_width is not None else pixel * max(rays.middle, nearest)


def add_detail(
    frame: np.ndarray,
    detail: np.ndarray,
    start: np.ndarray,
    way: np.ndarray,
    middle: float,
    index: np.ndarray,
    place: Place,
) -> None:
    """Add a detail map (h, w, 3) uint8 to some pixels of a frame.

    frame: (5, pixels) float32, premultiplied colours, alpha, and alpha times depth, which tells where on the dome a
    pixel's ray ends. start, way: (3, n) rays of its pixels index (n,), as of :meth:`.rays.CameraRays.tile`; middle:
    their depth at the start. place: for as many rays.
    """
    which = np.flatnonzero(frame[3, index] > 0.0)
    if not which.size:
        return
    index = index[which]
    alpha = frame[3, index]
    place.resize(len(index))
    place.move(start[:, which], way[:, which], frame[4, index] / alpha - np.float32(middle))
    height, width = detail.shape[:2]
    x, y = place.u * np.float32(width) - np.float32(0.5), place.v * np.float32(height) - np.float32(0.5)
    beyond = (detail_maps.NO_DETAIL,) * 3
    found = cv2.remap(detail, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_CONSTANT, beyond)[0]
    for plane, levels in zip(frame[:3], found.T, strict=True):
        plane[index] = np.clip(plane[index] + alpha * detail_maps.decode(levels), 0.0, alpha)
