"""Which triangle lies under each texel of a texture, and what its corners' values come to there."""

import numpy as np

STRIP = 128  # rows of texels that are worked on at once: bounds the memory


class Texels:
    """Triangles drawn into a square texture.

    corners: (m, 3, 2) float, texture coordinates of the triangles' corners in [0, 1], v up. side: texels.
    A texel belongs to the triangle that its centre lies in; of several, to the last.
    """

    def __init__(self, corners: np.ndarray, side: int) -> None:
        self.side = side
        places = np.stack([corners[..., 0] * side, (1.0 - corners[..., 1]) * side], -1)
        self.index = _drawn(places, side)
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


def _drawn(places, side):
    """Index of the triangle (side, side) int32 that each texel's centre lies in, -1 for none.

    places: (m, 3, 2) float, texels, corners at integers. Row by row: where a triangle's edges cross it is where its
    texels begin and end.
    """
    first, last = _centres(places[..., 1].min(1), places[..., 1].max(1), side)
    triangle, row = _ranges(first, last)
    middle = row + 0.5
    left, right = np.full(len(row), np.inf), np.full(len(row), -np.inf)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        (ax, ay), (bx, by) = places[triangle, a].T, places[triangle, b].T
        crossed = (np.minimum(ay, by) <= middle) & (middle <= np.maximum(ay, by)) & (ay != by)
        x = ax + (middle - ay) * (bx - ax) / np.where(crossed, by - ay, 1.0)
        left = np.where(crossed, np.minimum(left, x), left)
        right = np.where(crossed, np.maximum(right, x), right)
    first, last = _centres(np.where(right < left, 1.0, left), np.where(right < left, 0.0, right), side)
    span, column = _ranges(first, last)
    index = np.full(side * side, -1, np.int32)
    index[row[span] * side + column] = triangle[span]
    return index.reshape(side, side)


def _centres(low, high, side):
    """First and last texels whose centres lie from low to high, inside the texture."""
    first = np.clip(np.ceil(low - 0.5), 0, side).astype(np.int64)
    return first, np.clip(np.floor(high - 0.5), -1, side - 1).astype(np.int64)


def _ranges(first, last):
    """Whole numbers from first to last of every range, one after the other: (range, number)."""
    count = np.maximum(last - first + 1, 0)
    which = np.repeat(np.arange(len(count)), count)
    start = np.cumsum(count) - count
    return which, np.arange(len(which)) - start[which] + first[which]
