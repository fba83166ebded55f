"""Motion blur: at which times within a frame pictures are taken."""

import numpy as np

OPENS = {"START": 0.0, "CENTER": -0.5, "END": -1.0}  # where the frame is, in parts of the open shutter
CURVE_POINTS = 64  # at which the shutter's curve is read


def shutter_times(scene, count):
    """(count,) times in frames, relative to the frame, between which the scene's shutter lets in the same light."""
    render = scene.render
    mapping = render.motion_blur_shutter_curve
    mapping.initialize()
    parts = (np.arange(CURVE_POINTS) + 0.5) / CURVE_POINTS
    light = np.maximum([mapping.evaluate(mapping.curves[0], part) for part in parts], 0.0)
    if not light.any():
        light = np.ones_like(light)
    gathered = np.concatenate([[0.0], np.cumsum(light)]) / light.sum()
    edges = np.linspace(0.0, 1.0, CURVE_POINTS + 1)
    fractions = np.interp((np.arange(count) + 0.5) / count, gathered, edges)
    return render.motion_blur_shutter * (fractions + OPENS[render.motion_blur_position])
