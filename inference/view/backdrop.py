"""The photo's background behind the head, continued softly where the photo ends."""

import functools

import cv2
import numpy as np

from ..geometry.background import BACKGROUND_HALF, BACKGROUND_Z
from ..geometry.cameras import Camera
from ..geometry.curves import smooth_step
from ..geometry.sampling import sample_image
from .rays import NEAR

# Standard deviation of the blur, and between which distances from the photo it sets in; sides of the photo, chosen by
# eye. The photo is mirrored at its border, and the blurs take away what would be known again.
BLURS = ((0.02, 0.0, 0.08), (0.06, 0.08, 0.3), (0.2, 0.3, 0.8))
BEND = 0.1  # metres by which the continuation recedes per metre, so that a neighbour's own photo lies before it


def composite_backdrop(
    texture: np.ndarray, camera: Camera, frame: np.ndarray, where: np.ndarray | None = None
) -> None:
    """Put the background plane behind everything in ``frame``, planes (5, H, W) as of `render_layers`.

    texture: (h, w, 4) uint8. where: (H, W) bool, the pixels that are wanted. The plane has no end: it is seen wherever
    a ray goes to it.
    """
    if where is not None:
        row, column = np.nonzero(where)
        chosen = frame[:, row, column]
        _composite(texture, camera, chosen, column + 0.5, row + 0.5)
        frame[:, row, column] = chosen
    else:
        _composite(texture, camera, frame, *np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5))


def _composite(texture, camera, frame, x, y):
    """The same for pixels at x, y (...), of which ``frame`` has planes (5, ...)."""
    origins, directions = camera.rays(x, y)
    towards = directions @ camera.camera_to_world[:3, 2]  # minus the cosine to the view axis
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (BACKGROUND_Z - origins[..., 2]) / directions[..., 2]
        depth = -t * towards
        hit = (depth > NEAR) & (directions[..., 2] < 0.0)
        u = np.where(hit, 0.5 * ((origins[..., 0] + t * directions[..., 0]) / BACKGROUND_HALF + 1.0), 0.0)
        v = np.where(hit, 0.5 * (1.0 - (origins[..., 1] + t * directions[..., 1]) / BACKGROUND_HALF), 0.0)
    depth = np.where(hit, depth + 2.0 * BACKGROUND_HALF * BEND * beyond(u, v), 0.0)
    height, width = texture.shape[:2]
    x, y = np.clip((u + 1.0) * width, 0.5, 3 * width - 0.5), np.clip((v + 1.0) * height, 0.5, 3 * height - 0.5)
    rgba = sample_image(continued(texture), x, y)
    weight = np.where(hit, rgba[..., 3] / 255.0 * (1.0 - frame[3]), 0.0).astype(np.float32)
    for channel in range(3):
        frame[channel] += weight * (rgba[..., channel] / np.float32(255.0))
    frame[3] += weight
    frame[4] += weight * depth.astype(np.float32)


def beyond(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """How far outside of the photo u, v (...) are, in its sides; 0 inside."""
    return np.hypot(*(np.maximum(np.abs(value - 0.5) - 0.5, 0.0) for value in (u, v)))


def continued(texture: np.ndarray) -> np.ndarray:
    """A background (h, w, 4) uint8 with as much of its continuation on every side: (3 h, 3 w, 4) uint8.

    Those of the last few portraits are kept.
    """
    return _continue(np.ascontiguousarray(texture).tobytes(), texture.shape)


@functools.lru_cache(maxsize=4)
def _continue(data, shape):
    height, width = shape[:2]
    texture = np.frombuffer(data, np.uint8).reshape(shape)
    mirrored = cv2.copyMakeBorder(texture, height, height, width, width, cv2.BORDER_REFLECT).astype(np.float32)
    columns, rows = np.arange(3 * width) + 0.5, np.arange(3 * height) + 0.5
    away = beyond(*np.meshgrid(columns / width - 1.0, rows / height - 1.0)).astype(np.float32)[..., None]
    result = mirrored
    for sigma, first, last in BLURS:
        blurred = cv2.GaussianBlur(mirrored, (0, 0), sigma * width, sigmaY=sigma * height)
        result = result + smooth_step(first, last, away) * (blurred - result)
    return np.rint(result).astype(np.uint8)
