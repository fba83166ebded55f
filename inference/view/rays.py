"""The rays of a camera in the sheets' frame, and the part of the image that can see the head."""

import math

import numpy as np

from ..geometry import domes
from ..geometry.cameras import Camera
from .cover import Cover
from .shells import Shells

NEAR = 1e-3  # metres, nothing in front of it is seen
TILE = 176  # pixels, about the side of a tile; its rays stay in the cache, and OpenCV looks up no more in a row


class CameraRays:
    """Rays as a start near the head and a way per metre of depth, both affine in the pixel.

    A ray is a function of its pixel's place alone, to the last bit: what depends on the column and what depends on the
    row are found in double precision from the distance to the principal point, and added in single precision.
    start, way: (by_x, by_y, base), (3,) float64 each: metres, and metres per metre of depth, at the principal point and
    more of them per pixel to the right and down. scale: pixels to one unit of ``cover``'s image plane, across and down.
    shells: :class:`inference.view.shells.Shells` that are looked at.
    """

    def __init__(self, camera: Camera, shells: Shells) -> None:
        self.camera = camera
        centre, radius = shells.sphere
        right, up, back = camera.camera_to_world[:3, :3].T
        self.middle = float((camera.position - centre) @ back)  # depth at which the rays start
        self.tiles = _tiles(_bounding_rectangle(camera, centre, radius))
        self.cover = Cover(shells.boxes, camera, radius, self.middle)
        right, up, back = (axis * FLIP for axis in (right, up, back))
        start = to_sheets(camera.position) - self.middle * back
        if camera.ortho_width is None:
            by_x, by_y = right / camera.fx, -up / camera.fy
            self.start = self.middle * by_x, self.middle * by_y, start
            self.way = by_x, by_y, -back
            self.scale = camera.fx, camera.fy
        else:
            self.scale = scale_x, scale_y = camera.pixels_per_unit()
            self.start = right / scale_x, -up / scale_y, start
            self.way = np.zeros(3), np.zeros(3), -back

    def tile(self, rectangle: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rays of the pixels of a tile (x, y, width, height).

        Returns starts and ways (2, 3, n) float32; the depths (2, n) float32, less ``middle``, between which they can
        meet the sheets, the first above the second if they cannot; and the indices (n,) of the pixels in the image.

        The point at a depth is start + (depth - middle) * way; metres, sheets' frame.
        """
        left, top, width, height = rectangle
        x = left + 0.5 + np.arange(width) - self.camera.cx
        y = top + 0.5 + np.arange(height) - self.camera.cy
        planes = np.empty((2, 3, height, width), np.float32)
        for found, (by_x, by_y, base) in zip(planes, (self.start, self.way), strict=True):
            for axis in range(3):
                row = (by_x[axis] * x).astype(np.float32)
                column = (by_y[axis] * y + base[axis]).astype(np.float32)
                np.add(row, column[:, None], out=found[axis])
        index = (np.arange(top, top + height) * self.camera.width)[:, None] + np.arange(left, left + width)
        depths = self.cover.depths(x / self.scale[0], y / self.scale[1]) - np.float32(self.middle)
        np.maximum(depths[0], np.float32(NEAR - self.middle), out=depths[0])
        return planes.reshape(2, 3, -1), depths.reshape(2, -1), index.ravel()


FLIP = np.array([-1.0, 1.0, -1.0])  # axes of the sheets' frame in portrait space


def to_sheets(point: np.ndarray) -> np.ndarray:
    """A point (3,) of portrait space in the sheets' frame, see :mod:`inference.view.shells`; metres."""
    return (point - [0.0, domes.EQUATOR_Y, domes.AXIS_Z]) * FLIP


def _tiles(rectangle):
    """Split a rectangle (left, top, right, bottom) evenly: (x, y, width, height) of each tile, pixels."""
    left, top, right, bottom = rectangle
    if right <= left or bottom <= top:
        return []
    columns, rows = _edges(left, right), _edges(top, bottom)
    return [
        (x, y, x_end - x, y_end - y)
        for y, y_end in zip(rows[:-1], rows[1:], strict=True)
        for x, x_end in zip(columns[:-1], columns[1:], strict=True)
    ]


def _edges(first, last):
    return np.linspace(first, last, math.ceil((last - first) / TILE) + 1).round().astype(int).tolist()


def _bounding_rectangle(camera, centre, radius):
    """Pixels (left, top, right, bottom) that can see the sphere, within the image."""
    whole = 0, 0, camera.width, camera.height
    right, up, back = camera.camera_to_world[:3, :3].T
    local = centre - camera.position
    x, y, depth = local @ right, local @ up, -(local @ back)
    if camera.ortho_width is not None:
        scale_x, scale_y = camera.pixels_per_unit()
        middle = camera.cx + scale_x * x, camera.cy - scale_y * y
        half = radius * scale_x, radius * scale_y
        low, high = np.subtract(middle, half), np.add(middle, half)
    elif depth < -radius:
        return 0, 0, 0, 0
    elif depth < 1.05 * radius:
        return whole
    else:
        bounds = []
        for value in (x, y):  # tangents of the sphere's shadow in the plane of this axis and the view axis
            angle, spread = math.atan2(value, depth), math.asin(min(radius / math.hypot(value, depth), 1.0))
            if abs(angle) + spread > 1.5:
                return whole
            bounds.append((math.tan(angle - spread), math.tan(angle + spread)))
        low = camera.cx + camera.fx * bounds[0][0], camera.cy - camera.fy * bounds[1][1]
        high = camera.cx + camera.fx * bounds[0][1], camera.cy - camera.fy * bounds[1][0]
    left, top = (int(max(math.floor(value), 0)) for value in low)
    right, bottom = (int(min(math.ceil(value), side)) for value, side in zip(high, whole[2:], strict=True))
    return left, top, right, bottom
