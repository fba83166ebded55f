"""A folder of photos to a folder of portraits: resumable, shared with other batches, and no photo stops it.

out/batch.jsonl, the journal, has a line for each photo that ended; out/<photo>/ holds what ``invert`` writes, mesh.glb
and view_+15.png. The report is moved there last and names what the folder was made from, so a folder with a matching
report is complete. Processes (inference.batch.process) work on the photos, here or, with Ray, on other machines.
Several batches may work in one folder: each photo is claimed by one of them.
"""

import collections
import contextlib
import dataclasses
import os
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from ..errors import Cancelled, PortraitError
from ..files import PathLike, make_folder
from ..limits import MEMORY, SECONDS
from ..mesh.textured import HEAD
from ..progress import Progress, silent
from ..report import read_report, warnings_in
from ..temporary import remove_abandoned
from .claims import Claims
from .items import ENDED, Item, find_photos, item_of, list_photos
from .job import is_complete
from .journal import Journal
from .process import Process, WorkerLost
from .sheet import write_sheet

TRIES = 3  # of a photo whose machine is lost: one that is switched off takes one, a photo that kills takes all
TICK = 0.1  # seconds between looks at whether the batch was cancelled, and at what others have claimed


def run_batch(
    folder: PathLike,
    out: PathLike,
    model_path: PathLike | None = None,
    workers: int = 1,
    mesh: bool | str = False,
    views: Sequence[float] = (),
    resume: bool = False,
    device: str = "auto",
    threads: int = 0,
    progress: Progress = silent,
    only: Collection[str] | None = None,
    mattes: PathLike | None = None,
    changed: Callable[[Item], None] = lambda item: None,
    chunk: tuple[int, int] = (1, 1),
    memory: int = MEMORY,
    seconds: float = SECONDS,
    ray: str | None = None,
) -> list[Item]:
    """Invert every photo of a folder.

    folder: with photos, not searched deeper. out: folder for the results. model_path: None for the built-in model.
    workers: processes; threads (0: all cores) are divided among them. mesh: also write mesh.glb, True or of one of
    :data:`inference.mesh.textured.TOPOLOGIES`. views: yaws in
    degrees of additional views. resume: skip what is complete. progress: called with (fraction, text), perhaps in
    another thread; may raise Cancelled, which ends the workers at once. only: names of the photos to work on; None for
    all. mattes: folder with mattes of photos, as of :func:`inference.pipeline.invert_photo`, under the photos' names
    but for the suffix. changed: called with a copy of an Item whenever its status changes, perhaps in another thread.
    chunk: (i, n) takes the i-th of n parts of the folder. memory, seconds: what one photo may take, MB of a worker's
    own memory (on Linux) and time; 0 sets no limit. ray: address of a Ray cluster whose machines have `folder`, `out`
    and this program under the same paths; the workers run there, each on one thread unless `threads` says more.
    Returns a list of :class:`Item`. Raises PortraitError when the folders or the model are unusable or become so.
    """
    from ..networks.model import load_model

    photos, part = find_photos(folder), slice(chunk[0] - 1, None, chunk[1])
    matte_of = {path.stem: os.path.abspath(path) for path in find_photos(mattes)} if mattes is not None else {}
    if matte_of and not any(photo.stem in matte_of for photo in photos):
        raise PortraitError(f"no picture in {mattes} is called like a photo; name each matte like its photo")
    each = max(1, (threads or os.cpu_count() or 1) // workers) if ray is None else threads or 1
    model = load_model(model_path, device, each)
    settings = {"model": os.path.abspath(model.folder), "device": device, "threads": model.threads}
    settings |= {"accelerated": model.device != "cpu", "seconds": seconds}
    settings["memory"] = 0 if settings["accelerated"] else memory  # other devices map all they see
    wishes = {"model": model.sha256, "mesh": bool(mesh), "views": [float(yaw) for yaw in views]}
    if mesh == HEAD:
        wishes["mesh"] = HEAD
    items = list_photos(folder, out)[part]
    jobs = collections.deque()
    for photo, item in zip(photos[part], items, strict=True):
        if only is None or item.name in only:
            job = {"photo": os.path.abspath(photo), "matte": matte_of.get(photo.stem)}
            job |= {"folder": os.path.abspath(Path(out) / item.folder), "wishes": wishes, "threads": model.threads}
            jobs.append((item, job))
    out = make_folder(out)
    kind = Process
    with contextlib.ExitStack() as stack:
        if ray is not None:
            from .ray_actors import Actor, connected

            kind = Actor
            stack.enter_context(connected(ray))
        claims = stack.enter_context(contextlib.closing(Claims(out, wishes)))
        remove_abandoned(out)
        run = _Run(jobs, out, claims, resume, progress, changed)
        if jobs:
            run.work([kind(settings) for _ in range(min(workers, len(jobs)))])
            for item in items:  # a killed batch's worker may have been ending when its photo was looked at
                remove_abandoned(out / item.folder)
        listed = list_photos(folder, out)
        if all(item.status in ENDED for item in listed) or chunk[1] == 1 and not claims.shared():
            write_sheet(listed, out)
    return items


class _Run:
    """The photos of one batch, and how far they are. jobs: deque of (Item, what run_job takes)."""

    def __init__(self, jobs, out, claims, resume, progress, changed):
        self._jobs, self._out, self._claims, self._resume = jobs, out, claims, resume
        self._progress, self._changed = progress, changed
        self._items, self._done = [item for item, _ in jobs], 0
        self._lock, self._stop = threading.RLock(), threading.Event()
        self._lost = collections.Counter()  # how often a photo's machine was lost
        self._shares, self._errors = {}, []  # of the photos that are worked on: how much is done, 0..1
        self._journal, self._ended = Journal(out), {}  # by other batches since this one began: name: entry
        self._known = {entry["name"]: entry.get("status") for entry in self._journal.news()}
        for item in self._items:
            item.status, item.error, item.seconds, item.warnings = "waiting", "", 0.0, []
            changed(dataclasses.replace(item))

    def work(self, workers):
        """Have the workers do all jobs; return when they have ended."""
        threads = [threading.Thread(target=self._serve, args=(worker,), daemon=True) for worker in workers]
        try:
            self._tell()
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(TICK)
                    self._tell()
        finally:
            self._stop.set()
            for worker in workers:
                worker.close()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        if self._errors:
            raise self._errors[0]

    def _serve(self, worker):
        passed = 0  # photos in turn that other batches have
        try:
            while self._jobs and not self._stop.is_set():
                if not worker.is_ready():
                    continue
                try:
                    item, job = self._jobs.popleft()
                except IndexError:
                    break
                if not self._claims.claim(item.folder):
                    self._jobs.append((item, job))
                    passed += 1
                    if passed >= len(self._jobs):
                        passed = 0
                        self._stop.wait(TICK)
                    continue
                passed = 0
                try:
                    self._do(item, job, worker)
                finally:
                    self._claims.release(item.folder)
        except BaseException as error:
            self._errors.append(error)
            self._stop.set()
        finally:
            worker.close()  # so that its place is free for others

    def _do(self, item, job, worker):
        """Bring one photo to its end; it is claimed."""
        remove_abandoned(job["folder"], owned=True)  # of a batch that was killed, however complete the photo is
        if not self._is_ended(item, job):
            start = time.perf_counter()
            self._note(item, "working")
            try:
                self._tell()
                item.error = worker.run(job, lambda fraction, text: self._advance(item, fraction))
            except WorkerLost as error:
                self._lost[item.name] += 1
                if self._lost[item.name] < TRIES:
                    self._note(item, "waiting")
                    self._jobs.appendleft((item, job))
                    return
                item.error = str(error)
            except BaseException:
                self._stop.set()
                self._note(item, "waiting")
                raise
            item.seconds = round(time.perf_counter() - start, 3)
            self._finish(item, "failed" if item.error else "done", job["wishes"])
        self._tell()

    def _is_ended(self, item, job):
        """Whether the photo was complete before, or another batch has brought it to its end meanwhile."""
        with self._lock:
            self._ended |= {entry["name"]: entry for entry in self._journal.news()}
            other = self._ended.get(item.name)
        if other is not None and other.get("wishes") == job["wishes"] and (found := item_of(other)) is not None:
            if found.status == "failed" or is_complete(job):
                item.error, item.seconds, item.warnings = found.error, found.seconds, found.warnings
                self._note(item, found.status)
                return True
        if self._resume and is_complete(job):
            self._finish(item, "skipped", job["wishes"], self._known.get(item.name) not in ("done", "skipped"))
            return True
        return False

    def _finish(self, item, status, wishes, in_journal=True):
        item.warnings = [] if item.error else warnings_in(read_report(self._out / item.folder))
        if in_journal:
            entry = dataclasses.asdict(item) | {"status": status, "wishes": wishes, "time": time.time()}
            with self._lock, self._claims.alone():
                self._journal.append(entry)
        self._note(item, status)

    def _note(self, item, status):
        with self._lock:
            item.status = status
            self._done += status in ENDED
            self._shares.pop(item.name, None)
            if status == "working":
                self._shares[item.name] = 0.0
            self._changed(dataclasses.replace(item))

    def _advance(self, item, fraction):
        if self._stop.is_set():
            raise Cancelled
        with self._lock:
            self._shares[item.name] = 0.99 * fraction
        self._tell()

    def _tell(self):
        with self._lock:
            if self._stop.is_set():
                return
            name = next(iter(self._shares), "")
            text = f"{self._done} of {len(self._items)}" + (f": {name}" if name else "")
            self._progress((self._done + sum(self._shares.values())) / len(self._items), text)
