"""Texture coordinates: of open meshes the portrait's own, of closed ones an atlas all round the head.

The atlas is a strip of the directions from the spine, cut open right behind the head, and two discs below it: the crown
and the bottom, where the directions meet. Nothing in it lies over another thing.
"""

import cv2
import numpy as np

from ..geometry import domes
from .directions import SPINE_Z, directions
from .whole import HEIGHT, WIDTH, coarse, continued_behind, table_points

MARGIN = 0.03  # of the atlas, left and right of the strip, for what crosses the cut
STRIP = 0.74  # of the atlas's height
CAP_T = 0.13  # the crown's disc ends there: 24 degrees from the pole
FLAT = 0.7  # cosine with straight below from which on a face near the bottom is part of it
LOW = 0.012  # metres above the lower border
CROWN_DISC, BOTTOM_DISC = (0.27, 0.87), (0.73, 0.87)  # centres in the atlas
DISC = 0.12  # radius of the discs in the atlas
CAP_REACH, BOTTOM_REACH = 0.2, 0.28  # t and metres at a disc's rim


def texture_coordinates(
    vertices: np.ndarray, triangles: np.ndarray, closed: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """Places in the texture, v up, and rows of them at the triangles' corners.

    vertices (n, 3) float metres, portrait space; triangles (m, 3) int. Returns (k, 2) float32 in [0, 1], and (m, 3) int32
    for closed meshes, where a vertex may have several places; of open ones a vertex has the row of its number: None.
    """
    if not closed:
        u, v, _ = domes.dome_coordinates(vertices)
        return np.clip(np.stack([u, 1.0 - v], -1), 0.0, 1.0).astype(np.float32), None
    corners = vertices[triangles]
    s, t, _ = (part[:, 0] for part in directions(*vertices.astype(np.float32).T[..., None]))
    s, t = s[triangles].astype(np.float64), t[triangles].astype(np.float64)
    across = np.ptp(s, axis=1) > 0.5
    s = np.where(across[:, None] & (s < 0.5), s + 1.0, s)
    places = np.stack([MARGIN + (1.0 - 2.0 * MARGIN) * s - 0.5 * MARGIN, STRIP * t], -1)
    crown = t.mean(1) < CAP_T
    places[crown] = _on_disc(corners[crown], t[crown] / CAP_REACH, CROWN_DISC)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    below = -normals[:, 1] > FLAT * np.linalg.norm(normals, axis=1)
    bottom = below & (corners[..., 1].mean(1) < domes.BOTTOM_Y + LOW)
    spread = np.hypot(corners[bottom][..., 0], corners[bottom][..., 2] - SPINE_Z) / BOTTOM_REACH
    places[bottom] = _on_disc(corners[bottom] * (-1.0, 1.0, 1.0), spread, BOTTOM_DISC)
    places[..., 1] = 1.0 - places[..., 1]
    return _shared(np.clip(places, 0.0, 1.0).astype(np.float32), triangles)


def _on_disc(corners, spread, centre):
    """Places of corners (m, 3, 3) at their azimuth and a distance, 1 at the rim, from a disc's centre."""
    offset = corners[..., [0, 2]] - (0.0, SPINE_Z)
    offset = offset / np.maximum(np.linalg.norm(offset, axis=-1, keepdims=True), 1e-9)
    return np.asarray(centre) + DISC * np.minimum(spread, 1.0)[..., None] * offset


def _shared(places, triangles):
    """Places (m, 3, 2) at corners as rows without doubles and their numbers (m, 3)."""
    keys = np.ascontiguousarray(places).view(np.int64)[..., 0]
    order = np.lexsort([keys.ravel(), triangles.ravel()])
    keys, owner = keys.ravel()[order], triangles.ravel()[order]
    new = np.concatenate([[True], (keys[1:] != keys[:-1]) | (owner[1:] != owner[:-1])])
    rows = np.empty(len(order), np.int32)
    rows[order] = np.cumsum(new) - 1
    return places.reshape(-1, 2)[order][new], rows.reshape(-1, 3)


def atlas(texture: np.ndarray, radius: np.ndarray, own: np.ndarray) -> np.ndarray:
    """A texture (h, w, 3) uint8 over dome coordinates laid out for a closed head, (2 h, 2 w, 3) uint8.

    radius, own: as of :func:`inference.mesh.whole.whole_head`. Behind, the colours go on smoothly.
    """
    height, width = texture.shape[:2]
    s, t = _directions_of(2 * height, 2 * width)
    places = table_points(radius)
    u, v, _ = domes.fast_coordinates(*np.moveaxis(places, -1, 0))
    front = _look_up(texture, u * width, v * height)
    weight = coarse(own)
    behind = continued_behind(coarse(front * own[..., None]) / np.maximum(weight, 1e-3)[..., None], (weight > 0.5) * weight)
    map_x, map_y = s * WIDTH, t * HEIGHT
    sides = np.pad(np.dstack([u, v, own]), ((0, 0), (1, 1), (0, 0)), "wrap")
    u, v, own = np.moveaxis(_look_up(sides, map_x + 1.0, map_y), -1, 0)
    behind = np.pad(behind, ((0, 0), (1, 1), (0, 0)), "wrap")
    behind = _look_up(behind, s * (behind.shape[1] - 2) + 1.0, t * behind.shape[0])
    colour = _look_up(texture, u * width, v * height).astype(np.float32)
    return np.clip(behind + own[..., None] * (colour - behind) + 0.5, 0, 255).astype(np.uint8)


def _directions_of(height, width):
    """s and t of an atlas's texels, (height, width) float32 each."""
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    s, t = (x - 0.5 * MARGIN) / (1.0 - 2.0 * MARGIN), np.minimum(y / STRIP, 1.0)
    for centre, reach in ((CROWN_DISC, CAP_REACH), (BOTTOM_DISC, None)):
        right, down = x - centre[0], y - centre[1]
        spread = np.hypot(right, down) / DISC
        here = spread < 1.1
        mirrored = right if reach else -right
        around, _, _ = directions(*(part.astype(np.float32) for part in (mirrored, np.zeros_like(x), down + SPINE_Z)))
        s = np.where(here, around, s)
        t = np.where(here, spread * reach if reach else 1.0, t)
    return np.mod(s, 1.0).astype(np.float32), t.astype(np.float32)


def _look_up(image, x, y):
    """Bilinear look-up in texels whose first one has its centre at 0.5."""
    half = np.float32(0.5)
    x, y = (np.asarray(part, np.float32) - half for part in (x, y))
    return cv2.remap(image, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
