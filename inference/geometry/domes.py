"""Coordinates of the radiance manifolds: every sheet is a dome, a height field over (u, v).

A dome is seen from a vertical axis behind the skull: a cylinder around that axis up to eye level and a
sphere above it. Each texel (u, v) is one radial ray; a sheet stores the radius at which it cuts the ray.
A camera in front of the head therefore meets a sheet at most once, as in GRAM (CVPR 2022, section 3.2),
while cheeks, ears and the sides of the hair receive as many texels as the face.

Frame: portrait space, metres, right-handed, x to the image's right in the frontal view, y up, z towards
the viewer, origin at the head centre (2 cm below the middle between the eyes).
"""

import functools
import math

import numpy as np

from .reach import REACH

AXIS_Z = -0.10  # metres; the vertical axis x = 0, z = AXIS_Z
EQUATOR_Y = 0.02  # metres; cylinder below, sphere above
BOTTOM_Y = -0.165  # metres; lower border of the textures, below the neck
MAX_AZIMUTH, AZIMUTH_WARP = REACH  # half of the horizontal extent, and extra texel density in the middle of the face
MAX_ELEVATION = math.radians(80.0)  # upper border, behind the crown
EQUATOR_V = 0.56  # fraction of the texture's height spent above the equator is 1 - EQUATOR_V
ELEVATION_WARP = 0.35  # relative extra texel density at the forehead against the crown

# Texture convention: u = 0 at the image's left (x < 0), v = 0 at the top (crown), both in [0, 1];
# texel (row i, column j) of an H x W texture has its centre at ((j + 0.5) / W, (i + 0.5) / H).


def dome_coordinates(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Map points to dome coordinates.

    points: (..., 3) float, metres, portrait space; what is computed with is their type.
    Returns u, v, radius: (...) float each. u and v lie in [0, 1] inside the textures and go on smoothly
    outside of them; radius is in metres from the axis (below the equator) or its top end (above).
    """
    x = points[..., 0]
    y = points[..., 1] - EQUATOR_Y
    z = points[..., 2] - AXIS_Z
    horizontal = np.sqrt(x * x + z * z)  # several times faster than np.hypot
    u = REACH.u(np.arctan2(x, z))
    above = np.maximum(y, 0.0)
    radius = np.sqrt(horizontal * horizontal + above * above)
    elevation = np.arctan2(above, horizontal) / MAX_ELEVATION
    v_above = (1.0 - EQUATOR_V) * (1.0 - (elevation + ELEVATION_WARP * elevation * (1.0 - elevation)))
    v_below = (1.0 - EQUATOR_V) + EQUATOR_V * y / (BOTTOM_Y - EQUATOR_Y)
    return u, np.where(y > 0.0, v_above, v_below), radius


def dome_points(u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Inverse of :func:`dome_coordinates`; arguments broadcast. Returns (..., 3) metres, portrait space."""
    u, v, radius = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (u, v, radius)))
    azimuth = REACH.direction(u)
    top = 1.0 - EQUATOR_V
    wanted = np.maximum(1.0 - v / top, 0.0)
    slope = 1.0 + ELEVATION_WARP  # solves e * slope - warp * e^2 = wanted
    inside = np.maximum(slope**2 - 4.0 * ELEVATION_WARP * wanted, 0.0)
    elevation = (slope - np.sqrt(inside)) / (2.0 * ELEVATION_WARP) * MAX_ELEVATION
    above = v < top
    horizontal = np.where(above, radius * np.cos(elevation), radius)
    y = np.where(above, radius * np.sin(elevation), (v - top) / EQUATOR_V * (BOTTOM_Y - EQUATOR_Y))
    return np.stack(
        [horizontal * np.sin(azimuth), y + EQUATOR_Y, horizontal * np.cos(azimuth) + AXIS_Z], axis=-1
    )


def texel_centres(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres of all texels: u (height, width) and v (height, width), float64 in (0, 1)."""
    u, v = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    return u, v


@functools.lru_cache(maxsize=4)
def column_rays(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the texel columns start and their unit directions, (height, width, 3) float32 each, not to be written to.

    The point of a column at a radius is origin + radius * direction.
    """
    u, v = texel_centres(height, width)
    near, far = dome_points(u, v, 0.0), dome_points(u, v, 1.0)
    origin, direction = near.astype(np.float32), (far - near).astype(np.float32)
    origin.flags.writeable = direction.flags.writeable = False
    return origin, direction


def column_points(radius: np.ndarray) -> np.ndarray:
    """Points (h, w, 3) float32 metres of the texel columns at their radius (h, w) float32 metres."""
    origin, direction = column_rays(*radius.shape)
    return origin + direction * radius[..., None]
