"""Batches on a Ray cluster: an actor on one of its machines in place of a process on this one."""

import os
import threading
from pathlib import Path

from ..errors import Cancelled, PortraitError
from ..log import log
from ..progress import Progress
from .process import FATAL
from .worker import Worker, limit_memory

LOOK = 0.5  # seconds between looks at whether the batch was cancelled
TRIES = 3  # of a photo whose actor died: a machine that is switched off takes at most one, a photo all of them


def connect(address: str) -> None:
    """Join a cluster. address: "auto", or as of ray.init. Raises PortraitError."""
    try:
        import ray
    except ImportError:
        raise PortraitError("Ray is not installed; install it with pip install ray, or leave --ray out") from None
    root = str(Path(__file__).resolve().parents[2])
    try:
        ray.init(
            address=address,
            ignore_reinit_error=True,
            log_to_driver=False,
            runtime_env={"env_vars": {"PYTHONPATH": root}},
        )
    except Exception as error:  # ConnectionError, ValueError, and others of its own
        reason = " ".join(str(error).split())[:160]
        raise PortraitError(f"the Ray cluster {address} cannot be reached ({reason}); check its address") from None


class Actor:
    """As :class:`inference.batch.process.Process`, but on any machine of the cluster; a photo outlives its machine.

    settings: as there. Nothing is lost with a machine: what it had not finished, another actor begins anew.
    """

    def __init__(self, settings: dict) -> None:
        self._settings, self._actor = settings, None
        self._closed = threading.Event()

    def run(self, job: dict, progress: Progress) -> str:
        """Hand over one job and wait. Returns "" or one line saying why it failed. Raises as Process does."""
        import ray

        for tried in range(TRIES):
            try:
                error, kind = self._result(self._started().run.remote(job), progress)
            except ray.exceptions.GetTimeoutError:
                self._end()
                return (
                    f"it took longer than {self._settings['seconds']} seconds; use a smaller photo or allow more time"
                )
            except ray.exceptions.RayActorError:
                log.warning("the actor died over %s, try %d", Path(job["photo"]).name, tried + 1)
                self._end()
            else:
                if kind in FATAL:
                    raise FATAL[kind](error)
                return error
        return "the worker process died, perhaps for lack of memory; use fewer workers or a smaller photo"

    def close(self) -> None:
        """End the actor at once, from any thread."""
        self._closed.set()
        self._end()

    def _result(self, reference, progress):
        """What the actor returns; looks now and then whether the batch was cancelled."""
        import ray

        left = self._settings["seconds"] or float("inf")
        while left > 0:
            if self._closed.is_set():
                raise Cancelled
            progress(0.0, "")
            ready, _ = ray.wait([reference], timeout=min(LOOK, left))
            if ready:
                return ray.get(ready[0])
            left -= LOOK
        raise ray.exceptions.GetTimeoutError("the time is over")

    def _started(self):
        import ray

        if self._closed.is_set():
            raise Cancelled
        if self._actor is None:
            options = {"num_cpus": self._settings["threads"], "scheduling_strategy": "SPREAD"}
            options |= {"num_gpus": 1} if self._settings["device"] != "cpu" else {}
            self._actor = ray.remote(_Remote).options(**options).remote(self._settings)
        return self._actor

    def _end(self):
        actor, self._actor = self._actor, None
        if actor is not None:
            import ray

            ray.kill(actor)


class _Remote:
    """What runs on the machine of the cluster."""

    def __init__(self, settings):
        limit_memory(settings["memory"])
        os.environ.setdefault("OMP_NUM_THREADS", str(settings["threads"]))
        self._worker = Worker(settings)

    def run(self, job):
        return self._worker.run(job, lambda share, text: None)
