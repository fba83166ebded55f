"""Triangles to samples in plain torch: spans of rows, a depth buffer of packed keys, and barycentric coordinates.

A sample lies at the middle of its cell: column x, row y of the buffer at (x + 0.5, y + 0.5). Corners are snapped to
1/256 of a cell, as graphics hardware does, and borders belong to both neighbours, so that closed meshes have no holes.
Everything follows from minima over integers, which do not depend on the order: equal input gives equal bits.
"""

import torch

SNAP = 256.0  # parts of a cell
SLACK = 1e-4  # cells by which a border is wider than its formula, against holes from rounding
SLIVER = 1e-6  # area relative to the squared extent below which a triangle is a line
DEPTH_STEPS = 2**24 - 1  # of the depth buffer, between 0 and 1
TRIANGLE_BITS = 32  # of a key
EMPTY = 2**62  # key of a sample that nothing covers
CHUNK = {"cpu": 2**18, "cuda": 2**22}  # cells in the bounding boxes of the triangles that are handled at once


class Triangles:
    """Set-up of the triangles that can cover a sample.

    corners: (t, 3, 3) float32: column, row and depth of every corner, in cells and in units of the depth range.
    width, height: of the buffer. ``index`` (m,) int64: which of the t triangles are left; everything else of length m.
    """

    def __init__(self, corners, width, height):
        corners = torch.cat([torch.round(corners[..., :2] * SNAP) / SNAP, corners[..., 2:]], -1)
        low, high = corners[..., :2].amin(1), corners[..., :2].amax(1)
        size = torch.tensor([width, height], dtype=corners.dtype, device=corners.device)
        first = torch.ceil(low - 0.5).clamp(min=0)
        last = torch.minimum(torch.floor(high - 0.5), size - 1)
        extent = (high - low).amax(1)
        sides = corners[:, 1:, :2] - corners[:, :1, :2]
        area = sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0]
        keep = (last >= first).all(1) & (area.abs() > SLIVER * extent * extent) & torch.isfinite(area)
        self.index = keep.nonzero()[:, 0]
        corners, sides, area = corners[self.index], sides[self.index], area[self.index, None]
        self.first, self.last = first[self.index].long(), last[self.index].long()
        # Depth is a plane over the buffer: its value at the middle of the box's first cell, and its slopes.
        rise = corners[:, 1:, 2] - corners[:, :1, 2]
        self.slope_x = (rise[:, 0] * sides[:, 1, 1] - rise[:, 1] * sides[:, 0, 1]) / area[:, 0]
        self.slope_y = (rise[:, 1] * sides[:, 0, 0] - rise[:, 0] * sides[:, 1, 0]) / area[:, 0]
        from_corner = self.first + 0.5 - corners[:, 0, :2]
        self.depth = corners[:, 0, 2] + self.slope_x * from_corner[:, 0] + self.slope_y * from_corner[:, 1]
        # Column where each edge cuts the first row, its step per row, and whether it bounds rows on the left.
        ends = corners[:, [1, 2, 0], :2]
        edge = ends - corners[..., :2]
        level = edge[..., 1] == 0
        self.step = torch.where(level, 0.0, edge[..., 0] / torch.where(level, 1.0, edge[..., 1]))
        row = (self.first[:, 1:] + 0.5) - corners[..., 1]
        self.cut = corners[..., 0] + self.step * row
        self.slack = SLACK * (1 + self.step.abs())
        upward = (edge[..., 1] < 0) ^ (area < 0)
        self.left, self.right = upward & ~level, ~upward & ~level

    def spans(self, part):
        """Rows of the triangles of a slice: which one (r,), row (r,), first column (r,), length (r,) and depth (r,)."""
        heights = self.last[part, 1] - self.first[part, 1] + 1
        which, down = counted(heights)
        which = which + part.start
        cut = self.cut[which] + self.step[which] * down[:, None]
        slack = self.slack[which]
        lower = torch.where(self.left[which], cut - slack, -torch.inf).amax(1)
        upper = torch.where(self.right[which], cut + slack, torch.inf).amin(1)
        box_first, box_last = self.first[which, 0], self.last[which, 0]
        first = torch.maximum(torch.ceil(lower - 0.5).clamp(-1e6, 1e6).long(), box_first)
        last = torch.minimum(torch.floor(upper - 0.5).clamp(-1e6, 1e6).long(), box_last)
        depth = self.depth[which] + self.slope_y[which] * down + self.slope_x[which] * (first - box_first)
        length = (last - first + 1).clamp(min=0)
        some = (length > 0).nonzero()[:, 0]
        return which[some], (self.first[which, 1] + down)[some], first[some], length[some], depth[some]

    def slices(self):
        """Slices of the triangles whose bounding boxes together have about CHUNK cells."""
        chunk = CHUNK.get(self.depth.device.type, CHUNK["cpu"])
        sides = self.last - self.first + 1
        number = torch.div(torch.cumsum(sides[:, 0] * sides[:, 1], 0), chunk, rounding_mode="floor")
        start = 0
        for count in torch.unique_consecutive(number, return_counts=True)[1].tolist():
            yield slice(start, start + count)
            start += count


def counted(lengths):
    """For every item of lists of these lengths (n,): the number of its list, and its place in it, (sum,) int64 each."""
    which = torch.repeat_interleave(lengths)
    return which, torch.arange(len(which), device=which.device) - (torch.cumsum(lengths, 0) - lengths)[which]


def fragments(corners, width, height):
    """What triangles cover, part by part: sample (f,) int64 = row * width + column, triangle (f,) int64, depth (f,).

    corners: (t, 3, 3) float32, as of :class:`Triangles`. Depths outside [0, 1] are cut off, as by a camera's range.
    """
    triangles = Triangles(corners, width, height)
    for part in triangles.slices():
        which, row, first, length, depth = triangles.spans(part)
        span, across = counted(length)
        sample = (row * width + first)[span] + across
        depth = depth[span] + triangles.slope_x[which][span] * across
        yield sample, triangles.index[which][span], depth


def new_keys(width, height, device):
    """An empty depth buffer (height * width,) int64."""
    return torch.full((height * width,), EMPTY, dtype=torch.int64, device=device)


def keys_of(depth, triangle):
    """Sort keys (f,) int64: nearer first, then the triangle of the lower number. depth: (f,) in [0, 1]."""
    return torch.round(depth * DEPTH_STEPS).long() << TRIANGLE_BITS | triangle


def draw(keys, sample, triangle, depth):
    """Write fragments into a depth buffer, in place; those outside the depth range are left out."""
    inside = (depth >= 0) & (depth <= 1)
    if not bool(inside.all()):
        sample, triangle, depth = sample[inside], triangle[inside], depth[inside]
    keys.scatter_reduce_(0, sample, keys_of(depth, triangle), "amin")


def covered(keys):
    """Samples (p,) int64 of a depth buffer that something covers, and their triangles (p,) int64."""
    sample = (keys < EMPTY).nonzero()[:, 0]
    return sample, keys[sample] & (2**TRIANGLE_BITS - 1)


def depths(keys):
    """(n,) float32 depths in [0, 1] of a depth buffer, 1 where nothing covers a sample."""
    return torch.where(keys < EMPTY, (keys >> TRIANGLE_BITS).float() / DEPTH_STEPS, 1.0)


def barycentric(corners, column, row, w):
    """Perspective-correct weights (f, 3) of the corners of triangles at samples.

    corners: (f, 3, 2) columns and rows, in cells. column, row: (f,) of the sample. w: (f, 3) distance of the corners
    along the view axis, or None for a parallel projection.
    """
    x, y = corners[..., 0] - (column[:, None] + 0.5), corners[..., 1] - (row[:, None] + 0.5)
    weights = torch.stack([x[:, i] * y[:, j] - x[:, j] * y[:, i] for i, j in ((1, 2), (2, 0), (0, 1))], 1)
    weights = (weights * torch.sign(weights.sum(1, keepdim=True))).clamp(min=0)
    if w is not None:
        weights = weights / w
    return weights / weights.sum(1, keepdim=True).clamp(min=1e-20)


def texture_slopes(corners, uv):
    """Change of the texture coordinates per cell, (t, 2, 2) float32: [along columns or rows, u or v].

    corners: (t, 3, 3), as of :class:`Triangles`. uv: (t, 3, 2). Zero for triangles without area.
    """
    sides, rise = corners[:, 1:, :2] - corners[:, :1, :2], uv[:, 1:] - uv[:, :1]
    area = sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0]
    scale = torch.where(area.abs() > 1e-9, 1.0 / area, 0.0)[:, None]
    along_x = (rise[:, 0] * sides[:, 1, 1, None] - rise[:, 1] * sides[:, 0, 1, None]) * scale
    along_y = (rise[:, 1] * sides[:, 0, 0, None] - rise[:, 0] * sides[:, 1, 0, None]) * scale
    return torch.stack([along_x, along_y], 1)
