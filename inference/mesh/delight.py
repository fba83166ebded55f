"""A texture without the light of its photo, as far as a smooth estimate goes.

Light from all sides on matte surfaces is nine numbers (Ramamoorthi and Hanrahan, An Efficient Representation for
Irradiance Environment Maps, SIGGRAPH 2001). They are fitted to what the photo shows of the skin, as if all of it had
one albedo, and divided out. What is not smooth over the directions of the surface stays: cast shadows, highlights, the
dark of nostrils and hair, and the colour of the light; a beard is taken for shade in part.
"""

import numpy as np

from ..geometry.curves import smooth_step
from ..photo.srgb import to_linear, to_srgb

ROUNDS, OUTLIER = 6, 0.15  # of the robust fit; share of the fitted value from which on errors count for less
FEWEST = 100  # samples
RIDGE = 0.02  # share of the samples by which what they do not tell is held near even light
RANGE = 0.6, 1.5  # shading beyond which it is cut: what is darker is hardly seen
TURNED = 0.0, 0.5  # cosine to the photo's camera over which the estimate comes to be used
LIGHT = to_linear(np.arange(256) / 255.0)  # of sRGB values uint8
LUMINANCE = np.float32([0.2126, 0.7152, 0.0722])  # ITU-R BT.709


class Light:
    """The light on a subject in its photo, as far as it is smooth over the directions of its surface."""

    def __init__(self, colours: np.ndarray, normals: np.ndarray, weight: np.ndarray) -> None:
        """colours: (n, 3) uint8 sRGB. normals: (n, 3) float32 unit vectors. weight: (n,) in [0, 1], how far each colour
        is that of skin in the photo. The light is even where there are too few to tell."""
        self._light, self._mean = None, 1.0
        chosen = np.flatnonzero(weight > 0.5)
        if len(chosen) >= FEWEST:
            bright, basis, weight = LIGHT[colours[chosen]] @ LUMINANCE, _basis(normals[chosen]), weight[chosen]
            self._light = _fit(basis, bright, weight)
            self._mean = np.average(basis @ self._light, weights=weight)

    def shading(self, normals: np.ndarray, facing: np.ndarray) -> np.ndarray:
        """Light relative to its mean on a surface with unit normals (n, 3) float32, (n,) float32 in :data:`RANGE`.

        facing: (n,), cosines to the photo's camera; 1 for what that does not see.
        """
        even = np.ones(len(normals), np.float32)
        if self._light is None:
            return even
        found = np.clip(_basis(normals) @ self._light / self._mean, *RANGE)
        return (even + smooth_step(*TURNED, facing) * (found - even)).astype(np.float32)


def without(colours: np.ndarray, shade: np.ndarray) -> np.ndarray:
    """Colours (..., 3) uint8 sRGB divided by shading (...) float32; what is brighter than white then is cut."""
    return np.rint(255.0 * to_srgb(np.minimum(LIGHT[colours] / shade[..., None], 1.0))).astype(np.uint8)


def _basis(normals):
    """The nine functions of normals (n, 3) that irradiance is made of, (n, 9) float32, without their constants."""
    x, y, z = normals.T
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], -1)


def _fit(basis, bright, weight):
    """Coefficients (9,) by least squares with weights that fall for what lies far off, as brows and lips do."""
    robust = weight
    hold = RIDGE * weight.sum() * np.eye(9)
    hold[0, 0] = 0.0
    for _ in range(ROUNDS):
        weighted = basis * robust[:, None]
        light = np.linalg.solve(weighted.T @ basis + hold, weighted.T @ bright)
        error = (bright - basis @ light) / np.maximum(basis @ light, 1e-3)
        robust = weight / (1.0 + (error / OUTLIER) ** 2)  # Cauchy's
    return light
