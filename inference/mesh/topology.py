"""What a mesh is joined to: connected parts, borders, manifoldness.

trimesh finds connected parts with scipy or networkx, which the extension does not carry.
"""

import numpy as np


def connected_components(count: int, edges: np.ndarray) -> np.ndarray:
    """One label per node, (count,) int64; equal for nodes joined by a path of edges. edges: (k, 2) int."""
    parent = np.arange(count)
    edges = parent[edges]
    while len(edges):
        np.minimum.at(parent, edges.max(1), edges.min(1))  # every root is hooked below its least neighbour
        while np.any((above := parent[parent]) != parent):
            parent = above
        edges = parent[edges]
        edges = edges[edges[:, 0] != edges[:, 1]]
    return parent


def largest_component(chosen: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The largest connected part of the chosen nodes, (n,) bool. chosen: (n,) bool, not empty; edges: (k, 2) int."""
    labels = connected_components(len(chosen), edges[chosen[edges].all(1)])
    return chosen & (labels == np.bincount(labels[chosen]).argmax())


def components_with(seeds: np.ndarray, chosen: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The connected parts of the chosen nodes that hold a seed, (n,) bool. seeds, chosen: (n,) bool."""
    labels = connected_components(len(chosen), edges[chosen[edges].all(1)])
    reached = np.zeros(len(chosen), bool)
    reached[labels[seeds & chosen]] = True
    return chosen & reached[labels]


def edges_of(triangles: np.ndarray) -> np.ndarray:
    """Directed edges of triangles (m, 3), (3 m, 2): corner 0 to 1 of every triangle, then 1 to 2, then 2 to 0."""
    return np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])


def border_edges(triangles: np.ndarray) -> np.ndarray:
    """Edges with a face on one side only, (k, 2)."""
    edges = edges_of(triangles)
    _, first, count = np.unique(_undirected(edges), return_index=True, return_counts=True)
    return edges[first[count == 1]]


def is_manifold(triangles: np.ndarray) -> bool:
    """Whether triangles (m, 3) are one two-manifold, equally wound piece: at most two faces meet in an edge, in
    opposite directions, and the faces round every vertex hang together."""
    edges = edges_of(triangles)
    if len(np.unique(_directed(edges))) < len(edges):
        return False  # of three faces or more in an edge two run in one direction
    # corners of one vertex are joined where their faces share an edge; each vertex must be left with one group of them
    corners = edges_of(np.arange(triangles.size).reshape(-1, 3))
    corners = np.where(edges[:, :1] < edges[:, 1:], corners, corners[:, ::-1])
    keys = _undirected(edges)
    order = np.argsort(keys, kind="stable")
    keys, corners = keys[order], corners[order]
    shared = np.flatnonzero(keys[1:] == keys[:-1])
    pairs = np.stack([corners[shared], corners[shared + 1]], -1).reshape(-1, 2)
    fans = np.unique(connected_components(triangles.size, pairs))
    used = np.unique(triangles)
    pieces = connected_components(used[-1] + 1, edges)[used]
    return len(fans) == len(used) and bool((pieces == pieces[0]).all())


def compact(vertices: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices that no triangle uses are removed. Returns vertices (k, 3) and triangles (m, 3)."""
    used = np.zeros(len(vertices), bool)
    used[triangles] = True
    return vertices[used], (np.cumsum(used) - 1)[triangles]


def _directed(edges):
    """One number per directed edge, (k,) int64; a number sorts ten times as fast as a pair."""
    return edges[:, 0] * np.int64(edges.max() + 1) + edges[:, 1]


def _undirected(edges):
    return _directed(np.sort(edges, axis=1))
