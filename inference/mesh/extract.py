"""A textured mesh of a portrait: marching cubes over the manifold geometry, with even triangles."""

import dataclasses
import math

import cv2
import numpy as np

from ..errors import PortraitError
from ..geometry.sampling import sample_image
from ..portrait import Portrait
from ..progress import Progress, silent
from .delight import Light
from .directions import directions
from .field import Field, block, facing_outwards, sample_field
from .groups import part_groups
from .look import Look
from .outline import reaching
from .remesh import remeshed
from .skin import skin_share
from .surface import Surface, find_surface
from .texture import MAX_SIDE, bake, texture_side
from .textured import TexturedMesh
from .topology import compact, edges_of, largest_component
from .trim import TOO_SMALL, subject_mask, trim
from .unwrap import texture_coordinates
from .whole import coarse, softened, table_points, whole_head

MAX_RESOLUTION = 768
FACES = 20_000  # of a mesh, unless others are wanted: as exact as 190,000, see docs/results.md
CUBES = 1.5  # triangles of marching cubes per triangle that is wanted; the short edges go
SLIVER = 1.0 / 3.0  # of a voxel; edges below are collapsed
MIN_EXTENT = 0.001  # metres; the grid round a single texel is that large
SOFTER = 0.0, 1.5, 3.0, 6.0  # texels; the surface is smoothed by these, one after the other, until no fold is left
EVENING_OUT = "evening out the triangles"
BACK_Z = -0.075  # metres; open meshes end there, before the manifolds do at the crown
BAY = 15  # coarse texels, some 5 cm; narrower bays of an open mesh's border are filled
BORDER = 10.0  # texels of a whole head, standard deviation of the Gaussian that makes the border smooth


def extract_mesh(
    portrait: Portrait,
    resolution: int = 192,
    faces: int | None = FACES,
    smoothing: float = 1,
    closed: bool = False,
    texture: int | None = None,
    delit: bool = False,
    progress: Progress = silent,
) -> TexturedMesh:
    """Extract the surface of a portrait as one textured mesh.

    resolution: voxels along the longest side of the head's bounding box, 16 to 768; fewer where the faces need no more.
    faces: number of triangles at most, or None to keep all.
    smoothing: standard deviation, in texels, of the Gaussian the surface is smoothed with; 0 for none.
    closed: with a skull behind, and closed at the bottom, so that the mesh is watertight.
    texture: texels per side of its texture, 64 to 4096, or None for what shows all that the photo does.
    delit: take the photo's light off the texture: :mod:`.delight`.
    progress: called with (fraction, text) between the stages; may raise Cancelled.
    Returns a :class:`TexturedMesh`: one manifold piece that does not intersect itself, an open one with one border.
    Raises PortraitError when the portrait is empty or a number is out of range.
    """
    if texture is not None and not 64 <= texture <= MAX_SIDE:
        raise PortraitError(f"a texture must have between 64 and {MAX_SIDE} texels along a side, not {texture}")
    mesh, surface = extract_surface(portrait, resolution, faces, smoothing, closed, progress)
    progress(0.96, "texture")
    look = Look(portrait, surface)
    vertices = reaching(mesh.vertices, mesh.faces, look.camera, look.depth)
    mesh = dataclasses.replace(mesh, vertices=vertices.astype(np.float32))
    light = Light(portrait, surface) if delit else None
    baked = bake(look, [mesh], texture or texture_side(portrait), light)
    progress(1.0, "done")
    return dataclasses.replace(mesh, texture=baked)


def extract_surface(
    portrait: Portrait,
    resolution: int = 192,
    faces: int | None = FACES,
    smoothing: float = 1,
    closed: bool = False,
    progress: Progress = silent,
) -> tuple[TexturedMesh, Surface]:
    """As :func:`extract_mesh`, with the surface's own columns for a texture, which the texture coordinates are not of;
    and the surface. Raises PortraitError."""
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
    radius, own = whole_head(_smooth(surface.radius, smoothing), mask, skin_share(portrait.textures, portrait.radii))
    shown = np.ones_like(own) if closed else _shown(own, radius)
    grid = _grid(radius, shown, resolution, faces)
    for sigma in SOFTER:
        field = Field(softened(radius, sigma), closed)
        vertices, triangles = _even_mesh(field, grid, None if closed else shown, faces, progress)
        if facing_outwards(vertices[triangles]).all():
            break
    progress(0.95, "texture coordinates")
    uv, face_uv = texture_coordinates(vertices, triangles, closed)
    mesh = TexturedMesh(
        vertices.astype(np.float32),
        triangles.astype(np.int32),
        uv,
        surface.color,
        face_uv,
        groups=part_groups(portrait, surface, vertices),
    )
    return mesh, surface


def _even_mesh(field, grid, shown, faces, progress):
    """Vertices (n, 3) float64 metres and triangles (m, 3) int64 of a field's surface; shown: None for all of it."""
    from skimage.measure import marching_cubes  # PyMCubes has no wheels for Python 3.13 and needs scipy

    voxel, origin, counts = grid
    progress(0.2, "sampling the field")
    values = sample_field(field, origin, voxel, counts)
    progress(0.4, "marching cubes")
    vertices, triangles, _, _ = marching_cubes(values, 0.0, gradient_direction="ascent")
    del values
    vertices, triangles = vertices.astype(np.float64) * voxel + origin, triangles.astype(np.int64)
    whole = largest_component(np.ones(len(vertices), bool), edges_of(triangles))
    vertices, triangles = compact(vertices, triangles[whole[triangles[:, 0]]])
    if shown is not None:
        vertices, triangles = trim(vertices, triangles, _inside(vertices, shown))
    progress(0.5, EVENING_OUT)
    return remeshed(
        vertices, triangles, SLIVER * voxel, faces, field.nearest, facing_outwards, lambda: progress(0.6, EVENING_OUT)
    )


def _shown(own, radius):
    """More than one half where an open mesh is: where the surface is the portrait's own, down to a plane behind the
    ears; one region with a smooth border."""
    region = coarse((own > 0.0).astype(np.float32)) > 0.5
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (BAY, BAY))
    region = cv2.morphologyEx(region.astype(np.uint8), cv2.MORPH_CLOSE, disc)
    region = cv2.resize(region, own.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    region &= table_points(radius)[..., 2] > BACK_Z
    soft = cv2.GaussianBlur(region.astype(np.float32), (0, 0), BORDER, borderType=cv2.BORDER_REPLICATE)
    if not (soft > 0.5).any():
        raise PortraitError(TOO_SMALL)
    return subject_mask(soft)


def _inside(vertices, shown):
    """Per vertex (n,) more than 0 where it is shown and not below the lower border."""
    s, t, _ = (part[:, 0] for part in directions(*vertices.astype(np.float32).T[..., None]))
    height, width = shown.shape
    opacity = sample_image(shown, s * width, t * height).astype(np.float64) - 0.5
    return np.minimum(opacity, 0.5 * (1.0 - t) * height)


def _grid(radius, shown, resolution, faces):
    """Voxel size in metres, origin (3,) and counts (3,) of the grid points."""
    points, shown = table_points(coarse(radius)).astype(np.float64), coarse(shown) > 0.5
    if not shown.any():
        shown[:] = True
    inside = points[shown]
    voxel = max(float(np.ptp(inside, axis=0).max()), MIN_EXTENT) / resolution
    if faces is not None:
        down, right = np.diff(points, axis=0)[:, :-1], np.diff(points, axis=1)[:-1]
        area = np.linalg.norm(np.cross(down, right), axis=-1)[shown[:-1, :-1]].sum()
        # marching cubes makes some two and a half triangles per square of a voxel's side
        voxel = max(voxel, math.sqrt(2.5 * area / (CUBES * faces)))
    return voxel, *block(inside, voxel)


def _smooth(radius, sigma):
    return cv2.GaussianBlur(radius, (0, 0), float(sigma), borderType=cv2.BORDER_REPLICATE) if sigma > 0 else radius
