"""The photo's silhouette: batched torch twin of :func:`inference.inversion.hull.carve`."""

import torch
import torch.nn.functional as F

from inference.inversion.hull import CARVE_STEP, CARVE_STEPS, INSIDE
from inference.inversion.sheets import THINNEST
from training.model import manifolds as mf


def carve(radius, matte, camera, columns):
    """Move surfaces inwards to where the photo shows the subject: its visual hull.

    radius (B, 1, h, w) metres; matte (B, 1, 256, 256) in [0, 1] of the photo and its camera (B, 4, 4); columns, origins and
    directions (h, w, 3). Returns radius (B, 1, h, w) and kept, bool: False where no point of the column projects onto the
    subject.
    """
    origin, direction = columns
    steps = torch.arange(CARVE_STEPS, device=radius.device).view(-1, 1, 1)
    here = radius - CARVE_STEP * steps  # (B, steps, h, w)
    start = mf.rotated(origin - camera[:, None, None, :3, 3], camera[:, :3, :3])
    ahead = mf.rotated(direction[None], camera[:, :3, :3])
    scale = -2.0 * mf.FOCAL, 2.0 * mf.FOCAL, 1.0  # to [-1, 1] over the image; so many points want few passes over them
    x, y, z = (torch.addcmul(k * a[:, None], k * b[:, None], here) for k, a, b in zip(scale, start, ahead))
    place = torch.stack([x / z, y / z], -1).flatten(1, 2)
    value = F.grid_sample(matte, place, padding_mode="border", align_corners=False).view_as(here)
    first = torch.where(value >= INSIDE, steps, CARVE_STEPS).amin(1, keepdim=True)  # step inside
    last = (first - 1).clamp(min=0)  # step outside, where there is one
    kept = (first == 0) | ((first < CARVE_STEPS) & (here.gather(1, last) > THINNEST))
    first = first.clamp(max=CARVE_STEPS - 1)
    value, before = value.gather(1, first), value.gather(1, last)
    part = (INSIDE - before) / (value - before).clamp(min=1e-6)
    met = here.gather(1, first) + (1.0 - part) * CARVE_STEP  # where the matte crosses the threshold
    return torch.where(kept & (first > 0), met, radius), kept
