"""The skin's opening below the bust, closed with quads."""

import dataclasses

import numpy as np

from ..mesh.textured import TexturedMesh


def close_below(piece: TexturedMesh) -> TexturedMesh:
    """A skin of quads whose borders are closed, each by rungs from side to side. Raises ValueError at odd borders."""
    ends = (0, 1), (1, 2), (2, 3), (3, 0), (0, 2), (1, 3)  # edges, and diagonals that quads may be cut along
    edges = np.concatenate([piece.faces[:, pair] for pair in ends]).astype(np.int64)
    count = len(piece.vertices)
    known = np.unique(np.concatenate([edges @ (count, 1), edges @ (1, count)]))
    rungs = [_rungs(loop, piece.vertices, known) for loop in border_loops(piece.faces)]
    faces = np.concatenate([piece.faces, *rungs]).astype(np.int32)
    row = np.zeros(len(piece.vertices), np.int32)
    row[piece.faces] = piece.face_uv  # what closes it has the colours of the edge
    face_uv = np.concatenate([piece.face_uv, row[faces[len(piece.faces) :]]])
    return dataclasses.replace(piece, faces=faces, face_uv=face_uv)


def border_loops(faces: np.ndarray) -> list[np.ndarray]:
    """The vertices of each border of quads (m, 4), in the order that closes it facing outwards."""
    edges = np.concatenate([faces[:, [a, (a + 1) % 4]] for a in range(4)]).astype(np.int64)
    count = int(edges.max()) + 1
    known = np.isin(edges[:, 0] * count + edges[:, 1], edges[:, 1] * count + edges[:, 0])
    after = {int(b): int(a) for a, b in edges[~known]}
    loops = []
    while after:
        start, vertex = next(iter(after.items()))
        loop = [start]
        del after[start]
        while vertex != start:
            loop.append(vertex)
            vertex = after.pop(vertex)
        loops.append(np.array(loop))
    return loops


def _rungs(loop, vertices, known):
    """Quads (k, 4) between the two halves of a loop that begins in front, or next to it where a rung, or a
    diagonal between two, would lie on one that there is: known, a * n + b of each."""
    if len(loop) % 2:
        raise ValueError(f"a border of {len(loop)} vertices cannot be closed with quads")
    half, front = len(loop) // 2, int(vertices[loop, 2].argmax())
    for step in range(half):
        turned = np.roll(loop, -front - step)
        near, far = turned[:half], turned[half:][::-1]
        starts, ends = np.concatenate([near[1:-1], near[:-1], near[1:]]), np.concatenate([far[1:-1], far[1:], far[:-1]])
        if not np.isin(starts * len(vertices) + ends, known).any():
            return np.stack([near[:-1], near[1:], far[1:], far[:-1]], -1)
    raise ValueError("a border cannot be closed with quads")
