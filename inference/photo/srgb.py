"""sRGB values and linear light, IEC 61966-2-1."""

import numpy as np

# value / SLOPE up to KNEE, ((value + OFFSET) / (1 + OFFSET)) ** GAMMA from there on
KNEE, SLOPE, OFFSET, GAMMA = 0.04045, 12.92, 0.055, 2.4


def to_linear(values: np.ndarray) -> np.ndarray:
    """Linear light of sRGB values in [0, 1], float32."""
    return np.where(values <= KNEE, values / SLOPE, ((values + OFFSET) / (1.0 + OFFSET)) ** GAMMA).astype(np.float32)


def to_srgb(light: np.ndarray) -> np.ndarray:
    """sRGB values in [0, 1], float32, of linear light in [0, 1]."""
    bright = (1.0 + OFFSET) * np.maximum(light, KNEE / SLOPE) ** (1.0 / GAMMA) - OFFSET
    return np.where(light <= KNEE / SLOPE, SLOPE * light, bright).astype(np.float32)
