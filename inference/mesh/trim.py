"""Open meshes end where the subject does: the region that is shown, and the cut along its border."""

import cv2
import numpy as np

from ..errors import PortraitError
from .topology import border_edges, compact, components_with, edges_of, largest_component

TOO_SMALL = "the subject is too small for a mesh of this resolution; ask for a higher one"


def subject_mask(opacity: np.ndarray) -> np.ndarray:
    """The opacity changed so that what exceeds one half is one region without holes.

    opacity: (h, w) float [0, 1] of the texel columns. The largest connected region stays; regions beside it fall to 0,
    holes inside it rise to 1. Returns (h, w) float32.
    """
    solid = opacity > 0.5
    _, labels, stats, _ = cv2.connectedComponentsWithStats(solid.astype(np.uint8), connectivity=4)
    region = labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()
    # what reaches the ring round the texture is outside, the rest of the complement is holes
    around = cv2.copyMakeBorder((~region).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    _, labels = cv2.connectedComponents(around, connectivity=8)
    filled = labels[1:-1, 1:-1] != labels[0, 0]
    near = cv2.dilate(filled.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0  # the border keeps its slope
    opacity = np.where(near & ~(solid & ~filled), opacity, 0.0)
    return np.where(filled & ~region, 1.0, opacity).astype(np.float32)


def trim(vertices: np.ndarray, triangles: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut a mesh along the line where a value per vertex is zero; what is left is one piece with one border.

    vertices: (n, 3) float metres; triangles: (m, 3) int, all connected; values: (n,) float, positive where they stay.
    Coarse triangles may tear a narrow part off, or leave a gap. Raises PortraitError when nothing is left.
    """
    if not (values > 0.0).any():
        raise PortraitError(TOO_SMALL)
    edges = edges_of(triangles)
    kept = largest_component(values > 0.0, edges)
    beyond = values == values.min()
    beyond[border_edges(triangles)] = True
    outside = components_with(beyond, ~kept, edges)
    values = np.where(kept, values, np.where(outside, np.minimum(values, 0.0), 1.0))
    return clip_mesh(vertices, triangles, values)


def clip_mesh(
    vertices: np.ndarray, triangles: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
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
    return compact(np.concatenate([vertices, cuts]), np.concatenate(new))


def _rotate(triangles, first):
    return triangles[np.arange(len(triangles))[:, None], (first[:, None] + np.arange(3)) % 3]
