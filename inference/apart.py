"""Work in a process apart: it has limits of its own, and whatever happens to it happens to it alone.

Jobs come to it as lines of JSON on standard input, answers go to standard output. It leaves signals to the process that
started it, and ends at once when that one does, in the middle of a job.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from .errors import Cancelled, MachineExhausted
from .limits import out_of_files
from .progress import Progress


class Died(Exception):
    """The process ended before it answered: for lack of memory, or for a fault in a library."""


class TookTooLong(Exception):
    """The process was ended since its time was up."""


class Worker(Protocol):
    """What a module does in its process: one job after another, what is loaded for one is there for the next."""

    def run(self, job: dict, progress: Progress) -> object:
        """Returns the answer, of what JSON has. progress: tells the process that waits."""


class Apart:
    """One process, started when needed and again when it died.

    module: what it runs, by its name within the engine; it calls :func:`serve`. settings: what its worker is made with,
    of what JSON has; of these memory: MB of its own that it may have, on Linux (0: no limit).
    """

    def __init__(self, module: str, settings: dict) -> None:
        self._module, self._settings, self._process = module, settings, None
        self._lock = threading.Lock()  # none is started once it was closed
        self._closed = False

    def ask(self, job: dict, progress: Progress, seconds: float = 0) -> object:
        """Hand over one job and wait for the answer. seconds: the longest it may take, 0: as long as it likes.

        Raises Died, TookTooLong, Cancelled once :meth:`close` was called, MachineExhausted when no process can be
        started, and what `progress` raises.
        """
        process = self._started()
        with _time_limit(process, seconds) as expired:
            answers = self._answers(process, job, progress)
        if answers:
            return answers[0]
        if self._closed:
            raise Cancelled
        raise TookTooLong if expired.is_set() else Died

    def end(self) -> int | None:
        """End the process at once, from any thread; the next job starts another one. Returns its number, None where
        there was none."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return None
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stdin):
            with contextlib.suppress(OSError, ValueError):  # what was not handed over yet
                pipe.close()
        return process.pid

    def close(self) -> int | None:
        """End the process for good, as :meth:`end` does."""
        with self._lock:
            self._closed = True
        return self.end()

    @staticmethod
    def _answers(process, job, progress):
        """The answer in a list, which is empty when the process died."""
        try:
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                said = json.loads(line)
                if "answer" in said:
                    return [said["answer"]]
                progress(said["share"], said["text"])
        except (OSError, ValueError):  # the pipe is broken, or closed by end()
            pass
        return []

    def _started(self):
        with self._lock:
            if self._closed:
                raise Cancelled
            if self._process is None or self._process.poll() is not None:
                self._process = self._start()
            return self._process

    def _start(self):
        package = Path(__file__).resolve().parent
        # Blender's modules come from folders that only this process knows
        paths = [str(package.parent), *(path for path in sys.path if path)]
        flags = {"start_new_session": True}  # a terminal's Ctrl-C is for this process, which then ends the other one
        if os.name == "nt":
            flags = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        try:
            return subprocess.Popen(
                [sys.executable, "-m", f"{package.name}.{self._module}", json.dumps(self._settings)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="surrogateescape",
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8:surrogateescape"},
                **flags,
            )
        except OSError as error:
            if out_of_files(error):
                raise
            raise MachineExhausted(f"no process can be started ({error.strerror}); end other programs") from None


@contextlib.contextmanager
def _time_limit(process, seconds) -> Iterator[threading.Event]:
    expired = threading.Event()

    def expire():
        expired.set()
        process.kill()

    timer = threading.Timer(seconds or threading.TIMEOUT_MAX, expire)
    timer.daemon = True
    timer.start()
    try:
        yield expired
    finally:
        timer.cancel()
        timer.join()  # a busy machine lets it end late, and threads would be one more


def serve(make: Callable[[dict], Worker]) -> None:
    """Be the process apart: do jobs until the other process has no more, or is no more. make: worker of settings."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the other process gets them too, and decides
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    settings = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="surrogateescape")
    os.dup2(2, 1)  # whatever a library prints must not look like an answer
    limit_memory(settings["memory"])
    jobs = queue.SimpleQueue()
    threading.Thread(target=_read, args=(jobs,), daemon=True).start()

    def say(**said):
        try:
            print(json.dumps(said), file=answers, flush=True)
        except OSError:
            os._exit(1)

    worker = make(settings)
    while True:
        say(answer=worker.run(json.loads(jobs.get()), lambda share, text: say(share=share, text=text)))


def limit_memory(megabytes: int) -> None:
    """Let this process have so much memory of its own, 0: as much as it likes, and be the first to end where the
    machine's is used up. Linux alone can do that."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # in place of Blender, or of whatever is largest
    if megabytes:
        import resource

        size = megabytes << 20
        with contextlib.suppress(ValueError, OSError):  # a lower limit is set already
            resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def _read(jobs):
    """Thread: what comes in is kept; the end of it ends the process, whatever it is doing."""
    for line in sys.stdin:
        jobs.put(line)
    os._exit(0)
