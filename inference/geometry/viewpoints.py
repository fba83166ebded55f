"""Cameras that orbit a portrait as its own camera does."""

import math

import numpy as np

from .cameras import Camera, orbit_camera


def orbit_like(
    camera: Camera,
    yaw: float = 0.0,
    pitch: float = 0.0,
    fov: float | None = None,
    distance: float | None = None,
    size: tuple[int, int] | None = None,
) -> Camera:
    """An orbit camera that keeps field of view (degrees), distance (metres) and size (width, height) of another
    one where None is given. yaw, pitch: degrees."""
    if fov is None:
        fov = math.degrees(2.0 * math.atan(0.5 * min(camera.width, camera.height) / camera.fx))
    if distance is None:
        distance = float(np.linalg.norm(camera.position))
    width, height = size or (camera.width, camera.height)
    return orbit_camera(yaw, pitch, distance, fov, width, height)
