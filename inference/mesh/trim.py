"""Open meshes end where the subject does: the mask over the texture, and the cut along its border."""

import cv2
import numpy as np

from ..geometry import domes
from ..geometry.sampling import sample_image


def largest_part(opacity):
    """Opacity (h, w) with everything but the largest connected opaque region pushed below one half."""
    solid = (opacity > 0.5).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=4)
    if count > 2:
        keep = 1 + stats[1:, cv2.CC_STAT_AREA].argmax()
        opacity = np.where(cv2.dilate((labels == keep).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0, opacity, 0.0)
        opacity = np.where((labels > 0) & (labels != keep), 0.0, opacity)
    return opacity.astype(np.float32)


def trim(vertices, triangles, mask):
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
