"""The batch that runs: what its thread tells of the photos, for the panel. Touches no bpy."""

import threading
import time

from ..language import strings
from ..work import jobs


class BatchRun:
    """One run over a folder, in a thread of its own.

    folder, out: absolute paths. options: further keyword arguments of `inference.batch.run.run_batch`.
    """

    def __init__(self, folder, out, options):
        self.folder, self.out = folder, out
        self._options = options
        self._lock = threading.Lock()
        self._changed = {}  # name of a photo: its Item, since the panel last looked
        self._times = []  # seconds when photos of this run ended
        self.job = jobs.Job(self._work, strings.BATCH.label)

    def start(self):
        """Start the thread and return the run."""
        jobs.batches.add(self.job)
        return self

    def news(self):
        """Items that changed since the last call: {name: inference.batch.items.Item}."""
        with self._lock:
            changed, self._changed = self._changed, {}
        return changed

    @property
    def text(self):
        """How far it is, with an estimate of the time that is left."""
        fraction, text = self.job.state
        with self._lock:
            ended = len(self._times)
        if ended < 2 or not 0.0 < fraction < 1.0:
            return text
        return strings.BATCH_LEFT.format(text=text, left=duration(self.job.seconds * (1.0 - fraction) / fraction))

    def _work(self, progress):
        from ...inference.batch.run import run_batch

        return run_batch(self.folder, self.out, progress=progress, changed=self._note, **self._options)

    def _note(self, item):
        with self._lock:
            self._changed[item.name] = item
            if item.status in ("done", "failed"):
                self._times.append(time.monotonic())


def duration(seconds):
    """A length of time for people: "40 s", "12 min", "3 h 5 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


_current = None


def current():
    """The run that is under way, or None."""
    return _current


def begin(run):
    """Make a run the current one and start it."""
    global _current
    _current = run.start()
    return run


def end():
    """Forget the current run; its job may still be stopping."""
    global _current
    if _current is not None:
        _current.job.cancel()
        jobs.batches.take(_current.job)
    _current = None
