"""The extension zip of this machine's platform, built once per test run; scripts/ importable."""

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
