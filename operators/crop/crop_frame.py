"""The square on the photo that the user drags, and the photo in a region. Pure geometry, no bpy.

Photo pixels: corners at integers, y down. Region pixels: y up, from the region's lower left corner.
"""

import dataclasses
import math

import numpy as np

MIN_SIZE = 16.0  # photo pixels, as in inference.alignment.align
KNOB = 0.12  # of the square's side, from its upper edge to the knob that turns it
HANDLES = ("top_left", "top_right", "bottom_right", "bottom_left")


@dataclasses.dataclass(frozen=True)
class Frame:
    """centre: (x, y) photo pixels. size: side in photo pixels. roll: degrees, clockwise."""

    centre: tuple
    size: float
    roll: float = 0.0

    @property
    def axes(self):
        """Unit vectors to the square's right and upwards, photo pixels."""
        angle = math.radians(self.roll)
        return np.array([math.cos(angle), math.sin(angle)]), np.array([math.sin(angle), -math.cos(angle)])

    def corners(self):
        """(4, 2) photo pixels in the order of HANDLES."""
        right, up = (axis * self.size / 2 for axis in self.axes)
        return np.array([up - right, up + right, right - up, -right - up]) + self.centre

    def knob(self):
        """(2,) photo pixels."""
        return np.asarray(self.centre) + self.axes[1] * self.size * (0.5 + KNOB)

    def handle_at(self, point, reach):
        """What lies under a point: one of HANDLES, "knob", "inside" or None. reach: photo pixels."""
        for name, place in (("knob", self.knob()), *zip(HANDLES, self.corners(), strict=True)):
            if np.hypot(*(np.asarray(point) - place)) <= reach:
                return name
        offset = np.asarray(point) - self.centre
        return "inside" if max(abs(float(offset @ axis)) for axis in self.axes) <= self.size / 2 else None

    def dragged(self, handle, start, end):
        """The frame after its handle was dragged from one photo point to another."""
        start, end, centre = (np.asarray(value, np.float64) for value in (start, end, self.centre))
        if handle == "inside":
            return dataclasses.replace(self, centre=tuple(centre + end - start))
        before, after = start - centre, end - centre
        if handle == "knob":
            turn = math.degrees(math.atan2(after[1], after[0]) - math.atan2(before[1], before[0]))
            return self.turned(turn)
        return self.scaled(math.hypot(*after) / max(math.hypot(*before), 1e-6))

    def turned(self, degrees):
        return dataclasses.replace(self, roll=(self.roll + degrees + 180.0) % 360.0 - 180.0)

    def scaled(self, factor):
        return dataclasses.replace(self, size=self.size * factor)

    def within(self, width, height):
        """The nearest frame that the engine accepts for a photo of this size."""
        x, y = self.centre
        centre = float(np.clip(x, 0.0, width)), float(np.clip(y, 0.0, height))
        size = float(np.clip(self.size, MIN_SIZE, 4 * max(width, height)))
        return dataclasses.replace(self, centre=centre, size=size)


@dataclasses.dataclass(frozen=True)
class Fit:
    """What is shown as large as possible in a rectangle. scale: region pixels per photo pixel."""

    scale: float
    left: float
    top: float

    @classmethod
    def of(cls, points, rectangle, margin=0.06):
        """points: (n, 2) photo pixels that must be seen. rectangle: (x, y, width, height) in region pixels.

        margin: part of the rectangle that stays free on each side.
        """
        low, high = np.min(points, 0), np.max(points, 0)
        x, y, width, height = rectangle
        span = np.maximum(high - low, 1.0)
        scale = (1.0 - 2.0 * margin) * max(min(width / span[0], height / span[1]), 1e-6)
        middle = (low + high) / 2
        return cls(float(scale), x + width / 2 - scale * middle[0], y + height / 2 + scale * middle[1])

    def to_region(self, points):
        """(..., 2) photo pixels to region pixels."""
        return np.asarray(points, np.float64) * (self.scale, -self.scale) + (self.left, self.top)

    def to_photo(self, points):
        """(..., 2) region pixels to photo pixels."""
        return (np.asarray(points, np.float64) - (self.left, self.top)) / (self.scale, -self.scale)
