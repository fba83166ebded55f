"""Then what no space holds: the skin follows the portrait's surface and landmarks by a smooth displacement."""

import numpy as np

from ..geometry.curves import linear_step
from ..mesh.corners import vertex_normals
from .base import HeadBase
from .shape import robust
from .smooth import Pulls, Sheet
from .target import Target

ROUNDS = 4  # of finding what lies where, and displacing
STEPS = 60  # of each round. 200 come nearer to the least energy and not to eight unseen heads: landmarks 0.76 to 0.71
# mm, but vertices of the face 3.2 to 3.4 mm and ears 2.3 to 2.5 mm
LANDMARK_AREA = 0.6e-4  # square metres of skin that a landmark stands for: a face's area over their number
LANDMARK_WORTH = 1.0  # how much a landmark's error counts against the surface's
LEAST_GAP = 1e-4  # metres between the lips at a pair of the seam
LIP_WORTH = 1e-3  # what a pair that is nearer is worth, see Pulls: more than all that pulls lips together
UNDER = 0.002  # metres by which skin lies below hair and cloth at least; 95 % of the synthetic heads' by 3.6 mm
ALIKE = 0.3, 0.8  # cosines of the mesh's normal and the surface's: another part of the head, the same
KEPT = "ears", "mouth", "sockets", "bust"  # groups that keep their own shape


def drape(vertices: np.ndarray, base: HeadBase, trust: np.ndarray, target: Target, up: np.ndarray) -> np.ndarray:
    """The skin where the portrait shows it, (n, 3).

    vertices: (n, 3) float64 metres, portrait space: the likeliest shape's skin. trust: (n,) in [0, 1], how far each may
    follow the surface. up: (3,) unit vector, of the head.
    """
    stiff = np.maximum.reduce([base.groups[name] for name in KEPT])
    sheet, moved = Sheet(vertices, base.faces, stiff), np.zeros_like(vertices)
    worth = sheet.area * trust * (1.0 - stiff)
    for _ in range(ROUNDS):
        pulls = [surface_pulls(vertices, moved, base, worth, target)]
        if target.landmarks is not None:
            pulls.append(landmark_pulls(vertices, moved, base, target))
        pulls.append(lip_pulls(vertices, moved, base, up))
        moved = sheet.displaced(moved, pulls, STEPS)
    return vertices + moved


def surface_pulls(
    vertices: np.ndarray, moved: np.ndarray, base: HeadBase, worth: np.ndarray, target: Target
) -> Pulls:
    """:class:`Pulls` of vertices (n, 3), now displaced by moved (n, 3), onto skin in their columns, and under hair."""
    points = vertices + moved
    error, normals, sure = target.surface_errors(points, UNDER)
    alike = linear_step(*ALIKE, (vertex_normals(points, base.faces) * normals).sum(1))
    worth = worth * sure * alike * robust(error)
    used = np.flatnonzero(worth > 0.0)
    wanted = (moved * normals).sum(1) - error
    return Pulls(used[:, None], np.ones((len(used), 1)), normals[used], wanted[used], worth[used])


def landmark_pulls(vertices: np.ndarray, moved: np.ndarray, base: HeadBase, target: Target) -> Pulls:
    """:class:`Pulls` of the landmarks on vertices (n, 3), now displaced by moved (n, 3), in the photo's plane."""
    corners, shares = base.landmark_corners, base.landmark_weights.astype(np.float64)
    start = np.einsum("lc,lcx->lx", shares, vertices[corners])
    points = start + np.einsum("lc,lcx->lx", shares, moved[corners])
    error, directions = target.landmark_errors(points)
    wanted = np.einsum("lax,lx->la", directions, points - start) - error
    worth = LANDMARK_AREA * LANDMARK_WORTH * robust(np.linalg.norm(error, axis=1))
    return Pulls(*(np.repeat(array, 2, 0) for array in (corners, shares)), directions.reshape(-1, 3), wanted.ravel(),
                 np.repeat(worth, 2))  # fmt: skip


def lip_pulls(vertices: np.ndarray, moved: np.ndarray, base: HeadBase, up: np.ndarray) -> Pulls:
    """:class:`Pulls` that part the lips' seam where an upper vertex comes to lie below its lower one.

    up: (3,) unit vector, of the head.
    """
    rest = (vertices[base.lip_seam[:, 0]] - vertices[base.lip_seam[:, 1]]) @ up
    gap = rest + (moved[base.lip_seam[:, 0]] - moved[base.lip_seam[:, 1]]) @ up
    crossed = np.flatnonzero(gap < LEAST_GAP)
    shares = np.tile([1.0, -1.0], (len(crossed), 1))
    wanted, worth = LEAST_GAP - rest[crossed], np.full(len(crossed), LIP_WORTH)
    return Pulls(base.lip_seam[crossed], shares, np.tile(up, (len(crossed), 1)), wanted, worth)
