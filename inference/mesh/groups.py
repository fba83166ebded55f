"""Which part of the subject each vertex of a mesh belongs to."""

import cv2
import numpy as np

from ..portrait import PARTS, Portrait
from .around import all_round, look_up
from .surface import Surface


def part_groups(portrait: Portrait, surface: Surface, vertices: np.ndarray) -> dict[str, np.ndarray]:
    """Per name of :data:`inference.portrait.PARTS`, how far vertices (n, 3) metres belong to it, (n,) float32; together
    1. Empty for portraits that do not know their parts. surface: the portrait's."""
    if portrait.parts is None:
        return {}
    parts = cv2.resize(portrait.parts, surface.opacity.shape[::-1], interpolation=cv2.INTER_LINEAR)
    weights = look_up(all_round(parts, surface.opacity), vertices).astype(np.float32)
    weights /= np.maximum(weights.sum(1, keepdims=True), 1.0)
    return dict(zip(PARTS, np.ascontiguousarray(weights.T)))
