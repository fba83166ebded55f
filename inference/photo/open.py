"""The photo door: a file from anywhere becomes an upright sRGB picture, or one clear error."""

import contextlib
import io
import os
import re
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import PhotoUnusable
from ..files import PathLike, one_line, open_regular
from . import float_tiff
from .pixels import over_grey, srgb_pixels

# What is read, by Pillow's names, with the suffixes of such files
FORMATS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
    "HEIF": (".heic", ".heif"),
    "AVIF": (".avif",),
}
SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)
KINDS = "PNG, JPEG, WebP, TIFF, BMP, HEIC or AVIF"  # the same for people
MAX_PIXELS = 64_000_000
FEWER_PIXELS = {"WEBP": 50_000_000, "HEIF": 50_000_000}  # their decoders take about 15 bytes a pixel: 750 MB
MAX_BYTES = 512 << 20
MAX_SCANS = 100  # of a progressive JPEG, each of which is decoded over the whole picture; encoders write about ten
MAX_SCANNED = 16 * MAX_PIXELS  # scans times pixels; a nanosecond each even where a scan says nothing
MAX_TILE = 1 << 24  # pixels of one tile of a TIFF, which may be larger than its picture
MIN_SIDE = 48  # pixels; no face can be seen in less
MAX_ASPECT = 20.0
JPEGS = ("JPEG", "MPO")  # MPO, a JPEG with more pictures after it, is what Pillow makes of some
END_OF_JPEG = b"\xff\xd9"
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)  # not a stuffed 0xff, no restart
_SCAN, _END, _ALONE = 0xDA, 0xD9, (0x01, 0xD8)  # markers of JPEG; the last have no content
_TIFF_TILE = (322, 323)  # tags of its width and height
LAST_BYTES = 12  # of a JPEG without its end marker, which change the picture's last corner when nothing else is missing


def open_photo(path: PathLike, enough: int | None = None) -> np.ndarray:
    """Read a photo.

    path: PNG, JPEG, WebP, TIFF, BMP, HEIC or AVIF file of at most 64 megapixels; of an animation the first frame is
    taken.
    enough: pixels that are enough for the shorter side; a JPEG may then be read smaller than it is.
    Returns (H, W, 3) uint8 sRGB, turned upright by its EXIF orientation, colour profile applied, transparency over
    mid grey. Metadata is dropped. Raises PhotoUnusable, a PortraitError.
    """
    return over_grey(*open_with_alpha(path, enough))


def open_with_alpha(path: PathLike, enough: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
    """Read a photo as :func:`open_photo` does, but its colours (H, W, 3) and its straight alpha (H, W) uint8 apart.

    Alpha is None where the photo is opaque everywhere.
    """
    import pi_heif
    from PIL import Image, UnidentifiedImageError

    pi_heif.register_heif_opener()
    name = printable_name(path)
    try:
        with _opened(path, name) as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            size = float_tiff.read_size(stream)
            if size is not None:
                _check_size(size, "TIFF", name)
                return srgb_pixels(float_tiff.read_image(stream))
            with Image.open(stream, formats=tuple(FORMATS)) as image:
                _check_size(image.size, image.format, name)
                _check_work(image, stream, name)
                image.seek(0)
                if enough is not None:
                    image.draft(None, (enough, enough))
                return srgb_pixels(_loaded(image, stream))
    except PhotoUnusable:
        raise
    except Image.DecompressionBombError:
        raise _too_large(name) from None
    except UnidentifiedImageError:
        raise PhotoUnusable(f"{name} is not a picture this program reads; save it as {KINDS} and try again") from None
    except MemoryError:
        raise PhotoUnusable(f"{name} does not fit into memory; make it smaller and try again") from None
    except (OSError, ValueError, SyntaxError, TypeError, EOFError, KeyError, IndexError, OverflowError) as error:
        raise _damaged(name, error) from None
    except (struct.error, ArithmeticError, AttributeError, RuntimeError, NotImplementedError) as error:
        raise _damaged(name, error) from None


def open_thumbnail(path: PathLike, side: int) -> np.ndarray:
    """A small picture of a photo for a list: (h, w, 3) uint8 sRGB, the longer side at most `side` pixels.

    As :func:`open_photo`, but a JPEG is decoded at a fraction of its size, which is many times faster.
    """
    from PIL import Image

    small = Image.fromarray(open_photo(path, side))
    small.thumbnail((side, side), Image.Resampling.BOX)
    return np.array(small)


def printable_name(path: PathLike) -> str:
    """The file's name without its folders, on one line, shortened in the middle, always printable."""
    text = os.fsdecode(path)
    return one_line(Path(text).name or text, 160)


def _loaded(image, stream):
    """The decoded picture. A JPEG that lacks nothing but its end marker, as some cameras and copies leave it, is read.

    libjpeg fills what is missing with grey and says nothing, so that must be told apart: the last bytes of a complete
    picture reach its lower right corner.
    """
    from PIL import Image, ImageChops

    try:
        image.load()
        return image
    except OSError:
        data = _content(stream) if image.format in JPEGS else b""
        if not data or END_OF_JPEG in data[-LAST_BYTES:]:
            raise
        whole, shorter = (
            Image.open(io.BytesIO(part + END_OF_JPEG), formats=("JPEG",)) for part in (data, data[:-LAST_BYTES])
        )
        changed = ImageChops.difference(whole.convert("RGB"), shorter.convert("RGB")).getbbox()
        if changed is None or changed[2:] != whole.size:
            raise
        return whole


def _content(stream):
    stream.seek(0)
    return stream.read(MAX_BYTES)


@contextlib.contextmanager
def _opened(path: PathLike, name: str) -> Iterator[BinaryIO]:
    """The file, opened for reading. Raises PhotoUnusable."""
    try:
        stream = open_regular(path)
    except IsADirectoryError:
        raise PhotoUnusable(f"{name} is a folder; give one photo, or use batch for a folder") from None
    except FileNotFoundError:
        raise PhotoUnusable(f"there is no photo {name}; check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PhotoUnusable(f"cannot read {name} ({reason}); check the path and its permissions") from None
    with stream:
        size = os.fstat(stream.fileno()).st_size
        if size == 0:
            raise PhotoUnusable(f"{name} is empty; copy the photo again")
        if size > MAX_BYTES:
            raise PhotoUnusable(f"{name} is larger than {MAX_BYTES >> 20} MB; save a smaller copy and try again")
        yield stream


def _check_work(image, stream, name):
    """Raise PhotoUnusable for a file whose decoding takes far more time or memory than its pixels tell."""
    if image.format == "TIFF":
        across, down = (float(image.tag_v2.get(tag, 1)) for tag in _TIFF_TILE)
        if across * down > MAX_TILE:
            raise PhotoUnusable(f"{name} is a TIFF of tiles far too large; save it as an ordinary one")
    if image.format in JPEGS:
        scans = _scans(_content(stream))
        if scans > min(MAX_SCANS, MAX_SCANNED / (image.width * image.height)):
            raise PhotoUnusable(f"{name} is a JPEG of too many scans ({scans} or more); save it as an ordinary one")


def _scans(data):
    """Scans of the first picture of a JPEG file, counted up to MAX_SCANS + 1."""
    scans, position = 0, 0
    while scans <= MAX_SCANS and (found := _MARKER.search(data, position)):
        marker, position = found[1][0], found.end()
        if marker == _END:
            break
        if marker not in _ALONE:
            position += int.from_bytes(data[position : position + 2], "big")
        scans += marker == _SCAN
    return scans


def _check_size(size, kind, name):
    (width, height), most = size, FEWER_PIXELS.get(kind, MAX_PIXELS)
    if width * height > most:
        raise _too_large(name, most)
    if min(width, height) < MIN_SIDE:
        raise PhotoUnusable(
            f"{name} has only {width} x {height} pixels; use a photo whose shorter side has at least {MIN_SIDE}"
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PhotoUnusable(f"{name} is a strip of {width} x {height} pixels; crop it to the person and try again")


def _too_large(name, most=MAX_PIXELS):
    return PhotoUnusable(f"{name} has more than {most // 1_000_000} megapixels; save a smaller copy of it")


def _damaged(name, error):
    reason = one_line(str(error), 100) or type(error).__name__
    return PhotoUnusable(f"{name} is damaged or incomplete ({reason}); copy or export the photo again")
