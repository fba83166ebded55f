"""Where a mesh cuts through itself, and how a fitted one is kept from it."""

import functools

import numpy as np

from ..geometry.curves import linear_step
from ..geometry.similarity import affine
from ..mesh.topology import connected_components
from .base import HeadBase
from .graph import Graph

CORE, AROUND = 2, 4  # rings of vertices about a crossing that change, and that say beyond them how the base lies
EASED = 0.5  # how much of what sets them apart from the base stays after a round
ROUNDS = 16
TRIANGLES = np.array([(1, 2, 3, 0), (2, 3, 0, 1), (3, 0, 1, 2)])  # of a quad by either diagonal; each lacks a corner
BOTH = np.stack(np.divmod(np.arange(16), 4), -1)  # any of one quad's triangles with any of another's


class Untangler:
    """A mesh of quads (m, 4) that does not cut itself at rest, (n, 3) metres, and is kept from it elsewhere.

    Programs differ in how they cut quads into triangles: each counts along either diagonal.
    """

    def __init__(self, rest: np.ndarray, quads: np.ndarray) -> None:
        self.rest, self.quads, self.graph = rest.astype(np.float64), quads, Graph(quads, len(rest))
        corners = self.rest[quads.T]
        pairs = _overlapping(corners.min(0), corners.max(0))  # those with a common vertex are among them
        common = (quads[pairs[:, 0], :, None] == quads[pairs[:, 1], None, :]).astype(np.int8)
        rows, columns = common.sum(2, keepdims=True), common.sum(1, keepdims=True)
        # what one quad's triangle and the other's still have in common, by the corners that they lack
        apart = (common.sum((1, 2), keepdims=True) - rows - columns + common).reshape(-1, 16) == 0
        index, both = np.nonzero(apart & (rows > 0).any(1))
        self.touching, self.lacking = pairs[index], BOTH[both]

    def crossed(self, vertices: np.ndarray, moved: np.ndarray | None = None) -> np.ndarray:
        """Those of the quads, (k,) int, that cut another. vertices: (n, 3) metres.

        moved: (n,) bool, where the mesh has changed since it did not cut itself beyond; None: anywhere.
        """
        changed = np.ones(len(self.quads), bool) if moved is None else moved[self.quads].any(1)
        if not changed.any():
            return np.zeros(0, np.int64)
        corners = np.asarray(vertices, np.float64)[self.quads.T]
        low, high = corners.min(0), corners.max(0)
        near = ((low <= high[changed].max(0)) & (low[changed].min(0) <= high)).all(1)
        quads, corners, number = self.quads[near], corners[:, near], np.cumsum(near) - 1
        pairs = _overlapping(low[near], high[near])
        pairs = pairs[changed[near][pairs].any(1)]
        common = (quads[pairs[:, 0], :, None] == quads[pairs[:, 1], None, :]).any((1, 2))
        touching = changed[self.touching].any(1)
        touching = number[self.touching[touching]] + len(quads) * self.lacking[touching]
        pairs = np.concatenate([(pairs[~common, None] + len(quads) * BOTH).reshape(-1, 2), touching])
        triangles = corners[TRIANGLES].reshape(3, 4 * len(quads), 3)
        pairs = _meeting(triangles.min(0), triangles.max(0), *pairs.T)
        return np.flatnonzero(near)[np.unique(_cutting(triangles, pairs) % len(quads))]

    def untangle(self, vertices: np.ndarray, moved: np.ndarray | None = None) -> int:
        """Change vertices (n, 3), in place, where the mesh cuts itself, until it does not. Returns how many quads still
        do. moved: as of :meth:`crossed`.

        No affine image of the mesh at rest cuts itself either: about a crossing, the mesh goes step by step to the
        image that lies nearest to it there.
        """
        crossed = self.crossed(vertices, moved)
        for attempt in range(ROUNDS):
            if not len(crossed):
                break
            seeds = np.zeros(len(vertices), bool)
            seeds[self.quads[crossed]] = True
            reach = CORE + attempt // 2  # wider where narrower does not do
            rings = self.graph.rings(seeds, reach + AROUND)
            core = linear_step(reach + 1, 0, rings)
            for island in _islands(rings <= reach + AROUND, self.quads):
                matrix, shift = affine(self.rest[island], vertices[island], np.maximum(core[island], 0.1))
                image = self.rest[island] @ matrix.T + shift
                vertices[island] += (1.0 - EASED) * core[island, None] * (image - vertices[island])
            crossed = self.crossed(vertices, core > 0.0)
        return len(crossed)


@functools.lru_cache(maxsize=1)
def skin_untangler(base: HeadBase) -> Untangler:
    """Of a base's skin."""
    return Untangler(base.vertices[base.parts["skin"]], base.faces)


def crossing_triangles(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Pairs (p, 2) int of triangles (m, 3) that cut each other and have no vertex in common. vertices: (n, 3) metres.

    Triangles in one plane do not count.
    """
    corners = np.asarray(vertices, np.float64)[triangles.T]
    pairs = _overlapping(corners.min(0), corners.max(0))
    pairs = pairs[(triangles[pairs[:, 0], :, None] != triangles[pairs[:, 1], None, :]).all((1, 2))]
    return _cutting(corners, pairs)


def _overlapping(low, high):
    """Pairs (p, 2) of boxes that overlap, each once, swept along the longest axis (Cohen and others, "I-COLLIDE",
    1995)."""
    longest = np.argmax(np.ptp(low, axis=0)) if len(low) else 0
    order = np.argsort(low[:, longest])
    low, high = low[order], high[order]
    start = np.arange(len(low))
    count = np.searchsorted(low[:, longest], high[:, longest], "right") - start - 1
    first = np.repeat(start, count)
    second = np.arange(len(first)) + np.repeat(start + 1 + count - np.cumsum(count), count)
    return order[_meeting(low, high, first, second)]


def _meeting(low, high, first, second):
    """Those pairs (p, 2) of boxes, the first ones' (k,) and the second ones' (k,), that overlap."""
    for below, above in zip(np.ascontiguousarray(low.T), np.ascontiguousarray(high.T), strict=True):
        near = (below[first] <= above[second]) & (below[second] <= above[first])
        first, second = first[near], second[near]
    return np.stack([first, second], -1)


def _cutting(triangles, pairs):
    """Those pairs (p, 2) of triangles, corners (3, m, 3), that cut each other: none lies on one side of the other's
    plane, and an edge passes through the other."""
    normals = np.cross(triangles[1] - triangles[0], triangles[2] - triangles[0])
    for one, other in ((0, 1), (1, 0)):
        plane, corners = pairs[:, one], triangles[:, pairs[:, other]]
        side = np.einsum("cpx,px->cp", corners - triangles[0, plane], normals[plane])
        pairs = pairs[(side.min(0) <= 0.0) & (side.max(0) >= 0.0)]
    first, second = triangles[:, pairs.T].swapaxes(0, 1)
    cut = np.zeros(len(pairs), bool)
    for edges, through in ((first, second), (second, first)):
        for corner in range(3):
            cut |= _cuts(edges[corner - 1], edges[corner], *through)
    return pairs[cut]


def _cuts(start, end, a, b, c):
    """Whether segments (p, 3) to (p, 3) pass through triangles a b c, (p, 3) each, by Möller and Trumbore ("Fast,
    Minimum Storage Ray/Triangle Intersection", 1997)."""
    along, e1, e2 = end - start, b - a, c - a
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


def _islands(chosen, quads):
    """Index arrays of the connected parts of chosen vertices (n,) bool."""
    edges = np.concatenate([quads[:, [corner, (corner + 1) % 4]] for corner in range(4)])
    labels = connected_components(len(chosen), edges[chosen[edges].all(1)])
    return [np.flatnonzero(chosen & (labels == label)) for label in np.unique(labels[chosen])]
