"""Work in threads with progress, cancel and carried exceptions; Blender's data is never touched there."""

import contextlib
import threading
import time

from ...inference.errors import Cancelled

THREAD_NAME = "portrait_manifolds"


class Progress:
    """What work is handed: ``progress(fraction, text)``, called between steps, raises Cancelled once stop() was called.

    tell: function (fraction, text) that is told of every step, in the thread of the work.
    """

    def __init__(self, tell=None):
        self._tell = tell
        self._lock = threading.Lock()
        self._hooks = []
        self._stopped = threading.Event()
        self._state = (0.0, "")

    def __call__(self, fraction, text=""):
        self.check()
        state = (min(max(float(fraction), 0.0), 1.0), str(text))
        with self._lock:
            self._state = state
        if self._tell is not None:
            self._tell(*state)

    def check(self):
        """Raise Cancelled once :meth:`stop` was called."""
        if self._stopped.is_set():
            raise Cancelled

    def stop(self):
        """Ask the work to stop: it does at its next step, or at once where it said how. Returns at once."""
        with self._lock:
            self._stopped.set()
            hooks = list(self._hooks)
        for hook in hooks:
            hook()

    @contextlib.contextmanager
    def when_stopped(self, hook):
        """While the context lasts, stop() also calls ``hook()``, in its own thread; at once if it was called before."""
        with self._lock:
            self._hooks.append(hook)
            stopped = self._stopped.is_set()
        try:
            if stopped:
                hook()
            yield
        finally:
            with self._lock:
                self._hooks.remove(hook)

    @property
    def stopped(self):
        return self._stopped.is_set()

    @property
    def state(self):
        """(fraction 0..1, text) as last told."""
        with self._lock:
            return self._state


class Job:
    """One run of ``work(progress)`` in a thread of its own.

    work: function of one argument, a :class:`Progress`. What it returns becomes :attr:`result`, what it raises
        :attr:`error`. title: what is done, for the user. subject: name of what it is done to. target: anything that
        tells jobs for the same thing apart from others.
    """

    _last = 0

    def __init__(self, work, title="", subject="", target=None):
        Job._last += 1
        self.id = Job._last
        self.title, self.subject, self.target = title, subject, target
        self.result = self.error = None
        self.started = self._end = None  # time.monotonic() when the thread began and when its work ended
        self._work = work
        self._progress = Progress()
        self._ended = threading.Event()
        self._after = None
        self._thread = None

    def start(self, after=None):
        """Start the thread and return the job. after: called in the thread when the work has ended."""
        self._after, self.started = after, time.monotonic()
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
        self._thread.start()
        return self

    def cancel(self):
        """Ask the work to stop, or not to begin. Returns at once."""
        self._progress.stop()

    def join(self, seconds):
        """Wait for the thread; True when none is left."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    @property
    def waiting(self):
        return self._thread is None

    @property
    def done(self):
        return self._ended.is_set()

    @property
    def cancelled(self):
        return self._progress.stopped

    @property
    def state(self):
        """(fraction 0..1, text) as last told."""
        return self._progress.state

    @property
    def seconds(self):
        """How long it has been running, or ran."""
        return 0.0 if self.started is None else (self._end or time.monotonic()) - self.started

    def _run(self):
        try:
            self.result = self._work(self._progress)
        except BaseException as error:  # carried to the main thread, which reports it
            self.error = error
        finally:
            self._end = time.monotonic()
            self._ended.set()
            if self._after is not None:
                self._after()


class Queue:
    """Jobs that run one after another.

    A job stays listed until whoever added it takes it off, so that nobody takes it for finished before its result is
    in the scene. A cancelled job is no longer listed as pending, but the next one waits until its thread has ended.
    """

    def __init__(self):
        self._lock = threading.RLock()
        self._jobs = []
        self._active = None

    def add(self, job):
        """Start the job now or after those before it. Returns the job."""
        with self._lock:
            self._jobs.append(job)
            self._start_next()
        return job

    def take(self, job):
        """Take a job off the list: its result was used, or nobody wants it any more."""
        with self._lock:
            if job in self._jobs:
                self._jobs.remove(job)

    def pending(self):
        """Jobs that were neither cancelled nor taken off, in the order in which they run."""
        with self._lock:
            return [job for job in self._jobs if not job.cancelled]

    @property
    def running(self):
        """The pending job whose thread has begun, or None."""
        return next((job for job in self.pending() if not job.waiting), None)

    def cancel(self, job_id):
        """Cancel the pending job of an id; 0 means the first one. True if there was one."""
        for job in self.pending():
            if job_id in (0, job.id):
                job.cancel()
                return True
        return False

    def cancel_all(self):
        """Cancel everything. Returns the jobs whose threads may still be running."""
        with self._lock:
            jobs = self._jobs + ([self._active] if self._active is not None else [])
            self._jobs = []
        for job in jobs:
            job.cancel()
        return jobs

    def _start_next(self):
        with self._lock:
            if self._active is not None and not self._active.done:
                return
            self._active = next((job for job in self._jobs if job.waiting and not job.cancelled), None)
            if self._active is not None:
                self._active.start(after=self._start_next)


queue = Queue()  # what works on the open file, one after another
batches = Queue()  # what works on folders: it lasts long, and the others need not wait for it


def cancel_all(seconds=0.0, queues=(queue, batches)):
    """Cancel every job and wait up to `seconds` for the threads to end; True when all have."""
    jobs = [job for lane in queues for job in lane.cancel_all()]
    end = time.monotonic() + seconds
    return all([job.join(max(0.0, end - time.monotonic())) for job in jobs])
