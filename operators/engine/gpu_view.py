"""A viewport's pictures by the GPU: one for every redraw, with the render's samples once the view rests."""

import time

from . import gpu_draw
from .device import Devices

SMOOTH = 0.1  # seconds of a picture; the CPU shows coarse ones as often
PATIENCE = 0.5  # seconds that pictures may take longer than that, one after another, before the CPU is tried
REST = 0.15  # seconds without a new view before its picture is made finer
FINEST = 0.4  # seconds that the finer picture may take; the window stands still meanwhile


class GpuView:
    """The newest picture of one viewport. wanted: as of :class:`device.Devices`. clock: function that gives seconds."""

    def __init__(self, wanted, clock=time.monotonic):
        self.devices, self._clock = Devices(wanted), clock
        self._drawn, self._view, self._samples = None, None, 0
        self._since = self._seconds = self._waited = 0.0

    def picture(self, view, found, camera, samples):
        """A :class:`gpu_draw.Drawn` and whether there will be a finer one.

        view: equal for equal views. found, camera, samples: as of :func:`gpu_draw.draw`. None where the GPU failed.
        """
        now = self._clock()
        try:
            if view != self._view:
                first = self._drawn is None
                self._draw(found, camera, 1)
                self._view, self._since = view, now
                self._seconds = self._clock() - now
                if not first:  # which makes textures and programs, too
                    self._judge()
            elif self._samples < samples and now - self._since > REST:
                affordable = int((FINEST / max(self._seconds, 1e-6)) ** 0.5)
                if affordable > self._samples:
                    self._draw(found, camera, min(samples, affordable))
                samples = self._samples
        except Exception as error:  # whatever a driver may raise
            self.devices.fail(error)
            self._drawn = None
            return None
        return self._drawn, self._samples < samples

    def _draw(self, found, camera, samples):
        self._drawn = gpu_draw.draw(found, camera, samples, "RGBA16F")
        gpu_draw.finish(self._drawn)
        self._samples = samples

    def _judge(self):
        late = self._seconds - SMOOTH
        self._waited = self._waited + late if late > 0.0 else 0.0
        if self._waited > PATIENCE:
            self.devices.slow(self._seconds)
