"""Surfaces as wrong as on photos of the world.

There the networks miss the photo's silhouette by more than on any synthetic head: on 40 test portraits, 640 pixels of a crop show
the subject more than 5 mm beside the surface, on 32 synthetic heads 80. A completion that has seen only the latter learns
to trust the networks rather than the silhouette, and takes back what that has mended.
"""

import cv2
import numpy as np

from inference.geometry.curves import linear_step, softmax
from inference.geometry.grids import at_texels
from inference.inversion.columns import SKIN
from inference.inversion.sheets import THINNEST, level_bounds, level_to_radius, radius_to_level

# With these, 650 pixels of 24 synthetic heads lie more than 5 mm beside the surface.
DISPLACED = 0.003, 0.016  # metres, the standard deviation of the displacement
LEAN = -0.3, 0.7  # of them, by how much and how variously its mean is off: heads of the world are larger
CELLS = 4, 11  # of its noise, per side: it changes over 2 to 5 cm
ASIDE = 0.14, 0.24  # share of the dome's azimuth from its middle between which skin comes to be displaced


def displaced(outputs, radii, rng):
    """Outputs of DetailManifolds, arrays, with another surface: wrong by a smooth random field where hair, clothes and ears
    are. radii (23, n, n) metres of the sheets; rng: numpy's generator.
    """
    level, *others = outputs
    parts, size = softmax(others[-1][0]), level.shape[-1]
    cells = rng.integers(*CELLS)
    field = cv2.resize(rng.normal(rng.normal(*LEAN), 1.0, (cells, cells)), (size, size), interpolation=cv2.INTER_CUBIC)
    aside = np.abs((np.arange(size) + 0.5) / size - 0.5)
    where = 1.0 - parts[SKIN] * linear_step(*ASIDE[::-1], aside)
    moved = np.exp(rng.uniform(*np.log(DISPLACED))) * field * where
    bounds = np.stack([at_texels(table, size, size) for table in level_bounds(radii)])
    radius = np.maximum(level_to_radius(bounds, level[0, 0]) + moved, THINNEST)
    return [radius_to_level(bounds, radius)[None, None].astype(np.float32), *others]
