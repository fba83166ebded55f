"""MediaPipe's selfie segmentation as ONNX: ``python -m training.convert_mediapipe --out models/selfie_segmentation``.

Reads the network (.tflite, MobileNetV3 with a small decoder, 256 x 256) and the licence inside MediaPipe's wheel, which
pip downloads and nothing installs. Parity with TensorFlow Lite: ``tests/test_segmentation.py``.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import zipfile

from training.errors import TrainingError, command
from training.weights.from_tflite import convert

REQUIREMENT = "mediapipe==0.10.21"
NETWORK = "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite"
LICENCE = "mediapipe-0.10.21.dist-info/LICENSE"


def download(folder):
    """The wheel of REQUIREMENT for Linux, which pip puts into a folder."""
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    pip += ["--python-version=3.11", "--platform=manylinux_2_28_x86_64", "--dest", str(folder), REQUIREMENT]
    if subprocess.run(pip).returncode:
        raise TrainingError(f"pip cannot download {REQUIREMENT}; give its wheel with --wheel")
    (wheel,) = pathlib.Path(folder).glob("*.whl")
    return wheel


def read_wheel(wheel):
    """The network (.tflite) and the licence text inside MediaPipe's wheel, two bytes. Raises TrainingError."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(NETWORK), archive.read(LICENCE)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{wheel} is not the wheel of {REQUIREMENT} ({error})") from None


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", type=pathlib.Path, help=f"wheel of {REQUIREMENT}; downloaded by default")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("models/selfie_segmentation"))
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        network, licence = read_wheel(options.wheel or download(folder))
    model = convert(network)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "selfie_segmentation.onnx").write_bytes(model.SerializeToString(deterministic=True))
    (options.out / "LICENSE").write_bytes(licence)
    print(f"{options.out / 'selfie_segmentation.onnx'}: {model.ByteSize() / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    command(main)
