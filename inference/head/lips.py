"""The lips opened as far as the photo shows, so that what it has on the lips is on them and not on what is behind."""

import dataclasses

import numpy as np

from ..portrait import Portrait
from .apertures import MOUTH
from .base import HeadBase
from .crossings import skin_untangler
from .fit import HeadFit
from .graph import Graph

LOWER, UPPER = MOUTH[:11], (MOUTH[0], *MOUTH[:10:-1], MOUTH[10])  # inner lips, from the sitter's right corner
MOST = 0.004  # metres that an edge of a lip is moved
REACH = 9  # edges from where the lips meet over which the rest follows
STEPS = 150  # averages by which it does


def lips_to_photo(portrait: Portrait, fit: HeadFit, base: HeadBase) -> HeadFit:
    """A fit whose lips part where the portrait's landmarks say so; as it was, where there are none."""
    if portrait.landmarks is None or len(portrait.landmarks) < 468:
        return fit
    skin = base.parts["skin"]
    points = fit.vertices[skin].astype(np.float64)
    graph = Graph(base.faces, len(points))
    moved, held = np.zeros((len(points), 1)), np.zeros(len(points), bool)
    place, depth = portrait.camera.project(points)
    pixels = portrait.camera.pixels_per_unit()[1] / depth
    corners = portrait.landmarks[[MOUTH[0], MOUTH[10]], 0]
    for seam, curve in zip(base.lip_seam.T, (UPPER, LOWER), strict=True):
        line = portrait.landmarks[list(curve)]
        own = seam[(place[seam, 0] > corners.min()) & (place[seam, 0] < corners.max())]
        wanted = np.interp(place[own, 0], line[:, 0], line[:, 1])
        moved[own, 0] = np.clip((place[own, 1] - wanted) / pixels[own], -MOST, MOST)
    held[base.lip_seam] = True
    far = graph.rings(held, REACH) > REACH
    lift = graph.smoothed(moved, STEPS, np.where(held | far, 1.0, 0.0))
    points += lift * fit.rotation[:, 1]
    skin_untangler(base).untangle(points)
    vertices = fit.vertices.copy()
    vertices[skin] = points
    return dataclasses.replace(fit, vertices=vertices)
