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
