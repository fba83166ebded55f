"""Bilinear look-ups at scattered places."""

import cv2
import numpy as np

_WIDTH = 4096  # cv2.remap takes at most 32766 columns


def sample_image(image, x, y):
    """Bilinear look-up, clamped at the border.

    image: (h, w) or (h, w, c), uint8 or float32. x, y: (...) float, texels; the centre of the first texel is 0.5.
    Returns (...) or (..., c) of the image's type.
    """
    shape, size = np.shape(x), np.size(x)
    maps = np.zeros((2, -(-size // _WIDTH), _WIDTH), np.float32)
    for flat, values in zip(maps.reshape(2, -1), (x, y), strict=True):
        flat[:size] = np.ravel(values)
        flat -= np.float32(0.5)
    found = cv2.remap(image, maps[0], maps[1], cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    return found.reshape(-1, *image.shape[2:])[:size].reshape(*shape, *image.shape[2:])
