"""ARKit's shape keys for one sitter: carried over by how the head around each vertex was deformed, and kept whole.

What a shape moves on the base it moves on the sitter's head after the local linear map between the two (Sumner and
Popovic, Deformation Transfer, SIGGRAPH 2004, by vertices). Then lids stay outside the eyeballs.
"""

import numpy as np

from ..threads import in_parallel
from .base import HeadBase
from .crossings import Untangler, skin_untangler
from .eyes import EYES, eyeball
from .fit import HeadFit
from .graph import Graph

STIFF = 0.3  # of an edge's squared length, how strongly the local map holds on to the head's as a whole
SPREAD = 4  # averages of the local maps with their neighbours
LEAST = 2e-5  # metres; smaller moves are none
LID_CLEARANCE = 0.0013  # metres off the eyeball, as the training heads have it
TRIES = 4  # of untangling a key; each changes what the one before has left
WITH = {"mouthClose": "jawOpen"}  # ARKit means the first for an open jaw only
PHOTO = "photo"


def neutral_of(fit: HeadFit, base: HeadBase) -> np.ndarray:
    """The fitted base (n, 3) without the photo's expression, metres; its lips and lids are kept from crossing."""
    moved = np.zeros_like(base.vertices)
    for name, weight in fit.expression.items():
        moved += np.float32(weight) * base.shapes[name]
    neutral = fit.vertices - fit.scale * moved @ fit.rotation.T
    skin = base.parts["skin"]
    skin_untangler(base).untangle(neutral[skin])
    return neutral.astype(np.float32)


def shape_keys(fit: HeadFit, base: HeadBase, neutral: np.ndarray) -> dict[str, np.ndarray]:
    """{ARKit's names and PHOTO: (skin's vertices, 3) float32}, metres, what each adds to the neutral skin at 1."""
    skin = base.parts["skin"]
    count = skin.stop
    graph = Graph(base.faces, count)
    rest = neutral[skin].astype(np.float64)
    maps = local_maps(graph, base.vertices[skin].astype(np.float64), rest, fit.scale * fit.rotation)
    balls = [eyeball(neutral, base, name) for name in EYES]
    untangler = Untangler(rest, base.faces)

    def carried(name):
        moved = np.einsum("nij,nj->ni", maps, base.shapes[name][skin])
        moved[np.abs(moved).max(1) < LEAST] = 0.0
        posed = rest + moved
        for lids, clearance, (centre, radius) in zip(base.lids, base.lid_clearance, balls, strict=True):
            if moved[lids].any():
                posed[lids] = _outside(posed[lids], centre, radius + np.minimum(clearance, LID_CLEARANCE))
        below = keys[WITH[name]] if name in WITH else np.float32(0.0)
        posed += below
        for _ in range(TRIES):
            if not untangler.untangle(posed, (posed != rest).any(1)):
                break
        return (posed - below - rest).astype(np.float32)

    keys = {}
    names = [name for name, shape in base.shapes.items() if shape[skin].any()]
    with in_parallel(0) as each:
        first = [name for name in names if name not in WITH]
        keys |= zip(first, each(carried, first), strict=True)
        keys |= {name: carried(name) for name in names if name in WITH}
    keys = {name: keys[name] for name in names}
    keys[PHOTO] = (fit.vertices - neutral)[skin].astype(np.float32)
    return keys


def local_maps(graph: Graph, points: np.ndarray, goals: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """(n, 3, 3) the linear map around each vertex that takes the edges of points (n, 3) to those of goals, by least
    squares, holding on to the map ``whole`` of all (3, 3), and smoothed over the graph."""
    real = graph.real[..., None]
    before = (points[graph.neighbours] - points[:, None]) * real
    after = (goals[graph.neighbours] - goals[:, None]) * real - before @ whole.T
    square = np.einsum("nki,nkj->nij", before, before)
    hold = STIFF * np.trace(square, axis1=1, axis2=2)[:, None, None] / 3.0 * np.eye(3)
    change = np.einsum("nki,nkj->nij", after, before) @ np.linalg.inv(square + hold)
    return whole + graph.smoothed(change.reshape(len(points), 9), SPREAD).reshape(-1, 3, 3)


def _outside(points, centre, least):
    """Points (n, 3) pushed away from a centre to the distance least (n,)."""
    offset = points - centre
    distance = np.linalg.norm(offset, axis=1)
    return centre + offset * np.maximum(least / np.maximum(distance, 1e-9), 1.0)[:, None]
