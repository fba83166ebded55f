"""A folder of photos to a folder of portraits: resumable, and one bad photo never stops it.

out/batch.json lists every photo; out/<photo>/ holds what ``invert`` writes, mesh.glb and view_+15.png. The report is
written last and names what the folder was made from, so a folder with a matching report is complete. With several
workers each photo is handed to one of several processes (inference.batch.worker) that are restarted when they die.
"""

import contextlib
import dataclasses
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from ..errors import Cancelled, PortraitError
from ..files import TEMPORARY_PREFIX, PathLike, make_folder, sha256, write_atomically
from ..log import log
from ..networks.model import Model
from ..photo.open import SUFFIXES
from ..pipeline import Inversion
from ..progress import Progress, silent
from ..report import read_report, warnings_in

VIEW_SIZE = 512  # pixels, side of the views
STATES = ("waiting", "working", "done", "skipped", "failed")
TICK = 0.1  # seconds between looks at whether the batch was cancelled
STALE_SECONDS = 60  # no write takes so long; older temporary files belong to killed processes


@dataclasses.dataclass
class Item:
    """One photo of a batch.

    status: one of STATES, "skipped" if it was complete; error: one line or ""; warnings: [{"code", "text"}] of its
    report.
    """

    name: str
    folder: str
    status: str = "waiting"
    error: str = ""
    seconds: float = 0.0
    warnings: list = dataclasses.field(default_factory=list)


def run_batch(
    folder: PathLike,
    out: PathLike,
    model_path: PathLike | None = None,
    workers: int = 1,
    mesh: bool = False,
    views: Sequence[float] = (),
    resume: bool = False,
    device: str = "auto",
    threads: int = 0,
    progress: Progress = silent,
    only: Collection[str] | None = None,
    mattes: PathLike | None = None,
    changed: Callable[[Item], None] = lambda item: None,
) -> list[Item]:
    """Invert every photo of a folder.

    folder: with photos, not searched deeper. out: folder for the results. model_path: None for the built-in model.
    workers: processes; threads (0: all cores) are divided among them. mesh: also write mesh.glb. views: yaws in
    degrees of additional views. resume: skip what is complete. progress: called with (fraction, text); may raise
    Cancelled, which ends the workers at once. only: names of the photos to work on; None for all. mattes: folder
    with mattes of photos, as of :func:`inference.pipeline.invert_photo`, under the photos' names but for the suffix.
    changed: called with a copy of an Item whenever its status changes, perhaps in another thread.
    Returns a list of :class:`Item`. Raises PortraitError when the folders or the model are unusable.
    """
    from ..networks.model import load_model

    items, photos = list_photos(folder, out), find_photos(folder)
    matte_of = {path.stem: str(path) for path in find_photos(mattes)} if mattes is not None else {}
    if matte_of and not any(photo.stem in matte_of for photo in photos):
        raise PortraitError(f"no picture in {mattes} is called like a photo; name each matte like its photo")
    model = load_model(model_path, device, max(1, (threads or os.cpu_count() or 1) // workers))
    out = make_folder(out)
    remove_stale(out)
    wishes = {"model": model.sha256, "mesh": bool(mesh), "views": [float(yaw) for yaw in views]}
    jobs, chosen = queue.Queue(), []
    for photo, item in zip(photos, items, strict=True):
        if only is not None and item.name not in only:
            continue
        progress(0.0, f"looking at {item.name}")
        chosen.append(item)
        item.status, item.error, item.seconds, item.warnings = "waiting", "", 0.0, []
        job = {"photo": str(photo), "matte": matte_of.get(photo.stem), "folder": str(out / item.folder)}
        job |= {"wishes": wishes, "threads": model.threads}
        if resume and is_complete(job):
            item.status, item.warnings = "skipped", warnings_in(read_report(out / item.folder))
        else:
            jobs.put((item, job))
        changed(dataclasses.replace(item))
    _save_list(items, out, wishes)
    waiting = jobs.qsize()
    lock, stop = threading.RLock(), threading.Event()
    errors = []

    def tell(share=0.0):
        """share: how much of the photo is done that this process works on, 0..1."""
        with lock:
            done = sum(item.status not in ("waiting", "working") for item in chosen)
            name = next((item.name for item in chosen if item.status == "working"), "")
            progress((done + share) / len(chosen), f"{done} of {len(chosen)}" + (f": {name}" if name else ""))

    def note(item, status):
        with lock:
            item.status = status
            changed(dataclasses.replace(item))

    def finished(item):
        with lock:
            _save_list(items, out, wishes)
            tell()

    def serve(runner):
        try:
            while not stop.is_set():
                try:
                    item, job = jobs.get_nowait()
                except queue.Empty:
                    break
                start = time.perf_counter()
                note(item, "working")
                try:
                    tell()
                    item.error = runner(job)
                except BaseException:
                    note(item, "waiting")
                    raise
                item.seconds = round(time.perf_counter() - start, 3)
                item.warnings = [] if item.error else warnings_in(read_report(out / item.folder))
                note(item, "failed" if item.error else "done")
                finished(item)
        except BaseException as error:
            errors.append(error)
            stop.set()

    if waiting:
        tell()
    if workers == 1 or waiting < 2:
        serve(lambda job: run_job(job, model, lambda fraction, text: tell(0.99 * fraction)))
    else:
        settings = {"model": str(model.folder), "device": model.device, "threads": model.threads}
        pool = [_Worker(settings, stop) for _ in range(min(workers, waiting))]
        served = [threading.Thread(target=serve, args=(worker.run,), daemon=True) for worker in pool]
        try:
            for thread in served:
                thread.start()
            for thread in served:
                while thread.is_alive():
                    thread.join(TICK)
                    tell()
        finally:
            stop.set()
            for worker in pool:
                worker.close()
            for thread in served:
                thread.join()
    if errors:
        raise errors[0]
    return items


def run_job(job: dict, model: Model, progress: Progress = silent) -> str:
    """Invert one photo and write its folder. Returns "" or one line saying why not; progress may raise Cancelled."""
    from ..pipeline import invert_photo

    share = 1.0 / (1 + len(job["wishes"]["views"]) + bool(job["wishes"]["mesh"]))  # of the inversion
    try:
        made_from = _hashes(job)
        inversion = invert_photo(
            job["photo"], model, matte=job["matte"], progress=lambda done, text: progress(share * done, text)
        )
        write_results(inversion, job, made_from, lambda done, text: progress(share + (1.0 - share) * done, text))
        return ""
    except Cancelled:
        raise
    except PortraitError as error:
        return " ".join(str(error).split())
    except Exception as error:
        log.exception("%s failed", Path(job["photo"]).name)
        return f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:200]}; please report this photo"


def write_results(inversion: Inversion, job: dict, made_from: dict, progress: Progress) -> None:
    """Everything asked for, the report last. progress: called with (fraction, text); may raise Cancelled."""
    from ..geometry.viewpoints import orbit_like
    from ..mesh.extract import extract_mesh
    from ..mesh.files import save_mesh
    from ..photo.images import save_png
    from ..pipeline import save_inversion
    from ..view.render import render_view, view_pixels

    folder = make_folder(job["folder"])
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    views, mesh = _view_files(job["wishes"]), job["wishes"]["mesh"]
    for index, (name, yaw) in enumerate(views.items()):
        progress(index / (len(views) + mesh), name)
        camera = orbit_like(inversion.portrait.camera, yaw, size=(VIEW_SIZE, VIEW_SIZE))
        view = render_view(inversion.portrait, camera, threads=job["threads"])
        save_png(view_pixels(view), folder / name)
    if mesh:
        found = extract_mesh(
            inversion.portrait, progress=lambda done, text: progress((len(views) + done) / (len(views) + 1), text)
        )
        save_mesh(found, folder / "mesh.glb")
    inversion.report["batch"] = job["wishes"] | made_from
    save_inversion(inversion, folder)


def is_complete(job: dict) -> bool:
    """Whether a folder already holds all results of this photo, this model and these wishes."""
    folder = Path(job["folder"])
    try:
        made_from = read_report(folder)["batch"]
        files = ["portrait.manifolds", "crop.png", *_view_files(job["wishes"])]
        files += ["mesh.glb"] if job["wishes"]["mesh"] else []
        return (
            all((folder / file).is_file() for file in files)
            and {key: made_from[key] for key in job["wishes"]} == job["wishes"]
            and all(made_from.get(name) == value for name, value in _hashes(job).items())
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _hashes(job):
    """What a job's results are made from; a matte that is not there has no hash."""
    return {f"{kind}_sha256": job[kind] and sha256(job[kind]) for kind in ("photo", "matte")}


def find_photos(folder: PathLike) -> list[Path]:
    """Photos of a folder, sorted by name. Raises PortraitError when there are none."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise PortraitError(f"cannot read the folder {folder} ({error.strerror}); check the path") from None
    photos = [Path(folder) / name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
    photos = [photo for photo in photos if photo.is_file()]
    if not photos:
        raise PortraitError(f"there are no photos in {folder}; it needs {', '.join(SUFFIXES)} files")
    return photos


def list_photos(folder: PathLike, out: PathLike) -> list[Item]:
    """The photos of a folder as :class:`Item`, with what batch.json in `out` says of them. Raises PortraitError."""
    known = {}
    try:
        for entry in json.loads((Path(out) / "batch.json").read_bytes())["photos"]:
            item = Item(**entry)
            item.warnings = warnings_in({"warnings": item.warnings})
            if item.status in STATES and isinstance(item.error, str) and isinstance(item.seconds, (int, float)):
                known[item.name] = item
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no batch wrote there yet
    items = []
    for photo, name in zip(photos := find_photos(folder), folder_names(photos), strict=True):
        item = known.get(photo.name)
        items.append(item if item is not None and item.folder == name else Item(photo.name, name))
    return items


def folder_names(photos: Sequence[Path]) -> list[str]:
    """One folder name per photo: its stem, or stem and suffix where several photos share the stem."""
    stems = [photo.stem.casefold() for photo in photos]
    return [
        photo.stem if stems.count(stem) == 1 else photo.name.replace(".", "_")
        for photo, stem in zip(photos, stems, strict=True)
    ]


def remove_stale(out: Path) -> None:
    """Delete temporary files that killed processes left behind."""
    now = time.time()
    for path in (*out.glob(f"{TEMPORARY_PREFIX}*"), *out.glob(f"*/{TEMPORARY_PREFIX}*")):
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()


def _view_files(wishes):
    return {f"view_{yaw:+g}.png": yaw for yaw in wishes["views"]}


def _save_list(items, out, wishes):
    photos = [dataclasses.asdict(item) for item in items]
    for photo in photos:
        if photo["status"] == "working":  # what is written down must hold if this process is killed
            photo["status"] = "waiting"
    listed = {"photos": photos} | wishes
    text = json.dumps(listed, indent=2, ensure_ascii=False) + "\n"
    write_atomically(out / "batch.json", lambda stream: stream.write(text.encode("utf-8", "surrogateescape")))


class _Worker:
    """One process of inference.batch.worker, started when needed."""

    def __init__(self, settings, stop):
        self._settings, self._stop, self._process = settings, stop, None
        self._folder = None  # what the process writes to
        self._lock = threading.Lock()  # none is started once all are being closed

    def run(self, job):
        """Hand over one job and wait. Returns "" or one line saying why it failed."""
        process, self._folder = self._started(), Path(job["folder"])
        try:
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            return json.loads(answer)["error"]
        except (OSError, ValueError):
            if self._stop.is_set():
                raise Cancelled from None
            log.warning("the worker process died over %s", Path(job["photo"]).name)
            self.close()
            return "the worker process died, perhaps for lack of memory; use fewer workers or a smaller photo"

    def _started(self):
        with self._lock:
            return self._start()

    def _start(self):
        if self._stop.is_set():
            raise Cancelled
        if self._process is None or self._process.poll() is not None:
            package = Path(__file__).resolve().parents[1]
            # Blender's modules come from folders that only this process knows
            paths = [str(package.parent), *(path for path in sys.path if path)]
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"{package.name}.batch.worker", json.dumps(self._settings)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="surrogateescape",
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8:surrogateescape"},
            )
        return self._process

    def close(self):
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for path in self._folder.glob(f"{TEMPORARY_PREFIX}*") if self._folder else ():
                with contextlib.suppress(OSError):
                    path.unlink()
            process.stdout.close()
            with contextlib.suppress(OSError):  # what was not handed over yet
                process.stdin.close()
