"""The texels of a head's texture as points of its surface."""

import dataclasses

import numpy as np

from ..geometry.filling import nearest_index
from ..mesh.corners import vertex_normals
from ..mesh.raster import Covered, rasterise
from ..threads import in_parallel
from .base import HeadBase

PARTS = 12


@dataclasses.dataclass(frozen=True, eq=False)
class Texels:
    """Some of those that faces cover, k of size * size. covered: which; triangles, uv_triangles (m, 3): rows of
    vertices and of uv at the corners; points, normals (k, 3) float32, metres and unit vectors, portrait space."""

    size: int
    covered: Covered
    triangles: np.ndarray
    uv_triangles: np.ndarray
    points: np.ndarray
    normals: np.ndarray

    def of_vertices(self, values: np.ndarray) -> np.ndarray:
        """Values (n, c) or (n,) of the skin's vertices at the texels, (k, c) or (k,) float32."""
        found = self.covered.interpolated(values.reshape(len(values), -1), self.triangles)
        return found.reshape(len(found), *values.shape[1:])

    def to_vertices(self, values: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
        """Sums (count, c + 2) around vertices: of values (k, c) times their weight (k,), of the weight, of texels."""
        corner = self.triangles[self.covered.triangle].ravel()
        share = self.covered.shares.ravel()
        trusted = share * np.repeat(weight, 3)
        columns = [trusted * np.repeat(column, 3) for column in values.T]
        return np.stack([np.bincount(corner, column, count) for column in (*columns, trusted, share)], -1)


def texels_of(base: HeadBase, vertices: np.ndarray, size: int) -> list[Texels]:
    """The texels of a square texture of the skin's vertices (n, 3), metres, in PARTS parts for as many threads."""
    triangles, uv_triangles = (quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3) for quads in (base.faces, base.face_uv))
    corners = base.uv[uv_triangles] * (size, -size) + (0, size)
    at_vertices = vertex_normals(vertices, base.faces)
    a, b, c = corners.transpose(1, 0, 2)
    area = np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
    bounds = np.searchsorted(np.cumsum(area) / area.sum(), np.linspace(0.0, 1.0, PARTS + 1)[1:-1])

    def part(chosen):
        first, last = chosen
        own, own_uv = triangles[first:last], uv_triangles[first:last]
        covered = rasterise(corners[first:last], size, size)
        normals = covered.interpolated(at_vertices, own)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
        return Texels(size, covered, own, own_uv, covered.interpolated(vertices, own), normals)

    with in_parallel(0) as each:
        return list(each(part, zip([0, *bounds], [*bounds, len(triangles)], strict=True)))


def image(parts: list[Texels], values: list[np.ndarray]) -> np.ndarray:
    """Values (k, c) of parts as a texture (size, size, c), continued beside the faces with the nearest of them."""
    size = parts[0].size
    picture = np.zeros((size * size, values[0].shape[1]), values[0].dtype)
    covered = np.zeros(size * size, bool)
    for texels, own in zip(parts, values, strict=True):
        picture[texels.covered.pixel] = own
        covered[texels.covered.pixel] = True
    return picture[nearest_index(covered.reshape(size, size))]
