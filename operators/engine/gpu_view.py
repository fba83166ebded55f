"""A viewport's pictures by the GPU: one for every redraw, with the render's samples once the view rests."""

import math
import time

from . import gpu_draw
from .device import Devices

QUICK = 0.05  # seconds of a picture while the view moves; a GPU that is slower makes coarser ones
COARSEST = 3.0  # pixels of the region along the side of one of a picture
SMOOTH = 0.1  # seconds of such a picture; the CPU shows coarse ones as often
PATIENCE = 0.5  # seconds that pictures may take longer than that, one after another, before the CPU is tried
REST = 0.15  # seconds without a new view before its picture is made finer
FINEST = 0.4  # seconds that the finer picture may take; the window stands still meanwhile


class GpuView:
    """The newest picture of one viewport. wanted: as of :class:`device.Devices`. clock: function that gives seconds."""

    def __init__(self, wanted, clock=time.monotonic):
        self.devices, self._clock = Devices(wanted), clock
        self._drawn, self._view, self._final = None, None, False
        self._since = self._waited = 0.0
        self._cost = None  # seconds per pixel of the last picture; None until one has found programs and textures made

    def picture(self, view, found, camera, samples):
        """A :class:`gpu_draw.Drawn` and whether there will be a finer one.

        view: equal for equal views. found, camera, samples: as of :func:`gpu_draw.draw`. None where the GPU failed.
        """
        try:
            if view != self._view:
                self._view, self._since, self._final = view, self._clock(), False
                self._move(found, camera)
            elif not self._final and self._clock() - self._since > REST:
                self._draw(found, camera, self._affordable(camera, samples))
                self._final = True
        except Exception as error:  # whatever a driver may raise
            self.devices.fail(error)
            return None
        return self._drawn, not self._final

    def _move(self, found, camera):
        """A picture as fine as can be made quickly."""
        first, pixels = self._drawn is None, camera.width * camera.height
        coarseness = min(max(math.sqrt(pixels * (self._cost or 0.0) / QUICK), 1.0), COARSEST)
        size = (max(1, round(side / coarseness)) for side in (camera.width, camera.height))
        seconds = self._draw(found, camera if coarseness == 1.0 else camera.scaled(*size), 1)
        if not first:
            late = seconds - SMOOTH
            self._waited = self._waited + late if late > 0.0 else 0.0
            if self._waited > PATIENCE:
                self.devices.slow(seconds)

    def _affordable(self, camera, samples):
        """How many samples along a pixel's side do not hold up the window."""
        seconds = camera.width * camera.height * (self._cost or 0.0)
        return max(1, min(samples, int(math.sqrt(FINEST / max(seconds, 1e-6)))))

    def _draw(self, found, camera, samples):
        """Draw a picture and wait for it; returns the seconds it took."""
        start, first = self._clock(), self._drawn is None
        self._drawn = gpu_draw.draw(found, camera, samples, "RGBA16F")
        gpu_draw.finish(self._drawn)
        seconds = self._clock() - start
        if not first:
            self._cost = seconds / (camera.width * camera.height * samples**2)
        return seconds
