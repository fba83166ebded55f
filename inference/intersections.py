"""Where a camera's rays enter the dome sheets.

The sheets are the same for every subject, so this is geometry only. Let f(t) be the dome radius of the point at
depth t on a ray minus the sheet's radius there; the ray enters the sheet where f first falls through zero. A
coarse lattice of rays is solved by sampling f along each ray. Near its lowest point f is close to a parabola, so
depth of the lowest point, squared half chord and curvature vary smoothly over the image, also across the sheet's
silhouette, where the depth itself does not. These three are interpolated to every pixel and give a first guess
that Newton steps on the true f finish. Pixels where that does not settle are solved like the lattice.
"""

import dataclasses
import math

import cv2
import numpy as np

from . import domes

LATTICE_CELLS = 36  # across the longer side of the head's bounding rectangle
SAMPLES = 40  # along a ray through the bounding sphere
MARGIN = 0.02  # metres of empty space around the sheets that is searched as well
DEEP = 0.08  # metres behind the entry from which on the parabola is cut off
NEAR = 1e-3  # metres, nothing in front of it is seen
TOLERANCE = 5e-5  # metres left between ray point and sheet, or
TOLERANCE_PIXELS = 0.05  # pixels, whatever is smaller
TILE = 128  # pixels, about the side of a tile; its planes stay in the cache
FINER = 4  # radii are looked up in a grid that is so many times finer
CHUNK = 8192  # rays searched at once
_STEEP = 0.08  # smallest slope of f a Newton step trusts
_STEP = 0.02  # metres, longest Newton step


@dataclasses.dataclass(frozen=True)
class Tile:
    """A rectangle of whole lattice blocks, clipped to the image; all in pixels."""

    x: int
    y: int
    width: int
    height: int
    rows: np.ndarray  # (height, lattice rows) float32 interpolation weights
    columns: np.ndarray  # (lattice columns, width) float32 interpolation weights
    blocks: tuple  # slices into the lattice: every node that touches the tile


class SheetIntersections:
    """Entries of all rays of one camera into all sheets.

    radii: (k, n, n) float32 metres. camera: :class:`inference.cameras.Camera`.
    Reading is thread-safe; every thread brings its own :class:`Workspace`.
    """

    def __init__(self, radii, camera):
        self.camera = camera
        # finer corners of the same bilinear surface: OpenCV 4 rounds look-ups to 1/32 of a cell
        fine = np.stack([_refine(_refine(sheet).T).T for sheet in np.asarray(radii, np.float32)])
        self.count, self._rows, self._columns = fine.shape
        self._stack = fine.reshape(-1, self._columns)
        self._base, self._by_x, self._by_y, self._moves = _ray_planes(camera)
        self._centre, self._radius = bounding_sphere(radii)
        self.tiles = []
        self.u = self.v = self.hit = None
        left, top, right, bottom = _bounding_rectangle(camera, self._centre, self._radius)
        if right <= left or bottom <= top:
            return
        self._step = step = max(2, math.ceil(max(right - left, bottom - top) / LATTICE_CELLS))
        columns, rows = math.ceil((right - left) / step), math.ceil((bottom - top) / step)
        # one ring of lattice rays more than there are blocks; ray (i, j) goes through the centre of block (i-1, j-1)
        x = left + (np.arange(-1, columns + 1) + 0.5) * step
        y = top + (np.arange(-1, rows + 1) + 0.5) * step
        self._solve_lattice(x, y)
        blocks = max(1, round(TILE / step))
        for i in range(0, rows, blocks):
            for j in range(0, columns, blocks):
                self.tiles.append(self._tile(i, j, min(blocks, rows - i), min(blocks, columns - j), left, top))
        distance = np.linalg.norm(self._centre - camera.position)
        pixel = (camera.ortho_width or 0) / camera.width or max(distance - self._radius, 0.05) / camera.fx
        self._tolerance = np.float32(max(min(TOLERANCE, TOLERANCE_PIXELS * pixel), 2e-6))

    def _tile(self, i, j, rows, columns, left, top):
        x, y, step = left + j * self._step, top + i * self._step, self._step
        width, height = min(columns * step, self.camera.width - x), min(rows * step, self.camera.height - y)
        blocks = (slice(i, i + rows + 2), slice(j, j + columns + 2))
        weights = _linear_weights(height, rows + 2, step), _linear_weights(width, columns + 2, step).T
        return Tile(x, y, width, height, weights[0], np.ascontiguousarray(weights[1]), blocks)

    def rays(self, tile, space):
        """Prepare the rays of one tile: planes or numbers o, d so that a point at depth t is o + t d."""
        x = (tile.x + 0.5 + np.arange(tile.width)).astype(np.float32)
        y = (tile.y + 0.5 + np.arange(tile.height)).astype(np.float32)[:, None]
        planes = []
        for axis in range(3):
            plane = space.rays[axis]
            np.add(self._by_x[axis] * x, self._by_y[axis] * y + self._base[axis], out=plane)
            planes.append(plane)
        fixed = [np.float32(value) for value in self._moves]
        space.origin, space.direction = (fixed, planes) if self.camera.ortho_width is None else (planes, fixed)

    def enter(self, tile, sheet, space):
        """Solve one sheet on one tile, after :meth:`rays`.

        Leaves u, v in ``space.u``, ``space.v`` and the depth in ``space.t``, all (height, width) float32.
        Returns a mask (height, width) bool: the ray enters the sheet inside its texture.
        """
        lattice = (self._lowest, self._chord, self._bend)
        for grid, plane in zip(lattice, (space.t, space.f, space.slope), strict=True):
            np.matmul(tile.rows, grid[sheet][tile.blocks] @ tile.columns, out=plane)
        chord, t, slope = space.f, space.t, space.slope
        hit = chord > 0.0
        np.maximum(chord, 0.0, out=chord)
        np.sqrt(chord, out=chord)
        t -= chord
        slope *= chord
        np.maximum(slope, _STEEP, out=slope)
        for _ in range(4):
            self._field(sheet, space)
            unsettled = np.abs(space.f, out=space.spare) > self._tolerance
            unsettled &= hit
            if cv2.countNonZero(unsettled.view(np.uint8)) <= unsettled.size // 200:
                break
            np.divide(space.f, slope, out=space.spare)
            np.clip(space.spare, -_STEP, _STEP, out=space.spare)
            t += space.spare
        else:
            self._field(sheet, space)
            unsettled = (np.abs(space.f) > self._tolerance) & hit
        if self._rough[sheet][tile.blocks].any():
            unsettled |= np.kron(self._rough[sheet][tile.blocks][1:-1, 1:-1], np.ones((self._step,) * 2, bool))[
                : tile.height, : tile.width
            ]
        if unsettled.any():
            self._settle(sheet, space, unsettled, hit)
        hit &= space.u > 0.0
        hit &= space.u < 1.0
        hit &= space.v > 0.0
        hit &= space.v < 1.0
        hit &= t > NEAR
        return hit

    def _field(self, sheet, space):
        """Fill u, v and f from t."""
        _dome_coordinates(space)
        np.multiply(space.u, self._columns - 1, out=space.map_x)
        np.multiply(space.v, self._rows - 1, out=space.map_y)
        radii = self._stack[sheet * self._rows : (sheet + 1) * self._rows]
        cv2.remap(radii, space.map_x, space.map_y, cv2.INTER_LINEAR, space.f, cv2.BORDER_REPLICATE)
        np.subtract(space.radius, space.f, out=space.f)

    def _settle(self, sheet, space, where, hit):
        rays = [
            np.broadcast_to(part, where.shape)[where].astype(np.float64) for part in (*space.origin, *space.direction)
        ]
        origins, directions = np.stack(rays[:3], -1), np.stack(rays[3:], -1)
        parts = [slice(start, start + CHUNK) for start in range(0, len(origins), CHUNK)]
        found = [_search(self, origins[part], directions[part], (sheet,)) for part in parts]
        for plane, name in ((hit, "hit"), (space.t, "t"), (space.u, "u"), (space.v, "v")):
            plane[where] = np.concatenate([getattr(part, name)[0] for part in found])

    def _solve_lattice(self, x, y):
        pixels_x, pixels_y = np.meshgrid(x, y)
        planes = np.stack(
            [self._by_x[a] * pixels_x + self._by_y[a] * pixels_y + self._base[a] for a in range(3)], -1
        ).reshape(-1, 3)
        fixed = np.broadcast_to(np.asarray(self._moves, np.float64), planes.shape)
        rays = (fixed, planes) if self.camera.ortho_width is None else (planes, fixed)
        found = _search(self, *rays, range(self.count))
        shape = (self.count, len(y), len(x))
        self.hit = found.hit.reshape(shape)
        self.u, self.v = found.u.reshape(shape), found.v.reshape(shape)
        self._lowest = found.lowest.reshape(shape)
        self._chord = found.chord.reshape(shape)
        self._bend = found.bend.reshape(shape)
        inside = self.hit & (np.abs(self.u - 0.5) < 0.55) & (np.abs(self.v - 0.5) < 0.55)
        self._rough = np.stack([_jumps(*pair) for pair in zip(self._lowest, inside, strict=True)])


@dataclasses.dataclass(frozen=True)
class _Found:
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
        names = "t u v f slope radius spare map_x map_y x y z above angle".split()
        for name in names:
            setattr(self, name, np.empty((height, width), np.float32))
        self.rays = [np.empty((height, width), np.float32) for _ in range(3)]
        self.origin = self.direction = None


def _dome_coordinates(space):
    """domes.dome_coordinates in place and single precision: t -> u, v, radius."""
    (ox, oy, oz), (dx, dy, dz) = space.origin, space.direction
    x, y, z, above, angle = space.x, space.y, space.z, space.above, space.angle
    t, u, v = space.t, space.u, space.v
    for plane, origin, direction in ((x, ox, dx), (y, oy, dy), (z, oz, dz)):
        np.multiply(t, direction, out=plane)
        plane += origin
    # x and z are negated, so the angle 0..2 pi has its seam behind the head
    cv2.cartToPolar(z, x, x, angle)
    np.maximum(y, 0.0, out=above)
    y -= above
    cv2.cartToPolar(x, above, space.radius, z)
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


def _search(sheets, origins, directions, indices):
    """First entries of rays (m, 3), already in the shifted and negated frame of _ray_planes, by sampling."""
    indices = list(indices)
    count = len(origins)
    centre = (sheets._centre - [0.0, domes.EQUATOR_Y, domes.AXIS_Z]) * [-1.0, 1.0, -1.0]
    to_centre = centre - origins
    square = (directions**2).sum(-1)
    middle = (to_centre * directions).sum(-1) / square
    passing = ((to_centre - middle[:, None] * directions) ** 2).sum(-1)
    half = np.sqrt(np.maximum(sheets._radius**2 - passing, 1e-6) / square)
    near = np.maximum(middle - half, NEAR)
    far = np.maximum(middle + half, near + 1e-3)

    space = Workspace(count, SAMPLES)
    space.origin = [origins[:, a : a + 1].astype(np.float32) for a in range(3)]
    space.direction = [directions[:, a : a + 1].astype(np.float32) for a in range(3)]
    space.t[:] = near[:, None] + (far - near)[:, None] * np.linspace(0.0, 1.0, SAMPLES)
    _dome_coordinates(space)
    np.multiply(space.u, sheets._columns - 1, out=space.map_x)
    np.multiply(space.v, sheets._rows - 1, out=space.map_y)
    ray = np.arange(count)
    spacing = (far - near) / (SAMPLES - 1)

    refine = Workspace(len(indices), count)
    lowest, floor, bend = refine.x.copy(), refine.x.copy(), refine.x.copy()
    hit = np.zeros((len(indices), count), bool)
    bracket = np.empty((4, len(indices), count), np.float32)  # t and f before and after the entry
    for row, sheet in enumerate(indices):
        radii = sheets._stack[sheet * sheets._rows : (sheet + 1) * sheets._rows]
        cv2.remap(radii, space.map_x, space.map_y, cv2.INTER_LINEAR, space.f, cv2.BORDER_REPLICATE)
        f = np.subtract(space.radius, space.f, out=space.f)
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
    _close_in(sheets, refine, bracket, indices, hit, lowest, space)

    slope = refine.slope
    chord = np.where(hit, np.minimum(np.maximum(lowest - refine.t, 1e-4), DEEP), 0.0)
    bend = np.clip(np.where(hit, slope / np.maximum(chord, 1e-3), bend), 2.0, 200.0)
    square = np.where(hit, chord**2, np.clip(-2.0 * np.maximum(floor, 0.0) / bend, -(DEEP**2), 0.0) - 1e-8)
    lowest = np.where(hit, refine.t + chord, lowest)
    kinds = (lowest, square, bend)
    return _Found(hit, refine.t, refine.u, refine.v, *(kind.astype(np.float32) for kind in kinds))


def _close_in(sheets, refine, bracket, indices, hit, lowest, space):
    """Regula falsi (Illinois) in the brackets; leaves t, u, v and the slope -df/dt in ``refine``."""
    refine.origin = [part[:, 0][None] for part in space.origin]
    refine.direction = [part[:, 0][None] for part in space.direction]
    t0, f0, t1, f1 = bracket
    row = (np.asarray(indices, np.float32) * sheets._rows)[:, None]
    for _ in range(6):
        gap = f1 - f0
        refine.t[:] = np.where(hit, t0 - f0 * (t1 - t0) / np.where(gap < -1e-9, gap, -1e-9), lowest)
        np.clip(refine.t, np.minimum(t0, lowest), np.maximum(t1, lowest), out=refine.t)
        _dome_coordinates(refine)
        np.multiply(np.clip(refine.u, 0.0, 1.0), sheets._columns - 1, out=refine.map_x)
        np.multiply(np.clip(refine.v, 0.0, 1.0), sheets._rows - 1, out=refine.map_y)
        refine.map_y += row
        cv2.remap(sheets._stack, refine.map_x, refine.map_y, cv2.INTER_LINEAR, refine.f, cv2.BORDER_REPLICATE)
        f = np.subtract(refine.radius, refine.f, out=refine.f)
        inside = f <= 0.0
        np.copyto(refine.slope, (f0 - f1) / np.maximum(t1 - t0, 1e-9))
        t1, f1, f0 = np.where(inside, refine.t, t1), np.where(inside, f, 0.5 * f1), np.where(inside, 0.5 * f0, f)
        t0 = np.where(inside, t0, refine.t)
    np.maximum(refine.slope, 0.0, out=refine.slope)


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


def _ray_planes(camera):
    """Rays as affine functions of the pixel, in the frame whose origin is the top of the dome axis, x and z negated.

    Returns base (3,), by_x (3,), by_y (3,), fixed (3,): for a pinhole camera base + by_x x + by_y y is the direction
    per metre of depth and fixed the origin; for an orthographic camera the other way round.
    """
    flip = np.array([-1.0, 1.0, -1.0])
    right, up, back = camera.camera_to_world[:3, :3].T * flip
    position = (camera.position - [0.0, domes.EQUATOR_Y, domes.AXIS_Z]) * flip
    if camera.ortho_width is None:
        by_x, by_y = right / camera.fx, -up / camera.fy
        return -back - by_x * camera.cx - by_y * camera.cy, by_x, by_y, position
    scale_x, scale_y = camera._ortho_scale()
    by_x, by_y = right / scale_x, -up / scale_y
    return position - by_x * camera.cx - by_y * camera.cy, by_x, by_y, -back


def _bounding_rectangle(camera, centre, radius):
    """Pixels (left, top, right, bottom) that can see the sphere, within the image."""
    whole = 0, 0, camera.width, camera.height
    right, up, back = camera.camera_to_world[:3, :3].T
    local = centre - camera.position
    x, y, depth = local @ right, local @ up, -(local @ back)
    if camera.ortho_width is not None:
        scale_x, scale_y = camera._ortho_scale()
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


def _linear_weights(pixels, nodes, step):
    """(pixels, nodes) float32: linear interpolation from nodes at the block centres, one ring outside."""
    position = (np.arange(pixels) + 0.5) / step + 0.5
    first = np.clip(position.astype(np.int64), 0, nodes - 2)
    weights = np.zeros((pixels, nodes), np.float32)
    row = np.arange(pixels)
    weights[row, first] = 1.0 - (position - first)
    weights[row, first + 1] = position - first
    return weights


def _jumps(lowest, inside):
    """True around nodes (rows, columns) whose rays reach a sheet at quite another depth than a neighbour's."""
    rough = np.zeros(lowest.shape, np.uint8)
    for axis in (0, 1):
        first, second = [slice(None)] * 2, [slice(None)] * 2
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        first, second = tuple(first), tuple(second)
        jump = (np.abs(lowest[first] - lowest[second]) > 0.5 * DEEP) & (inside[first] | inside[second])
        rough[first] |= jump
        rough[second] |= jump
    return rough.astype(bool)
