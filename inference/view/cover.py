"""Which rays can meet the sheets, and between which depths: a coarse picture of the slab that the sheets fill.

A quad of the sheets' grid covers, with all that lies between its outermost and innermost sheet, a rectangle of cells of
the image. Rays of a cell need only be followed from the nearest of the quads that cover it to the farthest. Cells
belong to the camera's pose and not to the image, so that a picture does not depend on where it is cut out.
"""

import numpy as np

from ..geometry import domes
from ..geometry.cameras import Camera

QUADS = 80  # along one side of the textures, about
AROUND, OVER, BELOW = 12, 2, 4  # quads behind the head on either side, over the crown, below the textures
CELLS = 112  # across the sphere around the head
WIDEST = 512  # cells from the principal point from which on they are no longer told apart
BULGE = 2e-3  # metres by which a quad may stick out of the box around its corners
CLOSE = 0.01  # metres; a camera so close to a quad sees it everywhere


def slab(radii: np.ndarray, bottom: float) -> tuple[np.ndarray, np.ndarray]:
    """What the sheets fill: corners (3, 8, quads) float32 metres of boxes and, for each, whether it has a texture.

    radii (k, n, n) metres. bottom: metres, how far down the sheets go on below the textures.
    """
    rows, columns = (np.linspace(0, size - 1, min(QUADS, size - 1) + 1).round().astype(int) for size in radii.shape[1:])
    outer, inner = _pooled(radii[0], rows, columns, np.maximum), _pooled(radii[-1], rows, columns, np.minimum)
    u, v = columns / (radii.shape[2] - 1), rows / (radii.shape[1] - 1)
    x, _, z = domes.dome_points(u, 0.9, 1.0).T
    azimuth = np.arctan2(x, z - domes.AXIS_Z)
    azimuth = np.r_[
        np.linspace(-np.pi, azimuth[0], AROUND, False), azimuth, np.linspace(azimuth[-1], np.pi, AROUND + 1)[1:]
    ]
    points = domes.dome_points(0.5, v, 1.0) - [0.0, domes.EQUATOR_Y, domes.AXIS_Z]
    elevation, height = np.arctan2(np.maximum(points[:, 1], 0.0), points[:, 2]), np.minimum(points[:, 1], 0.0)
    elevation = np.r_[np.linspace(0.5 * np.pi, elevation[0], OVER, False), elevation, np.zeros(BELOW)]
    down = np.linspace(height[-1], bottom - domes.EQUATOR_Y, BELOW + 1)[1:]
    height = np.r_[np.zeros(OVER), height, down]
    around = ((OVER, BELOW), (AROUND, AROUND))
    outer, inner = np.pad(outer, around, "edge"), np.pad(inner, around, "edge")
    textured = np.zeros(outer.shape, bool)
    textured[OVER:-BELOW, AROUND:-AROUND] = True
    corners = []
    for row in (slice(None, -1), slice(1, None)):
        for column in (slice(None, -1), slice(1, None)):
            for radius in (outer, inner):
                flat = radius * np.cos(elevation[row])[:, None]
                y = radius * np.sin(elevation[row])[:, None] + height[row][:, None] + domes.EQUATOR_Y
                corners.append((flat * np.sin(azimuth[column]), y, flat * np.cos(azimuth[column]) + domes.AXIS_Z))
    corners = np.moveaxis(np.float32(corners), 1, 0).reshape(3, 8, -1)
    return corners, textured.ravel()


def _pooled(values, rows, columns, pick):
    """Extremes of a grid of corners over the quads between chosen rows and columns, which take both ends in."""
    across = pick(pick.reduceat(values, columns[:-1], 1), values[:, columns[1:]])
    return pick(pick.reduceat(across, rows[:-1], 0), across[rows[1:]])


class Cover:
    """The slab as a camera sees it. boxes: as of :func:`slab`. radius, distance: metres, of the head and to it.

    near, far: (rows, columns) float32 metres, depths of the cells, as :meth:`depths` gives them for rays. size: of a
    cell, places in the image plane. first: (column, row) of the first cell, counted from the principal point.
    """

    def __init__(
        self, boxes: tuple[np.ndarray, np.ndarray], camera: Camera, radius: float, distance: float
    ) -> None:
        corners, textured = boxes
        rotation = camera.camera_to_world[:3, :3].astype(np.float32)
        right, up, back = np.tensordot(rotation.T, corners - camera.position.astype(np.float32)[:, None, None], 1)
        near, far = -back.max(0) - BULGE, -back.min(0) + BULGE
        self.size = 2.0 * radius / CELLS
        margin = BULGE
        if camera.ortho_width is None:
            self.size /= max(abs(distance), radius)
            seen = far > 0.0
            if (near[seen] < CLOSE).any():
                self.first = 0, 0  # one cell that all rays belong to
                self.near, self.far = np.float32([distance - radius, distance + radius]).reshape(2, 1, 1)
                return
            near, far, textured = near[seen], far[seen], textured[seen]
            right, up = (plane[:, seen] / -back[:, seen] for plane in (right, up))
            margin = BULGE / near
        bounds = [right.min(0) - margin, right.max(0) + margin, -up.max(0) - margin, -up.min(0) + margin]
        left, last, top, bottom = (self._cells(bound) for bound in bounds)
        if not len(near):
            self.first, shape = (0, 0), (0, 0)
        else:  # and a ring of cells around it that nothing covers
            self.first = int(left.min()) - 1, int(top.min()) - 1
            shape = bottom.max() - self.first[1], last.max() - self.first[0]
        self.near = np.full((shape[0] + 2, shape[1] + 2), np.inf, np.float32)
        self.far = np.full_like(self.near, -np.inf)
        left, last = left - self.first[0], last - self.first[0]
        top, bottom = top - self.first[1], bottom - self.first[1]
        for which, values, grid, pick in (
            (slice(None), near, self.near, np.minimum),
            (textured, far, self.far, np.maximum),
        ):
            _fill(grid, (left[which], last[which], top[which], bottom[which]), values[which], pick)

    def depths(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Nearest and farthest depth (2, rows, columns) float32, metres, at which rays can meet the sheets; the nearest
        is above the farthest where they cannot. x (columns,), y (rows,): float64, places in the image plane one metre
        away, or metres of an orthographic camera, from the principal point to the right and down."""
        columns, rows = self._cells(x) - self.first[0], self._cells(y) - self.first[1]
        columns, rows = np.clip(columns, 0, self.near.shape[1] - 1), np.clip(rows, 0, self.near.shape[0] - 1)
        return np.stack([grid[rows[:, None], columns] for grid in (self.near, self.far)])

    def _cells(self, places):
        return np.clip(np.floor(places / self.size), -WIDEST, WIDEST).astype(np.int64)


def _fill(grid, boxes, values, pick):
    """Pick values (n,) into all cells of boxes (left, last, top, bottom), (n,) each."""
    left, last, top, bottom = boxes
    flat, column = grid.ravel(), 0
    while left.size:
        row, here = 0, np.arange(left.size)
        while here.size:
            pick.at(flat, (top[here] + row) * grid.shape[1] + left[here] + column, values[here])
            row += 1
            here = here[top[here] + row <= bottom[here]]
        column += 1
        wide = left + column <= last
        left, last, top, bottom, values = (array[wide] for array in (left, last, top, bottom, values))
