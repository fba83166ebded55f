"""The shell of hair and clothes has no holes where hair is thin."""

import numpy as np

from inference.head.shell import enclosed


def test_holes_on_the_scalp_are_the_shells():
    """A square of 20 x 20 cells with two holes and a strip at its edge; one hole lies on the scalp."""
    row, column = (part.ravel() for part in np.mgrid[:20, :20])
    corner = 21 * row + column
    triangles = np.concatenate(
        [np.stack([corner, corner + 1, corner + 21], 1), np.stack([corner + 1, corner + 22, corner + 21], 1)]
    )
    row, column = np.tile(row, 2), np.tile(column, 2)
    left = (abs(row - 10) < 3) & (abs(column - 5) < 3)
    right = (abs(row - 10) < 3) & (abs(column - 14) < 3)
    chosen = ~left & ~right & (row > 1)
    scalp = np.tile(np.arange(21) < 10, 21)
    np.testing.assert_array_equal(enclosed(triangles, chosen, scalp), left)
