"""Which columns of an exact surface a photo shows."""

import dataclasses

import numpy as np

from inference.geometry import cameras, filling
from inference.inversion import visibility
from inference.inversion.visibility import VISIBLE_SIZE, far_depth


def shown_columns(radius, known, camera, matte):
    """How far the photo shows the columns of an exact surface, (h, w) float32 in [0, 1], as the engine would say.

    radius (h, w) metres where known (h, w) bool; camera (4, 4) of the photo and its matte (256, 256) in [0, 1], float32.
    """
    view = dataclasses.replace(cameras.orbit_camera(), camera_to_world=camera.astype(np.float64))
    depth = visibility.visible_depth(radius, known, view, VISIBLE_SIZE, far_depth(view))
    radius = filling.continued(radius, known)
    facing, behind = visibility.facing_camera(radius, view), visibility.occluded_by(radius, depth, view)
    return visibility.seen_by_photo(radius, facing, behind, matte, view)[0] * known
