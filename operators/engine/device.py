"""Whether the GPU or the CPU makes a picture: what the user chose, whether the GPU can, and which is faster."""

import time

from ...inference.log import log
from ..language import strings
from ..work.operator import one_line
from . import gpu_draw
from .samples import render_sampled

# Seconds a ray that the CPU takes at the most (two cores, a portrait that fills the view). A GPU that takes longer is
# not worth having.
SLOWEST = 4e-6


class Devices:
    """The GPU while it can, then the CPU.

    wanted: "AUTOMATIC", "GPU" (however slow it is) or "CPU". refused: why the GPU makes no pictures, or "".
    """

    def __init__(self, wanted):
        self.wanted, self.refused = wanted, ""
        self._warm = False  # the GPU has its programs and textures

    @property
    def gpu(self):
        """Whether the GPU is to make the next picture."""
        return self.wanted != "CPU" and not self.refused

    @property
    def warning(self):
        """What somebody who asked for the GPU must know, or ""."""
        return strings.GPU_REFUSED.format(reason=self.refused) if self.wanted == "GPU" and self.refused else ""

    def fail(self, error):
        """The GPU could not do it; an exception that says why."""
        self._refuse(one_line(error))

    def slow(self, seconds):
        """The GPU takes so many seconds for a picture, and the CPU less; it goes on where the user asked for it."""
        if self.wanted == "AUTOMATIC":
            self._refuse(strings.GPU_SLOW.format(seconds=f"{seconds:.2f}"))

    def _refuse(self, reason):
        self.refused = reason
        log.warning("%s", strings.GPU_REFUSED.format(reason=reason))

    def render(self, found, camera, backdrop=None, samples=1, threads=0, stop=None):
        """A :class:`composite.Picture` of portraits through a camera, samples x samples for each of its pixels.

        The other arguments, and None when stopped, as of :func:`.samples.render_sampled`.
        """
        if self.gpu:
            try:
                start = time.monotonic()
                picture = gpu_draw.read(gpu_draw.draw(found, camera, samples), backdrop)
                seconds = time.monotonic() - start
                if self._warm and seconds > SLOWEST * picture.depth.size * samples**2:
                    self.slow(seconds)
                self._warm = True
                return picture
            except Exception as error:  # whatever a driver may raise; the CPU knows none of it
                self.fail(error)
        return render_sampled(found, camera, samples, backdrop, threads, stop)
