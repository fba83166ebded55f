"""How near splats come to the engine's views.

    python -m benchmarks.splats PORTRAIT.manifolds ... [--count N] [--size 512]

Prints, for each portrait, how many splats it has, processor seconds, megabytes, and for views by the photo's camera and
from 20 degrees to either side the PSNR of the rasteriser of tests/splatting.py against the engine's view, before grey.
"""

import argparse
import tempfile
import time
from pathlib import Path

from inference.portrait import load_portrait
from inference.splats.files import save_splats
from inference.splats.make import COUNT, make_splats
from tests.splatting import psnr, seen, turned, wanted

YAWS = 0.0, 20.0, -20.0


def measured(path, count, size, folder):
    """A line about one portrait."""
    portrait, out = load_portrait(path), Path(folder) / "splats.ply"
    start = time.process_time()
    splats = make_splats(portrait, count)
    save_splats(splats, out)
    seconds = time.process_time() - start
    cameras = [turned(portrait.camera, yaw, size) for yaw in YAWS]
    reached = [psnr(seen(out, camera), wanted(portrait, camera)) for camera in cameras]
    cells = len(splats.positions), f"{seconds:.1f} s", f"{out.stat().st_size / 1e6:.1f} MB"
    return " | ".join([path.parent.name, *map(str, cells), *(f"{value:.1f}" for value in reached)])


def main(arguments=None):
    parser = argparse.ArgumentParser("python -m benchmarks.splats", description=__doc__.split("\n")[0])
    parser.add_argument("portraits", nargs="+", type=Path, metavar="PORTRAIT.manifolds")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--size", type=int, default=512, help="pixels of the views")
    options = parser.parse_args(arguments)
    print(" | ".join(["portrait", "splats", "made and written", "file", *(f"{yaw:g}°" for yaw in YAWS)]))
    with tempfile.TemporaryDirectory() as folder:
        for path in options.portraits:
            print(measured(path, options.count, options.size, folder), flush=True)


if __name__ == "__main__":
    main()
