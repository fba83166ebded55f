"""Batches on a Ray cluster: an actor on one of its machines in place of a process on this one."""

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from ..apart import limit_memory
from ..errors import Cancelled, PortraitError
from ..progress import Progress
from .process import FATAL, WorkerLost
from .worker import Worker

LOOK = 0.5  # seconds between looks at whether the batch was cancelled
KNOCK_SECONDS = 10


@contextlib.contextmanager
def connected(address: str) -> Iterator[None]:
    """While the context lasts, this process is part of a cluster.

    address: "host:port" of its head, or "auto" on one of its machines. Raises PortraitError.
    """
    try:
        import ray
    except ImportError:
        raise PortraitError("Ray is not installed; install it with pip install ray, or leave --ray out") from None
    before = signal.getsignal(signal.SIGTERM)
    try:
        _knock(address)
        environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        quiet = {"log_to_driver": False, "logging_level": logging.WARNING}
        ray.init(address=address, runtime_env={"env_vars": environment}, **quiet)
    except Exception as error:  # ConnectionError, ValueError, and others of its own
        reason = " ".join(str(error).split())[:160]
        raise PortraitError(f"the Ray cluster {address} cannot be reached ({reason}); check its address") from None
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)  # Ray's own would end the batch without a word
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address):
    """Raise OSError where nobody answers; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), KNOCK_SECONDS).close()


class Actor:
    """As :class:`inference.batch.process.Process`, but on any machine of the cluster; a photo outlives its machine.

    settings: as there. Nothing is lost with a machine: what it had not finished, another actor begins anew.
    """

    def __init__(self, settings: dict) -> None:
        self._settings, self._actor, self._begun = settings, None, None
        self._closed = threading.Event()

    def is_ready(self) -> bool:
        """Whether the cluster had room for the actor; waits a little for it."""
        import ray

        if self._closed.is_set():
            raise Cancelled
        if self._actor is None:
            options = {"num_cpus": self._settings["threads"], "scheduling_strategy": "SPREAD"}
            options |= {"num_gpus": 1} if self._settings["accelerated"] else {}
            self._actor = ray.remote(_Remote).options(**options).remote(self._settings)
            self._begun = self._actor.begin.remote()
        ready, _ = ray.wait([self._begun], timeout=LOOK)
        try:
            return bool(ready) and ray.get(self._begun)
        except ray.exceptions.RayActorError:  # its machine is gone already
            self._end()
            return False

    def run(self, job: dict, progress: Progress) -> str:
        """Hand over one job and wait. Returns "" or one line saying why it failed.

        Raises as Process does, and WorkerLost.
        """
        import ray

        reference, left = self._actor.run.remote(job), self._settings["seconds"] or float("inf")
        while not ray.wait([reference], timeout=min(LOOK, left))[0]:
            if self._closed.is_set():
                raise Cancelled
            progress(0.0, "")
            left -= LOOK
            if left <= 0:
                self._end()
                seconds = self._settings["seconds"]
                return f"it took longer than {seconds} seconds; use a smaller photo or allow more time"
        try:
            error, kind = ray.get(reference)
        except ray.exceptions.RayActorError:
            self._end()
            if self._closed.is_set():
                raise Cancelled from None
            raise WorkerLost(
                "the worker process died, perhaps for lack of memory; use fewer workers or a smaller photo"
            ) from None
        if kind in FATAL:
            raise FATAL[kind](error)
        return error

    def close(self) -> None:
        """End the actor at once, from any thread."""
        self._closed.set()
        self._end()

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

    def begin(self):
        return True

    def run(self, job):
        return self._worker.run(job, lambda share, text: None)
