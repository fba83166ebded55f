"""One photo of a batch: from the file to its folder of results."""

from pathlib import Path

from ..errors import Cancelled, FolderFull, MachineExhausted, PortraitError
from ..files import sha256, staged
from ..limits import out_of_files, out_of_memory
from ..log import log
from ..mesh.textured import HEAD
from ..networks.model import Model
from ..pipeline import Inversion
from ..progress import Progress, silent
from ..report import REPORT, read_report

VIEW_SIZE = 512  # pixels, side of the views


def run_job(job: dict, model: Model, progress: Progress = silent) -> str:
    """Invert one photo and write its folder. Returns "" or one line saying why not; progress may raise Cancelled.

    job: photo, matte (a path or None), folder: paths; wishes: what is made; threads. The caller has claimed the photo.
    Raises FolderFull and MachineExhausted, which every other photo would meet as well.
    """
    from ..pipeline import invert_photo

    share = 1.0 / (1 + len(job["wishes"]["views"]) + bool(job["wishes"]["mesh"]))  # of the inversion
    try:
        made_from = _hashes(job)
        inversion = invert_photo(
            job["photo"], model, matte=job["matte"], progress=lambda done, text: progress(share * done, text)
        )
        write_results(inversion, job, made_from, lambda done, text: progress(share + (1.0 - share) * done, text))
        return ""
    except (Cancelled, FolderFull, MachineExhausted):
        raise
    except PortraitError as error:
        return " ".join(str(error).split())
    except Exception as error:
        if out_of_files(error):
            raise MachineExhausted("too many files are open; allow more (ulimit -n) and start again") from None
        if out_of_memory(error):
            return "there is not enough memory for this photo; use a smaller one, fewer processes or a higher limit"
        log.exception("%s failed", Path(job["photo"]).name)
        return f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:200]}; please report this photo"


def write_results(inversion: Inversion, job: dict, made_from: dict, progress: Progress) -> None:
    """Everything asked for, the report last. progress: called with (fraction, text); may raise Cancelled."""
    from ..geometry.viewpoints import orbit_like
    from ..head.extract import extract_head
    from ..mesh.extract import extract_mesh
    from ..mesh.files import save_mesh
    from ..photo.images import save_png
    from ..pipeline import save_inversion
    from ..view.render import render_view, view_pixels

    views, mesh = _view_files(job["wishes"]), job["wishes"]["mesh"]
    with staged(job["folder"], REPORT) as folder:
        for index, (name, yaw) in enumerate(views.items()):
            progress(index / (len(views) + bool(mesh)), name)
            camera = orbit_like(inversion.portrait.camera, yaw, size=(VIEW_SIZE, VIEW_SIZE))
            view = render_view(inversion.portrait, camera, threads=job["threads"])
            save_png(view_pixels(view), folder / name)
        if mesh:
            extract = extract_head if mesh == HEAD else extract_mesh
            found = extract(
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


def _view_files(wishes):
    return {f"view_{yaw:+g}.png": yaw for yaw in wishes["views"]}
