"""Scalar functions that everything uses, by their names in shading languages and statistics."""

import numpy as np


def linear_step(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """0 where x is at ``low`` or on its side, 1 at ``high`` and beyond, linear in between; ``high`` may be less."""
    return np.minimum(np.maximum((x - low) / (high - low), 0.0), 1.0)  # np.clip is three times slower


def smooth_step(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """:func:`linear_step` eased by 3 t^2 - 2 t^3 (GLSL's smoothstep)."""
    t = linear_step(low, high, x)
    return t * t * (3.0 - 2.0 * t)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Chances of logits (...), which are clipped to +-30."""
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0)))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Chances (P, ...) of P alternatives from their logits."""
    powers = np.exp(logits - logits.max(0))
    return powers / powers.sum(0)


def geman_mcclure(error: np.ndarray, gross: float) -> np.ndarray:
    """Weights in [0, 1] of errors (...) for reweighted least squares; 1/4 for an error of ``gross``."""
    return (gross**2 / (error**2 + gross**2)) ** 2
