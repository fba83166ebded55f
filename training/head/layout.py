"""The head's part of MakeHuman's mesh: which vertices, and where its UV islands lie in a square of their own."""

import dataclasses

import numpy as np

from inference.mesh.topology import connected_components

# Where each island goes: the square (left, bottom, width) of its left lower corner and width. In MakeHuman's atlas, which
# is for a whole body, the head lies on its side on a fifth of the square; here it stands upright and is 1.46 times as large.
PLACES = {
    "head": (0.01, 0.475, 0.98),
    "bust": (0.01, 0.16, 0.55),
    "mouth": (0.66, 0.28, 0.2),
    "left socket": (0.66, 0.14, 0.1),
    "right socket": (0.78, 0.14, 0.1),
}


@dataclasses.dataclass(frozen=True)
class Restricted:
    """Faces of a mesh with vertices and UVs of their own. source (n,): the mesh's vertex of each; uv (k, 2);
    faces, face_uv (m, 4) int."""

    source: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    face_uv: np.ndarray


def restrict(mesh, chosen):
    """The chosen faces (bool per face) of a :class:`.wheel.BaseMesh`, as :class:`Restricted`; orders are kept."""
    source, faces = np.unique(mesh.faces[chosen], return_inverse=True)
    used, face_uv = np.unique(mesh.face_uv[chosen], return_inverse=True)
    return Restricted(source, mesh.uv[used], faces.reshape(-1, 4), face_uv.reshape(-1, 4))


def lay_out(skin, points):
    """The skin's UV islands in PLACES. points: (n, 3), +x the person's left.

    Returns uv (k, 2) and {name: (n,) bool} of the islands' vertices, the two sockets as one.
    """
    edges = np.concatenate([skin.face_uv[:, [a, (a + 1) % 4]] for a in range(4)])
    labels = connected_components(len(skin.uv), edges)
    vertex_of = np.empty(len(skin.uv), int)
    vertex_of[skin.face_uv] = skin.faces
    uv, islands = np.empty_like(skin.uv), {}
    for label in np.unique(labels):
        island = labels == label
        name = _name(points[vertex_of[island]])
        turned = skin.uv[island]
        if name == "head":
            turned = np.stack([turned[:, 1], -turned[:, 0]], -1)  # a quarter turn, the chin comes down
        low = turned.min(0)
        left, bottom, width = PLACES[name]
        uv[island] = (turned - low) * (width / (turned - low)[:, 0].max()) + (left, bottom)
        members = np.zeros(len(skin.source), bool)
        members[vertex_of[island]] = True
        group = "sockets" if "socket" in name else name
        islands[group] = islands.get(group, False) | members
    return uv, islands


def _name(points):
    """Which island it is, by where its vertices lie, decimetres."""
    low, high = points.min(0), points.max(0)
    if high[0] - low[0] > 4.0:
        return "bust"
    if high[1] > 8.0:
        return "head"
    if low[0] * high[0] < 0.0:
        return "mouth"
    return "left socket" if low[0] > 0.0 else "right socket"
