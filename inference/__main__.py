"""The command line: ``python -m inference invert | render | mesh | splats | batch | info``."""
# ruff: noqa: E402

from . import signals

if __name__ == "__main__":
    signals.end_at_once()  # before the imports, which take a while

import argparse
import contextlib
import json
import logging
import math
import os
import signal
import sys
import time
from pathlib import Path

from .errors import Cancelled, PortraitError
from .files import PathLike, one_line, open_regular
from .geometry.cameras import MAX_JSON_BYTES, Camera, camera_from_json
from .geometry.viewpoints import orbit_like
from .limits import MEMORY, SECONDS, out_of_files
from .log import log
from .mesh.textured import HEAD, TOPOLOGIES
from .progress import silent

BAD_INPUT = 2  # or nothing could be done
SOME_FAILED = 3  # of a batch: done, but not all
TOPOLOGY_HELP = "the surface itself, or a head of quads wrapped onto it, with eyes, teeth, hair and ARKit's shapes"
DEVICES = ("auto", "accelerated", "cpu", "cuda", "directml", "webgpu", "coreml", "openvino")


def main(arguments: list[str] | None = None) -> int:
    """Run one command. arguments: list of strings, default sys.argv. Returns the exit code."""
    options = _parser().parse_args(_joined(sys.argv[1:] if arguments is None else list(arguments)))
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a console may lack letters that names have
    if options.verbose:
        logging.basicConfig(format="%(levelname)s: %(message)s", stream=sys.stderr)
        log.setLevel(logging.INFO)
    try:
        with signals.interrupting():
            return options.run(options) or 0
    except PortraitError as error:
        return _refused(" ".join(str(error).split()))
    except MemoryError:
        return _refused("not enough memory; use a smaller size or resolution")
    except (KeyboardInterrupt, Cancelled):
        return _cancelled()
    except BrokenPipeError:  # nobody reads any more; nor what Python would flush at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BAD_INPUT
    except Exception as error:
        if signals.received():  # a library took the interruption for an error of its own
            return _cancelled()
        if out_of_files(error):
            return _refused("too many files are open; allow more (ulimit -n) and start again")
        raise


def _refused(reason):
    print(f"error: {reason}", file=sys.stderr)
    return BAD_INPUT


def _cancelled():
    print("cancelled", file=sys.stderr)
    return 128 + (signals.received() or signal.SIGINT)


def invert(options: argparse.Namespace) -> None:
    """DIR/portrait.manifolds, DIR/report.json, DIR/crop.png."""
    from .networks.model import load_model
    from .pipeline import invert_photo, save_inversion
    from .portrait import load_portrait

    check_writable(options.out)
    by_hand = {"face": options.face, "crop": options.crop, "yaw": options.yaw, "pitch": options.pitch}
    if options.like and any(value is not None for value in by_hand.values()):
        raise PortraitError("give either --like or --face, --crop, --yaw and --pitch, not both")
    like = load_portrait(options.like) if options.like else None
    with _progress(options.quiet) as progress:
        start = time.perf_counter()
        model = load_model(options.model, options.device, options.threads)
        loaded = 1000.0 * (time.perf_counter() - start)
        inversion = invert_photo(options.photo, model, progress=progress, matte=options.matte, like=like, **by_hand)
    inversion.report["timings_ms"]["load_model"] = round(loaded, 3)
    save_inversion(inversion, options.out)
    for warning in inversion.report["warnings"]:
        print(f"warning: {warning['text']}", file=sys.stderr)


def render(options: argparse.Namespace) -> None:
    """One view as PNG, and its depth."""
    from .photo.images import save_depth, save_png
    from .portrait import load_portrait
    from .view.render import render_view, view_pixels

    if options.out.suffix.lower() != ".png":
        raise PortraitError(f"cannot write a view as {options.out.name}; name it .png")
    if options.depth and options.depth.suffix.lower() not in (".npy", ".exr"):
        raise PortraitError(f"cannot write depth as {options.depth.name}; name it .exr or .npy")
    background = parse_background(options.background)
    portrait = load_portrait(options.portrait)
    view = render_view(portrait, view_camera(portrait.camera, options), background, options.threads)
    if options.depth:
        save_depth(view.depth, options.depth)
    save_png(view_pixels(view, with_alpha=background in ("none", "source")), options.out)


def view_camera(photo_camera: Camera, options: argparse.Namespace) -> Camera:
    """The camera the flags of ``render`` ask for; the photo's own where they say nothing."""
    orbit = (options.yaw, options.pitch, options.fov, options.distance)
    camera = photo_camera
    if options.camera:
        if any(value is not None for value in orbit):
            raise PortraitError("give either --camera or --yaw, --pitch, --fov and --distance, not both")
        try:
            with open_regular(options.camera) as stream:
                camera = camera_from_json(stream.read(MAX_JSON_BYTES + 1))
        except OSError as error:
            raise PortraitError(f"cannot read the camera {options.camera} ({error.strerror}); check the path") from None
        except ValueError as error:
            raise PortraitError(f"{options.camera.name}: {error}; see the README for the camera file") from None
    elif any(value is not None for value in orbit):
        yaw, pitch, fov, distance = orbit
        if not (fov is None or 0.0 < fov < 175.0) or not (distance is None or 0.01 < distance < 1000.0):
            raise PortraitError("--fov must lie between 0 and 175 degrees and --distance between 0.01 and 1000 metres")
        return orbit_like(photo_camera, yaw or 0.0, pitch or 0.0, fov, distance, options.size)
    return camera.resized(*options.size) if options.size else camera


def parse_background(text: str) -> str | tuple[float, float, float]:
    """ "none", "source", or a colour name or #rrggbb as (r, g, b) in [0, 1]. Raises PortraitError."""
    from PIL import ImageColor

    if text in ("none", "source"):
        return text
    try:
        return tuple(value / 255.0 for value in ImageColor.getrgb(text)[:3])
    except ValueError:
        raise PortraitError(f"{text!r} is no background; use none, source, a colour name or #rrggbb") from None


def mesh(options: argparse.Namespace) -> None:
    """One textured mesh, or the pieces of a head."""
    from .head.extract import extract_head
    from .mesh.extract import extract_mesh
    from .mesh.files import check_mesh_path, save_mesh
    from .portrait import load_portrait

    check_mesh_path(options.out)
    portrait = load_portrait(options.portrait)
    with _progress(options.quiet) as progress:
        if options.topology == HEAD:
            pieces = extract_head(
                portrait, options.texture, closed=options.closed, delit=options.delit, progress=progress
            )
            save_mesh(pieces, options.out)
            return
        found = extract_mesh(
            portrait,
            options.resolution,
            options.faces or None,
            options.smoothing,
            options.closed,
            options.texture,
            options.delit,
            progress,
        )
    save_mesh(found, options.out, options.unlit)


def splats(options: argparse.Namespace) -> None:
    """One cloud of 3-D Gaussian splats."""
    from .portrait import load_portrait
    from .splats.files import check_splats_path, save_splats
    from .splats.make import make_splats

    check_splats_path(options.out)
    portrait = load_portrait(options.portrait)
    with _progress(options.quiet) as progress:
        found = make_splats(portrait, options.count, options.threads, progress)
    save_splats(found, options.out, options.frame)


def batch(options: argparse.Namespace) -> int:
    """A folder of photos. Returns 0 when all are done, 3 when some failed."""
    import dataclasses

    from .batch.items import ENDED
    from .batch.run import run_batch

    def tell(item):
        if item.status in ENDED:
            print(json.dumps(dataclasses.asdict(item)), flush=True)

    with _progress(options.quiet) as progress:
        items = run_batch(
            options.folder,
            options.out,
            mattes=options.mattes,
            model_path=options.model,
            workers=options.workers,
            mesh=options.topology if options.mesh else False,
            views=options.views,
            resume=options.resume,
            device=options.device,
            threads=options.threads,
            progress=progress,
            chunk=options.chunk,
            memory=options.memory,
            seconds=options.seconds,
            ray=options.ray,
            **({"changed": tell} if options.json else {}),
        )
    failed = [item for item in items if item.error]
    for item in items:
        for text in [item.error] if item.error else [warning["text"] for warning in item.warnings]:
            print(f"warning: {readable(item.name)}: {text}", file=sys.stderr)
    if not options.quiet and not options.json:
        print(f"{len(items) - len(failed)} of {len(items)} photos done, see {readable(options.out / 'index.html')}")
    if items and len(failed) == len(items):
        raise PortraitError("no photo could be inverted; the reasons stand above and in batch.jsonl")
    return SOME_FAILED if failed else 0


def readable(name: PathLike) -> str:
    """A name as any console can show it; file systems allow more than text does."""
    return str(name).encode("utf-8", "replace").decode()


def info(options: argparse.Namespace) -> None:
    """JSON on standard output: versions, hashes, providers, timings; of a photo its faces."""
    import onnxruntime

    from .networks.model import load_model
    from .photo.open import SUFFIXES
    from .pipeline import versions

    found = {"versions": versions(), "providers": onnxruntime.get_available_providers()}
    if options.file and options.file.suffix.lower() in SUFFIXES:
        found |= _info_photo(options)
    elif options.file:
        from .files import sha256
        from .portrait import load_portrait

        start = time.perf_counter()
        portrait = load_portrait(options.file)
        found["portrait"] = {
            "file": one_line(options.file.name),
            "sha256": sha256(options.file),
            "photo": {"name": portrait.photo_name, "size": list(portrait.photo_size)},
            "textures": list(portrait.textures.shape),
            "radii": list(portrait.radii.shape),
            "detail": None if portrait.detail is None else list(portrait.detail.shape),
            "rim": None if portrait.rim is None else list(portrait.rim.picture.shape),
            "parts": None if portrait.parts is None else list(portrait.parts.shape),
            "model": {"id": portrait.model_id, "sha256": portrait.model_sha256},
            "pose": portrait.pose,
            "settings": portrait.settings,
            "camera": portrait.camera.to_json(),
        }
        found["timings_ms"] = {"load_portrait": _milliseconds(start)}
    elif options.model is not False:
        start = time.perf_counter()
        model = load_model(options.model, options.device, options.threads)
        timings = {"load_model": _milliseconds(start)}
        for file in sorted(model.card["files"]):
            if file.endswith(".onnx"):
                start = time.perf_counter()
                model.session(file.removesuffix(".onnx"))
                timings[f"load_{file}"] = _milliseconds(start)
        found["model"] = {"folder": model.folder.name, "sha256": model.sha256, "device": model.device} | model.card
        found["timings_ms"] = timings
    _print_json(found)


def _print_json(found):
    """Print it with letters as they are where the console has them all, as old ones of Windows do not."""
    text = json.dumps(found, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = json.dumps(found, indent=2)
    print(text)


def _info_photo(options):
    """What a photo is and which faces it shows."""
    import dataclasses

    from .alignment.align import find_faces
    from .alignment.listing import list_faces
    from .networks.model import load_model
    from .photo.open import open_photo

    start = time.perf_counter()
    photo, model = open_photo(options.file), load_model(options.model or None, options.device, options.threads)
    timings, start = {"load": _milliseconds(start)}, time.perf_counter()
    faces = find_faces(photo, model)
    timings["find_faces"] = _milliseconds(start)
    listed = list_faces(photo, faces, model.geometry["mean_landmarks"])
    return {
        "photo": {"name": one_line(options.file.name), "width": photo.shape[1], "height": photo.shape[0]},
        "faces": [dataclasses.asdict(face) for face in listed],
        "timings_ms": timings,
    }


def check_writable(folder: PathLike) -> None:
    """Raise PortraitError now if a folder could not be written later; creates nothing."""
    place = Path(folder).absolute()
    if place.exists() and not place.is_dir():
        raise PortraitError(f"{folder} is a file; give a folder for the results")
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise PortraitError(f"cannot write into {folder}; choose a folder that is writable")


def _milliseconds(start):
    return round(1000.0 * (time.perf_counter() - start), 3)


@contextlib.contextmanager
def _progress(quiet):
    """Yield a progress function (fraction, text) that draws a bar on standard error."""
    try:
        from tqdm import tqdm
    except ImportError:  # inside Blender
        quiet = True
    if quiet:
        yield silent
        return
    layout = "{desc:32.32} {percentage:3.0f}%|{bar}| {elapsed}"
    with tqdm(total=1.0, bar_format=layout, file=sys.stderr, leave=False) as bar:

        def progress(fraction, text):
            bar.set_description_str(readable(text), refresh=False)
            bar.n = min(max(float(fraction), 0.0), 1.0)
            bar.refresh()

        yield progress


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message):
        self.exit(BAD_INPUT, f"error: {' '.join(message.split())}; see {self.prog} --help\n")


def _parser():
    parser = _Parser(prog="python -m inference", description="One portrait photo to views and a textured mesh.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(run, text):
        sub = commands.add_parser(run.__name__, help=text, description=text)
        sub.set_defaults(run=run)
        sub.add_argument("--device", choices=DEVICES, default="auto", help="where the networks run")
        sub.add_argument("--threads", type=_whole(0, 1024), default=0, metavar="N", help="0 takes all cores")
        sub.add_argument("--quiet", action="store_true", help="no progress on standard error")
        sub.add_argument("--verbose", action="store_true", help="the engine's log on standard error")
        return sub

    def model_flag(sub):
        sub.add_argument("--model", type=Path, metavar="DIR", help="another model folder")

    sub = command(invert, "photo to DIR/portrait.manifolds, DIR/report.json and DIR/crop.png")
    sub.add_argument("photo", type=Path, metavar="PHOTO")
    sub.add_argument("--out", type=Path, required=True, metavar="DIR")
    sub.add_argument("--face", type=_whole(0, 999), metavar="N", help="which face, 0 is the likeliest; info lists them")
    sub.add_argument(
        "--crop", type=float, nargs="+", metavar="X Y SIZE [ROLL]", help="centre, side and roll of the crop by hand"
    )
    sub.add_argument("--yaw", type=_number, metavar="DEG", help="how far the camera stands to the right, by hand")
    sub.add_argument("--pitch", type=_number, metavar="DEG", help="how far the camera stands above, by hand")
    sub.add_argument(
        "--matte", type=Path, metavar="MATTE", help="grey picture of the photo's size, white where the subject is"
    )
    sub.add_argument(
        "--like",
        type=Path,
        metavar="PORTRAIT.manifolds",
        help="PHOTO is an edit of this portrait's photo or square crop: take over camera, pose and crop",
    )
    model_flag(sub)

    sub = command(render, "a view of a portrait as PNG; without camera flags the photo's own view")
    sub.add_argument("portrait", type=Path, metavar="PORTRAIT.manifolds")
    sub.add_argument("--out", type=Path, required=True, metavar="VIEW.png")
    sub.add_argument("--yaw", type=_number, metavar="DEG", help="positive: camera to the image's right")
    sub.add_argument("--pitch", type=_number, metavar="DEG", help="positive: camera upwards")
    sub.add_argument("--fov", type=_number, metavar="DEG", help="over the smaller image side")
    sub.add_argument("--distance", type=_number, metavar="M", help="metres to the head centre")
    sub.add_argument("--camera", type=Path, metavar="CAMERA.json")
    sub.add_argument("--size", type=_whole(1, 16384), nargs=2, metavar=("W", "H"))
    sub.add_argument("--background", default="none", metavar="none|source|COLOR")
    sub.add_argument("--depth", type=Path, metavar="DEPTH.exr|.npy", help="metres along the view axis")

    sub = command(mesh, "the surface of a portrait as a textured mesh")
    sub.add_argument("portrait", type=Path, metavar="PORTRAIT.manifolds")
    sub.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="HEAD.glb|.obj|.ply",
        help="an .obj has HEAD.mtl and HEAD_texture.png beside it; other files of these names are kept",
    )
    sub.add_argument("--resolution", type=_whole(16, 768), default=192, metavar="N", help="voxels along the head")
    sub.add_argument("--faces", type=_faces, default=20_000, metavar="N", help="triangles at most; 0 keeps all")
    sub.add_argument("--smoothing", type=_number, default=1.0, metavar="TEXELS")
    sub.add_argument("--closed", action="store_true", help="close the back and the bottom")
    sub.add_argument("--topology", choices=TOPOLOGIES, default=TOPOLOGIES[0], help=TOPOLOGY_HELP)
    sub.add_argument(
        "--texture", type=_whole(64, 4096), metavar="N", help="texels per side; by default what the photo shows"
    )
    sub.add_argument("--delit", action="store_true", help="take the photo's light and shadows off the texture")
    sub.add_argument("--unlit", action="store_true", help="a .glb that viewers show as it is, without light")

    sub = command(splats, "a portrait as 3-D Gaussian splats")
    sub.add_argument("portrait", type=Path, metavar="PORTRAIT.manifolds")
    sub.add_argument("--out", type=Path, required=True, metavar="HEAD.ply")
    sub.add_argument(
        "--count", type=_whole(20_000, 4_000_000), default=400_000, metavar="N", help="splats at most; 68 bytes each"
    )
    sub.add_argument(
        "--frame", choices=("y-down", "z-up"), default="y-down", help="y-down: as viewers expect; z-up: Blender's axes"
    )

    sub = command(batch, "a folder of photos to DIR/<photo>/...")
    sub.add_argument("folder", type=Path, metavar="FOLDER")
    sub.add_argument("--out", type=Path, required=True, metavar="DIR")
    sub.add_argument(
        "--mattes", type=Path, metavar="FOLDER", help="mattes as of invert, each called like its photo; some may lack"
    )
    sub.add_argument("--workers", type=_whole(1, 4096), default=1, metavar="N", help="processes; threads are divided")
    sub.add_argument("--mesh", action=argparse.BooleanOptionalAction, default=False, help="also write mesh.glb")
    sub.add_argument("--topology", choices=TOPOLOGIES, default=TOPOLOGIES[0], help="of mesh.glb, as of mesh")
    sub.add_argument("--views", type=_angles, default=(), metavar="YAW,YAW,...", help="also write view_YAW.png")
    sub.add_argument("--resume", action="store_true", help="skip photos that are complete")
    sub.add_argument("--chunk", type=_chunk, default=(1, 1), metavar="I/N", help="the I-th of N parts of the folder")
    sub.add_argument("--json", action="store_true", help="a line of JSON for each photo on standard output")
    sub.add_argument(
        "--memory", type=_whole(0, 1 << 20), default=MEMORY, metavar="MB", help="of a process, on Linux; 0: no limit"
    )
    sub.add_argument(
        "--seconds", type=_whole(0, 1 << 20), default=SECONDS, metavar="S", help="for one photo; 0: no limit"
    )
    sub.add_argument("--ray", metavar="ADDRESS", help="processes on the machines of a Ray cluster, or auto")
    model_flag(sub)

    sub = command(info, "versions, hashes, providers and timings as JSON; of a photo the faces to choose from")
    sub.add_argument("file", type=Path, nargs="?", metavar="PORTRAIT.manifolds|PHOTO")
    sub.add_argument("--model", type=Path, nargs="?", const=None, default=False, metavar="DIR")
    return parser


def _number(text):
    value = float(text)
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError("a finite number is needed")
    return value


def _faces(text):
    return int(text) and _whole(100, 100_000_000)(text)


_faces.__name__ = "whole number"  # what argparse calls it


def _whole(low, high):
    def parse(text):
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must lie between {low} and {high}")
        return value

    parse.__name__ = "whole number"
    return parse


def _chunk(text):
    index, count = (int(part) for part in text.split("/"))
    if not 1 <= index <= count:
        raise argparse.ArgumentTypeError("must be I/N with I from 1 to N")
    return index, count


_chunk.__name__ = "I/N"


def _joined(arguments):
    """Write `--views -30,30` as `--views=-30,30`, because argparse takes a leading minus for a flag."""
    if "--views" in arguments[:-1]:
        at = arguments.index("--views")
        arguments[at : at + 2] = [f"--views={arguments[at + 1]}"]
    return arguments


def _angles(text):
    return tuple(_number(part) for part in text.split(",") if part.strip())


if __name__ == "__main__":
    sys.exit(main())
