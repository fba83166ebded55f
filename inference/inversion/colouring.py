"""Colours of the columns: what the photo shows of a head says most about what it does not show.

A column that the photo shows has the photo's colour, and one that it shows only on the other side of the head the
mirror image's. For the rest the networks' guess has the structure (hairline, ear, collar), and the photo the tones: how
far the guess is off where the truth is known goes on smoothly to what is hidden, for skin, hair and cloth apart.
"""

import cv2
import numpy as np

from ..geometry.sampling import sample_image
from .placement import column_rays, trust

HIDDEN_FROM, HIDDEN_AT = 0.3, 1.1  # centimetres behind the visible surface between which a column stops being seen
GLIMPSED = 0.2, 0.5  # cosines to the camera between which a column's colour comes to serve hidden ones
ALIKE = 0.35  # chance that a column and its pixel are the same part, below which they are taken for different ones
GRAZED = 0.4, 0.6  # cosines to the camera between which that stops mattering
ELSEWHERE = 3.0  # centimetres by which such a column counts as hidden
SURE = 0.9  # matte, eroded, from which on a pixel shows nothing but the subject
LEAST = 0.02  # weight of what wider averages say
NARROWEST = 5  # columns of the coarsest level
TEXTURED = slice(1, 3)  # parts whose fine texture goes on beyond what the photo shows: hair and cloth
COARSE = 4.0  # texels of 160; what is finer is texture
SETTLED = 4.0  # rows over which the border of what is seen is smoothed


def match_colours(colour, parts, radius, facing, behind, photo, photo_parts, matte, camera):
    """Colours (3, h, w) float32 of the columns, and the share (h, w) that the networks' own ``colour`` has in them.

    colour: (3, h, w) in about [0, 1]; parts: (3, h, w), chances of skin, hair and cloth. radius, facing, behind: (h, w)
    of the surface, see :mod:`.placement`. photo: (3, 256, 256) in [0, 1] without fringe; photo_parts: (3, 256, 256),
    chances; matte: (256, 256) in [0, 1]; camera: of the photo.
    """
    seen, glimpsed, pixel = visibility(radius, facing, behind, matte, camera)
    shown = sample_image(np.dstack([*photo, *photo_parts]).astype(np.float32), pixel[..., 0], pixel[..., 1])
    shown, shown_parts, guess = shown[..., :3], shown[..., 3:], colour.transpose(1, 2, 0)
    parts = parts.transpose(1, 2, 0)
    # A mirror image serves only where it is the same part.
    twin, alike = shown[:, ::-1], (parts * shown_parts[:, ::-1]).sum(-1)
    mirrored = seen[:, ::-1] * alike
    twin = twin + spread(shown - twin, seen * mirrored)
    rest = guess + part_tones(shown - guess, glimpsed, shown_parts * parts, parts)
    rest = rest + mirrored_texture(shown, seen, shown_parts[..., TEXTURED], parts[..., TEXTURED])
    missing, mirrored = (1.0 - seen)[..., None], mirrored[..., None]
    found = (1.0 - missing) * shown + missing * (mirrored * twin + (1.0 - mirrored) * rest)
    share = missing * (1.0 - mirrored)
    return found.transpose(2, 0, 1).astype(np.float32), share[..., 0].astype(np.float32)


def visibility(radius, facing, behind, matte, camera):
    """How far the photo shows each column (h, w), how far its colour there serves others (h, w), and where it shows it,
    pixels (h, w, 2). Arguments as of :func:`match_colours`."""
    origin, direction = column_rays(*radius.shape)
    pixel, _ = camera.project(origin + direction * radius[..., None])
    sure = cv2.erode(matte, np.ones((5, 5), np.uint8))
    there = np.clip((sample_image(sure, pixel[..., 0], pixel[..., 1]) - SURE) / (1.0 - SURE), 0.0, 1.0)
    there *= np.clip((HIDDEN_AT - behind) / (HIDDEN_AT - HIDDEN_FROM), 0.0, 1.0)
    glimpsed = there * np.clip((facing - GLIMPSED[0]) / (GLIMPSED[1] - GLIMPSED[0]), 0.0, 1.0)
    return there * trust(facing), glimpsed, pixel


def elsewhere(radius, facing, parts, photo_parts, camera):
    """How much further behind what the photo sees a column counts, (h, w) float32 centimetres, because its pixel shows
    something else: hair beside a cheek, a collar beside a neck. Where the surface grazes the photo's rays, an error of
    millimetres would paint it over the side of the head. Arguments as of :func:`match_colours`.
    """
    origin, direction = column_rays(*radius.shape)
    pixel, _ = camera.project(origin + direction * radius[..., None])
    shown = sample_image(np.ascontiguousarray(photo_parts.transpose(1, 2, 0)), pixel[..., 0], pixel[..., 1])
    alike = (shown * parts.transpose(1, 2, 0)).sum(-1)
    grazed = np.clip((GRAZED[1] - facing) / (GRAZED[1] - GRAZED[0]), 0.0, 1.0)
    other = np.clip(1.0 - alike / ALIKE, 0.0, 1.0) * grazed
    return ELSEWHERE * cv2.GaussianBlur(other.astype(np.float32), (0, 0), radius.shape[0] / 160.0)


def part_tones(error, weight, seen_parts, parts):
    """Errors of a guess, known in some columns, gone on to all columns part by part: (h, w, C) float32.

    error: (h, w, C); weight: (h, w), where it is known; seen_parts: (h, w, P), what is seen there; parts: (h, w, P),
    what every column is made of. A part that is seen nowhere has no error.
    """
    tones = [spread(error, weight * seen_parts[..., k]) * parts[..., k, None] for k in range(parts.shape[-1])]
    return np.sum(tones, 0)


def mirrored_texture(shown, seen, seen_parts, parts):
    """Fine texture of hair and cloth, mirrored where a row of columns leaves what the photo shows: (h, w, C) float32.

    shown (h, w, C), seen (h, w) in [0, 1]; seen_parts and parts (h, w, P), chances of the textured parts.
    """
    height, width = seen.shape
    weight = (seen * seen_parts.sum(-1))[..., None].astype(np.float32)
    coarse = cv2.GaussianBlur(np.dstack([shown * weight, weight]), (0, 0), COARSE * width / 160.0)
    fine = (shown - coarse[..., :-1] / (coarse[..., -1:] + 1e-3)) * weight
    columns, middle = np.arange(width, dtype=np.float32), width // 2
    inside = seen > 0.5
    last = np.where(inside, columns, middle)
    right, left = np.maximum(last.max(1), middle), np.minimum(last.min(1), middle)
    right, left = (cv2.GaussianBlur(edge[:, None], (0, 0), SETTLED * height / 160.0) for edge in (right, left))
    source = np.where(columns > right, 2 * right - columns, np.where(columns < left, 2 * left - columns, columns))
    rows = np.arange(height, dtype=np.float32)[:, None].repeat(width, 1)
    image = np.dstack([fine, seen_parts * seen[..., None]]).astype(np.float32)
    found = cv2.remap(image, source.astype(np.float32), rows, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT)
    alike = (found[..., shown.shape[-1] :] * parts).sum(-1, keepdims=True)
    return found[..., : shown.shape[-1]] * alike


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
