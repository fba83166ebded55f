"""What a mesh is joined to: connected parts and borders.

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
