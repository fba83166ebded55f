"""How fast everything is, beside what bounds it and beside the plain way, in one run.

    python -m benchmarks [STAGE ...] [--photo PHOTO] [--portrait PORTRAIT.manifolds] [--threads 2] [--runs 7]
        [--json FILE] [--record] [--docs] [--tiny]
    python -m benchmarks sharpness PHOTOS ...     how sharp portraits are, see benchmarks/sharpness.py
    python -m benchmarks textures PHOTOS ...      how sharp the meshes' textures are, see benchmarks/textures.py

Prints a table and what changed since benchmarks/record.json, the last committed result; exits with 1 where something
got slower by more than the noise. --record writes that file, --docs docs/performance.md. Stages: inversion, views,
mesh, head (wrapped), start (cold start), memory, apart (a process with limits), batch, blender (register, orbit, F12,
interface).
"""

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

from . import heads, inversion, machine, meshes, processes, report, views

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "performance.md"
STAGES = "inversion", "views", "mesh", "head", "start", "memory", "apart", "batch", "blender"


def example_photo(folder):
    """NASA's portrait of Eileen Collins, which scikit-image carries, as a file."""
    from PIL import Image
    from skimage import data

    path = Path(folder) / "astronaut.png"
    Image.fromarray(data.astronaut()).save(path)
    return path


def portrait_of(photo, threads, folder):
    """Path of the portrait of a photo."""
    from inference.networks.model import load_model
    from inference.pipeline import invert_photo
    from inference.portrait import save_portrait

    path = Path(folder) / "portrait.manifolds"
    save_portrait(invert_photo(photo, load_model(device="cpu", threads=threads)).portrait, path)
    return path


def measured(options, folder):
    """Rows of all stages asked for."""
    import cv2

    from inference.portrait import load_portrait

    cv2.setNumThreads(options.threads)
    tiny, threads, runs = options.tiny, options.threads, options.runs
    photo = options.photo or example_photo(folder)
    path = options.portrait or portrait_of(photo, threads, folder)
    portrait = load_portrait(path)
    ways = {
        "inversion": lambda: inversion.rows(photo, threads, runs),
        "views": lambda: views.rows(portrait, threads, runs, (48,) if tiny else (256, 512, 1024)),
        "mesh": lambda: meshes.rows(portrait, runs, (48,) if tiny else (128, 192, 256)),
        "head": lambda: heads.rows(path, portrait, min(runs, 3), 512 if tiny else heads.TEXTURE),
        "start": lambda: processes.cold_rows(threads, min(runs, 3)),
        "memory": lambda: processes.memory_rows(photo, threads),
        "apart": lambda: processes.apart_rows(photo, threads, min(runs, 3)),
        "batch": lambda: processes.batch_rows(photo, 2 if tiny else 16),
        "blender": lambda: processes.blender_rows(path, photo, threads, *((0.5, 10) if tiny else (3, 100))),
    }
    for stage in options.stages or STAGES:
        print(f"{stage} ...", file=sys.stderr, flush=True)
        yield from ways[stage]()


def parser():
    how = argparse.RawDescriptionHelpFormatter
    found = argparse.ArgumentParser("python -m benchmarks", description=__doc__, formatter_class=how)
    found.add_argument("stages", nargs="*", metavar="STAGE", help=f"all, or some of {', '.join(STAGES)}")
    found.add_argument("--photo", type=Path, help="default: the portrait that scikit-image carries")
    found.add_argument("--portrait", type=Path, help="default: the photo's")
    found.add_argument("--threads", type=int, default=2)
    found.add_argument("--runs", type=int, default=7)
    found.add_argument("--json", type=Path, help="file to write what was measured to")
    found.add_argument("--record", action="store_true", help="keep it as the result that others are compared with")
    found.add_argument("--docs", action="store_true", help="write docs/performance.md")
    found.add_argument("--tiny", action="store_true", help="sizes that take seconds, to see that all of it runs")
    return found


def main(arguments=None):
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] in (["sharpness"], ["textures"]):
        importlib.import_module(f".{arguments[0]}", __package__).main(arguments[1:])  # they need what training needs
        return 0
    options = parser().parse_args(arguments)
    if unknown := set(options.stages) - set(STAGES):
        parser().error(f"there is no stage {', '.join(sorted(unknown))}; use some of {', '.join(STAGES)}")
    with tempfile.TemporaryDirectory() as folder:
        rows = list(measured(options, folder))
    where = machine.described(options.threads)
    print(report.table(rows), report.bars(rows), where, sep="\n\n")
    record, worse = HERE / report.RECORD, False
    if record.exists() and not options.tiny:
        for line, slower in report.changes(rows, report.rows_of(record.read_text(encoding="utf-8"))):
            print(("slower: " if slower else "faster: ") + line)
            worse = worse or slower
    for path in ([options.json] if options.json else []) + ([record] if options.record else []):
        path.write_text(report.as_json(rows, where), encoding="utf-8")
    if options.docs:
        PAGE.write_text(report.page(rows, where), encoding="utf-8")
    return int(worse and not options.record)


if __name__ == "__main__":
    sys.exit(main())
