"""Scalar functions by their names in shading languages."""

import numpy as np


def smooth_step(low, high, x):
    """0 where x is at ``low`` or on its side, 1 at ``high`` and beyond, eased in between (GLSL's smoothstep)."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
