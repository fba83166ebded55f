"""Tubes along a path: what glasses, earrings and tied hair are bent of."""

import numpy as np

STEPS = 6  # corners of a tube's cross-section


def tube(path, radius, closed=False, steps=STEPS):
    """Vertices (n * steps, 3) and triangles (t, 3) int of a tube. path: (n, 3). radius: one, or (n,) along the path."""
    n = len(path)
    tangent = (np.roll(path, -1, 0) - np.roll(path, 1, 0)) if closed else np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    side = np.cross(tangent, (0.3, 0.9, 0.31))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(tangent, side)
    angle = np.arange(steps) / steps * 2 * np.pi
    ring = np.cos(angle)[:, None] * side[:, None] + np.sin(angle)[:, None] * up[:, None]
    verts = (path[:, None] + np.broadcast_to(radius, n)[:, None, None] * ring).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(n if closed else n - 1), np.arange(steps), indexing="ij")
    a, b = i * steps + j, i * steps + (j + 1) % steps
    c, d = ((i + 1) % n) * steps + j, ((i + 1) % n) * steps + (j + 1) % steps
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    return verts, triangles
