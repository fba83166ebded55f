"""Where a mesh cuts through itself, and how a fitted one is kept from it."""

import numpy as np

from ..geometry.curves import linear_step
from ..geometry.similarity import affine
from ..mesh.topology import connected_components
from .graph import Graph

CELL = 0.005  # metres, side of the cells in which triangles meet; a head's are about as large
CORE, AROUND = 2, 4  # rings of vertices about a crossing that change, and that say beyond them how the base lies
EASED = 0.5  # how much of what sets them apart from the base stays after a round
ROUNDS = 16


def crossing_triangles(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Pairs (p, 2) int of triangles (m, 3) that cut each other and have no vertex in common. vertices: (n, 3) metres.

    Edges against triangles by Möller and Trumbore ("Fast, Minimum Storage Ray/Triangle Intersection", 1997); triangles
    in one plane do not count.
    """
    corners = np.asarray(vertices, np.float64)[triangles]
    low, high = corners.min(1), corners.max(1)
    pairs = _neighbours(low, high)
    first, second = pairs.T
    near = ((low[first] <= high[second]) & (low[second] <= high[first])).all(1)
    pairs = pairs[near]
    apart = (triangles[pairs[:, 0], :, None] != triangles[pairs[:, 1], None, :]).all((1, 2))
    pairs = pairs[apart]
    first, second = corners[pairs[:, 0]], corners[pairs[:, 1]]
    cut = np.zeros(len(pairs), bool)
    for one, other in ((first, second), (second, first)):
        for corner in range(3):
            cut |= _cuts(one[:, corner], one[:, (corner + 1) % 3], other)
    return pairs[cut]


def _neighbours(low, high):
    """Pairs (p, 2) of boxes that reach into one cell, each once."""
    origin = low.min(0)
    start, end = (((corner - origin) / CELL).astype(np.int64) for corner in (low, high))
    span = (end - start).max(0) + 1
    cells, index = [], []
    for step in np.ndindex(*span):
        cell = start + step
        inside = np.flatnonzero((cell <= end).all(1))
        cells.append((cell[inside] * (1, 1 << 20, 1 << 40)).sum(1))
        index.append(inside)
    cells, index = np.concatenate(cells), np.concatenate(index)
    order = np.argsort(cells, kind="stable")
    cells, index = cells[order], index[order]
    found, shift = [], 1
    while shift < len(cells) and (same := np.flatnonzero(cells[shift:] == cells[:-shift])).size:
        found.append(np.sort(np.stack([index[same], index[same + shift]], -1), 1))
        shift += 1
    if not found:
        return np.zeros((0, 2), np.int64)
    keys = np.unique(np.concatenate(found) @ (len(low), 1))
    return np.stack([keys // len(low), keys % len(low)], -1)


def _cuts(start, end, triangle):
    """Whether segments (p, 3) to (p, 3) pass through triangles (p, 3, 3)."""
    along, a = end - start, triangle[:, 0]
    e1, e2 = triangle[:, 1] - a, triangle[:, 2] - a
    across = np.cross(along, e2)
    volume = (e1 * across).sum(1)
    flat = np.abs(volume) < 1e-18
    inverse = 1.0 / np.where(flat, 1.0, volume)
    offset = start - a
    u = (offset * across).sum(1) * inverse
    other = np.cross(offset, e1)
    v = (along * other).sum(1) * inverse
    t = (e2 * other).sum(1) * inverse
    return ~flat & (u >= 0.0) & (v >= 0.0) & (u + v <= 1.0) & (t >= 0.0) & (t <= 1.0)


def untangle(vertices: np.ndarray, rest: np.ndarray, quads: np.ndarray) -> int:
    """Change vertices (n, 3), in place, where the mesh cuts itself, until it does not. Returns how many triangles still
    do.

    rest: (n, 3), the same mesh without a crossing. No affine image of it has one either: about a crossing, the mesh
    goes step by step to the image that lies nearest to it there.
    """
    # along either diagonal, for programs differ in how they cut quads
    cuts = [np.concatenate([turned[:, [0, 1, 2]], turned[:, [0, 2, 3]]]) for turned in (quads, np.roll(quads, 1, 1))]
    graph, crossed = Graph(quads, len(vertices)), _crossed(vertices, cuts)
    for attempt in range(ROUNDS):
        if not len(crossed):
            break
        seeds = np.zeros(len(vertices), bool)
        seeds[crossed] = True
        reach = CORE + attempt // 2  # wider where narrower does not do
        rings = graph.rings(seeds, reach + AROUND)
        core = linear_step(reach + 1, 0, rings)
        for island in _islands(rings <= reach + AROUND, quads):
            matrix, shift = affine(rest[island], vertices[island], np.maximum(core[island], 0.1))
            image = rest[island] @ matrix.T + shift
            vertices[island] += (1.0 - EASED) * core[island, None] * (image - vertices[island])
        crossed = _crossed(vertices, [cut[(rings[cut] <= reach + AROUND).any(1)] for cut in cuts])
        if not len(crossed):
            crossed = _crossed(vertices, cuts)
    return len(crossed)


def _crossed(vertices, cuts):
    """The corners (k, 3) of triangles that cut others of the same of several lists."""
    return np.concatenate([cut[np.unique(crossing_triangles(vertices, cut))] for cut in cuts])


def _islands(chosen, quads):
    """Index arrays of the connected parts of chosen vertices (n,) bool."""
    edges = np.concatenate([quads[:, [corner, (corner + 1) % 4]] for corner in range(4)])
    labels = connected_components(len(chosen), edges[chosen[edges].all(1)])
    return [np.flatnonzero(chosen & (labels == label)) for label in np.unique(labels[chosen])]
