"""Enabled and disabled, undone, reloaded, deleted, quit: in the middle of jobs, in every supported Blender.

The default run uses the Blender of `.venv`; `-m blender_matrix` those of test_install.py. In a window of its own the
same is clicked by tests/gui/.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from build_extension import build
from environment import ROOT

from .test_install import BLENDERS, astronaut, blender, crashed_leaving  # noqa: F401

SCRIPT = ROOT / "tests" / "packaging" / "lifecycles.py"
QUIT_SECONDS = 15.0  # with a job in the middle of its work


def live(python, archive, photo, folder):
    """Everything that lifecycles.py checks, and quitting. `folder` is empty."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["BLENDER_USER_RESOURCES"] = str(folder / "profile")
    shutil.copy(photo, folder / "anna.png")

    def run(first):
        command = [str(python), str(SCRIPT), str(first), str(folder / "anna.png"), str(folder)]
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder
        )

    said, _ = (process := run(archive)).communicate(timeout=900)
    assert "failed:" not in said and "are right" in said and "Traceback" not in said, said[-8000:]
    assert process.returncode == 0 or crashed_leaving(process.returncode, said, "are right"), said[-3000:]
    before = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    process = run("--quit")
    said = ""
    for line in process.stdout:
        said += line
        if "quitting" in line:
            break
    start = time.monotonic()
    said += process.communicate(timeout=300)[0]
    assert time.monotonic() - start < QUIT_SECONDS and "Traceback" not in said, said
    assert process.returncode == 0 or crashed_leaving(process.returncode, said, "quitting"), said
    after = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert set(after) <= set(before), "a job that was cut off left something"


def test_this_blender(tmp_path, astronaut):  # noqa: F811
    pytest.importorskip("bpy")
    (archive,) = build(tmp_path / "zip", bundle=False)
    (tmp_path / "life").mkdir()
    live(sys.executable, archive, astronaut, tmp_path / "life")


@pytest.mark.blender_matrix
@pytest.mark.parametrize("version", BLENDERS)
def test_every_blender(version, tmp_path, extension_zip, astronaut):  # noqa: F811
    live(blender(version), extension_zip, astronaut, Path(tmp_path))
