"""Tables over dome coordinates: values at texels' centres or at the corners of a grid, and the way between them.

Texel (i, j) of h x w has its centre at v = (i + 0.5) / h, u = (j + 0.5) / w; corner (i, j) of n x m lies at
v = i / (n - 1), u = j / (m - 1). Look-ups are bilinear and clamped at the border.
"""

import cv2
import numpy as np


def sample_grid(grid: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
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


def at_texels(grid: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear look-up of a corner grid (n, m) at the centres of height x width texels, float32."""
    rows, columns = grid.shape
    x = ((np.arange(width, dtype=np.float32) + 0.5) / width * (columns - 1))[None].repeat(height, 0)
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height * (rows - 1))[:, None].repeat(width, 1)
    return cv2.remap(np.ascontiguousarray(grid, np.float32), x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)


def at_corners(image: np.ndarray, quads: int) -> np.ndarray:
    """Look an image (h, w) of texels up at the corners of a grid of quads: (quads + 1, quads + 1) float32."""
    rows, columns = (np.arange(quads + 1, dtype=np.float32) / quads * size - 0.5 for size in image.shape)
    x, y = np.meshgrid(columns, rows)
    return cv2.remap(image, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)


def corner_grid(plane: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Values of texels averaged around the corners of a coarser grid: (h, w) float32 to (rows, columns) float32."""
    height, width = plane.shape
    soft = cv2.GaussianBlur(plane, (0, 0), max(0.5 * width / columns, 0.5), borderType=cv2.BORDER_REPLICATE)
    x = (np.arange(columns, dtype=np.float32) / (columns - 1) * width - 0.5)[None].repeat(rows, 0)
    y = (np.arange(rows, dtype=np.float32) / (rows - 1) * height - 0.5)[:, None].repeat(columns, 1)
    return cv2.remap(soft, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
