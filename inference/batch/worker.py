"""One process of a batch: jobs come as lines of JSON on standard input, answers go to standard output.

It has limits of its own, leaves signals to the batch, and ends at once when the batch does, in the middle of a photo.
"""

import contextlib
import json
import os
import queue
import signal
import sys
import threading

from ..progress import Progress


def main() -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the batch gets them too, and decides
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

    worker = Worker(settings)
    while True:
        error, kind = worker.run(json.loads(jobs.get()), lambda share, text: say(share=share, text=text))
        say(error=error, kind=kind)


class Worker:
    """A loaded model, and what it makes of one photo after another. settings: as of :class:`..process.Process`."""

    def __init__(self, settings: dict) -> None:
        self._settings, self._model = settings, None

    def run(self, job: dict, progress: Progress) -> tuple[str, str]:
        """Returns ("", "") or one line saying why not, and the name of the error's class if it is one of FATAL."""
        from ..errors import FolderFull, MachineExhausted, PortraitError
        from ..limits import out_of_files

        try:
            from ..networks.model import load_model
            from .job import run_job

            if self._model is None:
                keys = ("model", "device", "threads")
                self._model = load_model(*(self._settings[key] for key in keys))
            return run_job(job, self._model, progress), ""
        except (FolderFull, MachineExhausted) as error:
            return str(error), type(error).__name__
        except PortraitError as error:
            return str(error), ""
        except (OSError, ImportError) as error:
            if not out_of_files(error):
                raise
            return "too many files are open; allow more (ulimit -n) and start again", MachineExhausted.__name__


def limit_memory(megabytes: int) -> None:
    """Let this process have so much memory of its own, 0: as much as it likes. Linux alone can do that."""
    if megabytes and sys.platform == "linux":
        import resource

        size = megabytes << 20
        with contextlib.suppress(ValueError, OSError):  # a lower limit is set already
            resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def _read(jobs):
    """Thread: what comes in is kept; the end of it ends the process, whatever it is doing."""
    for line in sys.stdin:
        jobs.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
