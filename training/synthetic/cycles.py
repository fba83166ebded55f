"""A hard validation set: the same synthetic heads as path-traced photos, by Blender's Cycles.

    python -m training.synthetic.cycles --out hard --heads 32 --seed 77 --blender-python .venv/bin/python

Heads, cameras, landmarks, depth and domes are those of :mod:`training.synthetic.generate` with the same seed; photo and
views come from Cycles: an environment map and lamps with true shadows, light that goes below the skin, wet eyes, hair of
transparent layers. No network has seen such light. The folder is one shard, read by ``training.evaluate --heads``. A head
takes tens of seconds; an interrupted run goes on with the heads that are missing.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import cv2
import numpy as np
from tqdm import tqdm

from inference.geometry.reach import REACH
from training.errors import TrainingError, command
from training.pack.folder import HELP

from .beside import DOMES_FILE, PARAMETERS_FILE
from .cycles_textures import srgb

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLENDER_PYTHON = str(ROOT / ".venv" / "bin" / "python")
BLENDER_HINT = "run python3.11 scripts/environment.py, which makes .venv, and give --blender-python .venv/bin/python"
SHARD = "shard_0000"  # the set's only one
GAIN_RANGE = (0.3, 3.0)  # how far the exposure may be moved to the OpenGL photo's
HIGHLIGHTS, DARKER = 97, 0.7  # per cent of the subject that stay below white; the least share of the face's exposure
ALPHA_FLOOR = 0.02  # pixels with less of the subject hold no colour worth keeping


def check_blender(python):
    """Raise TrainingError unless an interpreter can import bpy."""
    try:
        done = subprocess.run([python, "-c", "import bpy"], capture_output=True, text=True)
    except OSError as error:
        raise TrainingError(f"cannot start {python} ({error.strerror}): {BLENDER_HINT}") from None
    if done.returncode:
        raise TrainingError(f"{python} has no bpy: {BLENDER_HINT}")


def render_scene(python, arrays, samples, threads):
    """Pictures (cameras, h, w, 4) float32, linear and premultiplied, of a scene by Cycles in a process of its own.

    arrays: of :func:`training.synthetic.cycles_scene.record`. Raises TrainingError with Blender's last words.
    """
    with tempfile.TemporaryDirectory() as folder:
        scene, out = pathlib.Path(folder) / "scene.npz", pathlib.Path(folder) / "pictures.npy"
        np.savez(scene, **arrays)
        line = [python, "-m", "training.synthetic.cycles_render", str(scene), str(out),
                "--samples", str(samples), "--threads", str(threads)]  # fmt: skip
        done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
        if not out.exists():
            words = (done.stderr or done.stdout).strip().splitlines()
            raise TrainingError(f"Cycles did not render ({words[-1] if words else f'exit code {done.returncode}'})")
        return np.load(out, allow_pickle=False)


def straight(picture):
    """Premultiplied (h, w, 4) float32 as colours (h, w, 3) and alpha (h, w).

    Cycles denoises colours but not alpha, so at loose hair their quotient is noisy: there the colours come from around.
    """
    rgb, alpha = np.maximum(picture[..., :3], 0.0), picture[..., 3].clip(0.0, 1.0)
    weight = alpha**2
    own = rgb / np.maximum(alpha, ALPHA_FLOOR)[..., None]
    summed = cv2.GaussianBlur(own * weight[..., None], (0, 0), 1.5)
    around = summed / np.maximum(cv2.GaussianBlur(weight, (0, 0), 1.5), 1e-4)[..., None]
    share = np.clip(alpha / 0.5, 0.0, 1.0)[..., None]
    return around + share * (own - around), alpha


def luminance(linear):
    return linear @ np.float32([0.2126, 0.7152, 0.0722])


def exposure(photo, row):
    """One factor for all pictures of a head that makes the face as bright as the OpenGL photo's, as a photographer would:
    somewhat darker where fair hair or a shirt would burn out.

    photo: (h, w, 4) float32, linear, premultiplied. row: of ``Studio.make``.
    """
    face = np.zeros(photo.shape[:2], np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(np.asarray(row["landmarks"]).astype(np.int32)), 1)
    face = (face > 0) & (row["photo_label"][..., 0] > 200) & (photo[..., 3] > 0.9)
    if not face.any():
        return 1.0
    goal = np.percentile(luminance((row["photo"][..., :3] / 255.0) ** 2.2)[face], 75)
    found = np.percentile(luminance(photo[..., :3])[face], 75)
    gain = np.clip(goal / max(found, 1e-6), *GAIN_RANGE)
    bright = np.percentile(luminance(photo[..., :3])[photo[..., 3] > 0.9], HIGHLIGHTS)
    return float(min(gain, max(1.0 / max(bright, 1e-6), DARKER * gain)))


def develop(picture, gain):
    """Premultiplied linear light (h, w, 4) as a photo (h, w, 4) uint8: sRGB, straight alpha.

    Blender's view transform "Standard", with the soft shoulder of the OpenGL shader instead of a hard clip.
    """
    colour, alpha = straight(picture)
    colour = colour * gain
    colour = np.where(colour > 0.8, 0.8 + 0.2 * (1.0 - np.exp(-np.maximum(colour - 0.8, 0.0) / 0.2)), colour)
    out = np.concatenate([srgb(colour) * (alpha > ALPHA_FLOOR)[..., None], alpha[..., None]], -1)
    return np.round(255.0 * out).astype(np.uint8)


class Darkroom:
    """Makes heads with Cycles. data: folder of the data pack. python: interpreter with bpy. Raises TrainingError."""

    def __init__(self, data=None, python=BLENDER_PYTHON, samples=16, threads=0):
        from .cycles_scene import RecordingRenderer
        from .generate import Studio

        self.python, self.samples, self.threads = str(python), samples, threads
        self.studio = Studio(data, RecordingRenderer)
        with np.load(self.studio.pack.root / "env" / "hdri_512x256.npz", allow_pickle=False) as maps:
            self.maps = dict(maps)

    def make(self, seed):
        """The row of ``Studio.make`` with photo and views by Cycles, and the row as OpenGL draws it."""
        from .cycles_scene import record

        row, arrays = record(self.studio, seed, self.maps)
        pictures = render_scene(self.python, arrays, self.samples, self.threads)
        gain = exposure(pictures[0], row)
        photo, *views = (develop(picture, gain) for picture in pictures)
        return row | {"photo": photo, "views": np.stack(views)}, row


def _finished(folder, settings):
    """The folder for finished heads, made if need be. Raises TrainingError when it belongs to another set."""
    folder.mkdir(parents=True, exist_ok=True)
    path, text = folder / "settings.json", json.dumps(settings)
    if path.exists() and path.read_text() != text:
        raise TrainingError(f"{folder} holds heads made with {path.read_text()}: repeat those settings or remove it")
    path.write_text(text)
    return folder


def write_set(darkroom, out, heads, seed):
    """Write the shard of a validation set head by head; it appears under its final name when it is complete."""
    from .generate import ARRAYS, PARAMETERS

    final = out / SHARD
    if final.is_dir():
        return final
    finished = _finished(out / ".heads", {"seed": seed, "samples": darkroom.samples})
    paths = [finished / f"{i:04d}.npz" for i in range(heads)]
    for i, path in enumerate(tqdm(paths, desc="heads by Cycles", unit="head")):
        if not path.exists():
            partial = path.with_name(f".{i}.{os.getpid()}.npz")
            np.savez(partial, **darkroom.make((seed, 0, i))[0])
            partial.replace(path)
    partial = out / f".{SHARD}.{os.getpid()}"
    partial.mkdir()
    shapes = ARRAYS | {"parameters": ((sum(n for _, n in PARAMETERS),), np.float32)}
    arrays = {name: np.empty((heads, *shape), dtype) for name, (shape, dtype) in shapes.items()}
    for i, path in enumerate(paths):
        with np.load(path, allow_pickle=False) as row:
            for name, array in arrays.items():
                array[i] = row[name]
    for name, array in arrays.items():
        np.save(partial / f"{name}.npy", array)
    partial.rename(final)
    shutil.rmtree(finished)
    return final


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m training.synthetic.cycles", description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder of the set")
    parser.add_argument("--heads", type=int, default=32, help="how many")
    parser.add_argument("--seed", type=int, default=77, help="every (seed, head) is one fixed person")
    parser.add_argument("--blender-python", default=BLENDER_PYTHON, help="interpreter with bpy (default: of .venv)")
    parser.add_argument("--samples", type=int, default=16, help="light paths per pixel, before the denoiser")
    parser.add_argument("--threads", type=int, default=0, help="of the processor for Cycles, 0 = all")
    parser.add_argument("--data", type=pathlib.Path, help=HELP)
    args = parser.parse_args(arguments)
    for name, least in (("heads", 1), ("seed", 0), ("samples", 1), ("threads", 0)):
        if getattr(args, name) < least:
            raise TrainingError(f"--{name} must be at least {least}")
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"cannot make the folder {args.out} ({error.strerror})") from None
    if (args.out / SHARD).is_dir():
        print(f"{args.out / SHARD} is there already, nothing to do")
        return 0
    if (python := pathlib.Path(args.blender_python)).is_file():
        args.blender_python = str(python.absolute())  # Cycles runs in the repository's folder
    check_blender(args.blender_python)
    darkroom = Darkroom(args.data, args.blender_python, args.samples, args.threads)
    from .generate import PARAMETERS

    np.save(args.out / "mean_landmarks.npy", darkroom.studio.template.astype(np.float32))
    (args.out / PARAMETERS_FILE).write_text(json.dumps(PARAMETERS))
    (args.out / DOMES_FILE).write_text(json.dumps(REACH))
    start = time.monotonic()
    final = write_set(darkroom, args.out, args.heads, args.seed)
    print(f"{final} is complete ({time.monotonic() - start:.0f} s)")
    return 0


if __name__ == "__main__":
    command(main)
