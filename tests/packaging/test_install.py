"""The zip installs, enables, does the main job, disables and uninstalls, in every supported Blender.

The default run uses the Blender of `.venv` and its libraries. `-m blender_matrix` makes a fresh virtual environment
with nothing but bpy for each version (about 1 GB each; kept in build/blenders or $PORTRAIT_MANIFOLDS_BLENDERS), so
the libraries come from the zip's wheels.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from build_extension import build
from environment import ROOT, create_venv

# Blender version and the Python it is built for; 5.1 and 5.2 share theirs.
BLENDERS = {"4.2": "3.11", "4.5": "3.11", "5.0": "3.11", "5.2": "3.13"}


@pytest.fixture(scope="session")
def astronaut():
    """Path of scikit-image's portrait photo."""
    skimage = pytest.importorskip("skimage")
    return Path(skimage.__file__).parent / "data" / "astronaut.png"


def interpreter(version):
    """Path of a working Python of that version, or skip."""
    found = [shutil.which(f"python{version}"), *Path.home().glob(f".pyenv/versions/{version}.*/bin/python")]
    if f"{sys.version_info[0]}.{sys.version_info[1]}" == version:
        found.insert(0, sys.executable)
    for python in filter(None, found):
        if subprocess.run([python, "-c", "pass"], capture_output=True).returncode == 0:
            return str(python)
    pytest.skip(f"there is no Python {version} on this machine")


def blender(version):
    """Python of an environment that holds nothing but that Blender."""
    cache = Path(os.environ.get("PORTRAIT_MANIFOLDS_BLENDERS", ROOT / "build" / "blenders"))
    cache.mkdir(parents=True, exist_ok=True)
    return create_venv(cache / version, [f"bpy=={version}.*"], base=interpreter(BLENDERS[version]))


def crashed_leaving(code, said, last):
    """Whether bpy 4.2 said the last word and crashed when the interpreter ended. Its module does after factory settings
    were read and a Python function was made a handler, of three lines of script without any extension too."""
    return code == -11 and "Blender 4.2" in said and last in said


def run_main_job(python, archive, photo, folder):
    """Run the demo's job in a Blender with a profile of its own; returns its record and all it said."""
    profile = folder / "profile"
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["BLENDER_USER_RESOURCES"] = str(profile)
    script = ROOT / "scripts" / "demo_in_blender.py"
    command = [str(python), str(script), str(archive), str(photo), "--out", str(folder / "out")]
    command += ["--frames", "2", "--size", "96", "--uninstall"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, cwd=folder)
    said = done.stdout + done.stderr
    assert done.returncode == 0 or crashed_leaving(done.returncode, said, "all done"), said[-6000:]
    assert "Traceback" not in said, said[-6000:]
    return json.loads((folder / "out" / "demo.json").read_text(encoding="utf-8")), profile


def check_results(folder, profile, record):
    from PIL import Image

    out = folder / "out"
    for name in ("photo_camera.png", "lens_85mm.png", "mesh.png", "turntable.webp"):
        with Image.open(out / name) as picture:
            assert max(high - low for low, high in picture.convert("RGB").getextrema()) > 60, f"{name} is blank"
    with Image.open(out / "with_scene.png") as picture:
        opaque = picture.convert("RGBA").getchannel("A").histogram()
        assert sum(opaque[128:]) > 0.25 * picture.width * picture.height, "the portrait is not with the ball"
    assert (out / "astronaut.glb").stat().st_size > 10_000
    assert (out / "astronaut.blend").stat().st_size > 10_000
    assert record["loaded_by_enabling"] == [], "libraries are loaded at first use, not when the extension is enabled"
    left = [path for path in profile.rglob("*") if "portrait_manifolds" in path.name or path.suffix == ".whl"]
    left = [path for path in left if ".user" not in path.parts]  # the user's own files stay
    assert not left, f"uninstalling left {left}"


def test_this_blender(tmp_path, astronaut):
    pytest.importorskip("bpy")
    (archive,) = build(tmp_path / "zip", bundle=False)
    record, profile = run_main_job(sys.executable, archive, astronaut, tmp_path)
    check_results(tmp_path, profile, record)


@pytest.mark.blender_matrix
@pytest.mark.parametrize("version", BLENDERS)
def test_every_blender(version, tmp_path, extension_zip, astronaut):
    record, profile = run_main_job(blender(version), extension_zip, astronaut, tmp_path)
    assert record["blender"].startswith(version)
    check_results(tmp_path, profile, record)
    wheels = list(profile.glob("extensions/.local/lib/python*/site-packages/onnxruntime"))
    assert not wheels, "uninstalling left the wheels behind"
