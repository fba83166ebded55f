"""A process that works for a batch, seen from the batch: whatever a photo does to it, the batch goes on."""

import contextlib
from pathlib import Path

from ..apart import Apart, Died, TookTooLong
from ..errors import FolderFull, MachineExhausted
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
        self._apart, self._seconds = Apart("batch.worker", settings), settings["seconds"]
        self._folder = None  # what the process writes to

    def is_ready(self) -> bool:
        """Whether a job that is handed over now is begun now."""
        return True

    def run(self, job: dict, progress: Progress) -> str:
        """Hand over one job and wait. Returns "" or one line saying why it failed.

        Raises Cancelled once :meth:`close` was called, and what `progress` raises.
        """
        self._folder = Path(job["folder"])
        try:
            error, kind = self._apart.ask(job, progress, self._seconds)
        except TookTooLong:
            self._clear(self._apart.end())
            return f"it took longer than {self._seconds} seconds; use a smaller photo or allow more time"
        except Died:
            self._clear(self._apart.end())
            log.warning("the worker process died over %s", Path(job["photo"]).name)
            return "the worker process died, perhaps for lack of memory; use fewer workers or a smaller photo"
        if kind in FATAL:
            raise FATAL[kind](error)
        return error

    def close(self) -> None:
        """End the process at once, from any thread."""
        self._clear(self._apart.close())

    def _clear(self, process):
        """Delete what a process that was ended left behind. process: its number, or None."""
        if process is not None and self._folder is not None:
            remove_of(process, self._folder)
            with contextlib.suppress(OSError):  # it holds results, or was never made
                self._folder.rmdir()
