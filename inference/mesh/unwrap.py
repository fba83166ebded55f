"""Texture coordinates: of open meshes the portrait's own, of closed ones an atlas all round the head.

The atlas is a strip of the directions from the spine, cut open right behind the head, and two discs below it: the crown
and the bottom, where the directions meet. Nothing in it lies over another thing.
"""

import numpy as np

from ..geometry import domes
from .directions import SPINE_Z, directions

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
