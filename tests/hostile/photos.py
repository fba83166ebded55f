"""Pictures that the photo door must refuse, all made here but for a phone's."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

PHONE = (Path(__file__).parents[1] / "photos" / "phone.heic").read_bytes()
FLAT = np.full((96, 64, 3), 90, np.uint8)
NOISE = np.random.default_rng(0).integers(0, 255, (96, 64, 3), np.uint8)
READ = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "AVIF")
FOREIGN = ("GIF", "ICO", "PPM", "TGA", "PDF", "PCX", "SGI", "DDS", "JPEG2000", "EPS", "ICNS", "MSP", "XBM")


def packed(pixels, kind, **options):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, depth=8, colour=2, data=None, before=b"", interlace=0):
    """A PNG that says anything of itself and holds a hundred zeros, or `data`."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    rows = zlib.compress(b"\0" * 100) if data is None else data
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def tiff(tags, data=b"", tail=0):
    """A little-endian TIFF of one directory. tags: {tag: number, or "data" for where the data lies}."""
    start = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(
        struct.pack("<HHII", tag, 4, 1, start if number == "data" else number) for tag, number in sorted(tags.items())
    )
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + struct.pack("<I", tail) + data


GREY_TIFF = {256: 64, 257: 64, 258: 8, 259: 8, 262: 1, 277: 1, 278: 64, 273: "data", 279: 100}
TILED = {256: 64, 257: 64, 258: 8, 259: 8, 262: 1, 277: 1, 322: 0, 323: 0, 324: "data", 325: 100}


def bmp(width=64, height=96, bits=24, compression=0, offset=54):
    head = struct.pack("<IHHI", 54 + 3 * 64 * 96, 0, 0, offset)
    return b"BM" + head + struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, *(0,) * 5) + b"\0" * 500


def scans(count, kind="JPEG", side=96):
    """A progressive JPEG whose last scan is repeated."""
    data = packed(np.full((side, side, 3), 90, np.uint8), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    data = data[:-2] + data[last:-2] * count + b"\xff\xd9"
    if kind == "MPO":  # Pillow calls it so for one segment of its header
        two, small = io.BytesIO(), Image.new("RGB", (64, 64))
        small.save(two, "MPO", save_all=True, append_images=[small])
        pair = two.getvalue()
        start = pair.index(b"\xff\xe2")
        data = data[:2] + pair[start : start + 2 + int.from_bytes(pair[start + 2 : start + 4], "big")] + data[2:]
    return data


def resized_header(kind, width, height):
    """A picture of a format whose header says another size."""
    data = bytearray(packed(FLAT, kind))
    if kind == "JPEG":
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    elif kind == "TIFF":
        tags = {256: width, 257: height} | {tag: n for tag, n in GREY_TIFF.items() if tag > 257}
        return tiff(tags, b"\0" * 100)
    elif kind == "BMP":
        return bmp(width, height)
    elif kind == "WEBP":
        canvas = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
        body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0" * 4 + canvas + bytes(data[12:])
        return b"RIFF" + struct.pack("<I", len(body)) + body
    else:
        at = data.index(b"ispe") + 8
        data[at : at + 8] = struct.pack(">II", width, height)
    return bytes(data)


def riff(body):
    return b"RIFF" + struct.pack("<I", len(body)) + body


def box(kind, content):
    return struct.pack(">I", 8 + len(content)) + kind + content


MAGICS = {
    "elf": b"\x7fELF\2\1\1",
    "exe": b"MZ\x90\0",
    "zip": b"PK\3\4",
    "gzip": b"\x1f\x8b\x08",
    "rar": b"Rar!\x1a\7\1",
    "7z": b"7z\xbc\xaf\x27\x1c",
    "mp3": b"ID3\4",
    "ogg": b"OggS",
    "flac": b"fLaC",
    "class": b"\xca\xfe\xba\xbe",
    "pickle": b"\x80\4\x95",
    "sqlite": b"SQLite format 3\0",
    "wasm": b"\0asm\1",
    "exr": b"v/1\1",
    "hdr": b"#?RADIANCE\n",
    "psd": b"8BPS\0\1",
    "fits": b"SIMPLE  =                    T",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",
    "jxl": b"\xff\x0a",
    "jxl box": b"\0\0\0\x0cJXL \r\n\x87\n",
    "raw": b"FUJIFILMCCD-RAW ",
    "mov": box(b"ftyp", b"qt  \0\0\0\0qt  "),
    "mp4": box(b"ftyp", b"isom\0\0\2\0isommp41"),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"/>',
    "html": b"<!DOCTYPE html><html></html>",
    "script": b"#!/bin/sh\nrm -rf /\n",
    "lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    "blend": b"BLENDER-v405",
    "portrait": b"PK\3\4portrait.json",
}


def text_bomb(width, height):
    """A PNG with a comment of 100 MB."""
    return png(width, height, colour=6, before=chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(100_000_000), 1)))


def photos():
    """All of them, {name: bytes}."""
    return {
        "empty": b"",
        "one byte": b"\x89",
        "zeros": bytes(4096),
        "text": b"this is not a picture\n" * 10,
        **{f"magic of {name}": magic + b"\0" * 200 for name, magic in MAGICS.items()},
        **{f"foreign {kind}": packed(FLAT, kind) for kind in FOREIGN if kind not in ("MSP", "XBM")},
        "foreign MSP": packed(FLAT[..., 0] > 0, "MSP"),
        "foreign XBM": packed(FLAT[..., 0] > 0, "XBM"),
        **{
            f"{kind} cut at {share}": packed(NOISE, kind)[: int(share * len(packed(NOISE, kind)))]
            for kind in READ
            for share in (0.001, 0.01, 0.1, 0.5, 0.9)
        },
        **{f"HEIF cut at {share}": PHONE[: int(share * len(PHONE))] for share in (0.001, 0.01, 0.1, 0.5, 0.9)},
        **{f"{kind} of {side} pixels": packed(FLAT[:side, :side], kind) for kind in READ for side in (1, 20, 47)},
        **{f"{kind} strip": packed(np.zeros((50, 3000, 3), np.uint8), kind) for kind in READ},
        **{
            f"{kind} says {width} x {height}": resized_header(kind, width, height)
            for kind in READ
            if kind != "PNG"
            for width, height in ((9000, 9000), (16000, 16000), (60, 16383), (1, 1))
        },
        **{f"PNG says {w} x {h}": png(w, h) for w, h in ((8001, 8001), (30000, 30000), (2**31 - 1, 2**31 - 1), (0, 0))},
        **{
            f"PNG of depth {depth}, colour {colour}": png(96, 96, depth, colour)
            for depth, colour in ((3, 2), (8, 7), (4, 2))
        },
        "PNG header only": b"\x89PNG\r\n\x1a\n",
        "PNG without pixels": png(2000, 2000),
        "PNG interlaced without pixels": png(2000, 2000, interlace=1),
        "PNG of rubbish": png(96, 96, data=b"rubbish" * 20),
        "PNG with text that unpacks to 100 MB": text_bomb(96, 96),
        "PNG with a second header": png(
            96, 96, before=chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0))
        ),
        "JPEG header only": b"\xff\xd8\xff\xe0\0\x10JFIF",
        "JPEG without a frame": packed(NOISE, "JPEG").replace(b"\xff\xc0", b"\xff\xec"),
        "JPEG without tables": packed(NOISE, "JPEG").replace(b"\xff\xdb", b"\xff\xec"),
        "JPEG of 12 bits": packed(NOISE, "JPEG").replace(b"\xff\xc0\0\x11\x08", b"\xff\xc1\0\x11\x0c"),
        "JPEG, lossless": packed(NOISE, "JPEG").replace(b"\xff\xc0", b"\xff\xc3"),
        **{f"{kind} of {count} scans": scans(count, kind) for kind in ("JPEG", "MPO") for count in (100, 500, 3000)},
        "JPEG of 9 megapixels and 110 scans": scans(110, side=3000),
        "TIFF loop": b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
        "TIFF with a loop of directories": tiff(GREY_TIFF, b"rubbish" * 20, tail=8),
        "TIFF far away": b"II*\0" + struct.pack("<I", 2**32 - 1),
        "TIFF of unknown packing": tiff(GREY_TIFF | {259: 9999}, b"\0" * 100),
        "TIFF of 64 bits": tiff(GREY_TIFF | {258: 64}, b"\0" * 100),
        "TIFF of 200 samples": tiff(GREY_TIFF | {277: 200}, b"\0" * 100),
        "TIFF, data beyond its end": tiff(GREY_TIFF | {273: 2**31}, b"\0" * 100),
        "TIFF of endless strips": tiff(GREY_TIFF | {279: 2**32 - 1}, b"rubbish"),
        "TIFF of a strip of rubbish": tiff(GREY_TIFF, b"rubbish" * 20),
        **{
            f"TIFF of tiles of {side} pixels": tiff(TILED | {322: side, 323: side}, zlib.compress(bytes(100)))
            for side in (0, 4112, 16384, 65536, 2**31)
        },
        **{f"BMP of {bits} bits": bmp(bits=bits) for bits in (0, 7, 24, 99)},
        **{f"BMP packed by {number}": bmp(compression=number) for number in (4, 5, 77)},
        "BMP upside down and wide": bmp(-64, 96),
        "BMP, pixels beyond its end": bmp(offset=2**31),
        "WebP without a picture": riff(b"WEBPVP8X" + struct.pack("<I", 10) + b"\0" * 10),
        "WebP of nothing": riff(b"WEBP"),
        "WebP of a wrong kind": riff(b"WEBPVP9 " + struct.pack("<I", 10) + b"\0" * 10),
        "WebP animation without frames": riff(
            b"WEBPVP8X"
            + struct.pack("<I", 10)
            + b"\2"
            + b"\0" * 3
            + b"\x3f\0\0\x5f\0\0"
            + b"ANIM"
            + struct.pack("<I", 6)
            + bytes(6)
        ),
        **{
            f"{brand} of nothing": box(b"ftyp", brand.encode() + b"\0\0\0\0mif1")
            for brand in ("heic", "mif1", "avif", "avis")
        },
        **{
            f"{brand} with an empty list": box(b"ftyp", brand.encode() + b"\0\0\0\0mif1") + box(b"meta", bytes(4))
            for brand in ("heic", "avif")
        },
        "HEIF of a huge list": box(b"ftyp", b"heic\0\0\0\0mif1heic")
        + box(b"meta", bytes(4) + box(b"iloc", b"\0\0\0\0\x44\0" + b"\xff\xff" + bytes(60))),
        "HEIF inside itself": box(b"ftyp", b"heic\0\0\0\0mif1heic")
        + struct.pack(">I", 2**31 - 1)
        + b"meta"
        + bytes(100),
    }
