"""The whole path opens no socket, and nothing that is meant for sharing says where files lay."""

import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SECRET = "Moneypenny"  # a folder that only the user knows

# Runs the command line as `python -m inference` does, and stops at the first socket (Python's audit events). What
# libraries would open without Python is not seen; the wheels' own sources have none on this path.
OFFLINE = """
import sys

def refuse(event, arguments):
    if event.startswith("socket.") or event in ("urllib.Request", "ftplib.connect", "http.client.connect"):
        raise RuntimeError(f"{event} {arguments}")

sys.addaudithook(refuse)
from inference.__main__ import main

for line in sys.stdin.read().split("\\n\\n"):
    code = main(line.split("\\n"))
    if code:
        sys.exit(f"{line.split()[0]} ended with {code}")
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder in which everything was done once: invert, render, mesh, splats, info and batch."""
    skimage = pytest.importorskip("skimage")
    folder = tmp_path_factory.mktemp(SECRET)
    photos, out = folder / "photos", folder / "out"
    photos.mkdir()
    shutil.copy(Path(skimage.__file__).parent / "data" / "astronaut.png", photos / "astronaut.png")
    portrait = out / "portrait.manifolds"
    commands = [
        ["invert", photos / "astronaut.png", "--out", out],
        ["render", portrait, "--yaw", 20, "--size", 64, 64, "--out", out / "view.png", "--depth", out / "depth.exr"],
        *(["mesh", portrait, "--resolution", 32, "--out", out / f"head.{kind}"] for kind in ("glb", "obj", "ply")),
        ["splats", portrait, "--out", out / "splats.ply", "--count", 20_000],
        ["info", portrait],
        ["info", "--model"],
        ["batch", photos, "--out", folder / "many", "--mesh", "--views", "15"],
    ]
    lines = "\n\n".join(
        "\n".join([str(word) for word in command] + ["--quiet", "--threads", "1"]) for command in commands
    )
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE], input=lines, cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    (folder / "printed.txt").write_text(done.stdout)
    return folder


def test_no_socket_is_opened(home):
    """Nothing of all that was refused; and the refusal works."""
    assert {path.suffix for path in home.rglob("*.*")} > {".manifolds", ".png", ".json", ".glb", ".obj", ".ply", ".exr"}
    opened = OFFLINE.replace("from inference.__main__ import main", "import socket; socket.socket()")
    done = subprocess.run([sys.executable, "-c", opened], input="", cwd=ROOT, capture_output=True, text=True)
    assert done.returncode and "socket." in done.stderr


def contents(path):
    """Bytes of a file, and what lies packed inside it."""
    data = path.read_bytes()
    yield data
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.encode() + archive.read(name)
    for text in re.findall(rb"(?:zTXt|iTXt|tEXt|eXIf)(.{,400})", data, re.DOTALL):
        yield text
        for start in range(min(len(text), 100)):
            try:
                yield zlib.decompressobj().decompress(text[start:])
                break
            except zlib.error:
                continue


def test_no_path_of_the_users_is_told(home):
    """In no file, nor in what is printed but for where to look."""
    looked = 0
    for path in home.rglob("*"):
        if path.is_file() and path.parent.name != "photos":
            for data in contents(path):
                looked += 1
                told = data.replace(f"see {home}".encode(), b"")
                assert SECRET.encode() not in told and str(home.parent).encode() not in told, path.name
    assert looked > 60
    report = json.loads((home / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["photo"]["name"] == "astronaut.png"
