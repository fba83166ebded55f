"""What is known of every texel column of the dome."""

from dataclasses import dataclass

import numpy as np

GRID = 160  # columns per side of what the detail manifolds network answers; widths of filters are in such texels
SKIN, HAIR, CLOTH = range(3)  # the parts that the networks tell apart
SOFTNESS = 0.0025, 0.004, 0.004  # metres to either side of skin, hair and cloth within which rays end: docs/results.md


@dataclass(frozen=True)
class Columns:
    """One subject, column by column; all arrays over the same (h, w) texels.

    radius: (h, w) float32 metres of the surface, continued where there is none.
    valid: (h, w) bool, whether the column meets the subject.
    facing: (h, w) float32, cosine between the surface's normal and the direction to the photo's camera.
    occlusion_depth: (h, w) float32 centimetres by which the surface lies behind what hides it from that camera.
    colour: (3, h, w) float32 sRGB in about [0, 1].
    parts: (3, h, w) float32, chances of SKIN, HAIR and CLOTH.
    """

    radius: np.ndarray
    valid: np.ndarray
    facing: np.ndarray
    occlusion_depth: np.ndarray
    colour: np.ndarray
    parts: np.ndarray

    @property
    def softness(self) -> np.ndarray:
        """How far to either side of the surface rays end, (h, w) float32 metres."""
        return np.tensordot(np.float32(SOFTNESS), self.parts, 1)
