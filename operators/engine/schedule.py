"""What a viewport's thread works on: coarse pictures while the view moves, finer ones once it rests."""

import collections
import math
import time

COARSE_SECONDS = 0.08  # that a coarse picture may take: ten a second, with time left to draw them
BAND_SECONDS = 0.12  # of a fine picture between two looks at whether the view has changed; each costs 0.04 s anew
LEAST_BAND = 1 << 15  # rays
COARSEST = 16.0  # pixels of the region along the side of one of a picture
GUESS = 4e-6  # seconds per ray before any was measured; on two cores a portrait that fills the view takes 1e-6 to 4e-6
NEWEST = 0.5  # weight of the newest measurement

# view: what was asked for. coarseness: pixels of the region along the side of one of the picture. samples: along a
# pixel's side. first: the view's first picture, which is finished whatever happens.
Step = collections.namedtuple("Step", "view coarseness samples first")


class Schedule:
    """Which picture of which view is made next.

    The newest view's first picture is as fine as can be made in COARSE_SECONDS, and is always finished: while the mouse
    moves faster than that, each one shows where the view was just before. Finer ones follow, each twice as fine, until
    the view is another. Used under the lock of its owner.

    clock: function that gives seconds. seconds_per_ray: what is known of the cost.
    """

    def __init__(self, clock=time.monotonic, seconds_per_ray=GUESS):
        self._clock = clock
        self._cost = self._fine_cost = seconds_per_ray
        self._view = None  # key, what was asked for, pixels, samples
        self._coarseness = self._samples = None  # of the last picture of that view; None when there is none yet
        self._started = 0.0

    def want(self, key, view, pixels, samples):
        """Ask for a view of so many pixels. key: equal for equal views. Returns False when it is asked for already."""
        if self._view is not None and self._view[0] == key:
            return False
        self._view, self._coarseness = (key, view, pixels, samples), None
        return True

    def next(self):
        """The next :class:`Step`, or None when the newest view is as fine as it gets. Its time begins to run."""
        if self._view is None:
            return None
        _, view, pixels, samples = self._view
        if self._coarseness is None:
            step = Step(view, self._first(pixels), 1, True)
        elif self._coarseness > 1.0:
            finer = self._coarseness / 2.0
            step = Step(view, finer if finer > 1.5 else 1.0, 1, False)
        elif self._samples < samples:
            step = Step(view, 1.0, samples, False)
        else:
            return None
        self._started = self._clock()
        return step

    def outdated(self, step):
        """True for a picture that need not be finished: there is another view, and a picture of this one."""
        return not step.first and step.view is not self._view[1]

    def finished(self, step, rays):
        """A picture was made with so many rays."""
        measured = (self._clock() - self._started) / max(rays, 1)
        if step.first:
            self._cost += NEWEST * (measured - self._cost)
        else:  # larger pictures have less overhead per ray
            self._fine_cost += NEWEST * (measured - self._fine_cost)
        if step.view is self._view[1]:
            self._coarseness, self._samples = step.coarseness, step.samples

    def failed(self, step):
        """A picture could not be made; there is no use in finer ones."""
        if step.view is self._view[1]:
            self._coarseness, self._samples = 1.0, math.inf

    def band(self):
        """How many rays to follow between two looks at whether a picture is outdated."""
        return max(LEAST_BAND, int(BAND_SECONDS / max(self._fine_cost, 1e-9)))

    def _first(self, pixels):
        """Coarseness of a first picture, in steps of the square root of 2."""
        wanted = math.sqrt(max(pixels * self._cost / COARSE_SECONDS, 1.0))
        return min(2.0 ** (math.ceil(2.0 * math.log2(wanted) - 1e-6) / 2.0), COARSEST)
