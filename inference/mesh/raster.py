"""Triangles as pixels: which lie at which pixel's centre, and where in them, row by row for all triangles at once."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Covered:
    """The pixels that triangles cover. pixel (k,) int64, row * width + column, each once; triangle (k,) int64 and
    shares (k, 3) float32, the barycentric coordinates of its centre in that triangle."""

    pixel: np.ndarray
    triangle: np.ndarray
    shares: np.ndarray

    def interpolated(self, values: np.ndarray, triangles: np.ndarray) -> np.ndarray:
        """values (n, c) of the triangles' corners (m, 3) at the pixels, (k, c) float32."""
        corners = triangles[self.triangle]
        values = np.ascontiguousarray(values, np.float32)
        found = values[corners[:, 0]] * self.shares[:, :1]
        for corner in (1, 2):
            found += values[corners[:, corner]] * self.shares[:, corner : corner + 1]
        return found


def rasterise(
    corners: np.ndarray, width: int, height: int, depth: np.ndarray | None = None, pinhole: bool = True
) -> Covered:
    """Pixels whose centres lie in triangles.

    corners: (m, 3, 2) pixels, corners of pixels at integers, y down, wound either way. depth: (m, 3) metres along the
    view axis; of several triangles at a pixel the nearest is kept, without depths the last. pinhole: the depths are
    those of a pinhole camera, all positive, and the shares those in space; else the shares are those in the picture.
    """
    edges = _edges(corners.astype(np.float64))
    triangle, row, first, last = _spans(corners, edges, width, height)
    count = last - first + 1
    span = np.repeat(np.arange(len(row)), count)
    column = np.arange(len(span)) - np.repeat(np.cumsum(count) - count, count) + first[span]
    pixel = row[span] * width + column
    own = edges[triangle]
    start = own[..., 0] * (first + 0.5)[:, None] + own[..., 1] * (row + 0.5)[:, None] + own[..., 2]
    shares = start.astype(np.float32)[span]
    shares += own[..., 0].astype(np.float32)[span] * (column - first[span]).astype(np.float32)[:, None]
    triangle = triangle[span]
    order = np.arange(len(pixel))
    if depth is not None:
        corner_depth = depth.astype(np.float32)[triangle]
        if pinhole:
            shares /= corner_depth  # of homogeneous coordinates; their sum is one over the depth
            total = shares.sum(1)
            shares /= total[:, None]
            order = np.argsort(total, kind="stable")  # the nearest is written last
        else:
            order = np.argsort(-np.einsum("ke,ke->k", shares, corner_depth), kind="stable")
    written = np.empty(width * height, np.int64)
    written[pixel[order]] = order
    kept = np.flatnonzero(written[pixel] == np.arange(len(pixel)))
    return Covered(pixel[kept], triangle[kept], shares[kept])


def _edges(corners):
    """(m, 3, 3): for each corner the coefficients of x, y and 1 that give its share at a pixel; 0 where there is no
    area, as of a triangle that no pixel lies in."""
    after, before = np.roll(corners, -1, axis=1), np.roll(corners, -2, axis=1)
    edges = np.stack(
        [
            after[..., 1] - before[..., 1],
            before[..., 0] - after[..., 0],
            after[..., 0] * before[..., 1] - after[..., 1] * before[..., 0],
        ],
        -1,
    )
    area = edges[..., 2].sum(1)
    scale = np.divide(1.0, area, out=np.zeros_like(area), where=np.abs(area) > 1e-12)
    return edges * scale[:, None, None]


def _spans(corners, edges, width, height):
    """Rows of triangles: the triangle, the row, first and last column inside, (s,) int64 each."""
    top = np.clip(np.ceil(corners[..., 1].min(1) - 0.5), 0, height).astype(np.int64)
    bottom = np.clip(np.floor(corners[..., 1].max(1) - 0.5), -1, height - 1).astype(np.int64)
    rows = np.where(np.abs(edges).sum((1, 2)) > 0.0, np.maximum(bottom - top + 1, 0), 0)
    triangle = np.repeat(np.arange(len(corners)), rows)
    row = np.arange(len(triangle)) - np.repeat(np.cumsum(rows) - rows, rows) + top[triangle]
    # a share a x + b (row + 0.5) + c is positive right of a bound where a > 0, left of it where a < 0
    slope, rest = edges[triangle, :, 0], edges[triangle, :, 1] * (row + 0.5)[:, None] + edges[triangle, :, 2]
    bound = np.divide(-rest, slope, out=np.zeros_like(rest), where=slope != 0.0)
    low = np.where(slope > 0.0, bound, np.where((slope == 0.0) & (rest < 0.0), np.inf, -np.inf)).max(1)
    high = np.where(slope < 0.0, bound, np.inf).min(1)
    first = np.ceil(np.clip(low - 0.5, 0, width)).astype(np.int64)
    last = np.floor(np.clip(high - 0.5, -1, width - 1)).astype(np.int64)
    some = last >= first
    return triangle[some], row[some], first[some], last[some]
