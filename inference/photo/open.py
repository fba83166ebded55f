"""The photo door: a file from anywhere becomes an upright sRGB picture, or one clear error."""

import io
import os
import stat
import struct
import warnings
from pathlib import Path

import numpy as np

from ..errors import PhotoUnusable
from ..files import PathLike
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
MAX_BYTES = 512 << 20
MAX_SCANS = 100  # of a progressive JPEG, each of which is decoded over the whole picture; encoders write about ten
MIN_SIDE = 48  # pixels; no face can be seen in less
MAX_ASPECT = 20.0
START_OF_SCAN, END_OF_JPEG = b"\xff\xda", b"\xff\xd9"
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
    data = _read(path)
    name = printable_name(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            size = float_tiff.read_size(data)
            if size is not None:
                _check_size(size, name)
                return srgb_pixels(float_tiff.read_image(data))
            with Image.open(io.BytesIO(data), formats=tuple(FORMATS)) as image:
                _check_size(image.size, name)
                if image.format == "JPEG" and data.count(START_OF_SCAN) > MAX_SCANS:
                    raise PhotoUnusable(f"{name} is a JPEG of more than {MAX_SCANS} scans; save it as an ordinary one")
                image.seek(0)
                if enough is not None:
                    image.draft(None, (enough, enough))
                return srgb_pixels(_loaded(image, data))
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
    text = Path(os.fsdecode(path)).name or str(Path(os.fsdecode(path)))
    text = "".join(c if c.isprintable() else "?" for c in text.encode("utf-8", "replace").decode("utf-8"))
    return text if len(text) <= 160 else f"{text[:60]}...{text[-90:]}"


def _loaded(image, data):
    """The decoded picture. A JPEG that lacks nothing but its end marker, as some cameras and copies leave it, is read.

    libjpeg fills what is missing with grey and says nothing, so that must be told apart: the last bytes of a complete
    picture reach its lower right corner.
    """
    from PIL import Image, ImageChops

    try:
        image.load()
        return image
    except OSError:
        if image.format != "JPEG" or END_OF_JPEG in data[-LAST_BYTES:]:
            raise
        whole, shorter = (
            Image.open(io.BytesIO(part + END_OF_JPEG), formats=("JPEG",)) for part in (data, data[:-LAST_BYTES])
        )
        changed = ImageChops.difference(whole.convert("RGB"), shorter.convert("RGB")).getbbox()
        if changed is None or changed[2:] != whole.size:
            raise
        return whole


def _read(path):
    name = printable_name(path)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise PhotoUnusable(f"{name} is a folder; give one photo, or use batch for a folder")
        if not stat.S_ISREG(status.st_mode):
            raise PhotoUnusable(f"{name} is not a regular file; copy the photo to a file and try again")
        if status.st_size == 0:
            raise PhotoUnusable(f"{name} is empty; copy the photo again")
        if status.st_size > MAX_BYTES:
            raise PhotoUnusable(f"{name} is larger than {MAX_BYTES >> 20} MB; save a smaller copy and try again")
        with open(path, "rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except PhotoUnusable:
        raise
    except FileNotFoundError:
        raise PhotoUnusable(f"there is no photo {name}; check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PhotoUnusable(f"cannot read {name} ({reason}); check the path and its permissions") from None


def _check_size(size, name):
    width, height = size
    if width * height > MAX_PIXELS:
        raise _too_large(name)
    if min(width, height) < MIN_SIDE:
        raise PhotoUnusable(
            f"{name} has only {width} x {height} pixels; use a photo whose shorter side has at least {MIN_SIDE}"
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PhotoUnusable(f"{name} is a strip of {width} x {height} pixels; crop it to the person and try again")


def _too_large(name):
    return PhotoUnusable(f"{name} has more than {MAX_PIXELS // 1_000_000} megapixels; save a smaller copy of it")


def _damaged(name, error):
    reason = str(error).strip().splitlines()[0][:100] if str(error).strip() else type(error).__name__
    return PhotoUnusable(f"{name} is damaged or incomplete ({reason}); copy or export the photo again")
