"""Lips and lids that touch do not pass through each other.

Both meet up and down: from above, the lower one is a height over the plane across, from below the upper one is another.
Where the two heights have changed order, each side gives way by half, and what lies around follows.
"""

import numpy as np

from ..mesh.raster import rasterise
from .base import HeadBase
from .graph import Graph

PIXEL = 0.0003  # metres, of the heights
MOST = 0.003  # metres that a side gives way in a round
GAP = 0.0002  # metres, kept between the two
REACH = 5  # edges from the seam that belong to the two sides
ROUNDS = 6
FOLLOW = 3  # averages by which what lies around follows
SEAMS = "lips", "left lids", "right lids"


class Contacts:
    """The seams of a head at rest. base, graph: of the skin; rest: (n, 3) metres, its vertices."""

    def __init__(self, base: HeadBase, graph: Graph, rest: np.ndarray) -> None:
        self.graph = graph
        self.seams = []
        for upper, lower in seams_of(base, rest):
            sides = []
            above, below = graph.rings(upper, REACH), graph.rings(lower, REACH)
            for own, other in ((above, below), (below, above)):
                members = (own <= REACH) & (own < other)
                faces = base.faces[members[base.faces].all(1)]
                sides.append((members, faces[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)))
            near = np.minimum(above, below) <= REACH
            self.seams.append((sides, near, _excess(rest, *sides[0], *sides[1])))

    def kept(self, posed: np.ndarray, moves: np.ndarray) -> np.ndarray:
        """Vertices (n, 3), metres, with seams in order where any of their vertices moves (n,) bool."""
        for ((upper, above), (lower, below)), near, at_rest in self.seams:
            if not moves[upper | lower].any():
                continue
            for _ in range(ROUNDS):
                excess = _excess(posed, upper, above, lower, below)
                push = np.clip(0.5 * (excess - np.maximum(at_rest, 0.0)), 0.0, MOST)  # in the corners they always touch
                if not push.any():
                    break
                lift = np.where(upper, push, -push)[:, None]
                around = self.graph.smoothed(lift, FOLLOW, 1.0 * ~near)
                posed = posed + np.where(push[:, None] > 0.0, lift, around) * (0.0, 1.0, 0.0)
        return posed


def seams_of(base: HeadBase, rest: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """(upper, lower) vertices (n,) bool along the lips and along the left and right eye's lids."""
    count = len(rest)
    pairs = base.lip_seam[(base.lip_seam[:, 0] != base.lip_seam[:, 1])]
    found = [tuple(_chosen(count, column) for column in pairs.T)]
    for side, lids in zip(("Left", "Right"), base.lids, strict=True):
        falls = base.shapes[f"eyeBlink{side}"][:count, 1]
        moving = _chosen(count, lids)
        found.append((moving & (falls < 0.5 * falls.min()), moving & (falls > 0.15 * falls.max()) & (falls > 1e-4)))
    return found


def _chosen(count, index):
    found = np.zeros(count, bool)
    found[index] = True
    return found


def _excess(posed, upper, above, lower, below):
    """How far each vertex is past the other side, metres, GAP included, (n,); 0 where nothing is across."""
    members = np.flatnonzero(upper | lower)
    low = posed[members][:, [0, 2]].min(0) - PIXEL
    width, height = np.ceil((posed[members][:, [0, 2]].max(0) - low) / PIXEL).astype(int) + 2
    place = (posed[:, [0, 2]] - low) / PIXEL
    highest = _heights(posed[:, 1], place, below, width, height)
    lowest = -_heights(-posed[:, 1], place, above, width, height)
    x, y = place[members].astype(int).T
    own = posed[members, 1]
    across = np.where(upper[members], highest[y, x] - own, own - lowest[y, x]) + GAP
    excess = np.zeros(len(posed))
    excess[members] = np.where(np.isfinite(across), across, 0.0)
    return excess


def _heights(value, place, triangles, width, height):
    """(height, width) the highest of triangles' heights (n,) over places (n, 2), -inf where none is."""
    covered = rasterise(place[triangles], width, height, -value[triangles], pinhole=False)
    found = np.full(width * height, -np.inf)
    found[covered.pixel] = covered.interpolated(value[:, None], triangles)[:, 0]
    return found.reshape(height, width)
