"""Sheets as grid meshes, for renderers that draw textured geometry, and fewer sheets in place of many."""

from collections.abc import Sequence

import cv2
import numpy as np

from ..geometry import detail_maps, domes
from ..geometry.background import background_points
from ..geometry.grids import corner_grid, sample_grid
from .delight import Light, without


def sheet_mesh(radii: np.ndarray, index: int, resolution: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Quad grid of one manifold.

    radii: (k, n, n) float, metres, radius of every sheet at the grid corners.
    index: sheet 0 (outermost) to k - 1 (innermost), or k for the background plane.
    resolution: quads along each side of a dome sheet; the background is one quad.
    Returns vertices (m, 3) float32 metres in portrait space, faces (f, 4) int32 quads, counter-clockwise seen
    from the viewer, and uv (m, 2) float32 in [0, 1] with v up.
    """
    background = len(radii)
    if not 0 <= index <= background:
        raise IndexError(f"there is no manifold {index}; they are 0 to {background}")
    count = 1 if index == background else int(resolution)
    if count < 1:
        raise ValueError("the resolution of a sheet mesh must be at least 1")
    u, v = np.meshgrid(np.linspace(0.0, 1.0, count + 1), np.linspace(0.0, 1.0, count + 1))
    if index == background:
        points = background_points(u, v)
    else:
        points = domes.dome_points(u, v, sample_grid(radii[index], u, v))
    corner = np.arange((count + 1) ** 2, dtype=np.int32).reshape(count + 1, count + 1)
    faces = np.stack([corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]], -1)
    uv = np.stack([u, 1.0 - v], -1)
    return points.reshape(-1, 3).astype(np.float32), faces.reshape(-1, 4), uv.reshape(-1, 2).astype(np.float32)


def merge_sheets(textures: np.ndarray, radii: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Fewer sheets with the same look: groups of neighbours become one sheet each.

    textures: (k or more, h, w, 4) uint8, straight alpha, outermost first; what follows the k dome sheets is left out.
    radii: (k, n, m) float, metres. count: how many sheets are wanted; k or more leaves all as they are.
    A group's texels are composited along the dome rays. Its sheet runs where they contribute most to that, so a view
    from the side moves them as little as possible. Returns textures (count, h, w, 4) uint8 and radii (count, n, m)
    float32.
    """
    sheets = len(radii)
    if count >= sheets:
        return textures[:sheets], np.asarray(radii, np.float32)
    if count < 1:
        raise ValueError("the number of sheets must be at least 1")
    groups = [range(part[0], part[-1] + 1) for part in np.array_split(np.arange(sheets), count)]
    pairs = [_merge(textures[group.start : group.stop], radii[group.start : group.stop]) for group in groups]
    return np.stack([texture for texture, _ in pairs]), np.stack([radius for _, radius in pairs])


def _merge(textures, radii):
    """One sheet for a group; arguments as in :func:`merge_sheets`. Returns (h, w, 4) uint8 and (n, m) float32."""
    height, width = textures.shape[1:3]
    rows, columns = radii.shape[1:]
    transmittance = np.ones((height, width, 1), np.float32)
    colour = np.zeros((height, width, 3), np.float32)
    top, bottom = np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.float32)
    for texture, radius in zip(textures, radii, strict=True):
        weight = transmittance * (texture[..., 3:] / np.float32(255))
        colour += weight * texture[..., :3]
        transmittance -= weight
        share = corner_grid(weight[..., 0], rows, columns) + 1e-3  # where all are empty: midway
        top += share * radius
        bottom += share
    alpha = 1.0 - transmittance
    colour = np.where(alpha > 0.0, colour / np.maximum(alpha, 1e-6), textures[-1, ..., :3])
    texture = np.concatenate([colour, 255 * alpha], axis=-1)
    return np.rint(np.clip(texture, 0, 255)).astype(np.uint8), top / bottom


def with_detail(texture: np.ndarray, detail: np.ndarray) -> np.ndarray:
    """A sheet's texture (h, w, 4) uint8 with a detail map (s, s, 3) uint8 added, (s, s, 4) uint8.

    For renderers that cannot add one to many sheets.
    """
    fine = cv2.resize(texture, detail.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    fine[..., :3] = _added(fine[..., :3], detail)
    return fine


def _added(colours, detail):
    """Colours (s, s, 3) uint8 with a detail map (s, s, 3) uint8."""
    return np.clip(colours.astype(np.int16) + detail - detail_maps.NO_DETAIL, 0, 255).astype(np.uint8)


def delit_sheets(textures: np.ndarray, light: Light) -> np.ndarray:
    """Sheets' textures (k, h, w, 4) uint8 without the photo's light, the same for all texels of a column."""
    shade = light.of_columns(*textures.shape[1:3])
    return np.stack([np.dstack([without(texture[..., :3], shade), texture[..., 3]]) for texture in textures])


def delit_detail(detail: np.ndarray, colour: np.ndarray, light: Light) -> np.ndarray:
    """A detail map (s, s, 3) uint8 for sheets without light: what it adds to the surface's colours (h, w, 3) uint8."""
    height, width = detail.shape[:2]
    shade = light.of_columns(height, width)
    coarse = cv2.resize(colour, (width, height), interpolation=cv2.INTER_LINEAR)
    fine, coarse = (without(colours, shade) for colours in (_added(coarse, detail), coarse))
    return detail_maps.encode((fine - np.float32(coarse)) / np.float32(255))


class VisibleQuads:
    """Which quads of a sheet's grid show anything, for any resolution. alpha: (h, w) uint8 of the sheet's texture."""

    def __init__(self, alpha: np.ndarray) -> None:
        self._shape = alpha.shape
        self._total = np.pad((alpha > 0).cumsum(0).cumsum(1), ((1, 0), (1, 0)))

    def __call__(self, resolution: int) -> np.ndarray:
        """(resolution, resolution) bool: some texel of the quad, or one that bilinear sampling reads, is not clear."""
        height, width = self._shape
        edges = np.arange(resolution + 1) / resolution
        low, high = edges[:-1], edges[1:]
        left = np.floor(low * width - 1).clip(0, width).astype(int)
        right = np.ceil(high * width + 1).clip(0, width).astype(int)
        upper = np.floor(low * height - 1).clip(0, height).astype(int)[:, None]
        lower = np.ceil(high * height + 1).clip(0, height).astype(int)[:, None]
        total = self._total
        return total[lower, right] - total[upper, right] - total[lower, left] + total[upper, left] > 0


def grid_resolution(visible: Sequence[VisibleQuads], triangles: int, limit: int = 256) -> int:
    """Largest number of quads along a sheet's side with which all sheets together stay within a budget.

    visible: :class:`VisibleQuads` of every sheet. triangles: the budget. Returns 4 to ``limit``.
    """
    low, high = 4, limit
    while low < high:
        middle = (low + high + 1) // 2
        if 2 * sum(int(quads(middle).sum()) for quads in visible) <= triangles:
            low = middle
        else:
            high = middle - 1
    return low
