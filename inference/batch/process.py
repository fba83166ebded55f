"""A process that works for a batch, seen from the batch: whatever a photo does to it, the batch goes on."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from ..errors import Cancelled, FolderFull, MachineExhausted
from ..limits import out_of_files
from ..log import log
from ..progress import Progress
from ..temporary import remove_of

FATAL = {kind.__name__: kind for kind in (FolderFull, MachineExhausted)}  # what a worker may say of all photos


class WorkerLost(Exception):
    """The machine that worked on a photo is gone; the photo is as it was."""


class Process:
    """One process of inference.batch.worker, started when needed and again when it died.

    settings: model (a path), device, threads, accelerated (whether that device is not the CPU), memory (MB, 0: no
    limit), seconds (for a photo, 0: no limit).
    """

    def __init__(self, settings: dict) -> None:
        self._settings, self._process = settings, None
        self._folder = None  # what the process writes to
        self._lock = threading.Lock()  # none is started once it was closed
        self._closed = False

    def is_ready(self) -> bool:
        """Whether a job that is handed over now is begun now."""
        return True

    def run(self, job: dict, progress: Progress) -> str:
        """Hand over one job and wait. Returns "" or one line saying why it failed.

        Raises Cancelled once :meth:`close` was called, and what `progress` raises.
        """
        process, self._folder = self._started(), Path(job["folder"])
        with self._time_limit(process) as expired:
            answer = self._answer(process, job, progress)
        if answer is not None:
            if answer["kind"] in FATAL:
                raise FATAL[answer["kind"]](answer["error"])
            return answer["error"]
        if self._closed:
            raise Cancelled
        self._end()
        if expired.is_set():
            return f"it took longer than {self._settings['seconds']} seconds; use a smaller photo or allow more time"
        log.warning("the worker process died over %s", Path(job["photo"]).name)
        return "the worker process died, perhaps for lack of memory; use fewer workers or a smaller photo"

    def close(self) -> None:
        """End the process at once, from any thread."""
        with self._lock:
            self._closed = True
        self._end()

    @staticmethod
    def _answer(process, job, progress):
        """The last line the process has to say about a job, None when it died."""
        try:
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                said = json.loads(line)
                if "error" in said:
                    return said
                progress(said["share"], said["text"])
        except (OSError, ValueError):  # the pipe is broken, or closed by close()
            pass
        return None

    @contextlib.contextmanager
    def _time_limit(self, process) -> Iterator[threading.Event]:
        expired = threading.Event()

        def expire():
            expired.set()
            process.kill()

        timer = threading.Timer(self._settings["seconds"] or threading.TIMEOUT_MAX, expire)
        timer.daemon = True
        timer.start()
        try:
            yield expired
        finally:
            timer.cancel()

    def _started(self):
        with self._lock:
            if self._closed:
                raise Cancelled
            if self._process is None or self._process.poll() is not None:
                self._process = self._start()
            return self._process

    def _start(self):
        package = Path(__file__).resolve().parents[1]
        # Blender's modules come from folders that only this process knows
        paths = [str(package.parent), *(path for path in sys.path if path)]
        flags = {"start_new_session": True}  # a terminal's Ctrl-C is for the batch, which then ends its processes
        if os.name == "nt":
            flags = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        try:
            return subprocess.Popen(
                [sys.executable, "-m", f"{package.name}.batch.worker", json.dumps(self._settings)],
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

    def _end(self):
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        if self._folder is not None:
            remove_of(process.pid, self._folder)
            with contextlib.suppress(OSError):  # it holds results, or was never made
                self._folder.rmdir()
        for pipe in (process.stdout, process.stdin):
            with contextlib.suppress(OSError, ValueError):  # what was not handed over yet
                pipe.close()
