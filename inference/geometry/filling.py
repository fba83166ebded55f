"""Values where none are known, from where they are."""

import cv2
import numpy as np

LEAST = 0.02  # weight of what wider averages say
NARROWEST = 5  # pixels across the coarsest level


def continued(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """values (h, w) float32 where known (h, w) bool, elsewhere those of the nearest known texel."""
    if not known.any():
        return values.astype(np.float32)
    return values.astype(np.float32).ravel()[nearest_index(known)]


def nearest_index(mask: np.ndarray) -> np.ndarray:
    """(h, w) flat index of the nearest true texel of every texel."""
    outside = (~mask).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    index = np.zeros(labels.max() + 1, np.int64)
    index[labels[mask]] = np.flatnonzero(mask.ravel())
    return index[labels]


def push_pull(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Smooth fill of values (h, w, C) where weight (h, w) is small from ever wider averages (Gortler et al., The
    Lumigraph, SIGGRAPH 1996). Returns (h, w, C) float32."""
    levels = [np.dstack([values * weight[..., None], weight]).astype(np.float32)]
    while levels[-1].shape[1] > NARROWEST:
        levels.append(cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    total = levels[-1].mean((0, 1))
    found = np.broadcast_to(total[:-1] / (total[-1] + 1e-3), levels[-1][..., :-1].shape)
    for level in reversed(levels):
        found = cv2.resize(np.ascontiguousarray(found, np.float32), level.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        found = (level[..., :-1] + LEAST * found.reshape(level[..., :-1].shape)) / (level[..., -1:] + LEAST)
    return found


def blurred_fill(values: np.ndarray, weight: np.ndarray, sigmas: tuple, gain: float) -> tuple[np.ndarray, np.ndarray]:
    """Fill of values near where they are known, from wider and wider blurs of what is known.

    values: (h, w, C) float32, already times their weight (h, w) in [0, 1]. sigmas: pixels, of the Gaussians. gain: a
    blur that reached 1 / gain of the weight fills a pixel wholly. Returns (h, w, C), and the share (h, w, 1) of every
    pixel that no blur reached, which is still to be added.
    """
    filled, missing = values.copy(), 1.0 - weight[..., None]
    for sigma in sigmas:
        reach = cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
        share = missing * np.clip(reach * gain, 0.0, 1.0)
        filled += share * cv2.GaussianBlur(values, (0, 0), sigma) / np.maximum(reach, 1e-4)
        missing = missing - share
    return filled, missing
