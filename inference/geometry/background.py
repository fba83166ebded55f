"""The background manifold: a plane behind the head."""

import numpy as np

BACKGROUND_Z = -0.16  # metres; behind every head (GRAM has -0.12 of its units, about 0.14 m)
BACKGROUND_HALF = 0.26  # metres; it covers x and y in +-0.26, what a crop's camera sees there


def background_points(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Points (..., 3) metres of the plane at u, v (...) in [0, 1]; v = 0 is its upper border."""
    x, y = (2.0 * u - 1.0) * BACKGROUND_HALF, (1.0 - 2.0 * v) * BACKGROUND_HALF
    return np.stack([x, y, np.full_like(x, BACKGROUND_Z)], -1)
