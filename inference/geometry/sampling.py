"""Bilinear and trilinear look-ups at scattered places."""

import cv2
import numpy as np

_WIDEST = 32766  # columns that cv2.remap takes


def sample_image(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear look-up, clamped at the border.

    image: (h, w) or (h, w, c), uint8 or float32. x, y: (...) float, texels; the centre of the first texel is 0.5.
    Returns (...) or (..., c) of the image's type.
    """
    shape, size = np.shape(x), np.size(x)
    if not size:
        return np.zeros((*shape, *image.shape[2:]), image.dtype)
    rows = -(-size // _WIDEST)
    maps = np.zeros((2, rows, -(-size // rows)), np.float32)
    for flat, values in zip(maps.reshape(2, -1), (x, y), strict=True):
        flat[:size] = np.ravel(values)
        flat -= np.float32(0.5)
    found = cv2.remap(image, maps[0], maps[1], cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    return found.reshape(-1, *image.shape[2:])[:size].reshape(*shape, *image.shape[2:])


def sample_volume(volume: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Trilinear look-up, clamped at the border.

    volume: (d, h, w, c) float32. x, y, z: (n,) float, voxels; the centre of the first voxel is 0.5. Returns (n, c).
    """
    depth, height, width = volume.shape[:3]
    y, z = np.minimum(np.maximum(y, 0.5), height - 0.5), np.minimum(np.maximum(z - 0.5, 0.0), depth - 1)
    low = np.minimum(np.floor(z), max(depth - 2, 0))
    slices = volume.reshape(depth * height, width, -1)  # one below the other: y stays inside its own
    near = sample_image(slices, x, y + low * height)
    if depth == 1:
        return near
    far = sample_image(slices, x, y + (low + 1.0) * height)
    far -= near
    far *= (z - low)[:, None]
    return np.add(near, far, out=near)
