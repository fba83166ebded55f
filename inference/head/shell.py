"""Hair, hats and clothes as a shell of their own: the portrait's surface where it leaves the fitted skin."""

import numpy as np

from ..geometry import domes
from ..geometry.sampling import sample_image
from ..mesh.corners import vertex_normals
from ..mesh.extract import extract_mesh
from ..mesh.textured import TexturedMesh
from ..mesh.topology import border_edges, compact, connected_components, edges_of
from ..mesh.trim import clip_mesh
from ..portrait import Portrait
from .base import HeadBase
from .skin import skin_share

RESOLUTION = 144  # voxels along the longest side
LEAVES = 0.0025, 0.008  # metres off the skin that are another thing: where it looks so, where it looks like skin
SMOOTHING = 12  # averages of the heights before the cut
SUNK = 0.002  # metres by which the shell's edge goes into the skin
SMALL = 0.02  # of the shell's triangles; smaller pieces are left out
AT_ONCE = 4096  # points whose nearest vertices are looked for together
NAME = "shell"


def shell(portrait: Portrait, base: HeadBase, vertices: np.ndarray) -> TexturedMesh | None:
    """The shell over a fitted skin, vertices (n, 3) metres with the photo's expression; None where nothing leaves it.

    It is cut where it meets the skin, its edges go down into it, and it has the texture of the portrait's columns.
    """
    whole = extract_mesh(portrait, RESOLUTION)
    nearest, height = heights_over(whole.vertices, vertices, vertex_normals(vertices, base.faces))
    share = skin_share(portrait.textures, portrait.radii)
    u, v, _ = domes.dome_coordinates(whole.vertices)
    looks = sample_image(share, u * share.shape[1], v * share.shape[0])
    inside = np.maximum(base.groups["mouth"], base.groups["sockets"])[nearest] > 0.5
    values = np.where(inside, -1.0, height - (LEAVES[0] + looks * (LEAVES[1] - LEAVES[0])))
    values = _averaged(values, whole.faces)
    if not (values > 0.0).any():
        return None
    packed = np.column_stack([whole.vertices, whole.uv]).astype(np.float64)  # what is cut carries its uv along
    packed, triangles = clip_mesh(packed, whole.faces.astype(np.int64), values)
    packed, triangles = _large(packed, triangles)
    packed, triangles = _closed_edges(packed, triangles, vertices, base)
    return TexturedMesh(
        vertices=packed[:, :3].astype(np.float32),
        faces=triangles.astype(np.int32),
        uv=packed[:, 3:].astype(np.float32),
        texture=whole.texture,
        name=NAME,
    )


def heights_over(points: np.ndarray, vertices: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest vertex (m,) of each of points (m, 3), and the points' heights (m,) over its tangent plane, metres."""
    around = vertices.astype(np.float32)
    square = 0.5 * (around**2).sum(1)
    nearest = np.concatenate(
        [
            (points[first : first + AT_ONCE].astype(np.float32) @ around.T - square).argmax(1)
            for first in range(0, len(points), AT_ONCE)
        ]
    )
    return nearest, ((points - vertices[nearest]) * normals[nearest]).sum(1)


def _averaged(values, triangles):
    """Values (n,) after some averages over the triangles around each vertex: where they are 0 becomes a smooth line."""
    count = np.maximum(np.bincount(triangles.ravel(), minlength=len(values)), 1)
    for _ in range(SMOOTHING):
        mean = np.repeat(values[triangles].mean(1), 3)
        values = np.bincount(triangles.ravel(), mean, len(values)) / count
    return values


def _large(packed, triangles):
    """Without pieces of few triangles."""
    labels = connected_components(len(packed), edges_of(triangles))[triangles[:, 0]]
    size = np.bincount(labels)
    return compact(packed, triangles[size[labels] >= SMALL * len(triangles)])


def _closed_edges(packed, triangles, vertices, base):
    """A strip from every border edge down into the skin."""
    edges = border_edges(triangles)
    border = np.unique(edges)
    normals = vertex_normals(vertices, base.faces)
    nearest, height = heights_over(packed[border, :3], vertices, normals)
    place = np.zeros(len(packed), np.int64)
    place[border] = np.arange(len(border))
    a, b = edges.T
    down = normals[nearest] * (np.maximum(height, 0.0) + SUNK)[:, None]
    after, before = place[b][np.argsort(place[a])], place[a][np.argsort(place[b])]
    for _ in range(SMOOTHING):  # along the edge, in which a border vertex has one neighbour on either side
        down = 0.5 * down + 0.25 * (down[after] + down[before])
    sunk = packed[border].copy()
    sunk[:, :3] -= down
    place += len(packed)
    strip = np.concatenate([np.stack([b, a, place[a]], -1), np.stack([b, place[a], place[b]], -1)])
    return np.concatenate([packed, sunk]), np.concatenate([triangles, strip])
