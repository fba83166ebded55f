"""Eyes, teeth and tongue go where the skin around them went, and lids stay outside the eyeballs."""

import numpy as np

from .base import HeadBase

EDGE = 0.002  # metres from the eyeball within which the base's lids lie on it
CLEARANCE = 0.0013  # metres by which lids stay off the eyeball at most; the data pack's heads have the same
EYES = "left_eye", "right_eye"  # in the order of the base's lids
JAWS = {"upper_teeth": 0, "lower_teeth": 1, "tongue": 1}  # the side of the lip seam that each follows


def carry_parts(vertices: np.ndarray, moved: np.ndarray, base: HeadBase) -> None:
    """Move the parts' vertices, in place, by the mean displacement of the lids or the lip that they lie behind.

    vertices: (n, 3) float metres, the parts still where the likeliest shape has them. moved: (m, 3) of the skin.
    """
    for name, lids, clearance in zip(EYES, base.lids, base.lid_clearance):
        edge = lids[np.abs(clearance) < EDGE]
        vertices[base.parts[name]] += moved[edge].mean(0)
    for name, side in JAWS.items():
        vertices[base.parts[name]] += moved[base.lip_seam[:, side]].mean(0)


def open_lids(vertices: np.ndarray, base: HeadBase, scale: float) -> None:
    """Push lids that cut into an eyeball out of it, radially and in place. scale: of the base in portrait space."""
    for name, lids, clearance in zip(EYES, base.lids, base.lid_clearance):
        centre, radius = eyeball(vertices, base, name)
        offset = vertices[lids] - centre
        distance = np.linalg.norm(offset, axis=1)
        least = radius + scale * np.minimum(clearance, CLEARANCE)
        vertices[lids] += offset * (np.maximum(least / distance, 1.0) - 1.0)[:, None]


def eyeball(vertices: np.ndarray, base: HeadBase, name: str) -> tuple[np.ndarray, float]:
    """Centre (3,) and radius of an eye, metres."""
    ball = vertices[base.parts[name]]
    centre = ball.mean(0)
    return centre, float(np.linalg.norm(ball - centre, axis=1).mean())
