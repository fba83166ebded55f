"""Torch twins of :mod:`inference.geometry.curves`."""


def linear_step(low, high, x):
    """0 where x (...) is at ``low`` or on its side, 1 at ``high`` and beyond, linear in between; ``high`` may be less."""
    return ((x - low) / (high - low)).clamp(0.0, 1.0)


def smooth_step(low, high, x):
    """:func:`linear_step` eased by 3 t² - 2 t³."""
    t = linear_step(low, high, x)
    return t * t * (3.0 - 2.0 * t)
