"""A mesh's outline, as far out as the photo shows the portrait.

Smoothing and flat faces take a fraction of a millimetre off what is round, so that the outline of a mesh lies a pixel
or two inside of the portrait's. Its vertices there go outwards by what is missing.
"""

import numpy as np

from ..geometry.cameras import Camera
from ..geometry.filling import nearest_index
from .field import facing_outwards, outwards
from .raster import rasterise

REACH = 0.001  # metres; what is missing farther beyond the outline is another thing, such as strands of hair
SAME_DEPTH = 0.012  # metres; what lies farther before or behind is another thing, too: a collar beside the cheek
MOST = 0.002  # metres that a vertex moves; outwards from the spine is not straight away from the outline
ACROSS = 0.5  # cosine between the two from which on a vertex moves
ROUNDS = 2


def reaching(vertices: np.ndarray, triangles: np.ndarray, camera: Camera, shown: np.ndarray) -> np.ndarray:
    """Vertices (n, 3) float64 metres, moved along their directions from the spine until a camera's view is covered.

    vertices (n, 3) float and triangles (m, 3) int; those that face outwards, seen from the spine, go on doing so.
    shown (h, w) float32: the view's depth in metres, infinite where there is nothing.
    """
    vertices = vertices.astype(np.float64)
    out = outwards(vertices)
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    gone = np.zeros(len(vertices))
    for _ in range(ROUNDS):
        triangle, gap = _missing(vertices, triangles, camera, shown)
        wide = np.linalg.norm(gap, axis=1, keepdims=True)
        corners = triangles[triangle]
        along = np.einsum("kcx,kx->kc", out[corners], gap / wide)
        far = np.where((wide < REACH) & (along > ACROSS), wide / np.maximum(along, ACROSS), 0.0)
        move = np.zeros(len(vertices))
        np.maximum.at(move, corners.ravel(), far.ravel())
        move = np.minimum(move, MOST - gone)
        before = facing_outwards(vertices[triangles])
        while True:
            moved = vertices + out * move[:, None]
            turned = triangles[before & ~facing_outwards(moved[triangles])]
            if not move[turned].any():
                break
            move[turned] = 0.0
        vertices, gone = moved, gone + move
    return vertices


def _missing(vertices, triangles, camera, shown):
    """The triangles (k,) nearest to pixels that a camera's view shows beside them, and the way there (k, 3) metres."""
    place, depth = camera.project(vertices)
    drawn = rasterise(place[triangles], camera.width, camera.height, depth[triangles], camera.ortho_width is None)
    triangle = np.full(shown.size, -1)
    triangle[drawn.pixel] = drawn.triangle
    beside = (triangle < 0).reshape(shown.shape)
    row, column = np.nonzero(beside & np.isfinite(shown))
    nearest = nearest_index(~beside)[row, column]
    deep = depth[triangles[triangle[nearest]]].mean(1)
    same = np.abs(shown[row, column] - deep) < SAME_DEPTH
    way = np.stack([column - nearest % camera.width, nearest // camera.width - row], -1)[same]  # to the right and up
    way = way / camera.pixels_per_unit() * (1.0 if camera.ortho_width is not None else deep[same, None])
    return triangle[nearest[same]], way @ camera.camera_to_world[:3, :2].T
