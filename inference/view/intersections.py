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

from ..geometry import domes
from .ray_search import DEEP, NEAR, Workspace, dome_coordinates, prepared, search

LATTICE_CELLS = 50  # across the longer side of the head's bounding rectangle
TOLERANCE = 1e-4  # metres left between ray point and sheet, or
TOLERANCE_PIXELS = 0.08  # pixels, whatever is smaller
STEPS = 2  # Newton and secant steps at most
SETTLED = 0.03  # share of a tile that may be left to settle one by one
ROUGH_ERROR = 0.004  # metres between guess and result that are suspicious near a jump in depth
TILE = 128  # pixels, about the side of a tile; its planes stay in the cache
POLISH_STEPS = 6  # secant steps for single rays
GRAZING = 0.2  # slope of f these start with
OUTSIDE = 0.53  # from the texture's middle; entries farther out need not be exact
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

    radii: (k, n, n) float32 metres. camera: :class:`inference.geometry.cameras.Camera`.
    Reading is thread-safe; every thread brings its own :class:`Workspace`.
    """

    def __init__(self, radii, camera):
        self.camera = camera
        self.sheets = prepared(radii)
        self.count = self.sheets.count
        centre, radius = self.sheets.centre, self.sheets.radius
        self._base, self._by_x, self._by_y, self._moves = _ray_planes(camera)
        self.tiles = []
        self.hit = self.seen = self.bounds = None
        left, top, right, bottom = _bounding_rectangle(camera, centre, radius)
        if right <= left or bottom <= top:
            return
        self._step = step = max(2, math.ceil(max(right - left, bottom - top) / LATTICE_CELLS))
        columns, rows = math.ceil((right - left) / step), math.ceil((bottom - top) / step)
        # one ring of lattice rays more than there are blocks; ray (i, j) goes through the centre of block (i-1, j-1)
        x = left + (np.arange(-1, columns + 1) + 0.5) * step
        y = top + (np.arange(-1, rows + 1) + 0.5) * step
        self._solve_lattice(x, y)
        for i, height in _shares(rows, step):
            for j, width in _shares(columns, step):
                self.tiles.append(self._tile(i, j, height, width, left, top))
        distance = np.linalg.norm(centre - camera.position)
        pixel = (camera.ortho_width or 0) / camera.width or max(distance - radius, 0.05) / camera.fx
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

    def enter(self, tile, sheet, space, wanted):
        """Solve one sheet on one tile, after :meth:`rays`.

        wanted: (height, width) bool, pixels whose result matters.
        Leaves u, v in ``space.u``, ``space.v`` and the depth in ``space.t``, all (height, width) float32.
        Returns three masks (height, width) bool, parts of wanted: the ray enters the sheet inside its texture; the
        result is not exact yet; it may be another entry than the first. :meth:`settle` mends the latter two.
        """
        t, slope = space.t, space.slope
        lattice = (self._lowest, self._chord, self._bend)
        for grid, plane in zip(lattice, (t, space.guess, space.bend), strict=True):
            np.matmul(tile.rows, grid[sheet][tile.blocks] @ tile.columns, out=plane)
        hit = space.guess > 0.0
        hit &= wanted
        np.maximum(space.guess, 0.0, out=space.guess)
        np.sqrt(space.guess, out=space.guess)
        space.bend *= space.guess
        np.maximum(space.bend, _STEEP, out=space.bend)
        np.subtract(t, space.guess, out=space.guess)
        # sheets are nearly parallel: what the lattice's guess missed at the last sheet it misses at this one
        np.add(space.guess, space.error, out=t)
        np.copyto(slope, space.bend)
        for attempt in range(STEPS + 1):
            space.f, space.before = space.before, space.f
            self.sheets.field(sheet, space)
            unsettled = np.abs(space.f, out=space.spare) > self._tolerance
            unsettled &= hit
            if attempt:
                _secant(space)
            if attempt == STEPS or cv2.countNonZero(unsettled.view(np.uint8)) <= SETTLED * unsettled.size:
                break
            np.divide(space.f, slope, out=space.step)
            np.clip(space.step, -_STEP, _STEP, out=space.step)
            t += space.step
        if attempt:
            np.subtract(t, space.guess, out=space.error)
            np.copyto(space.error, 0.0, where=~hit | unsettled)
        # near jumps in depth the steps may have found an entry that is not the first
        astray = np.zeros_like(hit)
        rough = self._rough[sheet][tile.blocks]
        if rough.any():
            blocks = np.repeat(np.repeat(rough[1:-1, 1:-1], self._step, 0), self._step, 1)[: tile.height, : tile.width]
            astray = blocks & wanted & (~hit | (np.abs(space.error) > ROUGH_ERROR))
        if unsettled.any():
            unsettled &= (np.abs(space.u - 0.5) < OUTSIDE) & (np.abs(space.v - 0.5) < OUTSIDE)
        for plane in (space.u, space.v):
            hit &= plane > 0.0
            hit &= plane < 1.0
        hit &= t > NEAR
        return hit, unsettled, astray

    def settle(self, space, unsettled, astray, indices, entries, hits):
        """Mend what :meth:`enter` left in doubt, all sheets of a tile together, after :meth:`rays`.

        unsettled, astray: (k, height, width) bool, of the sheets indices (k,). entries (k, 3, height, width) float32:
        depth, u and v; hits (k, height, width) bool; both are corrected in place.
        """
        places = np.nonzero(unsettled & ~astray)
        missing = np.zeros(len(places[0]), bool)
        for part in _chunks(len(missing)):
            at = tuple(index[part] for index in places)
            few = Workspace(1, len(at[0]))
            few.origin, few.direction = (
                [plane.T for plane in planes] for planes in self._rays_at(space, at, np.float32)
            )
            few.t[0], few.slope[0] = entries[at[0], 0, at[1], at[2]], GRAZING
            found = self._polish(few, indices[at[0]])
            missing[part] = ~found
            self._store(entries, hits, at, found, few.t[0], few.u[0], few.v[0])
        again = astray.copy()
        again[tuple(index[missing] for index in places)] = True
        places = np.nonzero(again)
        for part in _chunks(len(places[0])):
            at = tuple(index[part] for index in places)
            rays = (np.concatenate(planes, 1) for planes in self._rays_at(space, at, np.float64))
            found = search(self.sheets, *rays, indices[at[0]][None])
            self._store(entries, hits, at, found.hit[0], found.t[0], found.u[0], found.v[0])

    def _polish(self, few, indices):
        """Secant steps on single rays against one sheet each. Returns (rays,) bool: an entry was found."""
        rows = (indices[None] * self.sheets.rows).astype(np.float32)
        for attempt in range(POLISH_STEPS):
            few.f, few.before = few.before, few.f
            dome_coordinates(few)
            self.sheets.place(few)
            self.sheets.look_up(few, rows)
            missing = np.abs(few.f) > self._tolerance
            if attempt:
                _secant(few)
            if attempt == POLISH_STEPS - 1 or not missing.any():
                break
            few.step[:] = np.where(missing, np.clip(few.f / few.slope, -_STEP, _STEP), 0.0)
            few.t += few.step
        return ~missing[0]

    @staticmethod
    def _rays_at(space, at, kind):
        """Origins and directions of single pixels, three columns (n, 1) each."""
        return (
            [np.broadcast_to(plane, space.t.shape)[at[1:]].astype(kind)[:, None] for plane in planes]
            for planes in (space.origin, space.direction)
        )

    @staticmethod
    def _store(entries, hits, at, hit, t, u, v):
        hits[at] = hit & (u > 0.0) & (u < 1.0) & (v > 0.0) & (v < 1.0) & (t > NEAR)
        for plane, values in enumerate((t, u, v)):
            entries[at[0], plane, at[1], at[2]] = values

    def _solve_lattice(self, x, y):
        pixels_x, pixels_y = np.meshgrid(x, y)
        planes = np.stack(
            [self._by_x[a] * pixels_x + self._by_y[a] * pixels_y + self._base[a] for a in range(3)], -1
        ).reshape(-1, 3)
        fixed = np.broadcast_to(np.asarray(self._moves, np.float64), planes.shape)
        rays = (fixed, planes) if self.camera.ortho_width is None else (planes, fixed)
        found = search(self.sheets, *rays, range(self.count))
        shape = (self.count, len(y), len(x))
        self.hit = found.hit.reshape(shape)
        self.seen = _spread(self.hit, np.maximum)
        bounds = [
            _spread(grid.reshape(shape), pick) for grid in (found.u, found.v) for pick in (np.minimum, np.maximum)
        ]
        self.bounds = np.stack(bounds)
        self._lowest = found.lowest.reshape(shape)
        self._chord = found.chord.reshape(shape)
        self._bend = found.bend.reshape(shape)
        low_u, high_u, low_v, high_v = self.bounds
        inside = self.hit & (low_u < 1.0) & (high_u > 0.0) & (low_v < 1.0) & (high_v > 0.0)
        self._rough = np.stack([_jumps(*pair) for pair in zip(self._lowest, inside, strict=True)])


def _secant(space):
    """Set the slope -df/dt to what the last step met, where it was long enough to tell."""
    space.before -= space.f
    np.divide(space.before, space.step, out=space.slope, where=np.abs(space.step, out=space.spare) > 1e-6)
    np.clip(space.slope, 0.5 * _STEEP, 4.0, out=space.slope)


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
    scale_x, scale_y = camera.pixels_per_unit()
    by_x, by_y = right / scale_x, -up / scale_y
    return position - by_x * camera.cx - by_y * camera.cy, by_x, by_y, -back


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


def _chunks(count):
    return [slice(start, start + CHUNK) for start in range(0, count, CHUNK)]


def _shares(blocks, step):
    """Split a row of blocks evenly into tiles: (first, count) of each."""
    tiles = min(blocks, max(1, round(blocks * step / TILE)))
    edges = np.linspace(0, blocks, tiles + 1).round().astype(int)
    return [(int(first), int(last - first)) for first, last in zip(edges[:-1], edges[1:], strict=True)]


def _linear_weights(pixels, nodes, step):
    """(pixels, nodes) float32: linear interpolation from nodes at the block centres, one ring outside."""
    position = (np.arange(pixels) + 0.5) / step + 0.5
    first = np.clip(position.astype(np.int64), 0, nodes - 2)
    weights = np.zeros((pixels, nodes), np.float32)
    row = np.arange(pixels)
    weights[row, first] = 1.0 - (position - first)
    weights[row, first + 1] = position - first
    return weights


def _spread(grids, pick):
    """Each node of (k, rows, columns) with its eight neighbours' values under pick, np.minimum or np.maximum."""
    padded = np.pad(grids, ((0, 0), (1, 1), (1, 1)), "edge")
    rows, columns = grids.shape[1:]
    across = pick(pick(padded[:, :, :columns], padded[:, :, 2:]), padded[:, :, 1:-1])
    return pick(pick(across[:, :rows], across[:, 2:]), across[:, 1:-1])


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
