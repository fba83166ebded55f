"""Sheets as grid meshes, for renderers that draw textured geometry."""

import numpy as np

from . import domes

BACKGROUND = 23  # index of the flat background manifold, behind the 23 dome sheets
BACKGROUND_Z = -0.16  # metres
BACKGROUND_HALF = 0.26  # metres; the background plane covers x and y in +-0.26


def sheet_mesh(radii, index, resolution=80):
    """Quad grid of one manifold.

    radii: (23, n, n) float, metres, radius of every sheet at the grid corners.
    index: sheet 0 (outermost) to 22 (innermost), or 23 for the background plane.
    resolution: quads along each side of a dome sheet; the background is one quad.
    Returns vertices (m, 3) float32 metres in portrait space, faces (f, 4) int32 quads, counter-clockwise seen
    from the viewer, and uv (m, 2) float32 in [0, 1] with v up.
    """
    if not 0 <= index <= BACKGROUND:
        raise IndexError(f"there is no manifold {index}; they are 0 to {BACKGROUND}")
    count = 1 if index == BACKGROUND else int(resolution)
    if count < 1:
        raise ValueError("the resolution of a sheet mesh must be at least 1")
    u, v = np.meshgrid(np.linspace(0.0, 1.0, count + 1), np.linspace(0.0, 1.0, count + 1))
    if index == BACKGROUND:
        x, y = (2.0 * u - 1.0) * BACKGROUND_HALF, (1.0 - 2.0 * v) * BACKGROUND_HALF
        points = np.stack([x, y, np.full_like(x, BACKGROUND_Z)], -1)
    else:
        points = domes.dome_points(u, v, sample_grid(radii[index], u, v))
    corner = np.arange((count + 1) ** 2, dtype=np.int32).reshape(count + 1, count + 1)
    faces = np.stack([corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]], -1)
    uv = np.stack([u, 1.0 - v], -1)
    return points.reshape(-1, 3).astype(np.float32), faces.reshape(-1, 4), uv.reshape(-1, 2).astype(np.float32)


def sample_grid(grid, u, v):
    """Bilinear look-up in a corner grid, clamped at the border.

    grid: (..., h, w) float, values at u = j / (w - 1), v = i / (h - 1). u, v: (...) float, same shape.
    Returns grid.shape[:-2] + u.shape float64.
    """
    height, width = grid.shape[-2:]
    x = np.clip(u, 0.0, 1.0) * (width - 1)
    y = np.clip(v, 0.0, 1.0) * (height - 1)
    j = np.minimum(x.astype(np.int64), width - 2)
    i = np.minimum(y.astype(np.int64), height - 2)
    x, y = x - j, y - i
    top = grid[..., i, j] * (1.0 - x) + grid[..., i, j + 1] * x
    bottom = grid[..., i + 1, j] * (1.0 - x) + grid[..., i + 1, j + 1] * x
    return top * (1.0 - y) + bottom * y
