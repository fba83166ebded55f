"""Texture coordinates: of open meshes the portrait's own, of closed ones an atlas all round the head.

The atlas is a strip of the directions from the spine, cut open right behind the head, and two discs below it: the crown
and the bottom, where the directions meet. As a mesh lies one to one over the directions, nothing in it covers another
thing, and all of it has room.
"""

import cv2
import numpy as np

from ..geometry import domes
from .directions import SPINE_Z, directions, ray
from .field import LOWEST, Field, outwards
from .whole import HEIGHT, WIDTH, coarse, continued_behind, table_points

ABOVE, BELOW = 0.110, 0.115  # metres; what a radian is worth above and below the spine
MIDDLE = domes.EQUATOR_Y - LOWEST  # metres of the spine between
WHOLE = 0.5 * np.pi * (ABOVE + BELOW) + MIDDLE  # metres from pole to pole
CAP, BASE = 0.045, 0.095  # metres from the poles, where the discs end
SHARE = 0.95  # of the atlas's width for the strip; what crosses the cut needs the rest
STRIP = 0.70  # of the atlas's height
DISC, REACH = 0.13, 0.13  # radius of the discs in the atlas, and in metres; triangles across their border reach beyond
CROWN, BOTTOM = (0.25, 0.855), (0.75, 0.855)  # centres of the discs in the atlas
COARSEST = 640  # texels of the atlas whose points are looked for; those of finer ones lie between


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
    s, _, _ = (part[:, 0] for part in directions(*vertices.astype(np.float32).T[..., None]))
    s, down = s[triangles].astype(np.float64), _from_crown(vertices)[triangles]
    s = np.where((np.ptp(s, axis=1) > 0.5)[:, None] & (s < 0.5), s + 1.0, s)
    places = np.stack([SHARE * s, STRIP * (down - CAP) / (WHOLE - BASE - CAP)], -1)
    middle = down.mean(1)
    for chosen, centre, distance in ((middle < CAP, CROWN, down), (middle > WHOLE - BASE, BOTTOM, WHOLE - down)):
        flat = vertices[triangles[chosen]][..., [0, 2]] - (0.0, SPINE_Z)
        flat /= np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-9)
        if centre is BOTTOM:
            flat[..., 0] *= -1.0  # seen from below
        places[chosen] = centre + DISC / REACH * distance[chosen][..., None] * flat
    places[..., 1] = 1.0 - places[..., 1]
    return _shared(np.clip(places, 0.0, 1.0).astype(np.float32), triangles)


def atlas_points(field: Field, size: int) -> np.ndarray:
    """The points (size, size, 3) float64 metres of a closed head that an atlas's texels show, first row on top."""
    x, y = np.meshgrid((np.arange(size) + 0.5) / size, (np.arange(size) + 0.5) / size)
    s, down = x / SHARE, CAP + np.minimum(y / STRIP, 1.0) * (WHOLE - BASE - CAP)
    for centre, side in ((CROWN, 1.0), (BOTTOM, -1.0)):
        right, below = side * (x - centre[0]), y - centre[1]
        around, _, _ = directions(*(part.astype(np.float32) for part in (right, np.zeros_like(x), below + SPINE_Z)))
        distance = np.hypot(right, below) * REACH / DISC
        here = distance < REACH
        s = np.where(here, around, s)
        down = np.where(here, distance if centre is CROWN else WHOLE - distance, down)
    elevation = np.maximum(0.5 * np.pi - down / ABOVE, 0.0)
    elevation -= np.maximum(down - 0.5 * np.pi * ABOVE - MIDDLE, 0.0) / BELOW
    height = domes.EQUATOR_Y - np.clip(down - 0.5 * np.pi * ABOVE, 0.0, MIDDLE)
    towards = ray(np.mod(s, 1.0), elevation)
    start = np.stack([np.zeros_like(s), height, np.full_like(s, SPINE_Z)], -1)
    return field.nearest((start + 0.1 * towards).reshape(-1, 3)).reshape(size, size, 3)


def atlas(texture: np.ndarray, field: Field, radius: np.ndarray, own: np.ndarray) -> np.ndarray:
    """A texture (h, w, 3) uint8 over dome coordinates laid out for a closed head, (2 w, 2 w, 3) uint8.

    radius, own: as of :func:`inference.mesh.whole.whole_head`. Behind, the colours go on smoothly.
    """
    height, width = texture.shape[:2]
    points = atlas_points(field, min(2 * width, COARSEST)).astype(np.float32)
    s, t, _ = directions(*np.moveaxis(points, -1, 0))
    u, v, _ = domes.fast_coordinates(*np.moveaxis(points, -1, 0))
    weight = coarse(own)
    there = domes.fast_coordinates(*np.moveaxis(table_points(coarse(np.ascontiguousarray(radius))), -1, 0))
    seen = _look_up(texture, there[0] * width, there[1] * height).astype(np.float32)
    sure = np.where(weight > 0.5, weight, 0.0)
    behind = np.pad(continued_behind(seen, sure), ((0, 0), (1, 1), (0, 0)), "wrap")
    behind = _look_up(behind, s * WIDTH / 4 + 1.0, t * HEIGHT / 4)
    share = _look_up(np.pad(own, ((0, 0), (1, 1)), "wrap"), s * WIDTH + 1.0, t * HEIGHT)
    full = (2 * width, 2 * width)
    u, v, share, behind = (cv2.resize(part, full, interpolation=cv2.INTER_LINEAR) for part in (u, v, share, behind))
    front = _look_up(texture, u * width, v * height).astype(np.float32)
    return np.clip(behind + share[..., None] * (front - behind) + 0.5, 0, 255).astype(np.uint8)


def _from_crown(points):
    """Metres (n,) down from the crown along a meridian of the spine."""
    out = outwards(points)
    elevation = np.arctan2(out[:, 1], np.hypot(out[:, 0], out[:, 2]))
    along = domes.EQUATOR_Y - np.clip(points[:, 1], LOWEST, domes.EQUATOR_Y)
    return ABOVE * (0.5 * np.pi - np.maximum(elevation, 0.0)) + along - BELOW * np.minimum(elevation, 0.0)


def _shared(places, triangles):
    """Places (m, 3, 2) float32 at corners as rows without doubles and their numbers (m, 3) int32."""
    keys, owner = np.ascontiguousarray(places).view(np.int64).ravel(), triangles.ravel()
    order = np.lexsort([keys, owner])
    keys, owner = keys[order], owner[order]
    new = np.concatenate([[True], (keys[1:] != keys[:-1]) | (owner[1:] != owner[:-1])])
    rows = np.empty(len(order), np.int32)
    rows[order] = np.cumsum(new) - 1
    return places.reshape(-1, 2)[order][new], rows.reshape(-1, 3)


def _look_up(image, x, y):
    """Bilinear look-up in texels whose first one has its centre at 0.5."""
    half = np.float32(0.5)
    x, y = (np.asarray(part, np.float32) - half for part in (x, y))
    return cv2.remap(image, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
