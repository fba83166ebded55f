"""What one surface per column of the domes cannot show of a synthetic head, and what its views lose by that.

Two kinds of pixels of an exact view. ``second``: it shows what lies behind the first surface of its column, a cheek behind a lock or
a neck behind a chin, or the one surface closes a gap before it. ``outside``: it shows what lies beside or below all columns.
"""

import cv2
import numpy as np

from inference.geometry import domes
from inference.geometry.sampling import sample_image
from inference.view.render import render_view
from training.evaluation import heads
from training.evaluation.metrics import unproject
from training.evaluation.representation import exact_portrait
from training.evaluation.switches import ANSWERS, Told, exact_answers

APART = 0.004  # metres between two surfaces: more than texels of 1 to 1.5 mm and soft sheets blur one by
THINNEST = 3  # pixels; what is thinner lies along edges, where a second surface of the same texels would be as far off
EXACT = "exact surface and colours, no network"


def unshown(radius, truth, depth, camera, seen):
    """Pixels (h, w) bool by kind.

    radius: (n, n) float32 metres of the head's first surface, 0 where there is none. truth: (h, w, 4) in [0, 1] and depth (h, w)
    metres, 0 where there is nothing, of an exact view by ``camera``; seen: the depth (h, w) metres, inf where there is nothing, that the head
    has there with one exact surface per column.
    """
    height, width = depth.shape
    solid = (truth[..., 3] > 0.98) & (depth > 0.0)
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    points = unproject(camera, np.stack([x, y], -1).reshape(-1, 2), np.where(solid, depth, 1.0).ravel())
    u, v, distance = (plane.reshape(height, width) for plane in domes.dome_coordinates(points))
    inside = solid & (u > 0.0) & (u < 1.0) & (v > 0.0) & (v < 1.0)
    first = cv2.erode(radius, np.ones((3, 3)))  # the lowest of the neighbours: what is between is the side of the first surface
    texel = (np.float32(plane * size) for plane, size in zip((u, v), radius.shape[::-1]))
    behind = distance < sample_image(first, *texel) - APART
    closed = inside & (seen < depth - APART) | (truth[..., 3] < 0.5) & np.isfinite(seen)
    second = cv2.morphologyEx((inside & behind | closed).astype(np.uint8), cv2.MORPH_OPEN, np.ones((THINNEST, THINNEST), np.uint8))
    return {"second": second > 0, "outside": solid & ~inside}


def gain(error, region, where):
    """Decibels that a view gains if pixels ``where`` were as good as the mean of the others; squared error (h, w), bool masks."""
    others = error[region & ~where].mean()
    mended = np.where(where, np.minimum(error, others), error)
    return float(10.0 * np.log10(error[region].mean() / mended[region].mean()))


def measure_limits(shard, row, model):
    """{variant: dict} of one head: PSNR of its views, the share of pixels of either kind, and the gain if these were right.

    The variants are those of ``training.ablate truth``, and the exact head on its own sheets.
    """
    head, exact = heads.Head(shard, row), exact_answers(shard, row, model.geometry["radii"])
    portraits = {name: heads.portrait_of(head, Told(model, {output: exact[output] for output in outputs}))
                 for name, outputs in ANSWERS.items()}  # fmt: skip
    portraits[EXACT] = exact_portrait(shard, row, model.geometry["radii"])
    radius = np.array(shard["dome_radius"][row], np.float32)
    rows = {name: {"name": head.name} for name in portraits}
    for (truth, camera), depth in zip(head.views, np.array(shard["view_depth"][row], np.float64)):
        kinds = unshown(radius, truth, depth, camera, render_view(portraits[EXACT], camera).depth)
        for name, portrait in portraits.items():
            seen, wanted, region = heads.compared(portrait, truth, camera)
            error = ((seen - wanted) ** 2).mean(-1)
            found = {"novel": float(-10.0 * np.log10(error[region].mean()))}
            for kind, where in kinds.items():
                found |= {f"{kind}_share": 100.0 * float(where[region].mean()), kind: gain(error, region, where)}
            rows[name] |= {f"{measure}_{centre}": value for centre in heads.yaw_bins(camera) for measure, value in found.items()}
    return rows
