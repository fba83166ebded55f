"""Values where none are known, from where they are: batched torch twins of :mod:`inference.geometry.filling`."""

import torch
import torch.nn.functional as F

from inference.geometry.filling import LEAST, NARROWEST


def push_pull(values, weight):
    """Smooth fill of values (B, C, h, w) where weight (B, 1, h, w) is small from ever wider averages. Returns (B, C, h, w)."""
    levels = [torch.cat([values * weight, weight], 1)]
    while levels[-1].shape[-1] > NARROWEST:
        levels.append(F.avg_pool2d(levels[-1], 2))
    total = levels[-1].mean((2, 3), keepdim=True)
    found = total[:, :-1] / (total[:, -1:] + 1e-3)
    for level in reversed(levels):
        found = F.interpolate(found, size=level.shape[-2:], mode="bilinear", align_corners=False)
        found = (level[:, :-1] + LEAST * found) / (level[:, -1:] + LEAST)
    return found


def continued(values, known):
    """values (B, C, h, w) where known (B, 1, h, w) bool, elsewhere those of the nearest known texel."""
    index = nearest_index(known[:, 0]).flatten(1)[:, None].expand(-1, values.shape[1], -1)
    filled = values.flatten(2).gather(2, index).view_as(values)
    return torch.where(known.flatten(1).any(1)[:, None, None, None], filled, values)


def nearest_index(mask):
    """(B, h, w) flat index of the nearest true texel of every texel, any one where there is none.

    First the nearest one in the same column, then among what the columns found (Felzenszwalb and Huttenlocher, Distance
    transforms of sampled functions, 2012), by trying all of them.
    """
    height, width = mask.shape[1:]
    row, column = (torch.arange(size, dtype=torch.int32, device=mask.device) for size in (height, width))
    row, far = row[:, None], height + width  # a column without any is further than every texel
    above = torch.where(mask, row, -far).cummax(1).values
    below = torch.where(mask, row, height + far).flip(1).cummin(1).values.flip(1)
    nearest = torch.where(row - above <= below - row, above, below)
    away = (column[:, None] - column).square() * width + column  # squared distance and, behind it, whose it is
    best = ((nearest - row).square()[:, :, None] * width + away).amin(-1).long() % width
    return nearest.gather(2, best).clamp(0, height - 1) * width + best
