"""A textured mesh of a portrait: marching cubes over the manifold geometry.

The implicit function is F(x) = S(u(x), v(x)) - radius(x), with (u, v, radius) the dome coordinates of x and S the
surface of inference.mesh.surface: positive inside, and zero on the surface. UVs are (u, v) themselves, no unwrapping.
"""

import dataclasses
import math
from pathlib import Path

import cv2
import numpy as np

from ..errors import PortraitError
from ..files import write_atomically
from ..geometry import domes
from ..geometry.sampling import sample_image
from .surface import find_surface

MAX_RESOLUTION = 768
CROWN_FADE = 0.04  # of v: the surface is rounded off over this strip at the upper border
BACK_DEPTH = 0.042  # metres from the dome axis to the closed back of the head, at the equator
BOTTOM_ROUND = 0.01  # metres, radius with which a closed mesh's bottom edge is rounded


@dataclasses.dataclass(frozen=True)
class TexturedMesh:
    """vertices (n, 3) float32 metres, portrait space; faces (m, 3) int32, counter-clockwise from outside;
    uv (n, 2) float32 in [0, 1], v up; texture (h, w, 3) uint8 sRGB."""

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    texture: np.ndarray


def extract_mesh(portrait, resolution=192, faces=None, smoothing=1, closed=False, progress=None):
    """Extract the surface of a portrait as one textured mesh.

    resolution: voxels along the longest side of the head's bounding box, 16 to 768.
    faces: number of triangles to reduce the mesh to, or None to keep all.
    smoothing: standard deviation, in texels, of the Gaussian the surface is smoothed with; 0 for none.
    closed: close the back of the head and the bottom, so that the mesh is watertight.
    progress: called with (fraction, text) between the stages; may raise Cancelled.
    Returns a :class:`TexturedMesh`. Raises PortraitError when the portrait is empty or a number is out of range.
    """
    from skimage.measure import marching_cubes  # PyMCubes has no wheels for Python 3.13 and needs scipy

    if not 16 <= resolution <= MAX_RESOLUTION:
        raise PortraitError(f"the mesh resolution must lie between 16 and {MAX_RESOLUTION}, not {resolution}")
    if faces is not None and faces < 100:
        raise PortraitError(f"a head cannot be reduced to {faces} faces; ask for at least 100")
    progress = progress or (lambda fraction, text: None)
    progress(0.0, "reading the surface")
    try:
        surface = find_surface(portrait.textures, portrait.radii)
    except ValueError:
        raise PortraitError("this portrait holds no solid surface; invert the photo again") from None
    mask = _largest_part(surface.opacity)
    radius = _smooth(surface.radius, smoothing)
    shape = _Dome(radius, closed)
    progress(0.1, "sampling the field")
    origin, voxel, counts = _block(shape, mask, resolution)
    field = _field(shape, origin, voxel, counts)
    progress(0.4, "marching cubes")
    vertices, triangles, _, _ = marching_cubes(field, 0.0, gradient_direction="ascent")
    del field
    vertices = vertices * voxel + origin
    triangles = triangles.astype(np.int64)
    if not closed:
        progress(0.6, "trimming")
        vertices, triangles = _trim(vertices, triangles, mask)
    if faces is not None and len(triangles) > faces:
        progress(0.7, "reducing")
        vertices, triangles = _decimate(vertices, triangles, faces)
    progress(0.95, "texture coordinates")
    uv = _texture_coordinates(vertices)
    progress(1.0, "done")
    return TexturedMesh(vertices.astype(np.float32), triangles.astype(np.int32), uv.astype(np.float32), surface.color)


def save_mesh(mesh, path):
    """Write .glb, .obj (with .mtl and .png beside it) or .ply. Raises PortraitError."""
    import trimesh
    from PIL import Image

    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("glb", "obj", "ply"):
        raise PortraitError(f"cannot write a mesh as {path.name}; name it .glb, .obj or .ply")
    image = Image.fromarray(mesh.texture)
    material = trimesh.visual.material.PBRMaterial(
        name="portrait", baseColorTexture=image, metallicFactor=0.0, roughnessFactor=1.0, doubleSided=True
    )
    visual = trimesh.visual.TextureVisuals(uv=mesh.uv, material=material)
    solid = trimesh.Trimesh(mesh.vertices, mesh.faces, visual=visual, process=False)
    if kind == "glb":
        data = trimesh.Scene({"portrait": solid}).export(file_type="glb")
        write_atomically(path, lambda stream: stream.write(data))
    elif kind == "ply":
        height, width = mesh.texture.shape[:2]
        colors = sample_image(mesh.texture, mesh.uv[:, 0] * width, (1.0 - mesh.uv[:, 1]) * height)
        plain = trimesh.Trimesh(mesh.vertices, mesh.faces, vertex_colors=colors, process=False)
        data = plain.export(file_type="ply")
        write_atomically(path, lambda stream: stream.write(data))
    else:
        _save_obj(mesh, image, path)


def _save_obj(mesh, image, path):
    """Texture and material first, so that the .obj appears when all of it is there."""
    stem = path.stem
    write_atomically(path.with_name(f"{stem}.png"), lambda stream: image.save(stream, "PNG"))
    material = f"newmtl portrait\nKa 0 0 0\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {stem}.png\n"
    write_atomically(path.with_name(f"{stem}.mtl"), lambda stream: stream.write(material.encode()))

    def write(stream):
        stream.write(f"mtllib {stem}.mtl\no portrait\n".encode())
        np.savetxt(stream, mesh.vertices, "v %.6f %.6f %.6f")
        np.savetxt(stream, mesh.uv, "vt %.6f %.6f")
        stream.write(b"usemtl portrait\ns 1\n")
        np.savetxt(stream, np.repeat(mesh.faces + 1, 2, axis=1), "f %d/%d %d/%d %d/%d")

    write_atomically(path, write)


class _Dome:
    """The surface radius as a function of dome coordinates in all directions, textured or not.

    Radii are extended with one texel of ring; the back of a closed head joins the two side borders with a rounded
    profile, and the crown ends in one point for all azimuths.
    """

    def __init__(self, radius, closed):
        self.closed = closed
        height, width = radius.shape
        top = radius[0].mean()
        strip = max(2, round(CROWN_FADE * height))
        fade = np.clip(1.0 - np.arange(strip) / strip, 0.0, 1.0)[:, None] ** 2
        radius = radius.copy()
        radius[:strip] += fade * (cv2.GaussianBlur(radius[:strip], (0, 0), 8.0) - radius[:strip])
        self.top = float(top)
        self.radius = radius.astype(np.float32)
        smooth = cv2.GaussianBlur(radius, (0, 0), 4.0)
        self.left, self.right = smooth[:, 0].copy(), smooth[:, -1].copy()
        # how the radius changes per unit of side coming up to the borders, so that the back goes on smoothly
        last = max(2, width // 24)
        span = 2.0 * last / width / (1.0 - domes.AZIMUTH_WARP)
        self.left_slope = np.clip((self.left - smooth[:, last]) / span, -0.15, 0.05)
        self.right_slope = np.clip((self.right - smooth[:, -1 - last]) / span, -0.15, 0.05)

    def reach(self):
        return float(max(self.radius.max(), self.top))

    def __call__(self, x, y, z):
        """Signed field F on arrays of points (float32, same shape, 2D), metres in portrait space."""
        height, width = self.radius.shape
        y = y - np.float32(domes.EQUATOR_Y)
        horizontal, angle = cv2.cartToPolar(np.float32(domes.AXIS_Z) - z, -x)
        angle -= np.float32(math.pi)
        above = np.maximum(y, 0.0)
        radius, elevation = cv2.cartToPolar(horizontal, above)
        elevation *= np.float32(1.0 / domes.MAX_ELEVATION)
        top = np.float32(1.0 - domes.EQUATOR_V)
        v = top - top * (elevation + np.float32(domes.ELEVATION_WARP) * elevation * (1.0 - elevation))
        v += (y - above) * np.float32(domes.EQUATOR_V / (domes.BOTTOM_Y - domes.EQUATOR_Y))
        side = angle * np.float32(1.0 / domes.MAX_AZIMUTH)
        u = 0.5 + 0.5 * side + np.float32(0.5 * domes.AZIMUTH_WARP / math.pi) * np.sin(np.float32(math.pi) * side)
        map_x, map_y = u * width - np.float32(0.5), v * height - np.float32(0.5)
        surface = cv2.remap(self.radius, map_x, map_y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
        back = np.abs(side) > 1.0
        if back.any():
            surface[back] = self._back(side[back], map_y[back], v[back])
        pole = v < 0.0
        if pole.any():
            weight = np.clip(v[pole] / np.float32(-0.034), 0.0, 1.0)
            weight = weight * weight * (3.0 - 2.0 * weight)
            surface[pole] += weight * (np.float32(self.top) - surface[pole])
        field = surface - radius
        if not self.closed:
            return field
        bottom = y + np.float32(domes.EQUATOR_Y - domes.BOTTOM_Y)
        return _smooth_minimum(field, bottom, BOTTOM_ROUND)

    def _back(self, side, map_y, v):
        """Surface radius behind the side borders; side is the azimuth over its maximum, beyond +-1."""
        edges = self.left, self.right, self.left_slope, self.right_slope, self.radius[:, 0], self.radius[:, -1]
        rows = [sample_image(edge.astype(np.float32)[:, None], np.zeros_like(map_y), map_y + 0.5) for edge in edges]
        span = math.pi / domes.MAX_AZIMUTH - 1.0
        behind = np.clip((np.abs(side) - 1.0) / span, 0.0, 1.0)  # 0 at a side border, 1 right at the back
        own, slope = np.where(side < 0, rows[0], rows[1]), np.where(side < 0, rows[2], rows[3])
        exact = np.where(side < 0, rows[4], rows[5])
        own = exact + np.minimum(8.0 * behind, 1.0) * (own - exact)
        middle = 0.5 * (rows[0] + rows[1])
        if self.closed:
            # the skull's depth behind the axis, less so towards the crown
            crown = np.clip(1.0 - v / (1.0 - domes.EQUATOR_V), 0.0, 1.0) ** 1.5
            middle = np.minimum(middle, BACK_DEPTH + (self.top - BACK_DEPTH) * crown)
        # Hermite curve: radius and slope of the border, then the middle with no slope
        rest = 1.0 - behind
        ease = behind * behind * (3.0 - 2.0 * behind)
        curve = own + ease * (middle - own) + behind * rest * rest * span * slope
        return np.maximum(curve, np.minimum(own, 0.015))


def _smooth_minimum(a, b, radius):
    """Minimum of two distance-like fields with the edge rounded to about ``radius``."""
    mix = np.clip(0.5 + 0.5 * (b - a) / np.float32(2 * radius), 0.0, 1.0)
    return b + mix * (a - b) - np.float32(2 * radius) * mix * (1.0 - mix)


def _smooth(radius, sigma):
    return cv2.GaussianBlur(radius, (0, 0), float(sigma), borderType=cv2.BORDER_REPLICATE) if sigma > 0 else radius


def _largest_part(opacity):
    """Opacity (h, w) with everything but the largest connected opaque region pushed below one half."""
    solid = (opacity > 0.5).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=4)
    if count > 2:
        keep = 1 + stats[1:, cv2.CC_STAT_AREA].argmax()
        opacity = np.where(cv2.dilate((labels == keep).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0, opacity, 0.0)
        opacity = np.where((labels > 0) & (labels != keep), 0.0, opacity)
    return opacity.astype(np.float32)


def _block(shape, mask, resolution):
    """Occupied voxel block: origin (3,) and voxel size in metres, counts (3,) of grid points."""
    height, width = shape.radius.shape
    u, v = domes.texel_centres(height, width)
    inside = np.ones_like(mask, bool) if shape.closed else mask > 0.5
    points = domes.dome_points(u[inside], v[inside], shape.radius[inside])
    low, high = points.min(0), points.max(0)
    if shape.closed:
        reach = max(BACK_DEPTH, float(shape.left.max()), float(shape.right.max()))
        low[2] = min(low[2], domes.AXIS_Z - reach)
        low[0], high[0] = min(low[0], -reach), max(high[0], reach)
        low[1], high[1] = domes.BOTTOM_Y, max(high[1], domes.EQUATOR_Y + shape.top)
    voxel = float((high - low).max()) / resolution
    low, high = low - 2.5 * voxel, high + 2.5 * voxel
    return low, voxel, np.ceil((high - low) / voxel).astype(int) + 1


def _field(shape, origin, voxel, counts):
    """F on the grid, (nx, ny, nz) float32."""
    x, y, z = (np.float32(origin[a] + voxel * np.arange(counts[a])) for a in range(3))
    field = np.empty(tuple(counts), np.float32)
    plane_y, plane_z = np.meshgrid(y, z, indexing="ij")
    for index, value in enumerate(x):
        field[index] = shape(np.full_like(plane_y, value), plane_y, plane_z)
    return field


def _trim(vertices, triangles, mask):
    """Cut the mesh along the line where the opacity of its texel column is one half, and at the texture's border."""
    u, v, _ = domes.dome_coordinates(vertices)
    height, width = mask.shape
    opacity = sample_image(mask, u * width, v * height).astype(np.float64) - 0.5
    # distance to the border in texels, capped, joins in: half an opacity step per texel
    border = np.minimum(np.minimum(u, 1.0 - u) * width, np.minimum(v, 1.0 - v) * height)
    return clip_mesh(vertices, triangles, np.minimum(opacity, 0.5 * border))


def clip_mesh(vertices, triangles, values):
    """Keep the part of a mesh where a value per vertex is positive, cutting triangles at zero.

    vertices (n, 3), triangles (m, 3), values (n,). Returns vertices and triangles, unused vertices removed.
    """
    inside = values > 0.0
    kept = inside[triangles].sum(1)
    whole = triangles[kept == 3]
    one, two = triangles[kept == 1], triangles[kept == 2]
    # turn every cut triangle so that its odd vertex comes first
    one = _rotate(one, inside[one].argmax(1))
    two = _rotate(two, (~inside[two]).argmax(1))
    pairs = np.concatenate([one[:, [0, 1]], one[:, [0, 2]], two[:, [0, 1]], two[:, [0, 2]]])
    edges, index = np.unique(np.sort(pairs, axis=1), axis=0, return_inverse=True)
    index = index.reshape(-1) + len(vertices)
    a, b = values[edges[:, 0]], values[edges[:, 1]]
    share = (a / (a - b))[:, None]
    cuts = vertices[edges[:, 0]] * (1.0 - share) + vertices[edges[:, 1]] * share
    p, q, r, s = np.split(index, np.cumsum([len(one), len(one), len(two)]))
    new = [
        whole,
        np.stack([one[:, 0], p, q], 1),
        np.stack([r, two[:, 1], two[:, 2]], 1),
        np.stack([r, two[:, 2], s], 1),
    ]
    return _compact(np.concatenate([vertices, cuts]), np.concatenate(new))


def _rotate(triangles, first):
    return triangles[np.arange(len(triangles))[:, None], (first[:, None] + np.arange(3)) % 3]


def _compact(vertices, triangles):
    used = np.zeros(len(vertices), bool)
    used[triangles] = True
    return vertices[used], (np.cumsum(used) - 1)[triangles]


def _decimate(vertices, triangles, faces):
    import fast_simplification

    return fast_simplification.simplify(
        vertices.astype(np.float32), triangles.astype(np.int32), target_count=int(faces), agg=4
    )


def _texture_coordinates(vertices):
    """(n, 2) in [0, 1], v up. The closed back is led over the hair at the side borders to the crown, without a seam."""
    u, v, _ = domes.dome_coordinates(vertices)
    side = np.arctan2(vertices[:, 0], vertices[:, 2] - domes.AXIS_Z) / domes.MAX_AZIMUTH
    behind = np.clip((np.abs(side) - 1.0) / (math.pi / domes.MAX_AZIMUTH - 1.0), 0.0, 1.0)
    v = np.clip(v, 0.0, 1.0) * (1.0 - np.minimum(2.0 * behind, 1.0))
    inward = 0.5 * np.maximum(2.0 * behind - 1.0, 0.0)
    u = np.where(behind > 0.0, np.where(side > 0.0, 1.0 - inward, inward), np.clip(u, 0.0, 1.0))
    return np.stack([u, 1.0 - v], -1)
