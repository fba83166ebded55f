"""One march along a ray finds where it enters every sheet.

Along a ray the level (see :mod:`inference.view.shells`) is one function of the depth, and the ray enters sheet i where
that first rises to i. A ray goes by short steps, chosen from the slope measured last so that one passes a few sheets;
within a step depth, u and v are taken for linear in the level:

    depth(i) = depth_1 + (i - level_1) (depth_1 - depth_0) / (level_1 - level_0),    level_0 < i <= level_1

With steps of 3 mm this leaves less than 0.1 mm on surfaces that bend as heads do. Nothing depends on other rays, so a
picture does not depend on how it is cut into tiles.
"""

import numpy as np

from .shells import Place, Shells

LONGEST, SHORTEST = 3e-3, 5e-4  # metres of a step near the sheets
SHARE, APART = 0.8, 8e-3  # of the distance to the outermost sheet that a step may go, and metres at most
PASSED = 2.5  # sheets that a step is meant to pass

# Rows of the state: the ray; where it stands, and how fast that changes with the level; how far it goes; and what it
# has met. A step reads the first READ rows and writes those of MOVED.
START, WAY, DEPTH, STEP, LEVEL, U, V, DEPTH_SLOPE, U_SLOPE, V_SLOPE, END = slice(0, 3), slice(3, 6), *range(6, 15)
NEXT, TRANSMITTANCE, RED, GREEN, BLUE, DISTANCE, ROWS = range(15, 22)
READ, MOVED = V + 1, slice(DEPTH, V_SLOPE + 1)


class March:
    """Rays on their way, ``count`` of them; ``index`` (count,) tells which pixels are theirs.

    state: (ROWS, count) float32. NEXT is the sheet that a ray enters next, all before are entered or missed; from
    TRANSMITTANCE on the rows are the caller's. Memory is reserved once for up to ``capacity`` rays.
    """

    def __init__(self, shells: Shells, capacity: int) -> None:
        self.shells = shells
        self._states = [np.empty((ROWS, capacity), np.float32) for _ in range(2)]
        self._few = np.empty(MOVED.stop * capacity, np.float32)
        self._planes = np.empty((4, capacity), np.float32)
        self._place = Place(capacity)
        self.index, self.count = np.empty(0, np.intp), 0

    @property
    def going(self) -> np.ndarray:
        """(count,) bool: not all of what the ray can meet lies behind it."""
        state = self.state
        return (state[DEPTH] <= state[END]) & (state[NEXT] < self.shells.count)

    @property
    def state(self) -> np.ndarray:
        return self._states[0][:, : self.count]

    def start(self, rays: np.ndarray, depths: np.ndarray, index: np.ndarray) -> None:
        """Begin with rays (2, 3, n), the depths (2, n) between which they are followed, and the indices (n,) of their
        pixels, as of :meth:`inference.view.rays.CameraRays.tile`."""
        which = np.flatnonzero(depths[1] > depths[0])
        self.index, self.count = index[which], len(which)
        state = self.state
        rows = (*range(DEPTH + 1), END)
        for row, plane in zip(rows, (*rays[0], *rays[1], *depths), strict=True):
            np.take(plane, which, out=state[row], mode="clip")
        state[STEP:END] = 0.0
        state[NEXT:] = 0.0
        state[TRANSMITTANCE] = 1.0
        if not self.count:
            return
        self.step(np.arange(self.count))
        level = state[LEVEL]
        if level.max() >= 0.0:  # sheets around the start are missed; but rays that start within all come out first
            np.maximum(np.floor(level) + 1.0, 0.0, out=state[NEXT])
            within = np.flatnonzero(level >= self.shells.count - 1)
            state[NEXT][within] = 0.0
            while within.size:
                self.step(within)
                within = within[(level[within] >= 0.0) & (state[DEPTH][within] < state[END][within])]

    def resume(self, state: np.ndarray, index: np.ndarray) -> None:
        """Go on with rays that another march has left."""
        self.index, self.count = index, len(index)
        self.state[:] = state

    def keep(self, which: np.ndarray) -> None:
        """Go on with rays (n,) of ``count`` only."""
        before = self.state
        self._states.reverse()
        self.index, self.count = self.index[which], len(which)
        np.take(before, which, 1, self.state, mode="clip")

    def step(self, which: np.ndarray) -> None:
        """Move rays (n,) of ``count`` by one step."""
        count = len(which)
        if count == self.count:
            few = self.state
        else:
            few = self._few[: MOVED.stop * count].reshape(-1, count)
            np.take(self.state[:READ], which, 1, few[:READ], mode="clip")
        self._move(few)
        if count != self.count:
            self.state[MOVED, which] = few[MOVED]

    def _move(self, state):
        """One step of all rays of a state, of which the rows before MOVED.stop are used."""
        rise, level, spare, length = (plane[: state.shape[1]] for plane in self._planes)
        place, step = self._place, state[STEP]
        place.resize(len(step))
        state[DEPTH] += step
        place.move(state[START], state[WAY], state[DEPTH])
        self.shells.level(place, level[None])
        np.subtract(level, state[LEVEL], out=rise)
        rise += np.float32(1e-12)  # finite slopes where it is nought, which nothing looks at
        for row, slope, plane in ((U, U_SLOPE, place.u[0]), (V, V_SLOPE, place.v[0])):
            change = np.subtract(plane, state[row], out=state[slope])
            if row == U and (change.max() > 0.5 or change.min() < -0.5):  # across the seam behind the head
                change[np.abs(change) > 0.5] = 0.0
            change /= rise
            state[row] = plane
        slope = np.divide(step, rise, out=state[DEPTH_SLOPE])
        # from the level that is reached to the middle between two sheets
        np.floor(level, out=length)
        length -= level
        length += np.float32(1.0 + PASSED)
        length *= slope
        np.abs(length, out=length)
        np.maximum(length, np.float32(SHORTEST), out=length)
        np.minimum(length, np.float32(LONGEST), out=length)
        # in front of the sheets, by a share of the way to the outermost
        np.multiply(level, np.float32(-self.shells.spacing * SHARE), out=spare)
        np.minimum(spare, np.float32(APART), out=spare)
        np.maximum(length, spare, out=step)
        state[LEVEL] = level
