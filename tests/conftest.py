"""What is made once per test run: portraits by the model that ships, and the extension zip of this machine's platform.
scripts/ is importable."""

import functools
import platform
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))


@pytest.fixture(scope="session")
def host_platform():
    """Blender's name of this machine's platform."""
    names = {"Linux": "linux-x64", "Windows": "windows-x64", "Darwin": "macos-arm64"}
    return names[platform.system()]


@pytest.fixture(scope="session")
def extension_zip(host_platform, tmp_path_factory):
    """Path of the zip with wheels for this machine's platform and all supported Pythons."""
    from build_extension import build

    (archive,) = build(tmp_path_factory.mktemp("dist"), [host_platform])
    return archive


@pytest.fixture(scope="session")
def shipped_model():
    """The model that ships, on one thread."""
    from inference.networks.model import load_model

    return load_model(device="cpu", threads=1)


@pytest.fixture(scope="session")
def astronaut(shipped_model):
    """The inversion of NASA's portrait of Eileen Collins, which scikit-image carries."""
    from inference.pipeline import invert_photo

    skimage = pytest.importorskip("skimage")
    return invert_photo(Path(skimage.__file__).parent / "data" / "astronaut.png", shipped_model)


@pytest.fixture(scope="session")
def golden(shipped_model):
    """Function from a golden head's name to its :class:`tests.golden.measures.Measures`; a head is inverted once."""
    from inference.inversion.invert import invert_crop
    from inference.portrait import Portrait
    from tests.golden.heads import read_head
    from tests.golden.measures import Measures

    @functools.cache
    def measures(name):
        head = read_head(name, shipped_model.geometry)
        photo = head.alignment
        textures, radii, *_ = invert_crop(photo, shipped_model)
        return Measures(Portrait(textures, radii, photo.camera, photo.crop, photo.crop_to_photo, (256, 256)), head)

    return measures


@pytest.fixture(scope="session")
def mediapipe_files():
    """{name: bytes} of the networks (.tflite) in MediaPipe's wheel: the one in build/wheels, or downloaded."""
    pytest.importorskip("ai_edge_litert", reason="the dependency group 'conversion' is not installed")
    pytest.importorskip("onnx", reason="the dependency group 'conversion' is not installed")
    from training.convert_mediapipe import REQUIREMENT, download, read_wheel
    from training.errors import TrainingError

    folder = ROOT / "build" / "wheels"
    kept = [*folder.glob(f"{REQUIREMENT.replace('==', '-')}-*.whl")]
    try:
        return read_wheel(kept[0] if kept else download(folder))[0]
    except TrainingError as error:
        pytest.skip(str(error))
