"""Hair, hats and clothes as a shell of their own: the portrait's surface where it leaves the fitted skin."""

import dataclasses

import numpy as np

from ..geometry import domes
from ..geometry.sampling import sample_image
from ..mesh.corners import vertex_normals
from ..mesh.delight import Light
from ..mesh.extract import extract_surface
from ..mesh.look import Look
from ..mesh.skin import skin_share
from ..mesh.surface import Surface
from ..mesh.texture import bake, texture_side
from ..mesh.textured import TexturedMesh
from ..mesh.topology import connected_components, edges_of
from ..portrait import Portrait
from .base import HeadBase
from .drape import ALIKE

RESOLUTION = 112  # voxels along the longest side
FACES = 12_000  # of the whole surface, at most
LEAVES = 0.0025, 0.008  # metres off the skin that are another thing: where it looks so, where it looks like skin
SUNK = 0.003  # metres below the skin, where the shell's edge lies
RAMP = 2.0  # metres that the shell rises over the skin for each by which it is more than its edge
SMOOTHING = 4  # averages of the heights before the cut
ENCLOSED = 0.9  # of a hole's triangles lie on the scalp: no forehead, ear or neck
SMALL = 0.02  # of the shell's triangles; smaller pieces are left out
AT_ONCE = 1024  # points whose nearest vertices are looked for together
NAME = "shell"


def outside(portrait: Portrait) -> tuple[TexturedMesh, Surface]:
    """All that a portrait shows as a mesh, and the surface that it is of. Raises PortraitError when it is empty."""
    return extract_surface(portrait, RESOLUTION, FACES, closed=True)


def shell(
    portrait: Portrait,
    whole: TexturedMesh,
    surface: Surface,
    base: HeadBase,
    vertices: np.ndarray,
    texture: int | None = None,
    light: Light | None = None,
) -> tuple[TexturedMesh | None, np.ndarray]:
    """The shell over a fitted skin, vertices (n, 3) metres with the photo's expression; None where nothing leaves it.
    Also which of these vertices it covers, (n,) bool.

    whole, surface: by :func:`outside`. The shell's edge lies below the skin, so that no gap is seen. texture: texels
    per side, None for what the photo shows. light: what is taken off it, None for nothing.
    """
    normals = vertex_normals(vertices, base.faces)
    nearest, height = heights_over(whole.vertices, vertices, normals)
    inside = np.maximum(base.groups["mouth"], base.groups["sockets"])[nearest] > 0.5
    least = LEAVES[0] + _skin(portrait, whole) * (LEAVES[1] - LEAVES[0])
    scalp = base.groups["scalp"][nearest] > 0.5
    outer = (vertex_normals(whole.vertices, whole.faces) * normals[nearest]).sum(1) > ALIKE[0]  # no closed bottom
    thin = (scalp & _belongs(whole, "hair")) | (outer & _belongs(whole, "cloth"))
    leaves = np.where(thin, np.maximum(height, least + LEAVES[0]), height) - least
    values = _averaged(np.where(inside, -1.0, leaves), whole.faces)
    chosen = (values[whole.faces] > 0.0).any(1)
    chosen[chosen] = _large(whole.faces[chosen], len(values))
    covered = np.zeros(len(vertices), bool)
    if not chosen.any():
        return None, covered
    bald = enclosed(whole.faces, chosen, scalp)
    chosen |= bald
    values[whole.faces[bald]] = 1.0
    covered[nearest[whole.faces[chosen]]] = True
    covered[base.faces[covered[base.faces].sum(1) > 1]] = True  # the surface may be coarser than the skin
    # linear in the values about the edge, so that the line where the shell meets the skin is as smooth as they are
    above = np.minimum(np.maximum(height, LEAVES[0]), RAMP * values)
    below = np.minimum(height, np.maximum(RAMP * values, -SUNK))
    moved = whole.vertices + normals[nearest] * (np.where(values > 0.0, above, below) - height)[:, None]
    used, faces = np.unique(whole.faces[chosen], return_inverse=True)
    piece = dataclasses.replace(
        whole,
        vertices=moved[used].astype(np.float32),
        faces=faces.reshape(-1, 3).astype(np.int32),
        face_uv=None if whole.face_uv is None else whole.face_uv[chosen],
        uv=whole.uv if whole.face_uv is not None else whole.uv[used],
        groups={name: weights[used] for name, weights in whole.groups.items()},
        name=NAME,
    )
    baked = bake(Look(portrait, surface), [piece], texture or texture_side(portrait), light)
    return dataclasses.replace(piece, texture=baked), covered


def heights_over(points: np.ndarray, vertices: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest vertex (m,) of each of points (m, 3), and the points' heights (m,) over its tangent plane, metres."""
    around = np.vstack([vertices.T, -0.5 * (vertices**2).sum(1)]).astype(np.float32)
    those = np.column_stack([points, np.ones(len(points))]).astype(np.float32)
    parts = [those[first : first + AT_ONCE] for first in range(0, len(those), AT_ONCE)]
    nearest = np.concatenate([(part @ around).argmax(1) for part in parts])
    return nearest, ((points - vertices[nearest]) * normals[nearest]).sum(1)


def _skin(portrait, whole):
    """How surely a mesh's vertices are skin, (n,): as the portrait knows it, or else as its columns look."""
    if whole.groups:
        return whole.groups["skin"]
    share = skin_share(portrait.textures, portrait.radii)
    u, v, _ = domes.dome_coordinates(whole.vertices)
    return sample_image(share, u * share.shape[1], v * share.shape[0])


def _belongs(whole, part):
    """Which of a mesh's vertices are of a part, (n,) bool, however thin; none where the portrait does not know."""
    return whole.groups[part] > 0.5 if whole.groups else np.zeros(len(whole.vertices), bool)


def enclosed(triangles: np.ndarray, chosen: np.ndarray, scalp: np.ndarray) -> np.ndarray:
    """(m,) bool, which triangles (m, 3) are of holes in the chosen ones on the scalp, (n,) bool: hair is thinner there
    than the fit is exact."""
    rest = np.flatnonzero(~chosen)
    labels = connected_components(len(scalp), edges_of(triangles[rest].astype(np.int64)))[triangles[rest, 0]]
    share = np.bincount(labels, scalp[triangles[rest]].all(1)) / np.maximum(np.bincount(labels), 1)
    found = np.zeros(len(chosen), bool)
    found[rest] = share[labels] > ENCLOSED
    return found


def _averaged(values, triangles):
    """Values (n,) after some averages over the triangles around each vertex: where they are 0 becomes a smooth line."""
    count = np.maximum(np.bincount(triangles.ravel(), minlength=len(values)), 1)
    for _ in range(SMOOTHING):
        mean = np.repeat(values[triangles].mean(1), 3)
        values = np.bincount(triangles.ravel(), mean, len(values)) / count
    return values


def _large(triangles, count):
    """(m,) bool, which triangles (m, 3) belong to pieces of many."""
    if not len(triangles):
        return np.zeros(0, bool)
    labels = connected_components(count, edges_of(triangles.astype(np.int64)))[triangles[:, 0]]
    return np.bincount(labels)[labels] >= SMALL * len(triangles)
