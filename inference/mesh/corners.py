"""Faces and their corners: normals, triangles of quads, and vertices split where the texture has a seam."""

import numpy as np

from ..geometry import domes
from ..geometry.cameras import Camera
from .textured import TexturedMesh


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Outward unit normals, (n, 3) float32: the mean of the adjacent faces' normals, weighted with their areas.

    vertices: (n, 3) float; faces: (m, 3) or (m, 4) int, counter-clockwise from outside.
    """
    corners = vertices[faces].astype(np.float64)
    areas = np.cross(corners[:, 2] - corners[:, 0], corners[:, -1] - corners[:, 1])  # the diagonals of a quad
    normals = np.stack(
        [np.bincount(faces.ravel(), np.repeat(areas[:, axis], faces.shape[1]), len(vertices)) for axis in range(3)], -1
    )
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    # where all faces are slivers without area: away from the axis of the dome
    outwards = vertices - np.array([0.0, domes.EQUATOR_Y, domes.AXIS_Z])
    normals = np.where(length > 0.0, normals, outwards)
    return (normals / np.linalg.norm(normals, axis=-1, keepdims=True)).astype(np.float32)


def normals_of(mesh: TexturedMesh) -> np.ndarray:
    """Unit normals at a mesh's vertices, (n, 3) float32: its own, or those of its faces."""
    return vertex_normals(mesh.vertices, mesh.faces) if mesh.normals is None else mesh.normals


def facing_camera(vertices: np.ndarray, normals: np.ndarray, camera: Camera) -> np.ndarray:
    """Cosines (n,) float32 between unit normals (n, 3) and the ways from vertices (n, 3) to a camera."""
    towards = camera.position - vertices
    return ((normals * towards).sum(-1) / np.maximum(np.linalg.norm(towards, axis=-1), 1e-9)).astype(np.float32)


def triangulated(faces: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Triangles (k, 3): quads (m, 4) are cut along their shorter diagonals, triangles (m, 3) stay. vertices: (n, 3)."""
    if faces.shape[1] == 3:
        return faces
    corners = vertices[faces]
    lengths = np.linalg.norm(corners[:, :2] - corners[:, 2:], axis=-1)
    turned = np.where(lengths[:, 1:] < lengths[:, :1], np.roll(faces, -1, axis=1), faces)
    return turned[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)


def split_at_seams(mesh: TexturedMesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One vertex for every pair of a vertex and a place of the texture, as graphics cards want them.

    Returns the mesh's vertex that each is, (k,) int; its uv (k, 2) float32; and faces of the mesh's shape.
    """
    if mesh.face_uv is None:
        return np.arange(len(mesh.vertices)), mesh.uv, mesh.faces
    pairs = mesh.faces.astype(np.int64) * len(mesh.uv) + mesh.face_uv
    pairs, faces = np.unique(pairs, return_inverse=True)
    source, row = np.divmod(pairs, len(mesh.uv))
    return source, mesh.uv[row], faces.reshape(mesh.faces.shape)
