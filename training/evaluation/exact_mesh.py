"""The exact skin of a synthetic head as triangles, with its parts by name."""

import dataclasses

import numpy as np

from inference.alignment.pose import landmark_weights
from training.synthetic.appearance import ears
from training.synthetic.heads import mean_landmarks

from .true_heads import true_vertices

FACE, EAR, NECK, BACK = range(4)  # parts of the skin
PARTS = ("face", "ears", "neck", "skull")
JAW_BACK = 0.0  # metres; the face's outline is followed to this z and ends there
BOTTOM = -0.16  # metres; below it there is no portrait


@dataclasses.dataclass(frozen=True)
class ExactMesh:
    """vertices (n, 3) float32 metres, portrait space; triangles (m, 3) int32; part (n,) of PARTS, -1 inside and below."""

    vertices: np.ndarray
    triangles: np.ndarray
    part: np.ndarray


def exact_mesh(shard, index, pack):
    """The :class:`ExactMesh` of a row of a shard. pack: :class:`training.synthetic.assets.AssetPack`."""
    template = mean_landmarks(pack).astype(np.float64)
    points = true_vertices(pack, shard, index, template, landmark_weights(template)).astype(np.float32)
    part = pack.skin_part()
    return ExactMesh(points, part.mesh_triangles, parts(pack, points, part.mesh_triangles))


def parts(pack, points, triangles):
    """What part of the skin each vertex belongs to, (n,) int."""
    marks = points[pack.landmarks["facemesh468_verts"]].mean(1)
    out = np.full(len(points), -1)
    used = np.unique(triangles)
    out[used] = BACK
    chin, brow = marks[152], marks[10]
    x, y, z = points.T
    out[used[(y[used] < chin[1] + 0.25 * (chin[2] - z[used]))]] = NECK
    out[used[(y[used] < brow[1]) & (z[used] > JAW_BACK) & (out[used] != NECK)]] = FACE
    out[np.flatnonzero(ears(pack))] = EAR
    out[pack.mouth_bag[0]] = -1
    out[y < BOTTOM] = -1
    return out


def dense_points(vertices, triangles, spacing):
    """Points (k, 3) float64 all over a mesh, at most about ``spacing`` metres apart, and the triangle (k,) of each."""
    corners = vertices[triangles].astype(np.float64)
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1).max(1)
    cuts = np.maximum(np.ceil(longest / spacing).astype(int), 1)
    points, owner = [], []
    for n in np.unique(cuts):
        i, j = np.meshgrid(np.arange(n), np.arange(n))
        inside = i + j < n
        share = np.stack([i[inside] + 1 / 3, j[inside] + 1 / 3], -1) / n
        which = np.flatnonzero(cuts == n)
        points.append(np.einsum("bk,mkd->mbd", np.column_stack([share, 1 - share.sum(1)]), corners[which]).reshape(-1, 3))
        owner.append(np.repeat(which, len(share)))
    return np.concatenate(points), np.concatenate(owner)
