"""Colours of the columns from what the photo shows: batched torch twin of :mod:`inference.inversion.colouring`."""

import torch

from inference.inversion.colouring import COARSE, SETTLED, TEXTURED
from inference.inversion.columns import GRID
from training.model import manifolds as mf
from training.model.filling import push_pull
from training.model.visibility import blurred, blurred_along


def match_colours(colour, parts, shown, shown_parts, seen, glimpsed):
    """Colours (B, 3, h, w) of the columns, and the share (B, 1, h, w) that the networks' own ones have in them.

    colour (B, 3, h, w), the networks' guess; parts (B, 3, h, w), what every column is made of; shown and shown_parts, the
    photo's colours and parts there; seen and glimpsed (B, 1, h, w) of :func:`training.model.visibility.seen_by_photo`.
    """
    # A mirror image serves only where it is the same part.
    twin, mirrored = shown.flip(3), seen.flip(3) * (parts * shown_parts.flip(3)).sum(1, keepdim=True)
    twin = twin + push_pull(shown - twin, seen * mirrored)
    rest = colour + part_tones(shown - colour, glimpsed, shown_parts * parts, parts)
    rest = rest + mirrored_texture(shown, seen, shown_parts[:, TEXTURED], parts[:, TEXTURED])
    missing = 1.0 - seen
    found = seen * shown + missing * (mirrored * twin + (1.0 - mirrored) * rest)
    return found, missing * (1.0 - mirrored)


def part_tones(error, weight, seen_parts, parts):
    """Errors (B, C, h, w) of a guess, known with a weight (B, 1, h, w), gone on to all columns part by part.

    seen_parts: (B, P, h, w), what is seen there; parts: (B, P, h, w), what every column is made of.
    """
    each = zip(seen_parts.split(1, 1), parts.split(1, 1))
    return sum(push_pull(error, weight * seen) * part for seen, part in each)


def mirrored_texture(shown, seen, seen_parts, parts):
    """Fine texture (B, C, h, w) of hair and cloth, mirrored where a row of columns leaves what the photo shows.

    shown (B, C, h, w), seen (B, 1, h, w) in [0, 1]; seen_parts and parts (B, P, h, w), chances of the textured parts.
    """
    height, width = seen.shape[-2:]
    weight = seen * seen_parts.sum(1, keepdim=True)
    coarse = blurred(torch.cat([shown * weight, weight], 1), COARSE * width / GRID, "reflect")
    fine = (shown - coarse[:, :-1] / (coarse[:, -1:] + 1e-3)) * weight
    column, middle = torch.arange(width, dtype=torch.float32, device=seen.device), width // 2
    last = torch.where(seen > 0.5, column, middle)
    edges = torch.cat([last.amax(3, keepdim=True), last.amin(3, keepdim=True)], 1)  # both sides of the middle
    right, left = blurred_along(edges, SETTLED * height / GRID, 2, "reflect").split(1, 1)
    source = torch.where(column > right, 2 * right - column, torch.where(column < left, 2 * left - column, column))
    row = torch.arange(height, device=seen.device)[:, None].expand(height, width)
    place = torch.stack([(source[:, 0] + 0.5) / width, ((row + 0.5) / height).expand_as(source[:, 0])], -1)
    found = mf.sample_maps(torch.cat([fine, seen_parts * seen], 1), place)
    alike = (found[:, shown.shape[1] :] * parts).sum(1, keepdim=True)
    return found[:, : shown.shape[1]] * alike
