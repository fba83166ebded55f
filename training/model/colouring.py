"""Colours of the columns from what the photo shows: batched torch twin of :mod:`inference.inversion.colouring`."""

from training.model.filling import push_pull


def part_tones(error, weight, seen_parts, parts):
    """Errors (B, C, h, w) of a guess, known with a weight (B, 1, h, w), gone on to all columns part by part.

    seen_parts: (B, P, h, w), what is seen there; parts: (B, P, h, w), what every column is made of.
    """
    each = zip(seen_parts.split(1, 1), parts.split(1, 1))
    return sum(push_pull(error, weight * seen) * part for seen, part in each)
