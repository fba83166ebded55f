"""Shapes that do not let lips and lids pass through each other or themselves.

On the way from rest to a shape, vertices that have come to the other side of a surface near them are pushed back along its
normal, and that surface the other way, each by half.
"""

import numpy as np

from inference.head.graph import Graph
from inference.mesh.corners import vertex_normals

STEPS = 12  # from rest to the shape
ROUNDS = 6  # of pushes per step
REACH = 7  # edges from a seam that belong to its region
NEAR = 0.004  # metres within which surfaces meet
GAP = 0.00025  # metres that are kept between them, unless they were closer at rest
OPPOSED = -0.1  # cosine between normals below which surfaces face each other, or lie back to back
CLEAR = 0.15  # of their distance, by which a vertex must have been off the other's plane to have had a side
FOLLOW = 2  # averages by which what lies around follows
MOVES = 2e-4  # metres; where a shape moves less, it can tangle nothing
FINAL = 40  # rounds at the end


class Region:
    """Vertices around a seam, and on which side of each other they are at rest."""

    def __init__(self, graph, members, faces, rest):
        self.graph, self.index = graph, np.flatnonzero(members)
        self.faces, self.inside = faces, members
        touching = np.zeros((graph.count,) * 2, bool)
        touching[np.arange(graph.count)[:, None], graph.neighbours] = True
        near = touching[np.ix_(self.index, self.index)]
        near = near | ((near.astype(np.float32) @ near) > 0)
        height, distance, facing = self._pairs(rest)
        side = np.sign(height) * (np.abs(height) > CLEAR * distance)
        self.side = np.where(near, 0.0, side)
        self.least = np.minimum(GAP, 0.8 * np.abs(height))

    def push(self, posed):
        """(n, 3) metres, what to add to posed vertices."""
        height, distance, facing = self._pairs(posed)
        short = self.least - self.side * height
        wrong = (self.side != 0.0) & (distance < NEAR) & (facing < OPPOSED) & (short > 0.0)
        found = np.zeros_like(posed)
        if not wrong.any():
            return found
        which = np.where(wrong, distance, np.inf)
        own = np.flatnonzero(wrong.any(1))
        other = which[own].argmin(1)
        lift = 0.5 * np.minimum(short[own, other], 0.002)[:, None] * self.side[own, other][:, None] * self.normals[other]
        total, count = np.zeros_like(posed), np.zeros(len(posed))
        for vertex, sign in ((self.index[own], 1.0), (self.index[other], -1.0)):
            np.add.at(total, vertex, sign * lift)
            np.add.at(count, vertex, 1.0)
        pushed = count > 0.0
        total[pushed] /= count[pushed, None]
        around = self.graph.smoothed(total, FOLLOW)
        return np.where(pushed[:, None], 0.7 * total + 0.3 * around, around)

    def _pairs(self, posed):
        """Of each member (row) over each other's tangent plane (column): height, distance, cosine of their normals."""
        points = posed[self.index]
        self.normals = vertex_normals(posed, self.faces)[self.index].astype(np.float64)
        height = points @ self.normals.T - (points * self.normals).sum(1)
        square = (points**2).sum(1)
        distance = np.sqrt(np.maximum(square[:, None] + square - 2.0 * points @ points.T, 1e-12))
        return height, distance, self.normals @ self.normals.T


def regions_of(faces, count, lip_seam, lids, sockets, rest):
    """The regions of the lips and of both eyes. lip_seam (k, 2), lids (2, k): vertices; sockets (n,) bool."""
    graph = Graph(faces, count)
    found = []
    for seeds, more in ((lip_seam.ravel(), None), (lids[0], rest[:, 0] > 0.0), (lids[1], rest[:, 0] < 0.0)):
        chosen = np.zeros(count, bool)
        chosen[seeds] = True
        if more is None:
            chosen = graph.rings(chosen, REACH) <= REACH
        else:
            chosen = (graph.rings(chosen, 3) <= 3) | (sockets & more)
        found.append(Region(graph, chosen, faces, rest))
    return found


def untangled(regions, rest, delta):
    """What a shape adds to vertices at rest, (n, 3) metres, changed where it lets surfaces pass through each other."""
    moved = np.abs(delta).max(1) > MOVES
    touched = [region for region in regions if moved[region.index].any()]
    change = np.zeros_like(rest)
    if not touched:
        return delta
    for step in np.linspace(0.0, 1.0, STEPS + 1)[1:]:
        for _ in range(ROUNDS if step < 1.0 else FINAL):
            push = sum(region.push(rest + step * (delta + change)) for region in touched)
            if not push.any():
                break
            change = change + push / step
    return delta + change
