"""The doors as functions of bytes: each returns whether the input was let in, and raises what a door must never raise.

Inputs with checksums in them would nearly always be refused for a wrong one, so these are put right first: a PNG's, and
a zip's, of which one member at a time is fuzzed.
"""

import io
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

from inference.errors import PortraitError
from inference.geometry.cameras import camera_from_json, orbit_camera
from inference.networks.contract import NETWORKS
from inference.networks.model import _read_geometry, check_card
from inference.networks.onnx_check import check_onnx
from inference.photo.open import open_photo
from inference.portrait import Portrait, load_portrait, save_portrait
from inference.view.render import render_view
from tests.hostile import cameras, models, photos
from tests.hostile.portraits import repack
from tests.portraits import analytic_portrait, sheet_radii

FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")  # gone when the process ends
FILE = Path(FOLDER.name) / "input"
PNG = b"\x89PNG\r\n\x1a\n"


def photo(data: bytes) -> bool:
    """A photo's file."""
    FILE.write_bytes(_with_checksums(data))
    try:
        pixels = open_photo(FILE)
    except PortraitError:
        return False
    assert pixels.dtype == np.uint8 and pixels.ndim == 3
    return True


def _with_checksums(data):
    """A PNG whose chunks have the checksums that they should; anything else as it is."""
    if not data.startswith(PNG):
        return data
    out, position = PNG, len(PNG)
    while position + 8 <= len(data):
        size = min(struct.unpack(">I", data[position : position + 4])[0], len(data) - position - 8)
        part = data[position + 4 : position + 8 + size]
        out += struct.pack(">I", size) + part + struct.pack(">I", zlib.crc32(part))
        position += 12 + size
    return out


EMPTY_MAP = np.zeros((16, 16, 3), np.uint8)


def _small_portrait():
    whole = analytic_portrait(texture=16)
    changes = {"textures": whole.textures[::8].copy(), "radii": whole.radii[::11, ::8, ::8][:2].copy()}
    save_portrait(Portrait(**{**vars(whole), **changes, "detail": EMPTY_MAP, "parts": EMPTY_MAP}), FILE)
    return FILE.read_bytes()


SMALL = _small_portrait()
MEMBERS = ("portrait.json", "radii.f32", "crop.png", "textures/00.png", "detail.png", "parts.png")


def portrait(data: bytes) -> bool:
    """A portrait's file (first byte 0), or one of its members. What is let in can be looked at."""
    which = data[0] % (1 + len(MEMBERS)) if data else 0
    member = data[1:]
    if which:
        name = MEMBERS[which - 1]
        member = _with_checksums(member) if name.endswith(".png") else member
        member = repack(SMALL, **{name.replace("/", "_").replace(".", "_"): member})
    FILE.write_bytes(member)
    try:
        found = load_portrait(FILE)
    except PortraitError:
        return False
    view = render_view(found, orbit_camera(20, 10, width=16, height=16), threads=1)
    assert np.isfinite(view.color).all() and np.isfinite(view.alpha).all() and not np.isnan(view.depth).any()
    return True


def model(data: bytes) -> bool:
    """A network of any name (first byte), a card, or a member of geometry.npz."""
    kinds = ("net", *NETWORKS, "card", "radii", "mean_landmarks")
    kind, content = kinds[data[0] % len(kinds) if data else 0], data[1:]
    try:
        if kind == "card":
            check_card(content)
        elif kind in ("radii", "mean_landmarks"):
            _read_geometry(models.zipped(**GEOMETRY | {kind: content}))
        else:
            check_onnx(content, f"{kind}.onnx", {})
    except PortraitError:
        return False
    except (ValueError, RecursionError):
        if kind != "card":  # who reads the card turns them into one line
            raise
        return False
    return True


def _npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


GEOMETRY = {"radii": _npy(sheet_radii(grid=3)), "mean_landmarks": _npy(np.zeros((468, 3), np.float32))}


def camera(data: bytes) -> bool:
    """A camera's file. What is let in has finite rays."""
    try:
        found = camera_from_json(data)
    except ValueError as error:
        assert str(error).isprintable() and len(str(error)) < 500, ascii(str(error))
        return False
    origins, directions = found.rays(np.array([0.5, found.width - 0.5]), np.array([0.5, found.height - 0.5]))
    assert np.isfinite(origins).all() and np.isfinite(directions).all()
    return True


DOORS = {"photo": photo, "portrait": portrait, "model": model, "camera": camera}


def seeds(door: str) -> list[bytes]:
    """Inputs to start from: good ones and the hostile corpus, without what is large."""
    if door == "photo":
        made = [photos.packed(pixels, kind) for kind in photos.READ for pixels in (photos.FLAT, photos.NOISE)]
        made += [photos.PHONE, photos.packed(photos.FLAT, "JPEG", progressive=True), *photos.photos().values()]
    elif door == "portrait":
        with zipfile.ZipFile(io.BytesIO(SMALL)) as archive:
            made = [bytes([1 + index]) + archive.read(name) for index, name in enumerate(MEMBERS)]
        made.append(b"\0" + SMALL)
    elif door == "model":
        made = [bytes([1 + index]) + models.fitting(name) for index, name in enumerate(NETWORKS)]
        made += [b"\0" + data for _, data in models.networks().values()]
        made += [bytes([7 + index]) + data for index, data in enumerate(GEOMETRY.values())]
        good = {"id": "a", "format_version": 1, "files": {"geometry.npz": {"bytes": 1, "sha256": "0" * 64}}}
        made += [b"\6" + data for data in models.cards(good).values()]
    else:
        made = [cameras.changed(), cameras.changed(ortho_width=1.0), *cameras.cameras().values()]
    return [data for data in made if len(data) < 20_000]
