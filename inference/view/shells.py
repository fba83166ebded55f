"""The sheets of a portrait as one function of place.

The *level* of a point is its place among the radii of its column, counted in sheets: 0 on the outermost sheet, k - 1
on the innermost, negative outside. Where the sheets lie evenly between two of them, the *bounds*, it is linear in the
radius r there, so with bounds b_0 > b_1 > ... that are sheets n_0 = 0 < n_1 < ...

    level = sum_j (n_j+1 - n_j) clip((b_j - r) / (b_j - b_j+1), 0, 1)

where the first share goes on below 0 and the last one above 1. Portraits have two bounds, models before had three, and
free radii have as many as sheets. All of this runs in the sheets' frame: origin at the top of the dome axis, x and z
negated, so that the azimuth has its seam behind the head.
"""

import functools
import math

import cv2
import numpy as np

from ..geometry import domes
from .cover import slab

MARGIN = 0.02  # metres of empty space around the sheets
EVEN = 2e-6  # metres; what lies so near to even spacing is even
FINEST = 1300  # corners along one side; radii are looked up in finer grids as long as these stay below
THINNEST = 1e-3  # metres that one sheet alone is thick; a thousandth of it the least between two


class Shells:
    """Sheets prepared for look-ups, from radii (k, n, n) float32 metres, outermost sheet first.

    count: k. spans: sheets between neighbouring bounds. thickness: metres between those where it is the same
    everywhere, else None. spacing: metres between the first two sheets, at the least. sphere: as of
    :func:`bounding_sphere`. boxes: as of :func:`inference.view.cover.slab`.
    """

    def __init__(self, radii: np.ndarray) -> None:
        self.count = len(radii)
        tables, self.spans = tables_of(radii)
        finer = max(1, min(4, (FINEST - 1) // (max(radii.shape[1:]) - 1)))
        self._tables = [np.ascontiguousarray(_refine(_refine(table, finer).T, finer).T) for table in tables]
        gaps = [first - second for first, second in zip(tables[:-1], tables[1:], strict=True)]
        self.thickness = [float(gap.max()) if 0.0 < gap.max() <= gap.min() + EVEN else None for gap in gaps]
        self.spacing = max(float((tables[0] - tables[1]).min()), 0.0) / self.spans[0]
        self.sphere = centre, radius = bounding_sphere(radii)
        self.boxes = slab(radii, centre[1] - radius)

    def level(self, place: "Place", out: np.ndarray) -> np.ndarray:
        """Level (1, rays) of where a :class:`Place` is, into out."""
        place.map_to(self._tables[0].shape)
        above = place.look_up(self._tables[0], place.first)
        last = len(self.spans) - 1
        for index, (table, thickness, span) in enumerate(
            zip(self._tables[1:], self.thickness, self.spans, strict=True)
        ):
            share = np.subtract(above, place.radius, out=place.spare)
            if thickness is None or index < last:
                below = place.look_up(table, (place.second, place.first)[index % 2])
            if thickness is None:
                np.subtract(above, below, out=above)
                share /= np.maximum(above, np.float32(THINNEST * 1e-3), out=above)
            else:
                share *= np.float32(1.0 / thickness)
            if index > 0:
                np.maximum(share, 0.0, out=share)
            if index < last:
                np.minimum(share, 1.0, out=share)
                above = below
            share *= np.float32(span)
            if index == 0:
                np.copyto(out, share)
            else:
                out += share
        return out


def prepared(radii: np.ndarray) -> Shells:
    """:class:`Shells` of radii (k, n, n); those of the last few portraits are kept."""
    return _prepare(np.ascontiguousarray(radii, np.float32).tobytes(), radii.shape)


@functools.lru_cache(maxsize=4)
def _prepare(data, shape):
    return Shells(np.frombuffer(data, np.float32).reshape(shape))


def tables_of(radii: np.ndarray) -> tuple[list[np.ndarray], list[float]]:
    """Radii (n, n) of each of the bounds of radii (k, n, n), and how many sheets lie between it and the next."""
    indices = bounds(radii)
    if len(radii) == 1:  # what lies how deep behind it makes no difference
        return [radii[0], radii[0] - THINNEST], [1.0]
    return [radii[index] for index in indices], [float(span) for span in np.diff(indices)]


def bounds(radii: np.ndarray) -> list[int]:
    """Indices of the fewest sheets between which the others of radii (k, n, n) lie evenly."""
    last = len(radii) - 1
    found = [0]
    while found[-1] < last:
        first = found[-1]
        end = last if _even(radii[first:]) else first + 1
        while end < last and _even(radii[first : end + 2]):
            end += 1
        found.append(end)
    return found or [0]


def _even(radii):
    """Whether radii (k, n, n) lie evenly between the first and the last."""
    steps = len(radii) - 1
    step = (radii[-1] - radii[0]) / np.float32(max(steps, 1))
    return all(np.abs(radii[0] + index * step - radii[index]).max() <= EVEN for index in range(1, steps))


def _refine(grid, finer):
    """Insert finer - 1 linearly interpolated rows between neighbouring rows.

    The bilinear surface stays as it is, and OpenCV's look-ups, rounded to 1/32 of a cell, become more exact.
    """
    steps = np.arange(finer, dtype=np.float32)[None, :, None] / np.float32(finer)
    between = grid[:-1, None] * (1.0 - steps) + grid[1:, None] * steps
    return np.concatenate([between.reshape(-1, grid.shape[1]), grid[-1:]])


def bounding_sphere(radii: np.ndarray) -> tuple[np.ndarray, float]:
    """Sphere around everything textured: centre (3,) and radius, metres."""
    reach = float(radii.max()) + MARGIN
    low, high = domes.BOTTOM_Y - MARGIN, domes.EQUATOR_Y + reach
    centre = np.array([0.0, 0.5 * (low + high), domes.AXIS_Z])
    # farthest points: the rim of the bottom, the rim of the equator, the pole
    corners = (math.hypot(reach, low - centre[1]), math.hypot(reach, domes.EQUATOR_Y - centre[1]), high - centre[1])
    return centre, max(corners)


class Place:
    """Points of ``count`` rays in dome coordinates; planes (1, count) float32, reused.

    u, v, radius: what :func:`inference.geometry.domes.dome_coordinates` gives.
    """

    NAMES = "u v radius x y z above first second spare map_x map_y".split()

    def __init__(self, count: int) -> None:
        self._all = [np.empty((1, count), np.float32) for _ in self.NAMES]
        self.resize(count)

    def resize(self, count: int) -> None:
        """Go on with the first ``count`` rays."""
        for name, plane in zip(self.NAMES, self._all, strict=True):
            setattr(self, name, plane[:, :count])

    def move(self, origin: np.ndarray, direction: np.ndarray, depth: np.ndarray) -> None:
        """Go to origin + depth * direction; three planes (count,) each, depth (count,) metres; sheets' frame."""
        x, y, z, above, u, v = self.x, self.y, self.z, self.above, self.u, self.v
        for plane, start, way in zip((x, y, z), origin, direction, strict=True):
            np.multiply(depth, way, out=plane[0])
            plane[0] += start
        # Nothing is written over what cartToPolar reads: it computes the ends of arrays a second time.
        # x and z are negated, so the angle 0..2 pi has its seam behind the head.
        horizontal, angle, elevation = self.spare, self.first, self.z
        cv2.cartToPolar(z, x, horizontal, angle)
        np.maximum(y, 0.0, out=above)
        y -= above
        cv2.cartToPolar(horizontal, above, self.radius, elevation)
        angle -= np.float32(math.pi)
        np.multiply(angle, np.float32(math.pi / domes.MAX_AZIMUTH), out=x)
        np.sin(x, out=u)
        u *= np.float32(0.5 * domes.AZIMUTH_WARP / math.pi)
        angle *= np.float32(0.5 / domes.MAX_AZIMUTH)
        u += angle
        u += np.float32(0.5)
        top = 1.0 - domes.EQUATOR_V
        elevation *= np.float32(1.0 / domes.MAX_ELEVATION)
        np.multiply(elevation, np.float32(top * domes.ELEVATION_WARP), out=v)
        v -= np.float32(top * (1.0 + domes.ELEVATION_WARP))
        v *= elevation
        y *= np.float32(domes.EQUATOR_V / (domes.BOTTOM_Y - domes.EQUATOR_Y))
        v += y
        v += np.float32(top)

    def map_to(self, shape: tuple[int, int]) -> None:
        """Set the maps for grids of corners of a shape (rows, columns)."""
        np.multiply(self.u, np.float32(shape[1] - 1), out=self.map_x)
        np.multiply(self.v, np.float32(shape[0] - 1), out=self.map_y)

    def look_up(self, table: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Values (1, count) of a grid of corners at the maps, into out."""
        return cv2.remap(table, self.map_x, self.map_y, cv2.INTER_LINEAR, out, cv2.BORDER_REPLICATE)
