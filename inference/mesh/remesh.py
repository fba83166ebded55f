"""Even triangles: short edges are collapsed, edges flipped, vertices moved along the surface, without a fold anywhere.

The scheme is that of Botsch and Kobbelt, A Remeshing Approach to Multiresolution Modeling (SGP 2004), each step done on
many edges at once: such as share no triangle. An edge is collapsed only if its ends have no neighbours in common but
those opposite of it (the link condition of Dey et al., Topology Preserving Edge Contraction, 1999), so that the mesh
remains the manifold it was. And every change must leave its triangles facing outwards: a mesh that lies one to one over
the directions from inside cannot intersect itself.
"""

import math
from collections.abc import Callable

import numpy as np

from .topology import compact, edges_of

SHARE = 0.3  # of the edges, the shortest, are offered to one pass of collapses
RELAXED = 0.5  # of the way to the middle of the neighbours goes a vertex at a time
LONGEST = 1.6  # a collapse leaves no edge that many times as long as an even mesh's
FEW = 0.002  # of the triangles; passes that take fewer slivers away are the last
ROUNDS = 4  # of flips and moves at the end

UNFOLDINGS = 24  # attempts, in ever wider surroundings

Surface = Callable[[np.ndarray], np.ndarray]  # points (n, 3) to points on the surface
Facing = Callable[[np.ndarray], np.ndarray]  # corners (m, 3, 3) to (m,) bool


class Edges:
    """Undirected edges of triangles: ends (k, 2), low end first and in order; count (k,) of triangles at each; of
    (3 m,), the edge of each directed one of :func:`topology.edges_of`; border (n,) bool of the vertices."""

    def __init__(self, triangles: np.ndarray, vertices: int) -> None:
        ends = np.sort(edges_of(triangles).astype(np.int64), axis=1)
        self.size = np.int64(vertices)
        self.keys, self.of, self.count = np.unique(
            ends[:, 0] * self.size + ends[:, 1], return_inverse=True, return_counts=True
        )
        self.of = self.of.reshape(-1)
        self.ends = np.stack(np.divmod(self.keys, self.size), -1)
        self.border = np.zeros(vertices, bool)
        self.border[self.ends[self.count == 1]] = True

    def neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """Start (n + 1,) of each vertex's neighbours in a list of them."""
        both = np.concatenate([self.ends, self.ends[:, ::-1]])
        order = np.argsort(both[:, 0], kind="stable")
        return np.concatenate([[0], np.cumsum(np.bincount(both[:, 0], minlength=self.size))]), both[order, 1]

    def has(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Whether there is an edge between vertices a and b, bool of their shape."""
        keys = np.minimum(a, b) * self.size + np.maximum(a, b)
        found = np.searchsorted(self.keys, keys)
        return self.keys[np.minimum(found, len(self.keys) - 1)] == keys


def _apart(ends, rank, edges):
    """Of candidate edges (k, 2) those of the least rank (k,) far and wide: no two of them have neighbouring ends."""
    best = np.full(edges.size, len(rank))
    np.minimum.at(best, ends.ravel(), np.repeat(rank, 2))
    around = best.copy()
    np.minimum.at(around, edges.ends[:, 0], best[edges.ends[:, 1]])
    np.minimum.at(around, edges.ends[:, 1], best[edges.ends[:, 0]])
    return rank == around[ends].min(1)


def _spread(starts, chosen):
    """Positions in a list of all entries of chosen rows, and which of the chosen each one is of."""
    counts = starts[chosen + 1] - starts[chosen]
    row = np.repeat(np.arange(len(chosen)), counts)
    return np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts) + starts[chosen][row], row


def collapsed(
    vertices: np.ndarray,
    triangles: np.ndarray,
    shorter: float,
    most: int,
    longest: float,
    surface: Surface,
    facing: Facing,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, int]:
    """One pass of collapses. Returns vertices, triangles and how many edges went.

    shorter: metres, only such edges go. most: triangles to take away at most. longest: metres, of edges that are made.
    """
    edges = Edges(triangles, len(vertices))
    ends = edges.ends
    length = np.linalg.norm(vertices[ends[:, 0]] - vertices[ends[:, 1]], axis=1)
    if len(length) > 100:
        shorter = min(shorter, np.partition(length, int(SHARE * len(length)))[int(SHARE * len(length))])
    rim = edges.border[ends]
    candidate = np.flatnonzero((length <= shorter) & ~(rim.all(1) & (edges.count == 2)))
    candidate = candidate[_apart(ends[candidate], rng.permutation(len(candidate)), edges)]
    # the link condition
    starts, list_of = edges.neighbours()
    place, row = _spread(starts, ends[candidate, 0])
    common = np.bincount(row, edges.has(list_of[place], ends[candidate, 1][row]), len(candidate))
    candidate = candidate[common == edges.count[candidate]]
    if not len(candidate):
        return vertices, triangles, 0
    a, b = ends[candidate].T
    middle = 0.5 * (vertices[a] + vertices[b])
    middle = np.where((edges.border[a] & ~edges.border[b])[:, None], vertices[a], middle)
    middle = np.where((edges.border[b] & ~edges.border[a])[:, None], vertices[b], middle)
    middle = surface(middle)
    owner = np.full(len(vertices), -1)
    owner[a] = owner[b] = np.arange(len(candidate))
    owned = owner[triangles]
    which = owned.max(1)
    changed = np.flatnonzero((which >= 0) & ((owned >= 0).sum(1) == 1))
    corners = np.where((owned[changed] >= 0)[..., None], middle[which[changed], None], vertices[triangles[changed]])
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1).max(1)
    good = np.bincount(which[changed], ~facing(corners) | (sides > longest), len(candidate)) == 0
    good &= np.cumsum(good) <= (most + 1) // 2
    a, b, middle = a[good], b[good], middle[good]
    vertices = vertices.copy()
    vertices[a] = middle
    name = np.arange(len(vertices))
    name[b] = a
    triangles = name[triangles]
    triangles = triangles[(triangles != np.roll(triangles, 1, axis=1)).all(1)]
    return *compact(vertices, triangles), len(a)


def flipped(
    vertices: np.ndarray, triangles: np.ndarray, facing: Facing, rng: np.random.Generator
) -> np.ndarray:
    """One pass of flips towards a Delaunay triangulation. Returns triangles."""
    edges = Edges(triangles, len(vertices))
    order = np.argsort(edges.of, kind="stable")
    first = np.concatenate([[0], np.cumsum(edges.count)])[:-1]
    inner = np.flatnonzero(edges.count == 2)
    one, other = order[first[inner]], order[first[inner] + 1]
    count = len(triangles)

    def parts(directed):
        face, corner = directed % count, directed // count
        return face, *(triangles[face, (corner + step) % 3] for step in range(3))

    face, a, b, c = parts(one)
    across, _, _, d = parts(other)

    def angle(apex, p, q):
        e, f = vertices[p] - vertices[apex], vertices[q] - vertices[apex]
        return np.arctan2(np.linalg.norm(np.cross(e, f), axis=-1), (e * f).sum(-1))

    wrong = np.flatnonzero((angle(c, a, b) + angle(d, a, b) > np.pi + 0.05) & ~edges.has(c, d) & (c != d))
    face, across, a, b, c, d = (part[wrong] for part in (face, across, a, b, c, d))
    rank = rng.permutation(len(wrong))
    # two flips may neither share a triangle nor make the same edge
    best = np.full(len(vertices), len(wrong))
    for corner in (a, b, c, d):
        np.minimum.at(best, corner, rank)
    chosen = np.minimum.reduce([best[a], best[b], best[c], best[d]]) == rank
    face, across, a, b, c, d = (part[chosen] for part in (face, across, a, b, c, d))
    one, other = np.stack([a, d, c], -1), np.stack([d, b, c], -1)
    old = _normals(vertices[np.stack([a, b, c], -1)]) + _normals(vertices[np.stack([b, a, d], -1)])
    even = [((_normals(vertices[new]) * old).sum(-1) > 0.0) & facing(vertices[new]) for new in (one, other)]
    good = even[0] & even[1]
    triangles = triangles.copy()
    triangles[face[good]], triangles[across[good]] = one[good], other[good]
    return triangles


def middles(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """The middle (n, c) of every vertex's neighbours, of those at the border of their neighbours there."""
    edges = Edges(triangles, len(vertices))
    a, b = edges.ends.T
    rim = edges.count == 1
    towards_a = np.where(rim, 1.0, np.where(edges.border[a], 0.0, 1.0))
    towards_b = np.where(rim, 1.0, np.where(edges.border[b], 0.0, 1.0))
    size = len(vertices)
    total = np.bincount(a, towards_a, size) + np.bincount(b, towards_b, size)
    return np.stack([
        np.bincount(a, towards_a * vertices[b, axis], size) + np.bincount(b, towards_b * vertices[a, axis], size)
        for axis in range(vertices.shape[1])
    ], -1) / np.maximum(total, 1.0)[:, None]  # fmt: skip


def moved(vertices: np.ndarray, triangles: np.ndarray, surface: Surface, facing: Facing) -> np.ndarray:
    """Every vertex some way towards the middle of its neighbours, where no triangle turns over by it."""
    goal = surface(vertices + RELAXED * (middles(vertices, triangles) - vertices))
    fixed = np.zeros(len(vertices), bool)
    while True:
        new = np.where(fixed[:, None], vertices, goal)
        bad = ~facing(new[triangles]) & ~fixed[triangles].all(1)
        if not bad.any():
            return new
        fixed[triangles[bad]] = True


def unfolded(vertices: np.ndarray, triangles: np.ndarray, surface: Surface, facing: Facing) -> np.ndarray:
    """The vertices round triangles that do not face outwards moved to the middle of their neighbours until all do.

    Marching cubes leaves such triangles where the surface is as steep as the directions, some in 100,000.
    """
    for attempt in range(UNFOLDINGS):
        folded = ~facing(vertices[triangles])
        if not folded.any():
            break
        free = np.zeros(len(vertices), bool)
        free[triangles[folded]] = True
        for _ in range(attempt // 4):  # ever wider round them
            free[triangles[free[triangles].any(1)]] = True
        vertices = np.where(free[:, None], surface(middles(vertices, triangles)), vertices)
    return vertices


def remeshed(
    vertices: np.ndarray,
    triangles: np.ndarray,
    sliver: float,
    faces: int | None,
    surface: Surface,
    facing: Facing,
    tick: Callable[[], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Triangles as even as can be, and no more than wanted.

    vertices (n, 3) float64 metres on a surface, triangles (m, 3) int64, one manifold piece. sliver: metres; shorter
    edges go. faces: how many triangles are wanted at most, or None. surface: moves points onto the surface; facing:
    whether triangles face outwards. tick: called now and then; may raise. Returns both.
    """
    rng = np.random.default_rng(0)

    def once(shorter, most, longest):
        area = 0.5 * np.linalg.norm(_cross(vertices[triangles]), axis=1).sum()
        even = math.sqrt(area / (len(triangles) - most) * 4.0 / math.sqrt(3.0))  # the edge of as many equal triangles
        return collapsed(vertices, triangles, shorter, most, longest * even, surface, facing, rng)

    gone = len(triangles)
    while gone > FEW * len(triangles):
        tick()
        vertices, triangles, gone = once(sliver, len(triangles) // 2, LONGEST)
    longest = LONGEST
    while faces and len(triangles) > faces and longest < 100.0:
        tick()
        vertices, triangles, gone = once(math.inf, len(triangles) - faces, longest)
        if not gone:
            longest *= 1.5  # nothing is left to collapse but what leaves longer edges
    vertices = unfolded(vertices, triangles, surface, facing)
    for _ in range(ROUNDS):
        tick()
        triangles = flipped(vertices, triangles, facing, rng)
        vertices = moved(vertices, triangles, surface, facing)
    return vertices, triangles


def _cross(corners):
    return np.cross(corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :])


def _normals(corners):
    normals = _cross(corners)
    return normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-30)
