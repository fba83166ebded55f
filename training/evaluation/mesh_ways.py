"""Ways from one photo to a mesh, side by side: our two topologies, plain marching cubes, and MediaPipe's face mesh that
wears the photo."""

import numpy as np

from inference.geometry import domes
from inference.geometry.sampling import sample_image
from inference.head.extract import extract_head
from inference.mesh.extract import extract_mesh
from inference.mesh.surface import find_surface
from inference.mesh.textured import TexturedMesh

VOXELS = 192  # along the longest side, as ours by default
MARGIN = 0.004  # metres round the plain mesh's block


def our_mesh(portrait):
    """The closed mesh, as one piece."""
    return [extract_mesh(portrait, closed=True)]


def our_head(portrait):
    """The wrapped head with the photo's expression, in pieces."""
    return extract_head(portrait, keys=False)


def plain_marching_cubes(portrait):
    """What any volume gives: marching cubes over the manifolds' surface, wherever a column meets the subject; the
    columns' own texture."""
    from skimage.measure import marching_cubes

    surface = find_surface(portrait.textures, portrait.radii)
    height, width = surface.radius.shape
    solid = surface.opacity > 0.5
    u, v = domes.texel_centres(height, width)
    points = domes.dome_points(u[solid], v[solid], surface.radius[solid])
    low, high = points.min(0) - MARGIN, points.max(0) + MARGIN
    voxel = float((high - low).max()) / VOXELS
    axes = [np.arange(start, stop, voxel) for start, stop in zip(low, high)]
    u, v, radius = domes.dome_coordinates(np.stack(np.meshgrid(*axes, indexing="ij"), -1))
    values = sample_image(np.where(solid, surface.radius, 0.0).astype(np.float32), u * width, v * height) - radius
    values[(u < 0) | (u > 1) | (v < 0) | (v > 1)] = -MARGIN
    vertices, faces, _, _ = marching_cubes(values, 0.0, gradient_direction="ascent")
    vertices = (vertices * voxel + low).astype(np.float32)
    u, v, _ = domes.dome_coordinates(vertices)
    uv = np.clip(np.stack([u, 1.0 - v], -1), 0.0, 1.0).astype(np.float32)
    return [TexturedMesh(vertices, faces.astype(np.int32), uv, surface.color)]


def face_with_photo(faces, index, head):
    """A face mesh of a peer where its photo shows it, the photo on it; None where no face was found.

    faces: :class:`training.peers.meshes.FaceMeshes`; head: :class:`training.evaluation.heads.Head`, whose eyes tell the
    mesh's scale and distance, which such a mesh does not know.
    """
    points = faces.points[index].astype(np.float64)
    if not np.isfinite(points).all():
        return None
    right, left = points[faces.corners[:2]].mean(0), points[faces.corners[2:]].mean(0)
    metres = head.eye_distance / np.linalg.norm((left - right)[:2])
    camera = head.camera
    distance = metres * camera.pixels_per_unit()[0] + metres * (points[:, 2] - 0.5 * (left + right)[2])
    origins, directions = camera.rays(points[:, 0], points[:, 1])
    along = distance / (directions @ -camera.camera_to_world[:3, 2])
    vertices = (origins + directions * along[:, None]).astype(np.float32)
    height, width = head.crop.shape[:2]
    uv = np.clip(points[:, :2] / (width, height) * (1, -1) + (0, 1), 0.0, 1.0).astype(np.float32)
    return [TexturedMesh(vertices, outwards(faces.triangles, points).astype(np.int32), uv, head.crop)]


def outwards(triangles, points):
    """Triangles (t, 3) wound so that most face the viewer; points (n, 3): pixels, y down, and depth away from him."""
    a, b, c = points[triangles][..., :2].transpose(1, 0, 2)
    across = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    return np.where((across > 0.0)[:, None], triangles[:, ::-1], triangles)
