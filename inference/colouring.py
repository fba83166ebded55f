"""Colours of the columns: what the photo shows of a head says most about what it does not show.

A column that the photo shows has the photo's colour. One that it shows only on the other side of the head has the
mirror image's. The rest is guessed twice, by the networks and by the colours along the same row, where hair goes on as
hair and skin as skin; tones that are off where the truth is known are corrected everywhere.
"""

import cv2
import numpy as np

from .placement import column_rays, trust
from .sampling import sample_image

HIDDEN_FROM, HIDDEN_AT = 0.3, 1.1  # centimetres behind the visible surface between which a column stops being seen
GLIMPSED = -0.05, 0.25  # cosines to the camera between which a column's colour comes to serve its neighbours
SURE = 0.9  # matte, eroded, from which on a pixel shows nothing but the subject
TAKEN = 0.25  # share that a column adds to what its row carries outwards
ACROSS = 3.0  # texels of 160 over which rows are smoothed
LEAST = 0.02  # weight of what wider averages say
NARROWEST = 5  # columns of the coarsest level
GUESSED = 0.5  # share of the networks' guess, against the row's, in columns shown on neither side


def match_colours(colour, radius, facing, behind, photo, matte, camera):
    """Colours (3, h, w) float32 of the columns, and the share (h, w) that the networks' own ``colour`` has in them.

    colour: (3, h, w) in about [0, 1]. radius, facing, behind: (h, w) of the surface, see :mod:`.placement`.
    photo: (3, 256, 256) in [0, 1] without fringe; matte: (256, 256) in [0, 1]; camera: of the photo.
    """
    origin, direction = column_rays(*radius.shape)
    pixel, _ = camera.project(origin + direction * radius[..., None])
    sure = cv2.erode(matte, np.ones((5, 5), np.uint8))
    shown = sample_image(np.dstack([*photo, sure]).astype(np.float32), pixel[..., 0], pixel[..., 1])
    there = np.clip((HIDDEN_AT - behind) / (HIDDEN_AT - HIDDEN_FROM), 0.0, 1.0)
    there *= np.clip((shown[..., 3] - SURE) / (1.0 - SURE), 0.0, 1.0)
    seen = there * trust(facing)
    glimpsed = there * np.clip((facing - GLIMPSED[0]) / (GLIMPSED[1] - GLIMPSED[0]), 0.0, 1.0)
    shown, guess, mirrored = shown[..., :3], colour.transpose(1, 2, 0), seen[:, ::-1]
    twin = shown[:, ::-1]
    twin = twin + spread(shown - twin, seen * mirrored)
    row = outwards(np.dstack([shown, shown - guess]), glimpsed)
    rest = GUESSED * (guess + row[..., 3:]) + (1.0 - GUESSED) * row[..., :3]
    missing, mirrored = (1.0 - seen)[..., None], mirrored[..., None]
    found = (1.0 - missing) * shown + missing * (mirrored * twin + (1.0 - mirrored) * rest)
    share = GUESSED * missing * (1.0 - mirrored)
    return found.transpose(2, 0, 1).astype(np.float32), share[..., 0].astype(np.float32)


def spread(values, weight):
    """Smooth fill of values (h, w, C) where weight (h, w) is small from ever wider averages (push-pull, Gortler et al.,
    SIGGRAPH 1996). Returns (h, w, C) float32."""
    levels = [np.dstack([values * weight[..., None], weight]).astype(np.float32)]
    while levels[-1].shape[1] > NARROWEST:
        levels.append(cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    total = levels[-1].mean((0, 1))
    found = np.broadcast_to(total[:-1] / (total[-1] + 1e-3), levels[-1][..., :-1].shape)
    for level in reversed(levels):
        found = cv2.resize(np.ascontiguousarray(found, np.float32), level.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        found = (level[..., :-1] + LEAST * found) / (level[..., -1:] + LEAST)
    return found


def outwards(values, weight):
    """Go on with the outermost values (h, w, C) of every row, left and right of the middle, where weight (h, w) fades.

    Returns (h, w, C) float32, a little smoothed across the rows.
    """
    values, weight = values.astype(np.float32), weight.astype(np.float32)[..., None]
    width = values.shape[1]
    found = np.empty_like(values)
    start = spread(values, weight[..., 0])[:, width // 2]
    for columns in (range(width // 2, width), range(width // 2 - 1, -1, -1)):
        carried = start
        for column in columns:
            carried = carried + TAKEN * weight[:, column] * (values[:, column] - carried)
            found[:, column] = carried
    return cv2.GaussianBlur(found, (0, 0), sigmaX=0.1, sigmaY=ACROSS, borderType=cv2.BORDER_REPLICATE)
