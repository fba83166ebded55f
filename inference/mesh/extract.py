"""A textured mesh of a portrait: marching cubes over the manifold geometry.

UVs are the dome coordinates (u, v) themselves, no unwrapping.
"""

import math

import cv2
import numpy as np

from ..errors import PortraitError
from ..geometry import detail_maps, domes
from ..portrait import Portrait
from ..progress import Progress, silent
from .field import Dome, block, sample_field
from .surface import find_surface
from .textured import TexturedMesh
from .topology import (
    compact,
    edges_of,
    euler_characteristic,
    is_manifold,
    largest_component,
    without_folds,
)
from .trim import subject_mask, trim

MAX_RESOLUTION = 768
DECIMATIONS = 12  # target counts that are tried until the reduced mesh is whole


def extract_mesh(
    portrait: Portrait,
    resolution: int = 192,
    faces: int | None = None,
    smoothing: float = 1,
    closed: bool = False,
    progress: Progress = silent,
) -> TexturedMesh:
    """Extract the surface of a portrait as one textured mesh.

    resolution: voxels along the longest side of the head's bounding box, 16 to 768.
    faces: number of triangles to reduce the mesh to, or None to keep all.
    smoothing: standard deviation, in texels, of the Gaussian the surface is smoothed with; 0 for none.
    closed: close the back of the head and the bottom, so that the mesh is watertight.
    progress: called with (fraction, text) between the stages; may raise Cancelled.
    Returns a :class:`TexturedMesh`: one manifold piece, an open one with one border and without holes.
    Raises PortraitError when the portrait is empty or a number is out of range.
    """
    from skimage.measure import marching_cubes  # PyMCubes has no wheels for Python 3.13 and needs scipy

    if not 16 <= resolution <= MAX_RESOLUTION:
        raise PortraitError(f"the mesh resolution must lie between 16 and {MAX_RESOLUTION}, not {resolution}")
    if faces is not None and faces < 100:
        raise PortraitError(f"a head cannot be reduced to {faces} faces; ask for at least 100")
    progress(0.0, "reading the surface")
    try:
        surface = find_surface(portrait.textures, portrait.radii)
    except ValueError:
        raise PortraitError("this portrait holds no solid surface; invert the photo again") from None
    mask = subject_mask(surface.opacity)
    radius = _smooth(surface.radius, smoothing)
    shape = Dome(radius, closed)
    progress(0.1, "sampling the field")
    origin, voxel, counts = block(shape, mask, resolution)
    field = sample_field(shape, origin, voxel, counts)
    progress(0.4, "marching cubes")
    vertices, triangles, _, _ = marching_cubes(field, 0.0, gradient_direction="ascent")
    del field
    vertices = vertices * voxel + origin
    triangles = triangles.astype(np.int64)
    whole = largest_component(np.ones(len(vertices), bool), edges_of(triangles))
    vertices, triangles = compact(vertices, triangles[whole[triangles[:, 0]]])
    if not closed:
        progress(0.6, "trimming")
        vertices, triangles = trim(vertices, triangles, mask)
    if faces is not None and len(triangles) > faces:
        vertices, triangles = _decimate(vertices, triangles, faces, lambda: progress(0.7, "reducing"))
    progress(0.95, "texture coordinates")
    uv = _texture_coordinates(vertices)
    progress(1.0, "done")
    texture = _texture(surface.color, portrait.detail)
    return TexturedMesh(vertices.astype(np.float32), triangles.astype(np.int32), uv.astype(np.float32), texture)


def _texture(colour, detail):
    """Colours (h, w, 3) uint8 of the columns with the detail map on them, in its resolution."""
    if detail is None:
        return colour
    colour = cv2.resize(colour, detail.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(colour + 255.0 * detail_maps.decode(detail) + 0.5, 0, 255).astype(np.uint8)


def _smooth(radius, sigma):
    return cv2.GaussianBlur(radius, (0, 0), float(sigma), borderType=cv2.BORDER_REPLICATE) if sigma > 0 else radius


def _decimate(vertices, triangles, faces, progress):
    """Reduce to about so many faces, still one manifold piece of the same topology. Raises PortraitError.

    fast_simplification collapses edges without a look at what joins them, and now and then glues two parts of the
    surface together. What it leaves back to back is dropped; what is glued otherwise comes apart with another count.
    """
    import fast_simplification

    vertices, triangles = vertices.astype(np.float32), triangles.astype(np.int32)
    shape = euler_characteristic(triangles)
    for count in faces - 2 * np.arange(DECIMATIONS):
        progress()
        fewer, left = fast_simplification.simplify(vertices, triangles, target_count=int(count), agg=4)
        fewer, left = compact(fewer, without_folds(left))
        if is_manifold(left) and euler_characteristic(left) == shape:
            return fewer, left
    raise PortraitError(f"this mesh cannot be reduced to {faces} faces; ask for more, or for a lower resolution")


def _texture_coordinates(vertices):
    """(n, 2) in [0, 1], v up. The closed back is led over the hair at the side borders to the crown, without a seam."""
    u, v, _ = domes.dome_coordinates(vertices)
    side = np.arctan2(vertices[:, 0], vertices[:, 2] - domes.AXIS_Z) / domes.MAX_AZIMUTH
    behind = np.clip((np.abs(side) - 1.0) / (math.pi / domes.MAX_AZIMUTH - 1.0), 0.0, 1.0)
    v = np.clip(v, 0.0, 1.0) * (1.0 - np.minimum(2.0 * behind, 1.0))
    inward = 0.5 * np.maximum(2.0 * behind - 1.0, 0.0)
    u = np.where(behind > 0.0, np.where(side > 0.0, 1.0 - inward, inward), np.clip(u, 0.0, 1.0))
    return np.stack([u, 1.0 - v], -1)
