"""Texture coordinates: of open meshes the portrait's own, of closed ones an atlas all round the head.

The atlas is a strip of the directions from the spine, cut open right behind the head, and two discs below it: the crown
and the bottom, where the directions meet. As a mesh lies one to one over the directions, nothing in it covers another
thing, and all of it has room. But where directions turn quickly, at the bottom's rim, flat triangles are bent in it,
and a long and narrow one may come to lie the wrong way round: the places about it are evened out until none does. With
fewer than some 800 faces, where triangles are as wide as the discs, two may still overlap.
"""

import itertools

import numpy as np

from ..geometry import domes
from .directions import SPINE_Z, directions
from .field import LOWEST, outwards
from .remesh import Edges, middles

ABOVE = 0.110  # metres; what a radian is worth above the spine
BELOW, HALF = 0.1, 0.06  # metres from the spine's lower end to the pole below, and where on the bottom half of them lie
MIDDLE = domes.EQUATOR_Y - LOWEST  # metres of the spine between
WHOLE = 0.5 * np.pi * ABOVE + MIDDLE + BELOW  # metres from pole to pole
CAP, BASE = 0.045, 0.045  # metres from the poles, where the discs end
SHARE = 0.95  # of the atlas's width for the strip; what crosses the cut needs the rest
STRIP = 0.70  # of the atlas's height
DISC, REACH = 0.13, 0.08  # radius of the discs in the atlas, and in metres; triangles across their border reach beyond
HIGHEST = STRIP + 0.02  # of the atlas's height, for what crosses the strip's lower border; the discs begin there
WIDEST, EVENINGS = 16, 60  # triangles round a fold that are evened out at last, and how often each time
LEAST = 1e-9  # of the atlas, twice a triangle's area: a thirtieth of the smallest texel, and more than rounding moves
CROWN, BOTTOM = (0.25, 0.855), (0.75, 0.855)  # centres of the discs in the atlas


def texture_coordinates(
    vertices: np.ndarray, triangles: np.ndarray, closed: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """Places in the texture, v up, and rows of them at the triangles' corners.

    vertices (n, 3) float metres, portrait space; triangles (m, 3) int. Returns (k, 2) float32 in [0, 1], and (m, 3)
    int32 for closed meshes, where a vertex may have several places; of open ones it has the row of its number: None.
    """
    if not closed:
        u, v, _ = domes.dome_coordinates(vertices)
        return np.clip(np.stack([u, 1.0 - v], -1), 0.0, 1.0).astype(np.float32), None
    s, _, _ = (part[:, 0] for part in directions(*vertices.astype(np.float32).T[..., None]))
    s, down = s[triangles].astype(np.float64), _from_crown(vertices)[triangles]
    s = np.where((np.ptp(s, axis=1) > 0.5)[:, None] & (s < 0.5), s + 1.0, s)
    places = np.stack([SHARE * s, np.minimum(STRIP * (down - CAP) / (WHOLE - BASE - CAP), HIGHEST)], -1)
    middle = down.mean(1)
    for chosen, centre, distance in ((middle < CAP, CROWN, down), (middle > WHOLE - BASE, BOTTOM, WHOLE - down)):
        flat = vertices[triangles[chosen]][..., [0, 2]] - (0.0, SPINE_Z)
        flat /= np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-9)
        if centre is BOTTOM:
            flat[..., 0] *= -1.0  # seen from below
        places[chosen] = centre + DISC / REACH * np.minimum(distance[chosen], REACH)[..., None] * flat
    places[..., 1] = 1.0 - places[..., 1]
    places, rows = _shared(np.clip(places, 0.0, 1.0).astype(np.float32), triangles)
    return _unfolded(places.astype(np.float64), rows.astype(np.int64)).astype(np.float32), rows


def _unfolded(places, triangles):
    """Places (k, 2) float64 evened out round those triangles (m, 3) that lie the wrong way round, ever wider until none
    does; what lies at seams only where that is not enough."""
    folded = ~_upright(places[triangles])
    if not folded.any():
        return places
    places, seam = places.copy(), Edges(triangles, len(places)).border
    for width, fixed in itertools.product(range(WIDEST), (True, False)):
        free = np.zeros(len(places), bool)
        free[triangles[folded]] = True
        for _ in range(width):
            free[triangles[free[triangles].any(1)]] = True
        if fixed:
            free &= ~seam
        patch = np.flatnonzero(free[triangles].any(1))
        used, own = np.unique(triangles[patch], return_inverse=True)
        own, moving, moved = own.reshape(-1, 3), free[used][:, None], places[used]
        for _ in range(EVENINGS):
            moved = np.where(moving, middles(moved, own), moved)
            still = ~_upright(moved[own])
            if still.sum() < folded[patch].sum():
                places[used], folded[patch] = moved, still
            if not folded.any():
                return places
    return places


def _upright(corners):
    """Whether triangles (m, 3, 2) are counter-clockwise, (m,) bool."""
    (a, b), (c, d) = (np.moveaxis(corners[:, corner] - corners[:, 0], -1, 0) for corner in (1, 2))
    return a * d - b * c > LEAST


def _from_crown(points):
    """Metres (n,) down from the crown along a meridian of the spine."""
    out = outwards(points)
    flat = np.hypot(out[:, 0], out[:, 2])
    above = ABOVE * (0.5 * np.pi - np.arctan2(np.maximum(out[:, 1], 0.0), flat))
    along = domes.EQUATOR_Y - np.clip(points[:, 1], LOWEST, domes.EQUATOR_Y)
    # the lower directions by where they meet the bottom, which most of them do far out
    steep = HALF * np.maximum(-out[:, 1], 0.0)
    below = BELOW * steep / np.maximum(steep + (LOWEST - domes.BOTTOM_Y) * flat, 1e-12)
    return above + along + below


def _shared(places, triangles):
    """Places (m, 3, 2) float32 at corners as rows without doubles and their numbers (m, 3) int32."""
    keys, owner = np.ascontiguousarray(places).view(np.int64).ravel(), triangles.ravel()
    order = np.lexsort([keys, owner])
    keys, owner = keys[order], owner[order]
    new = np.concatenate([[True], (keys[1:] != keys[:-1]) | (owner[1:] != owner[:-1])])
    rows = np.empty(len(order), np.int32)
    rows[order] = np.cumsum(new) - 1
    return places.reshape(-1, 2)[order][new], rows.reshape(-1, 3)
