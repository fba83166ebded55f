"""Which columns count more than others while networks learn: those of the face, which everyone looks at, and of the ears."""

import torch

FACE = (0.3, 0.7375, 0.275, 0.725)  # first and last row, first and last column of the face, in texture heights and widths
EARS = (0.33, 0.675, 0.12, 0.275)  # the same of the right ear in all but one of a hundred heads; the left one is its mirror image
COUNTS = 2.0, 3.0  # how often an error counts in the face, and in the ears: their columns are few, and stand side by side


def emphasis(planes):
    """How often errors of columns count, (h, w) for planes (..., h, w)."""
    face, ears = (within(box, planes) for box in (FACE, EARS))
    return 1.0 + (COUNTS[0] - 1.0) * face + (COUNTS[1] - 1.0) * ears


def within(box, planes):
    """Whether columns of planes (..., h, w) lie in a box such as EARS, or in its mirror image: 0 or 1, (h, w) of their type."""
    there = torch.zeros(planes.shape[-2:], dtype=planes.dtype, device=planes.device)
    top, bottom, left, right = (round(edge * planes.shape[-1]) for edge in box)
    there[top:bottom, left:right] = 1.0
    return torch.maximum(there, there.flip(1))
