"""Work in a thread with progress, cancel and carried exceptions; Blender's data is never touched there."""

import threading
import time

_lock = threading.Lock()
_running = set()


class Job:
    """One run of ``work(progress)`` in a thread.

    work: function of one argument, ``progress(fraction, text)``, called between steps; that call raises
        Cancelled once :meth:`cancel` was called. What it returns becomes :attr:`result`.
    """

    def __init__(self, work):
        self._work = work
        self._cancel = threading.Event()
        self._state_lock = threading.Lock()
        self._state = (0.0, "")
        self.result = None
        self.error = None
        self.started = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="portrait_manifolds", daemon=True)

    def start(self):
        """Start the thread and return the job."""
        with _lock:
            _running.add(self)
        self._thread.start()
        return self

    def cancel(self):
        """Ask the work to stop; it does at its next progress call. Returns at once."""
        self._cancel.set()

    def join(self, seconds):
        """Wait for the thread; True when it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def done(self):
        return not self._thread.is_alive()

    @property
    def cancelled(self):
        return self._cancel.is_set()

    @property
    def state(self):
        """(fraction 0..1, text) as last reported."""
        with self._state_lock:
            return self._state

    def _progress(self, fraction, text=""):
        from ..inference.errors import Cancelled

        if self._cancel.is_set():
            raise Cancelled
        with self._state_lock:
            self._state = (min(max(float(fraction), 0.0), 1.0), str(text))

    def _run(self):
        try:
            self.result = self._work(self._progress)
        except BaseException as error:  # carried to the main thread, which reports it
            self.error = error
        finally:
            with _lock:
                _running.discard(self)


def cancel_all(seconds=0.0):
    """Cancel every running job and wait up to `seconds` for the threads to end."""
    with _lock:
        jobs = list(_running)
    for job in jobs:
        job.cancel()
    end = time.monotonic() + seconds
    for job in jobs:
        job.join(max(0.0, end - time.monotonic()))
