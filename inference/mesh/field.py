"""The implicit function of a head and its samples on a voxel grid.

F(x) = S(s(x), t(x)) - radius(x), with (s, t, radius) as of inference.mesh.directions and S the radius of
inference.mesh.whole: positive inside, and zero on the surface. A plane closes it below where that is wanted.
"""

import numpy as np

from ..geometry import domes
from ..geometry.sampling import sample_image
from .directions import SPINE_Z, directions

BOTTOM_ROUND = 0.003  # metres, radius with which the bottom's edge is rounded
LOWEST = domes.BOTTOM_Y + 0.012  # metres; the lower end of the spine, below shoulders, from where the bottom is seen
CORRECTIONS = 4  # steps of a vertex onto the surface
_WIDTH = 1024  # columns that points are laid out in for OpenCV, which takes no more than 32,766 rows
STEEPEST = 1e-3  # cosine between a triangle's normal and its direction that is still outwards


class Field:
    """The surface of a head as a function of space."""

    def __init__(self, radius: np.ndarray, closed: bool) -> None:
        """radius: (h, w) float32 metres, see :func:`inference.mesh.whole.whole_head`."""
        self.closed = closed
        self.height, self.width = radius.shape
        self.table = np.pad(radius, ((1, 1), (1, 1)), "wrap")
        self.table[0], self.table[-1] = self.table[1], self.table[-2]

    def __call__(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """F in metres on arrays of points (float32, same shape, 2D), portrait space."""
        s, t, radius = directions(x, y, z)
        surface = sample_image(self.table, s * self.width + 1.0, t * self.height + 1.0)
        field = surface - radius
        return _smooth_minimum(field, y - np.float32(domes.BOTTOM_Y), BOTTOM_ROUND) if self.closed else field

    def nearest(self, points: np.ndarray) -> np.ndarray:
        """Points (n, 3) metres moved onto the surface, along their directions from the spine; float64."""
        out = outwards(points)
        length = np.linalg.norm(out, axis=1, keepdims=True)
        start, out = points - out, out / np.maximum(length, 1e-9)
        last = None
        for _ in range(CORRECTIONS):
            points = np.resize((start + length * out).astype(np.float32), (-(-len(out) // _WIDTH), _WIDTH, 3))
            value = self(*np.moveaxis(points, -1, 0)).reshape(-1, 1)[: len(out)].astype(np.float64)
            slope = -1.0 if last is None else (value - last[1]) / np.where(length == last[0], np.inf, length - last[0])
            slope = np.where(np.less(slope, -0.2), slope, -1.0)
            last = length, value
            length = np.maximum(length - np.clip(value / slope, -0.01, 0.01), 1e-3)
        return start + length * out


def facing_outwards(corners: np.ndarray) -> np.ndarray:
    """Whether triangles (m, 3, 3) face outwards all over, seen from the spine, (m,) bool.

    What a triangle's normal makes with the direction from the spine is linear over it, so its corners tell.
    """
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    out = outwards(corners)
    cosine = np.einsum("mk,mck->mc", normals, out)
    least = STEEPEST * np.linalg.norm(normals, axis=-1) * np.linalg.norm(out, axis=-1).max(1)
    return cosine.min(1) > least


def outwards(points: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) in metres from the nearest point of the spine to points (..., 3)."""
    out = points - np.array([0.0, 0.0, SPINE_Z])
    out[..., 1] -= np.clip(points[..., 1], LOWEST, domes.EQUATOR_Y)
    return out


def block(points: np.ndarray, voxel: float) -> tuple[np.ndarray, np.ndarray]:
    """Voxel block round points (n, 3): origin (3,) in metres and counts (3,) of grid points."""
    low, high = points.min(0) - 2.5 * voxel, points.max(0) + 2.5 * voxel
    return low, np.ceil((high - low) / voxel).astype(int) + 1


def sample_field(field: Field, origin: np.ndarray, voxel: float, counts: np.ndarray) -> np.ndarray:
    """F on the grid, (nx, ny, nz) float32."""
    x, y, z = (np.float32(origin[a] + voxel * np.arange(counts[a])) for a in range(3))
    values = np.empty(tuple(counts), np.float32)
    plane_y, plane_z = np.meshgrid(y, z, indexing="ij")
    for index, value in enumerate(x):
        values[index] = field(np.full_like(plane_y, value), plane_y, plane_z)
    return values


def _smooth_minimum(a, b, radius):
    """Minimum of two distance-like fields with the edge rounded to about ``radius``."""
    mix = np.clip(0.5 + 0.5 * (b - a) / np.float32(2 * radius), 0.0, 1.0)
    return b + mix * (a - b) - np.float32(2 * radius) * mix * (1.0 - mix)
