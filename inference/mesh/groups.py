"""Which part of the subject each vertex of a mesh belongs to."""

import cv2
import numpy as np

from ..portrait import PARTS, Portrait
from .around import all_round, look_up
from .surface import Surface


def part_groups(portrait: Portrait, surface: Surface, vertices: np.ndarray) -> dict[str, np.ndarray]:
    """Per name of :data:`inference.portrait.PARTS`, how far vertices (n, 3) metres belong to it, (n,) float32; together
    1. Empty for portraits that do not know their parts. surface: the portrait's."""
    parts = all_parts(portrait, surface)
    if parts is None:
        return {}
    weights = look_up(parts, vertices).astype(np.float32)
    weights /= np.maximum(weights.sum(1, keepdims=True), 1.0)
    return dict(zip(PARTS, np.ascontiguousarray(weights.T)))


def all_parts(portrait: Portrait, surface: Surface) -> np.ndarray | None:
    """The portrait's parts in all directions, as of :func:`.around.all_round`; None where it does not know them."""
    if portrait.parts is None:
        return None
    parts = cv2.resize(portrait.parts, surface.opacity.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return all_round(parts, surface.opacity)
