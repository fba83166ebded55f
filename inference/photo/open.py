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
from ..log import log

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
MAX_PIXELS = 64_000_000
MAX_BYTES = 512 << 20
MIN_SIDE = 48  # pixels; no face can be seen in less
MAX_ASPECT = 20.0
BACKDROP = 128  # grey that shows through transparent pixels


def open_photo(path: PathLike, enough: int | None = None) -> np.ndarray:
    """Read a photo.

    path: PNG, JPEG, WebP, TIFF or BMP file of at most 64 megapixels; of an animation the first frame is taken.
    enough: pixels that are enough for the shorter side; a JPEG may then be read smaller than it is.
    Returns (H, W, 3) uint8 sRGB, turned upright by its EXIF orientation, colour profile applied, transparency over
    mid grey. Metadata is dropped. Raises PhotoUnusable, a PortraitError.
    """
    from PIL import Image, UnidentifiedImageError

    data = _read(path)
    name = _printable(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check_size(image, name)
                image.seek(0)
                if enough is not None:
                    image.draft(None, (enough, enough))
                image.load()
                return _to_srgb(image)
    except PhotoUnusable:
        raise
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        if isinstance(error, Image.DecompressionBombError):
            raise _too_large(name) from None
        kinds = "PNG, JPEG, WebP, TIFF or BMP"
        raise PhotoUnusable(f"{name} is not a picture this program reads; save it as {kinds} and try again") from None
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


def _read(path):
    name = _printable(path)
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


def _check_size(image, name):
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_large(name)
    if min(width, height) < MIN_SIDE:
        raise PhotoUnusable(
            f"{name} has only {width} x {height} pixels; use a photo whose shorter side has at least {MIN_SIDE}"
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PhotoUnusable(f"{name} is a strip of {width} x {height} pixels; crop it to the person and try again")


def _to_srgb(image):
    from PIL import ImageOps

    profile = image.info.get("icc_profile")
    transparent = "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "La", "RGBa")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        image = _to_eight_bits(image)
    alpha = None
    if transparent:
        image = image.convert("RGBA")
        alpha = np.asarray(image.getchannel("A"), np.float32)[..., None] / 255.0
        image = image.convert("RGB")
    elif image.mode not in ("RGB", "L", "CMYK", "LAB"):
        image = image.convert("RGB")
    pixels = np.array(_apply_profile(image, profile).convert("RGB"))
    if alpha is not None:
        pixels = np.rint(pixels * alpha + BACKDROP * (1.0 - alpha)).astype(np.uint8)
    return np.ascontiguousarray(pixels)


def _to_eight_bits(image):
    """16-bit and 32-bit grey to 8-bit, by the type's range where it has one, else by the values."""
    from PIL import Image

    values = np.nan_to_num(np.asarray(image, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    if image.mode == "F":
        top = 1.0 if values.max() <= 1.0 else values.max()
    else:
        top = 65535.0 if values.max() <= 65535.0 else values.max()
    return Image.fromarray(np.rint(255.0 * np.clip(values / max(top, 1e-9), 0.0, 1.0)).astype(np.uint8))


def _apply_profile(image, profile):
    """Convert from the embedded profile to sRGB; a profile that is broken or of another kind is ignored."""
    if not profile:
        return image
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        log.warning("a colour profile cannot be used (%s); the photo is taken for sRGB", error)
        return image


def _too_large(name):
    return PhotoUnusable(f"{name} has more than {MAX_PIXELS // 1_000_000} megapixels; save a smaller copy of it")


def _damaged(name, error):
    reason = str(error).strip().splitlines()[0][:100] if str(error).strip() else type(error).__name__
    return PhotoUnusable(f"{name} is damaged or incomplete ({reason}); copy or export the photo again")


def _printable(path):
    """The path on one line, shortened in the middle, always printable."""
    text = str(Path(os.fsdecode(path)))
    text = "".join(c if c.isprintable() else "?" for c in text.encode("utf-8", "replace").decode("utf-8"))
    return text if len(text) <= 160 else f"{text[:60]}...{text[-90:]}"
