"""The guided filter: an image takes over the edges of another."""

import cv2
import numpy as np


def guided_filter(guide: np.ndarray, image: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """An image (h, w) float32 whose edges lie where the guide's do, (h, w) float32.

    In every window the result is an affine function of the guide (He, Sun and Tang, "Guided image filtering", ECCV
    2010, equations 14 to 16). guide: (h, w, c) float32 in [0, 1]. radius: of the windows, pixels. epsilon: variance of
    the guide that counts as an edge.
    """
    return apply_affine(guided_affine(guide, image, radius, epsilon), guide)


def guided_affine(guide: np.ndarray, image: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """The affine functions of the guide that :func:`guided_filter` applies, (h, w, c + 1) float32: slopes and offset.

    They vary slowly: enlarged, they serve the same guide at a finer resolution (He and Sun, "Fast guided filter",
    arXiv 1505.00996, 2015).
    """

    def mean(array):
        return cv2.boxFilter(array, -1, (2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)

    channels = range(guide.shape[2])
    mean_guide, mean_image = np.dstack([mean(guide)]), mean(image)
    covariance = np.stack([mean(guide[..., k] * image) - mean_guide[..., k] * mean_image for k in channels], -1)
    variance = np.empty((*image.shape, len(channels), len(channels)), np.float32)
    for a in channels:
        for b in channels[a:]:
            variance[..., a, b] = mean(guide[..., a] * guide[..., b]) - mean_guide[..., a] * mean_guide[..., b]
            variance[..., b, a] = variance[..., a, b]
    variance += epsilon * np.eye(len(channels), dtype=np.float32)
    slope = np.linalg.solve(variance, covariance[..., None])[..., 0]
    offset = mean_image - (slope * mean_guide).sum(-1)
    return np.dstack([mean(slope), mean(offset)])


def apply_affine(affine: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """What affine functions (h, w, c + 1) make of a guide (h, w, c): (h, w) float32."""
    return (affine[..., :-1] * guide).sum(-1) + affine[..., -1]
