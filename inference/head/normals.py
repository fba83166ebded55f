"""The skin's normal map: what the portrait's surface has beyond the quads, in tangent space."""

import cv2
import numpy as np

from ..geometry import domes
from ..geometry.curves import smooth_step
from ..mesh.surface import Surface
from ..threads import in_parallel
from .base import HeadBase
from .texels import Texels, image
from .texture import GRAZING, OFF, look_up

STEEPEST = 0.5  # sine of the angle that the map may add
SMOOTHING = 1.2  # texels of the portrait's surface, standard deviation


def normal_map(surface: Surface, base: HeadBase, vertices: np.ndarray, parts: list[Texels]) -> np.ndarray:
    """(size, size, 3) uint8, 127.5 + 127.5 n, for a fitted skin, vertices (n, 3) metres with the photo's expression."""
    smooth = cv2.GaussianBlur(surface.radius, (0, 0), SMOOTHING, borderType=cv2.BORDER_REPLICATE)
    down, right = np.gradient(domes.column_points(smooth), axis=(0, 1))
    normals = np.cross(down, right).astype(np.float32)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    maps = np.ascontiguousarray(np.dstack([normals, surface.radius]))
    opacity = np.ascontiguousarray(surface.opacity)
    hidden = np.max([base.groups[name] for name in ("mouth", "sockets", "ears", "lids", "lips")], axis=0)
    along = _along_u(base, vertices)

    def part(texels):
        u, v, radius = domes.dome_coordinates(texels.points)
        place = np.stack([u, v], -1) * np.float32(opacity.shape[::-1])
        found, solid = look_up(maps, place, cv2.INTER_LINEAR), look_up(opacity, place, cv2.INTER_LINEAR)
        own = texels.normals
        shown = found[:, :3] / np.maximum(np.linalg.norm(found[:, :3], axis=1, keepdims=True), 1e-6)
        trust = smooth_step(*OFF, np.abs(found[:, 3] - radius)) * smooth_step(0.5, 0.9, solid)
        trust *= smooth_step(*GRAZING, np.einsum("kc,kc->k", shown, own))
        trust *= (np.abs(u - 0.5) < 0.5) & (np.abs(v - 0.5) < 0.5)
        trust *= 1.0 - texels.of_vertices(hidden)
        added = trust[:, None] * (shown - own)
        added *= np.minimum(1.0, STEEPEST / np.maximum(np.linalg.norm(added, axis=1, keepdims=True), 1e-6))
        tangent = texels.covered.interpolated(along, texels.uv_triangles)
        tangent -= np.einsum("kc,kc->k", tangent, own)[:, None] * own
        tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
        normal = own + added
        frame = tangent, np.cross(own, tangent), own
        local = np.stack([np.einsum("kc,kc->k", normal, axis) for axis in frame], -1)
        local /= np.linalg.norm(local, axis=1, keepdims=True)
        return np.rint(np.clip(127.5 + 127.5 * local, 0.0, 255.0)).astype(np.uint8)

    with in_parallel(0) as each:
        return image(parts, list(each(part, parts)))


def _along_u(base, vertices):
    """The direction of growing u at the base's rows of uv, (k, 3), as long as the faces around them are large."""
    triangles, rows = (quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3) for quads in (base.faces, base.face_uv))
    points, uv = vertices[triangles], base.uv[rows]
    edges, spans = points[:, 1:] - points[:, :1], uv[:, 1:] - uv[:, :1]
    along = edges[:, 0] * spans[:, 1, 1:] - edges[:, 1] * spans[:, 0, 1:]
    along *= np.sign(spans[:, 0, 0] * spans[:, 1, 1] - spans[:, 0, 1] * spans[:, 1, 0])[:, None]
    return np.stack([np.bincount(rows.ravel(), np.repeat(axis, 3), len(base.uv)) for axis in along.T], -1)
