"""Hundreds of hostile files at the three doors and as cameras: each is one clear line, soon, in little memory, and
leaves nothing behind."""

import argparse
import contextlib
import io
import json
import os
import sys
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from inference.__main__ import main, view_camera
from inference.errors import PortraitError
from inference.geometry.cameras import orbit_camera
from inference.mesh.extract import extract_mesh
from inference.networks.model import load_model
from inference.networks.onnx_check import check_onnx
from inference.photo.open import open_photo
from inference.pipeline import invert_photo, save_inversion
from inference.portrait import load_portrait, save_portrait
from inference.report import read_report
from inference.view.render import render_view
from tests.fakes import fake_model, fake_stages, write_model
from tests.hostile import cameras, models, photos, portraits
from tests.portraits import analytic_portrait
from tests.processor import slowdown

CPU_SECONDS, MEMORY = 10.0, 1 << 30
LEAST = 400  # hostile inputs over all doors
MESSAGE = 500  # characters of the longest message
FILES = "/proc/self/fd"

counted, worst = {}, [0.0, 0]


def read_camera(path):
    options = dict.fromkeys(("yaw", "pitch", "fov", "distance", "size")) | {"camera": path}
    return view_camera(orbit_camera(), argparse.Namespace(**options))


def peak():
    """Most memory of this process, in bytes, since :func:`forget_peak`; 0 where the system does not tell."""
    with contextlib.suppress(OSError), open("/proc/self/status") as stream:
        return next(1024 * int(line.split()[1]) for line in stream if line.startswith("VmHWM"))
    return 0


def forget_peak():
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as stream:
        stream.write("5")


@contextlib.contextmanager
def refused(folder):
    """What happens inside ends with one line of our own, within the bounds, and leaves files and handles as they were.

    The folder's files are compared by their names, sizes and times.
    """

    def left():
        return sorted((str(path), path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*"))

    def handles():
        return len(os.listdir(FILES)) if os.path.isdir(FILES) else 0

    before, opened = left(), handles()
    forget_peak()
    memory, start = peak(), time.process_time()
    with pytest.raises(PortraitError) as caught:
        yield caught
    seconds, memory = time.process_time() - start, peak() - memory
    message = str(caught.value)
    assert message.isprintable() and len(message) <= MESSAGE and ";" in message, ascii(message)
    assert seconds < CPU_SECONDS * slowdown() and memory < MEMORY, f"{seconds:.1f} s, {memory >> 20} MB: {message}"
    assert left() == before and handles() == opened
    worst[:] = max(worst[0], seconds), max(worst[1], memory)


def each(subtests, folder, door, files, use, file):
    """Every hostile file is put in its place and refused by ``use()``."""
    for name, data in files.items():
        with subtests.test(name):
            file.write_bytes(data)
            with refused(folder):
                use()
    counted[door] = len(files)


def test_photos(subtests, tmp_path):
    path = tmp_path / "photo.jpg"
    each(subtests, tmp_path, "photos", photos.photos(), lambda: open_photo(path), path)


def test_portrait_files(subtests, tmp_path):
    path = tmp_path / "p.manifolds"
    each(subtests, tmp_path, "portraits", portraits.portraits(), lambda: load_portrait(path), path)


def test_cameras(subtests, tmp_path):
    path = tmp_path / "camera.json"
    each(subtests, tmp_path, "cameras", cameras.cameras(), lambda: read_camera(path), path)


def test_networks(subtests, tmp_path):
    files = models.networks()
    for name, (file, data) in files.items():
        with subtests.test(name), refused(tmp_path):
            check_onnx(data, file)
    counted["networks"] = len(files)


def test_cards(subtests, tmp_path):
    card = write_model(tmp_path) / "card.json"
    files = models.cards(json.loads(card.read_text()))
    each(subtests, tmp_path, "cards", files, lambda: load_model(tmp_path, "cpu", 1), card)


def test_geometries(subtests, tmp_path):
    files = models.geometries()
    for name, data in files.items():
        write_model(tmp_path, {"geometry.npz": data})
        with subtests.test(name), refused(tmp_path):
            load_model(tmp_path, "cpu", 1)
    counted["geometries"] = len(files)


def test_there_are_enough():
    """Of those that this run has seen; a run of single tests sees fewer. With -s it says how many, and the worst."""
    print(f"\n{counted}, together {sum(counted.values())}; at most {worst[0]:.2f} CPU-s and {worst[1] >> 20} MB")
    if len(counted) == 6:
        assert sum(counted.values()) >= LEAST


@pytest.mark.parametrize("door", ["photo", "portrait", "camera", "card", "geometry", "report"])
@pytest.mark.parametrize("kind", ["pipe", "device", "link to a device"])
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_devices_are_refused_at_once(tmp_path, door, kind):
    """A pipe that nobody writes to would wait for ever, /dev/zero never ends."""
    write_model(tmp_path)
    path = tmp_path / {"card": "card.json", "geometry": "geometry.npz", "report": "report.json"}.get(door, "file")
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = os.devnull if door in ("photo", "portrait", "camera") else path.symlink_to("/dev/zero") or path
    else:
        path.symlink_to("/dev/zero")
    if door == "report":
        assert read_report(tmp_path) == {}
        return
    use = {"photo": open_photo, "portrait": load_portrait, "camera": read_camera}.get(door)
    with refused(tmp_path):
        use(type(tmp_path)(path)) if use else load_model(tmp_path, "cpu", 1)


def test_64_megapixels_with_alpha(tmp_path):
    """Every row half seen, half hidden: colours, alpha, and the picture over grey take less than a gigabyte."""
    side = 8000
    row = b"\0" + np.tile(np.array([[10, 20, 30, 255], [40, 50, 60, 0]], np.uint8), (side // 2, 1)).tobytes()
    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    path = tmp_path / "p.png"
    path.write_bytes(photos.png(side, side, colour=6, data=rows))
    forget_peak()
    memory = peak()
    photo = open_photo(path)
    assert peak() - memory < MEMORY
    assert photo.shape == (side, side, 3)
    assert (photo[::999, 0] == (10, 20, 30)).all() and (photo[::999, 1] == 128).all()


def test_two_million_members(tmp_path):
    """A zip file of 150 MB of names: its directory is not read."""
    entry = b"PK\1\2" + bytes(42)
    end = (
        b"PK\5\6"
        + bytes(4)
        + b"\xff\xff\xff\xff"
        + (2_000_000 * len(entry)).to_bytes(4, "little")
        + bytes(4)
        + bytes(2)
    )
    path = tmp_path / "p.manifolds"
    path.write_bytes(entry * 2_000_000 + end)
    with refused(tmp_path) as caught:
        load_portrait(path)
    assert "members" in str(caught.value) or "zip" in str(caught.value)


@pytest.mark.parametrize("seed", range(6))
def test_absurd_geometry(tmp_path, seed):
    """Sheets that cross one another anywhere in range, of noise: views and meshes are finite, or there is one line."""
    random = np.random.default_rng(seed)
    good = analytic_portrait(texture=64)
    size = (16, 17, 64)[seed % 3]
    shape = (len(good.radii), *(((2, 2), (5, 9), (81, 81))[seed % 3]))
    low, high = ((0.005, 1.0), (0.005, 0.0051), (0.999, 1.0))[seed // 2]
    textures = random.integers(0, 256, (24, size, size, 4), np.uint8)
    changed = dict(radii=random.uniform(low, high, shape).astype(np.float32), textures=textures)
    path = tmp_path / "p.manifolds"
    save_portrait(type(good)(**{**vars(good), **changed}), path)
    portrait, start = load_portrait(path), time.process_time()
    view = render_view(portrait, orbit_camera(30, 10, 1.6, 12, 96, 96))
    assert np.isfinite(view.color).all() and not np.isnan(view.depth).any()
    for closed in (False, True):
        with contextlib.suppress(PortraitError):
            mesh = extract_mesh(portrait, 48, closed=closed)
            assert np.isfinite(mesh.vertices).all() and np.isfinite(mesh.uv).all()
    assert time.process_time() - start < 3 * CPU_SECONDS * slowdown()  # measured for a view and two meshes: 6 to 13


@pytest.mark.skipif(os.fsencode("\udcff") != b"\xff", reason="names of files are not bytes here")
def test_names_that_are_not_utf8(tmp_path, monkeypatch, capsys):
    """Report and portrait say "?" for what no text can hold."""
    fake_stages(monkeypatch)
    path, out = os.path.join(os.fsencode(tmp_path), b"na\xffme\n.png"), tmp_path / "out"
    Image.new("RGB", (300, 300)).save(os.fsdecode(path))
    save_inversion(invert_photo(os.fsdecode(path), fake_model()), out)
    assert json.loads((out / "report.json").read_text(encoding="utf-8"))["photo"]["name"] == "na?me?.png"
    assert load_portrait(out / "portrait.manifolds").photo_name == "na?me?.png"
    os.unlink(path)
    with pytest.raises(PortraitError) as caught:
        open_photo(os.fsdecode(path))
    assert "na?me?.png" in str(caught.value)
    path = path.replace(b".png", b".manifolds")
    os.replace(out / "portrait.manifolds", path)
    assert main(["info", os.fsdecode(path)]) == 0
    assert json.loads(capsys.readouterr().out)["portrait"]["file"] == "na?me?.manifolds"


def test_portraits_of_strangers_tell_no_console_what_to_do(tmp_path, capsys):
    """Escape sequences and lone surrogates in names are not printed."""
    path = tmp_path / "p.manifolds"
    odd = "\x1b[2J\x9b31m\ud800"

    def change(header):
        header["photo"]["name"] = header["model"]["id"] = odd
        header["settings"] = {odd: [odd]}

    path.write_bytes(portraits.repack(portraits.good(), change))
    assert main(["info", str(path)]) == 0
    printed = capsys.readouterr().out
    assert printed.replace("\n", "").isprintable() and "?[2J?31m?" in printed


def test_info_on_an_old_console(tmp_path, monkeypatch):
    """Letters that cp1252 lacks are escaped, and what is printed is still JSON."""
    photo = tmp_path / "p.manifolds"
    good = analytic_portrait(texture=64)
    save_portrait(type(good)(**{**vars(good), "photo_name": "größe 照片 🙂.png"}), photo)
    console = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", console)
    assert main(["info", str(photo)]) == 0
    console.flush()
    printed = json.loads(console.buffer.getvalue().decode("cp1252"))
    assert printed["portrait"]["photo"]["name"] == "größe 照片 🙂.png"
