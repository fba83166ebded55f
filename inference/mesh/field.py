"""The implicit function of a head and its samples on a voxel grid.

F(x) = S(u(x), v(x)) - radius(x), with (u, v, radius) the dome coordinates of x and S the surface of
inference.mesh.surface: positive inside, and zero on the surface.
"""

import math

import cv2
import numpy as np

from ..geometry import domes
from ..geometry.curves import linear_step, smooth_step
from ..geometry.sampling import sample_image

CROWN_FADE = 0.04  # of v: the surface is rounded off over this strip at the upper border
BACK_DEPTH = 0.042  # metres from the dome axis to the closed back of the head, at the equator
POLE_FADE = -0.034  # v from the upper border to where the radius is the same for all azimuths
MIN_EXTENT = 0.001  # metres; the block around a single texel is that large
BOTTOM_ROUND = 0.01  # metres, radius with which a closed mesh's bottom edge is rounded


class Dome:
    """The surface radius as a function of dome coordinates in all directions, textured or not.

    Radii are extended with one texel of ring; the back of a closed head joins the two side borders with a rounded
    profile, and the crown ends in one point for all azimuths.
    """

    def __init__(self, radius: np.ndarray, closed: bool) -> None:
        self.closed = closed
        height, width = radius.shape
        top = radius[0].mean()
        strip = max(2, round(CROWN_FADE * height))
        fade = np.clip(1.0 - np.arange(strip) / strip, 0.0, 1.0)[:, None] ** 2
        radius = radius.copy()
        radius[:strip] += fade * (cv2.GaussianBlur(radius[:strip], (0, 0), 8.0) - radius[:strip])
        self.top = float(top)
        self.radius = radius.astype(np.float32)
        smooth = cv2.GaussianBlur(radius, (0, 0), 4.0)
        self.left, self.right = smooth[:, 0].copy(), smooth[:, -1].copy()
        # how the radius changes per unit of side coming up to the borders, so that the back goes on smoothly
        last = max(2, width // 24)
        span = 2.0 * last / width / (1.0 - domes.AZIMUTH_WARP)
        self.left_slope = np.clip((self.left - smooth[:, last]) / span, -0.15, 0.05)
        self.right_slope = np.clip((self.right - smooth[:, -1 - last]) / span, -0.15, 0.05)

    def __call__(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Signed field F on arrays of points (float32, same shape, 2D), metres in portrait space."""
        height, width = self.radius.shape
        y = y - np.float32(domes.EQUATOR_Y)
        horizontal, angle = cv2.cartToPolar(np.float32(domes.AXIS_Z) - z, -x)
        angle -= np.float32(math.pi)
        above = np.maximum(y, 0.0)
        radius, elevation = cv2.cartToPolar(horizontal, above)
        elevation *= np.float32(1.0 / domes.MAX_ELEVATION)
        top = np.float32(1.0 - domes.EQUATOR_V)
        v = top - top * (elevation + np.float32(domes.ELEVATION_WARP) * elevation * (1.0 - elevation))
        v += (y - above) * np.float32(domes.EQUATOR_V / (domes.BOTTOM_Y - domes.EQUATOR_Y))
        side = angle * np.float32(1.0 / domes.MAX_AZIMUTH)
        u = 0.5 + 0.5 * side + np.float32(0.5 * domes.AZIMUTH_WARP / math.pi) * np.sin(np.float32(math.pi) * side)
        map_x, map_y = u * width - np.float32(0.5), v * height - np.float32(0.5)
        surface = cv2.remap(self.radius, map_x, map_y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
        back = np.abs(side) > 1.0
        if back.any():
            surface[back] = self._back(side[back], map_y[back], v[back])
        pole = v < 0.0
        if pole.any():
            weight = smooth_step(0.0, POLE_FADE, v[pole])
            surface[pole] += weight * (np.float32(self.top) - surface[pole])
        field = surface - radius
        if not self.closed:
            return field
        bottom = y + np.float32(domes.EQUATOR_Y - domes.BOTTOM_Y)
        return _smooth_minimum(field, bottom, BOTTOM_ROUND)

    def _back(self, side, map_y, v):
        """Surface radius behind the side borders; side is the azimuth over its maximum, beyond +-1."""
        edges = self.left, self.right, self.left_slope, self.right_slope, self.radius[:, 0], self.radius[:, -1]
        rows = [sample_image(edge.astype(np.float32)[:, None], np.zeros_like(map_y), map_y + 0.5) for edge in edges]
        span = math.pi / domes.MAX_AZIMUTH - 1.0
        behind = linear_step(0.0, span, np.abs(side) - 1.0)  # 0 at a side border, 1 right at the back
        own, slope = np.where(side < 0, rows[0], rows[1]), np.where(side < 0, rows[2], rows[3])
        exact = np.where(side < 0, rows[4], rows[5])
        own = exact + np.minimum(8.0 * behind, 1.0) * (own - exact)
        middle = 0.5 * (rows[0] + rows[1])
        if self.closed:
            # the skull's depth behind the axis, less so towards the crown
            crown = np.clip(1.0 - v / (1.0 - domes.EQUATOR_V), 0.0, 1.0) ** 1.5
            middle = np.minimum(middle, BACK_DEPTH + (self.top - BACK_DEPTH) * crown)
        # Hermite curve: radius and slope of the border, then the middle with no slope
        rest = 1.0 - behind
        curve = own + smooth_step(0.0, 1.0, behind) * (middle - own) + behind * rest * rest * span * slope
        return np.maximum(curve, np.minimum(own, 0.015))


def block(shape: Dome, mask: np.ndarray, resolution: int) -> tuple[np.ndarray, float, np.ndarray]:
    """Occupied voxel block: origin (3,) and voxel size in metres, counts (3,) of grid points."""
    height, width = shape.radius.shape
    u, v = domes.texel_centres(height, width)
    inside = np.ones_like(mask, bool) if shape.closed else mask > 0.5
    points = domes.dome_points(u[inside], v[inside], shape.radius[inside])
    low, high = points.min(0), points.max(0)
    if shape.closed:
        reach = max(BACK_DEPTH, float(shape.left.max()), float(shape.right.max()))
        low[2] = min(low[2], domes.AXIS_Z - reach)
        low[0], high[0] = min(low[0], -reach), max(high[0], reach)
        low[1], high[1] = domes.BOTTOM_Y, max(high[1], domes.EQUATOR_Y + shape.top)
    voxel = max(float((high - low).max()), MIN_EXTENT) / resolution
    low, high = low - 2.5 * voxel, high + 2.5 * voxel
    return low, voxel, np.ceil((high - low) / voxel).astype(int) + 1


def sample_field(shape: Dome, origin: np.ndarray, voxel: float, counts: np.ndarray) -> np.ndarray:
    """F on the grid, (nx, ny, nz) float32."""
    x, y, z = (np.float32(origin[a] + voxel * np.arange(counts[a])) for a in range(3))
    field = np.empty(tuple(counts), np.float32)
    plane_y, plane_z = np.meshgrid(y, z, indexing="ij")
    for index, value in enumerate(x):
        field[index] = shape(np.full_like(plane_y, value), plane_y, plane_z)
    return field


def _smooth_minimum(a, b, radius):
    """Minimum of two distance-like fields with the edge rounded to about ``radius``."""
    mix = np.clip(0.5 + 0.5 * (b - a) / np.float32(2 * radius), 0.0, 1.0)
    return b + mix * (a - b) - np.float32(2 * radius) * mix * (1.0 - mix)
