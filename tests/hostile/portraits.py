"""Portrait files that must be refused: {name: bytes}, made from a good one."""

import functools
import io
import json
import struct
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from inference.portrait import save_portrait
from tests.portraits import GRID, SHEETS, analytic_portrait

from . import photos
from .cameras import HUGE, MATRICES, NUMBERS, VALUES

TEXTURE = 64
RADII_BYTES = 4 * SHEETS * GRID * GRID


@functools.cache
def good():
    """Bytes of a portrait file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.manifolds"
        save_portrait(analytic_portrait(texture=TEXTURE), path)
        return path.read_bytes()


def repack(packed, change=None, compression=zipfile.ZIP_STORED, extra=(), **members):
    """The same zip with a changed header or other members; None drops a member. extra: [(name, bytes)] added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as source, zipfile.ZipFile(out, "w", compression) as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "portrait.json" and change:
                header = json.loads(data)
                change(header)
                data = json.dumps(header).encode()
            key = name.replace("/", "_").replace(".", "_")
            if key in members:
                data = members[key]
            if data is not None:
                target.writestr(name, data)
        for name, data in extra:
            target.writestr(name, data)
    return out.getvalue()


def png(width, height, mode="RGBA"):
    out = io.BytesIO()
    Image.new(mode, (width, height)).save(out, "PNG")
    return out.getvalue()


def setter(*keys, value):
    def change(header):
        for key in keys[:-1]:
            header = header[key]
        header[keys[-1]] = value

    return change


def dropper(key):
    return lambda header: header.pop(key)


def radii(number, count=SHEETS, grid=GRID):
    return np.full((count, grid, grid), number, "<f4").tobytes()


# Nothing, another kind, and numbers that no such thing has
ODD = {**VALUES, "minus one": -1, "zero": 0, "list of lists": [[1]], "list of texts": ["a", "b"]}
FINE = {  # of ODD, what a key may be: an object that says nothing
    "photo": (),
    "model": ("object",),
    "settings": ("object",),
    "pose": ("object",),
}
SHAPES = {
    "textures": (
        [24, 2_000_000, 2_000_000, 4],
        [1000, 64, 64, 4],
        [60, 2048, 2048, 4],
        [24, -64, 64, 4],
        [24, 64, 64, 3],
        [24, True, 64, 4],
        [24, 64, 64],
        [24, HUGE, 64, 4],
        [24, 1, 1, 4],
        [24, 8, 64, 4],
        [0, 64, 64, 4],
    ),
    "radii": ([23, 81.0, 81], [22, 81, 81], [23, 1, 1], [23, 1024, 1024], [23, 2048, 2048], [23, 81], [23, HUGE, 81]),
    "crop": ([256, 256], [128, 128, 3], [256, 256, 4], [4096, 4096, 3], [0, 0, 3]),
}
BOMB = photos.png(30000, 30000, colour=6)
TWO_HEADERS = photos.png(
    TEXTURE, TEXTURE, colour=6, before=photos.chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 8, 6, 0, 0, 0))
)
MEMBERS = {
    "no header": dict(portrait_json=None),
    "header is a list": dict(portrait_json=b"[]"),
    "header is text": dict(portrait_json=b"hello"),
    "header not utf-8": dict(portrait_json=b"\xff\xfe{}"),
    "deep header": dict(portrait_json=b"[" * 100000),
    "deep objects": dict(portrait_json=b'{"settings":' * 50000),
    "huge header": dict(portrait_json=b" " * (2 << 20) + b"{}"),
    "header of many digits": dict(portrait_json=b'{"format_version": ' + b"9" * 900_000 + b"}"),
    "no radii": dict(radii_f32=None),
    "short radii": dict(radii_f32=b"\0" * 100),
    "long radii": dict(radii_f32=radii(0.1) + b"\0"),
    "bomb radii": dict(radii_f32=b"\0" * (64 << 20)),
    **{f"radii of {n}": dict(radii_f32=radii(n)) for n in (0.0, -1.0, 1e-30, 1e-4, 2.0, 1e30, np.nan, np.inf)},
    "no texture": dict(textures_07_png=None),
    "no last texture": dict(textures_23_png=None),
    "no crop": dict(crop_png=None),
    **{
        f"{member} is {name}": {member: data}
        for member in ("textures_00_png", "textures_23_png", "crop_png")
        for name, data in {
            "empty": b"",
            "gif": photos.packed(photos.FLAT, "GIF"),
            "jpeg": photos.packed(photos.FLAT, "JPEG"),
            "bmp": b"BM" + b"\0" * 200,
            "grey": png(TEXTURE, TEXTURE, "L"),
            "of another size": png(TEXTURE + 1, TEXTURE),
            "huge": png(6000, 6000, "L"),
            "cut": png(TEXTURE, TEXTURE)[:-30],
            "a bomb": BOMB,
            "of two headers": TWO_HEADERS,
            "a bomb of text": photos.text_bomb(TEXTURE, TEXTURE),
        }.items()
    },
}


def damaged_zips():
    packed = good()
    at_end = packed.rindex(b"PK\5\6")
    yield "empty", b""
    yield "PK", b"PK"
    yield "end alone", b"PK\5\6" + b"\0" * 18
    yield "no zip", b"not a zip at all" * 50
    for share in (0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999):
        yield f"cut at {share}", packed[: int(share * len(packed))]
    for place, size in ((12, 4), (16, 4)):
        yield f"end with ones at {place}", packed[: at_end + place] + b"\xff" * size + packed[at_end + place + size :]
    directory = packed.index(b"PK\1\2")
    for place, size in ((8, 2), (10, 2), (16, 4), (24, 4), (28, 2), (42, 4)):
        at = directory + place
        yield f"directory with ones at {place}", packed[:at] + b"\xff" * size + packed[at + size :]
    locator = b"PK\6\7" + struct.pack("<IQI", 0, at_end, 1)
    yield "ZIP64 before its end", packed[:at_end] + locator + packed[at_end:]
    yield "packed by LZMA", repack(packed, compression=zipfile.ZIP_LZMA)
    yield "packed by bzip2", repack(packed, compression=zipfile.ZIP_BZIP2)
    yield "a thousand long names", repack(packed, extra=[(f"{index:0>120}", b"") for index in range(1000)])
    lying = repack(packed, compression=zipfile.ZIP_DEFLATED, radii_f32=b"\0" * (8 << 20))
    true, false = (8 << 20).to_bytes(4, "little"), RADII_BYTES.to_bytes(4, "little")
    yield "declared size lies", lying.replace(true, false)
    yield "a tar", b"portrait.json".ljust(257, b"\0") + b"ustar\0" + bytes(1000)


def portraits():
    """All of them, {name: bytes}."""
    packed = good()
    camera = {
        f"camera {key} {name}": setter("camera", key, value=value) for key in NUMBERS for name, value in VALUES.items()
    }
    camera |= {
        f"camera matrix {name}": setter("camera", "camera_to_world", value=value) for name, value in MATRICES.items()
    }
    camera |= {f"camera of {n}": setter("camera", "width", value=n) for n in (0, 2049, 16384, 16385)}
    headers = {
        f"{key} {name}": setter(key, value=value)
        for key in (
            "textures",
            "radii",
            "crop",
            "camera",
            "crop_to_photo",
            "photo",
            "model",
            "settings",
            "pose",
            "format",
            "format_version",
            "detail",
            "parts",
        )
        for name, value in ODD.items()
        if name not in FINE.get(key, ())
    }
    headers |= {f"without {k}": dropper(k) for k in ("textures", "radii", "crop", "camera", "crop_to_photo", "format")}
    headers |= {f"{k} {n}": setter(k, value=shape) for k, shapes in SHAPES.items() for n, shape in enumerate(shapes)}
    headers |= {
        "newer": setter("format_version", value=4),
        "version is text": setter("format_version", value="1"),
        "photo size of zero": setter("photo", "size", value=[0, -1]),
        "photo size huge": setter("photo", "size", value=[HUGE, HUGE]),
        "photo size of one": setter("photo", "size", value=[100]),
        "pose huge": setter("pose", value={"yaw": HUGE}),
        "pose of text": setter("pose", value={"yaw": "left"}),
        "transform of zeros": setter("crop_to_photo", value=[[0, 0, 0], [0, 0, 0]]),
        "transform far away": setter("crop_to_photo", value=[[1, 0, 1e300], [0, 1, 0]]),
        "transform of texts": setter("crop_to_photo", value=[["a"] * 3] * 2),
    }
    made = {name: repack(packed, change) for name, change in (camera | headers).items()}
    for name, members in MEMBERS.items():
        large = any(len(data or b"") > 1 << 20 for data in members.values())
        made[name] = repack(packed, compression=zipfile.ZIP_DEFLATED if large else zipfile.ZIP_STORED, **members)
    return made | dict(damaged_zips())
