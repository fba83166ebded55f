"""The surface of a portrait over dome coordinates, read from its opacities.

Along one texel column the transmittance falls from 1 in front of the outermost sheet. The surface lies where it
crosses one half; the sheets around the crossing, weighted with what each contributes to the picture, give its
continuous level and with it a dome radius.
"""

import dataclasses

import cv2
import numpy as np

from ..geometry import domes
from ..geometry.filling import nearest_index
from ..geometry.grids import at_corners, at_texels

WINDOW = 1  # sheets on either side of the crossing that share in the level


@dataclasses.dataclass(frozen=True)
class Surface:
    """radius (h, w) float32 metres from the dome axis, defined everywhere; opacity (h, w) float32 [0, 1] of the
    whole column; color (h, w, 3) uint8 sRGB, the column composited front to back, defined everywhere."""

    radius: np.ndarray
    opacity: np.ndarray
    color: np.ndarray


def find_surface(textures: np.ndarray, radii: np.ndarray) -> Surface:
    """Surface of the dome sheets of one portrait.

    textures: (k or k + 1, h, w, 4) uint8, outermost sheet first; a background plane behind is ignored.
    radii: (k, n, n) float metres. Returns a :class:`Surface` at the textures' texels; columns without a surface
    (opacity below one half) carry the values of the nearest column that has one.
    Raises ValueError when no column has a surface.
    """
    count = len(radii)
    height, width = textures.shape[1:3]
    transmittance = np.ones((height, width), np.float32)
    color = np.zeros((height, width, 3), np.float32)
    weights = np.empty((count, height, width), np.float32)
    crossing = np.full((height, width), count, np.int16)
    for sheet in range(count):
        weight = np.multiply(textures[sheet, ..., 3], np.float32(1 / 255), out=weights[sheet])
        weight *= transmittance
        transmittance -= weight
        color += weight[..., None] * textures[sheet, ..., :3]
        crossing[(transmittance <= 0.5) & (crossing == count)] = sheet
    opacity = 1.0 - transmittance
    solid = crossing < count
    if not solid.any():
        raise ValueError("no texel column reaches an opacity of one half")

    total, radius = np.zeros_like(transmittance), np.zeros_like(transmittance)
    for sheet in range(count):
        weight = np.where(np.abs(crossing - sheet) <= WINDOW, weights[sheet], 0.0)
        total += weight
        radius += weight * at_texels(radii[sheet], height, width)
    nearest = nearest_index(solid)
    radius = (radius / np.maximum(total, 1e-6)).ravel()[nearest]
    color = (color / np.maximum(opacity, 1e-6)[..., None]).reshape(-1, 3)[nearest]
    return Surface(radius.astype(np.float32), opacity, np.clip(np.rint(color), 0, 255).astype(np.uint8))


def surface_normals(radius: np.ndarray, quads: int, smoothing: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Outward unit normals of a surface over dome coordinates: coarse ones, and the rest of the way to fine ones.

    radius: (h, w) float32 metres at the texels. quads: along each side of the meshes that shall look like the surface.
    smoothing: standard deviation, in texels, of the Gaussian before.
    Returns normals at the meshes' vertices ((quads + 1)², 3) float32, portrait space, and at the texels (h, w, 3)
    float32 in the tangent space over those: x along u, y upwards (as in glTF 2.0, section 3.9.3), z along the normal.
    """
    if smoothing > 0:
        radius = cv2.GaussianBlur(radius, (0, 0), smoothing, borderType=cv2.BORDER_REPLICATE)
    points = domes.dome_points(*domes.texel_centres(*radius.shape), radius)
    down, right = np.gradient(points, axis=(0, 1))
    normals = _unit(np.cross(down, right)).astype(np.float32)
    corners = np.dstack([at_corners(np.ascontiguousarray(plane), quads) for plane in np.moveaxis(normals, -1, 0)])
    corners = _unit(corners)
    upright = _unit(np.dstack([at_texels(plane, *radius.shape) for plane in np.moveaxis(corners, -1, 0)]))
    tangent = _unit(right - (right * upright).sum(-1, keepdims=True) * upright)
    frame = np.stack([tangent, np.cross(upright, tangent), upright], -2)
    return corners.reshape(-1, 3), np.einsum("...ij,...j->...i", frame, normals).astype(np.float32)


def _unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)

