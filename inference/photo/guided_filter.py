"""The guided filter: an image takes over the edges of another."""

import cv2
import numpy as np


def guided_filter(guide: np.ndarray, image: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """An image (h, w) float32 whose edges lie where the guide's do, (h, w) float32.

    In every window the result is an affine function of the guide (He, Sun and Tang, "Guided image filtering", ECCV
    2010, equations 14 to 16). guide: (h, w, 3) float32 in [0, 1]. radius: of the windows, pixels. epsilon: variance of
    the guide that counts as an edge.
    """

    def mean(array):
        return cv2.boxFilter(array, -1, (2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)

    planes = cv2.split(guide)
    means, mean_image = [mean(plane) for plane in planes], mean(image)
    covariance = [mean(plane * image) - m * mean_image for plane, m in zip(planes, means, strict=True)]
    variance = [[mean(planes[a] * planes[b]) - means[a] * means[b] for b in range(3)] for a in range(3)]
    for k in range(3):
        variance[k][k] = variance[k][k] + epsilon
    slopes = solve_symmetric(variance, covariance)
    offset = mean_image - sum(slope * m for slope, m in zip(slopes, means, strict=True))
    return sum(mean(slope) * plane for slope, plane in zip(slopes, planes, strict=True)) + mean(offset)


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
