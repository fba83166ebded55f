"""Which triangle lies under each texel of a texture, and what its corners' values come to there."""

import numpy as np

from .raster import rasterise

STRIP = 128  # rows of texels that are worked on at once: bounds the memory


class Texels:
    """Triangles drawn into a square texture.

    corners: (m, 3, 2) float, texture coordinates of the triangles' corners in [0, 1], v up. side: texels.
    A texel belongs to the triangle that its centre lies in; of several, to the last.
    """

    def __init__(self, corners: np.ndarray, side: int) -> None:
        self.side = side
        places = np.stack([corners[..., 0] * side, (1.0 - corners[..., 1]) * side], -1)
        drawn = rasterise(places, side, side)
        self.index = np.full(side * side, -1, np.int32)
        self.index[drawn.pixel] = drawn.triangle
        self.index = self.index.reshape(side, side)
        self._first = places[:, 0].astype(np.float32)
        edges = (places[:, 1:] - places[:, :1]).astype(np.float64)
        area = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
        flat = area == 0.0
        inverse = np.stack([edges[:, 1, 1], -edges[:, 0, 1], -edges[:, 1, 0], edges[:, 0, 0]], -1)
        inverse /= np.where(flat, 1.0, area)[:, None]
        self._inverse = np.where(flat[:, None], 0.0, inverse).astype(np.float32).reshape(-1, 2, 2)

    @property
    def covered(self) -> np.ndarray:
        """(side, side) bool."""
        return self.index >= 0

    def values(self, rows: slice, *corners: np.ndarray) -> tuple[np.ndarray, ...]:
        """Values at the covered texels of some rows, linear over each triangle.

        corners: (m, 3, c) float32, of the triangles' corners. Returns where they are, (h, side) bool, and (n, c) each.
        """
        index = self.index[rows]
        covered = index >= 0
        row, column = np.nonzero(covered)
        index = index[covered]
        away = np.stack([column, row + rows.start], -1) + np.float32(0.5) - self._first[index]
        share = np.einsum("ni,nij->nj", away, self._inverse[index])
        share = np.clip(share, 0.0, 1.0)[:, :, None]
        found = []
        for values in corners:
            first, second, third = (values[index, corner] for corner in range(3))
            found.append(first + share[:, 0] * (second - first) + share[:, 1] * (third - first))
        return covered, *found


def strips(side: int) -> list[slice]:
    """Slices of rows that together are a texture of so many."""
    return [slice(first, min(first + STRIP, side)) for first in range(0, side, STRIP)]
