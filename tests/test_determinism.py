"""The same photo gives the same bytes, in another process and with another number of threads."""

import subprocess
import sys
from pathlib import Path

import skimage

from inference.portrait import save_portrait

ROOT = Path(__file__).resolve().parents[1]


def test_same_bytes(astronaut, tmp_path):
    save_portrait(astronaut.portrait, tmp_path / "here.manifolds")
    photo = Path(skimage.__file__).parent / "data" / "astronaut.png"
    command = [sys.executable, "-m", "inference", "invert", str(photo), "--out", str(tmp_path), "--threads", "2"]
    subprocess.run([*command, "--device", "cpu", "--quiet"], cwd=ROOT, check=True, timeout=600)
    assert (tmp_path / "portrait.manifolds").read_bytes() == (tmp_path / "here.manifolds").read_bytes()
