"""Rays against dome sheets: the field f, and a search for first entries that takes nothing for granted.

f(t) is the dome radius of the point at depth t on a ray minus the sheet's radius there. All of this runs in the
sheets' frame: origin at the top of the dome axis, x and z negated, so that the azimuth has its seam behind the head.
"""

import dataclasses
import functools
import math

import cv2
import numpy as np

from ..geometry import domes

SAMPLES = 32  # along a ray through the bounding sphere
MARGIN = 0.02  # metres of empty space around the sheets that is searched as well
DEEP = 0.08  # metres behind the entry from which on the parabola is cut off
NEAR = 1e-3  # metres, nothing in front of it is seen
FINER = 4  # radii are looked up in a grid that is so many times finer
LOST = 1e-3  # metres; a ray that comes no closer to its supposed entry has none


class Sheets:
    """Dome sheets prepared for look-ups.

    radii: (k, n, n) float32 metres. The corners are made finer, which leaves the bilinear surface as it is, because
    OpenCV 4 rounds look-ups to 1/32 of a cell; the sheets stand below each other in one image.
    """

    def __init__(self, radii):
        fine = np.stack([_refine(_refine(sheet).T).T for sheet in radii])
        self.count, self.rows, self.columns = fine.shape
        self.stack = fine.reshape(-1, self.columns)
        self.centre, self.radius = bounding_sphere(radii)

    def field(self, sheet, space):
        """Fill u, v and f from t, all rays against one sheet."""
        dome_coordinates(space)
        np.multiply(space.u, self.columns - 1, out=space.map_x)
        np.multiply(space.v, self.rows - 1, out=space.map_y)
        radii = self.stack[sheet * self.rows : (sheet + 1) * self.rows]
        cv2.remap(radii, space.map_x, space.map_y, cv2.INTER_LINEAR, space.f, cv2.BORDER_REPLICATE)
        np.subtract(space.radius, space.f, out=space.f)

    def place(self, space):
        """Fill the maps into the first sheet from u, v."""
        np.clip(space.u, 0.0, 1.0, out=space.map_x)
        np.clip(space.v, 0.0, 1.0, out=space.map_y)
        space.map_x *= self.columns - 1
        space.map_y *= self.rows - 1

    def look_up(self, space, rows):
        """Fill f from the maps and the radius; rows: first row of each ray's sheet in the stack, broadcasts."""
        np.add(space.map_y, rows, out=space.spare)
        cv2.remap(self.stack, space.map_x, space.spare, cv2.INTER_LINEAR, space.f, cv2.BORDER_REPLICATE)
        np.subtract(space.radius, space.f, out=space.f)


def prepared(radii):
    """:class:`Sheets` of radii (k, n, n); those of the last few models are kept."""
    return _prepare(np.ascontiguousarray(radii, np.float32).tobytes(), radii.shape)


@functools.lru_cache(maxsize=4)
def _prepare(data, shape):
    return Sheets(np.frombuffer(data, np.float32).reshape(shape))


def _refine(grid):
    """Insert FINER - 1 linearly interpolated rows between neighbouring rows."""
    steps = np.arange(FINER, dtype=np.float32)[None, :, None] / FINER
    between = grid[:-1, None] * (1.0 - steps) + grid[1:, None] * steps
    return np.concatenate([between.reshape(-1, grid.shape[1]), grid[-1:]])


def bounding_sphere(radii):
    """Sphere around everything textured: centre (3,) and radius, metres."""
    reach = float(radii.max()) + MARGIN
    low, high = domes.BOTTOM_Y - MARGIN, domes.EQUATOR_Y + reach
    centre = np.array([0.0, 0.5 * (low + high), domes.AXIS_Z])
    # farthest points: the rim of the bottom, the rim of the equator, the pole
    corners = (math.hypot(reach, low - centre[1]), math.hypot(reach, domes.EQUATOR_Y - centre[1]), high - centre[1])
    return centre, max(corners)


@dataclasses.dataclass(frozen=True)
class Found:
    """Result of a search, all (sheets, rays): see the module's text for lowest, chord and bend."""

    hit: np.ndarray
    t: np.ndarray
    u: np.ndarray
    v: np.ndarray
    lowest: np.ndarray
    chord: np.ndarray
    bend: np.ndarray


class Workspace:
    """Planes (height, width) float32 of one thread, reused for every sheet."""

    def __init__(self, height, width):
        names = "t u v f before step slope guess bend error radius spare map_x map_y x y z above angle".split()
        for name in names:
            setattr(self, name, np.empty((height, width), np.float32))
        self.rays = [np.empty((height, width), np.float32) for _ in range(3)]
        self.origin = self.direction = None

    def restart(self):
        """Forget what was learnt from the sheets in front."""
        self.error.fill(0.0)


def dome_coordinates(space):
    """domes.dome_coordinates in place and single precision: t -> u, v, radius."""
    (ox, oy, oz), (dx, dy, dz) = space.origin, space.direction
    x, y, z, above, angle = space.x, space.y, space.z, space.above, space.angle
    t, u, v = space.t, space.u, space.v
    for plane, origin, direction in ((x, ox, dx), (y, oy, dy), (z, oz, dz)):
        np.multiply(t, direction, out=plane)
        plane += origin
    # x and z are negated, so the angle 0..2 pi has its seam behind the head
    horizontal = u  # cartToPolar must not write to what it reads: the ends of its arrays would be read again
    cv2.cartToPolar(z, x, horizontal, angle)
    np.maximum(y, 0.0, out=above)
    y -= above
    cv2.cartToPolar(horizontal, above, space.radius, z)
    angle -= np.float32(math.pi)
    np.multiply(angle, np.float32(math.pi / domes.MAX_AZIMUTH), out=x)
    np.sin(x, out=u)
    u *= np.float32(0.5 * domes.AZIMUTH_WARP / math.pi)
    angle *= np.float32(0.5 / domes.MAX_AZIMUTH)
    u += angle
    u += np.float32(0.5)
    top = 1.0 - domes.EQUATOR_V
    z *= np.float32(1.0 / domes.MAX_ELEVATION)
    np.multiply(z, np.float32(top * domes.ELEVATION_WARP), out=v)
    v -= np.float32(top * (1.0 + domes.ELEVATION_WARP))
    v *= z
    y *= np.float32(domes.EQUATOR_V / (domes.BOTTOM_Y - domes.EQUATOR_Y))
    v += y
    v += np.float32(top)


def search(sheets, origins, directions, indices):
    """First entries by sampling.

    origins, directions: (rays, 3), sheets' frame. indices: sheets (k,) to meet with all rays, or (1, rays) for one
    sheet per ray. Returns :class:`Found` with arrays (k, rays), k = 1 in the latter case.
    """
    indices = np.asarray(indices)
    rows = (indices if indices.ndim == 2 else indices[:, None]) * sheets.rows
    count = len(origins)
    centre = (sheets.centre - [0.0, domes.EQUATOR_Y, domes.AXIS_Z]) * [-1.0, 1.0, -1.0]
    to_centre = centre - origins
    square = (directions**2).sum(-1)
    middle = (to_centre * directions).sum(-1) / square
    passing = ((to_centre - middle[:, None] * directions) ** 2).sum(-1)
    half = np.sqrt(np.maximum(sheets.radius**2 - passing, 1e-6) / square)
    near = np.maximum(middle - half, NEAR)
    far = np.maximum(middle + half, near + 1e-3)

    space = Workspace(count, SAMPLES)
    space.origin = [origins[:, a : a + 1].astype(np.float32) for a in range(3)]
    space.direction = [directions[:, a : a + 1].astype(np.float32) for a in range(3)]
    space.t[:] = near[:, None] + (far - near)[:, None] * np.linspace(0.0, 1.0, SAMPLES)
    dome_coordinates(space)
    sheets.place(space)
    ray = np.arange(count)
    spacing = (far - near) / (SAMPLES - 1)

    refine = Workspace(len(rows), count)
    lowest, floor, bend = refine.x.copy(), refine.x.copy(), refine.x.copy()
    hit = np.zeros((len(rows), count), bool)
    bracket = np.empty((4, len(rows), count), np.float32)  # t and f before and after the entry
    for row, first in enumerate(rows):
        sheets.look_up(space, first[:, None].astype(np.float32))
        f = space.f
        entered = (f[:, :-1] > 0.0) & (f[:, 1:] <= 0.0)
        after = entered.argmax(1) + 1
        hit[row] = entered[ray, after - 1]
        # the lowest point: for a hit the first one behind the entry, else the lowest of all
        rising = np.ones((count, SAMPLES), bool)
        rising[:, :-1] = f[:, 1:] > f[:, :-1]
        rising &= np.arange(SAMPLES) >= after[:, None]
        at = np.clip(np.where(hit[row], rising.argmax(1), f.argmin(1)), 1, SAMPLES - 2)
        left, here, right = f[ray, at - 1], f[ray, at], f[ray, at + 1]
        curve = np.maximum(left + right - 2.0 * here, 1e-7)
        shift = np.clip(0.5 * (left - right) / curve, -1.0, 1.0)
        lowest[row] = space.t[ray, at] + shift * spacing
        floor[row] = here - 0.25 * (left - right) * shift
        bend[row] = curve / spacing**2
        # a ray that dips below the sheet only between two samples
        dips = ~hit[row] & (floor[row] < 0.0) & (here > 0.0)
        hit[row] |= dips
        before = np.where(dips, at - 1, after - 1)
        bracket[0, row], bracket[1, row] = space.t[ray, before], f[ray, before]
        bracket[2, row] = np.where(dips, lowest[row], space.t[ray, after])
        bracket[3, row] = np.where(dips, floor[row], f[ray, after])
    _close_in(sheets, refine, bracket, rows, hit, lowest, space)
    hit &= np.abs(refine.f) < LOST

    slope = refine.slope
    chord = np.where(hit, np.minimum(np.maximum(lowest - refine.t, 1e-4), DEEP), 0.0)
    bend = np.clip(np.where(hit, slope / np.maximum(chord, 1e-3), bend), 2.0, 200.0)
    square = np.where(hit, chord**2, np.clip(-2.0 * np.maximum(floor, 0.0) / bend, -(DEEP**2), 0.0) - 1e-8)
    lowest = np.where(hit, refine.t + chord, lowest)
    kinds = (lowest, square, bend)
    return Found(hit, refine.t, refine.u, refine.v, *(kind.astype(np.float32) for kind in kinds))


def _close_in(sheets, refine, bracket, rows, hit, lowest, space):
    """Regula falsi (Illinois) in the brackets; leaves t, u, v and the slope -df/dt in ``refine``."""
    refine.origin = [part[:, 0][None] for part in space.origin]
    refine.direction = [part[:, 0][None] for part in space.direction]
    t0, f0, t1, f1 = bracket
    rows = rows.astype(np.float32)
    for _ in range(5):
        gap = f1 - f0
        refine.t[:] = np.where(hit, t0 - f0 * (t1 - t0) / np.where(gap < -1e-9, gap, -1e-9), lowest)
        np.clip(refine.t, np.minimum(t0, lowest), np.maximum(t1, lowest), out=refine.t)
        dome_coordinates(refine)
        sheets.place(refine)
        sheets.look_up(refine, rows)
        f = refine.f
        inside = f <= 0.0
        np.copyto(refine.slope, (f0 - f1) / np.maximum(t1 - t0, 1e-9))
        t1, f1, f0 = np.where(inside, refine.t, t1), np.where(inside, f, 0.5 * f1), np.where(inside, 0.5 * f0, f)
        t0 = np.where(inside, t0, refine.t)
    np.maximum(refine.slope, 0.0, out=refine.slope)
