"""The guided filter: an image takes over the edges of another."""

import cv2
import numpy as np


def guided_filter(guide: np.ndarray, image: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """An image (h, w) float32 whose edges lie where the guide's do, (h, w) float32.

    In every window the result is an affine function of the guide (He, Sun and Tang, "Guided image filtering", ECCV
    2010, equations 14 to 16). guide: (h, w, c) float32 in [0, 1], c 1 or 3. radius: of the windows, pixels. epsilon:
    variance of the guide that counts as an edge.
    """
    return apply_affine(guided_affine(guide, image, radius, epsilon), guide)


def guided_affine(guide: np.ndarray, image: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """The affine functions of the guide that :func:`guided_filter` applies, (h, w, c + 1) float32: slopes and offset.

    They vary slowly: enlarged, they serve the same guide at a finer resolution (He and Sun, "Fast guided filter",
    arXiv 1505.00996, 2015).
    """

    def mean(array):
        return cv2.boxFilter(array, -1, (2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)

    planes = cv2.split(guide)
    means, mean_image = [mean(plane) for plane in planes], mean(image)
    covariance = [mean(plane * image) - m * mean_image for plane, m in zip(planes, means, strict=True)]
    channels = range(len(planes))
    variance = [[mean(planes[a] * planes[b]) - means[a] * means[b] for b in channels] for a in channels]
    for k in channels:
        variance[k][k] = variance[k][k] + epsilon
    slopes = solve_symmetric(variance, covariance) if len(planes) == 3 else [covariance[0] / variance[0][0]]
    offset = mean_image - sum(slope * m for slope, m in zip(slopes, means, strict=True))
    return cv2.merge([mean(slope) for slope in slopes] + [mean(offset)])


def apply_affine(affine: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """What affine functions (..., c + 1) make of a guide (..., c): (...) float32."""
    return (affine[..., :-1] * guide).sum(-1) + affine[..., -1]


def solve_symmetric(matrix: list, right: list) -> list:
    """Solutions of symmetric 3 x 3 systems, one for each pixel of planes (h, w): three planes float32.

    By Cramer's rule in double precision, many times faster than a LAPACK call for each. matrix: rows of planes.
    """
    (a, b, c), (_, d, e), (_, _, f) = (np.asarray(row, np.float64) for row in matrix)
    ab, ac, bc = c * e - b * f, b * e - c * d, b * c - a * e  # cofactors beside the diagonal
    adjugate = [d * f - e * e, ab, ac], [ab, a * f - c * c, bc], [ac, bc, a * d - b * b]
    scale = 1.0 / (a * adjugate[0][0] + b * ab + c * ac)
    x, y, z = right
    return [((first * x + second * y + third * z) * scale).astype(np.float32) for first, second, third in adjugate]
