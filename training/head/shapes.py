"""The Face Units made fit for the mean head: lids that meet when they blink, and no shape that cuts through itself."""

import numpy as np

from inference.head.crossings import Untangler
from inference.head.keys import WITH

TOUCH = 0.0003  # metres left between lids that are shut


def fitted_shapes(units, rest, faces, margins):
    """{name: (n, 3)} of shapes for the mean head at rest, (n, 3) metres, from those as drawn, which may have more rows
    behind the n of the skin; those stay. margins: {"Left", "Right": (n,) bool}, the edges of each eye's lids."""
    count, found, skin = len(rest), {}, Untangler(rest, faces)
    for side, margin in margins.items():
        name = f"eyeBlink{side}"
        units[name][:count] *= closing(units[name][:count], rest, margin)[:, None]
    for name in sorted(units, key=lambda name: name in WITH):  # those that need another come last
        below = found[WITH[name]][:count] if name in WITH else 0.0
        posed = rest + units[name][:count] + below
        if skin.untangle(posed):
            raise ValueError(f"the shape {name} cuts through itself")
        found[name] = np.concatenate([posed - rest - below, units[name][count:]])
    return {name: found[name] for name in units}


def closing(blink, rest, margin):
    """(n,) by how much a blink, (n, 3) metres, is to be multiplied so that the edges of the lids just meet."""
    edge = np.flatnonzero(margin)
    x, y = rest[edge, 0], rest[edge, 1]
    ends = edge[[x.argmin(), x.argmax()]]
    above = y > np.interp(x, rest[ends, 0], rest[ends, 1]) + 1e-4
    upper, lower = edge[above], edge[~above]
    lower = lower[np.argsort(rest[lower, 0])]
    gap = rest[upper, 1] - np.interp(rest[upper, 0], rest[lower, 0], rest[lower, 1])
    travel = np.interp(rest[upper, 0], rest[lower, 0], blink[lower, 1]) - blink[upper, 1]
    inner = gap > 0.3 * gap.max()  # towards the corners both are small
    middle, reach = rest[edge, 0].mean(), np.ptp(rest[edge, 0])
    curve = np.polyfit((rest[upper[inner], 0] - middle) / reach, (gap[inner] - TOUCH) / travel[inner], 2)
    return np.polyval(curve, np.clip((rest[:, 0] - middle) / reach, -0.5, 0.5))
