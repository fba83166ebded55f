"""Cameras derived from a portrait's own."""

import dataclasses
import math

import numpy as np

from .cameras import orbit_camera


def orbit_like(camera, yaw=0.0, pitch=0.0, fov=None, distance=None, size=None):
    """An orbit camera that keeps field of view (degrees), distance (metres) and size (width, height) of another
    one where None is given. yaw, pitch: degrees."""
    if fov is None:
        fov = math.degrees(2.0 * math.atan(0.5 * min(camera.width, camera.height) / camera.fx))
    if distance is None:
        distance = float(np.linalg.norm(camera.position))
    width, height = size or (camera.width, camera.height)
    return orbit_camera(yaw, pitch, distance, fov, width, height)


def resized(camera, width, height):
    """The same view with another image size; what does not fit the new aspect ratio is added, never cut off."""
    scale = min(width / camera.width, height / camera.height)
    changes = {
        "cx": 0.5 * width + scale * (camera.cx - 0.5 * camera.width),
        "cy": 0.5 * height + scale * (camera.cy - 0.5 * camera.height),
        "fx": camera.fx * scale,
        "fy": camera.fy * scale,
    }
    if camera.ortho_width is not None:
        tall = camera.ortho_height or camera.ortho_width * camera.height / camera.width
        changes["ortho_width"] = camera.ortho_width * width / (scale * camera.width)
        changes["ortho_height"] = tall * height / (scale * camera.height)
    return dataclasses.replace(camera, width=width, height=height, **changes)
