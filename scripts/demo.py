"""The main job on a real portrait, in headless Blender: `python3.11 scripts/demo.py`; results in demo/.

Sets up `.venv` first (once). The portrait is NASA's photograph of astronaut Eileen Collins (public domain), which
scikit-image ships. Another photo: `python3.11 scripts/demo.py --photo me.jpg`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import time
from pathlib import Path

from build_extension import build
from environment import ROOT, VENV, SetupError, ensure, run

RESULTS = {
    "photo_camera.png": "the portrait through the camera that took the photo",
    "lens_85mm.png": "through an 85 mm Blender camera, 25 degrees to the side",
    "turntable.webp": "turntable, animated (its frames: turntable/)",
    "mesh.png": "the extracted mesh, lit and rendered by Cycles",
    "{name}.glb": "the textured mesh",
    "{name}.blend": "the scene: portrait, cameras, mesh",
}

CHATTER = ("Fra:", "Saved:", " Time:", "Time:", "STATUS", "Info: Saved", "EGL", "DRACO")  # Blender's own progress


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, help="default: the astronaut")
    parser.add_argument("--out", type=Path, default=ROOT / "demo", metavar="DIR", help="default: demo/")
    arguments = parser.parse_args()
    start = time.monotonic()
    python = ensure()
    photo = arguments.photo or next(VENV.glob("**/skimage/data/astronaut.png"))
    if not photo.is_file():
        raise SetupError(f"there is no photo {photo}")
    output = arguments.out.resolve()
    output.mkdir(parents=True, exist_ok=True)
    name = photo.stem
    if photo.resolve().parent != output:
        shutil.copyfile(photo, output / photo.name)

    # .venv has the libraries already, so the zip needs no wheels and is made in a second.
    work = ROOT / "build" / "demo"
    shutil.rmtree(work, ignore_errors=True)
    (archive,) = build(work, bundle=False)
    command = [str(python), str(ROOT / "scripts" / "demo_in_blender.py"), str(archive), str(output / photo.name)]
    # A user folder of its own: nobody's Blender preferences are read or changed.
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(work / "blender")}
    job = subprocess.Popen(
        [*command, "--out", str(output)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for line in job.stdout:
        if line.strip() and not line.startswith(CHATTER):
            print(line, end="", flush=True)
    if job.wait():
        return job.returncode
    print(f"\nDone in {time.monotonic() - start:.0f} s. Results in {output}:")
    for file, meaning in RESULTS.items():
        path = output / file.format(name=name)
        print(f"  {path.name:18} {path.stat().st_size / 1e3:8.0f} kB  {meaning}")
    return 0


if __name__ == "__main__":
    run(main)
