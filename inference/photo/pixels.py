"""Decoded pictures of any mode, depth and profile as 8-bit sRGB."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..log import log

if TYPE_CHECKING:
    from PIL import Image

BACKDROP = 128  # grey that shows through transparent pixels
BAND_PIXELS = 1 << 21  # converted at a time
ORIENTATION = 0x0112  # EXIF's tag
DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras and scanners put into 16-bit files


def srgb_pixels(image: "Image.Image") -> tuple[np.ndarray, np.ndarray | None]:
    """Pixels (H, W, 3) uint8 of a decoded picture, upright and with its profile applied, and its alpha (H, W) uint8.

    Alpha is straight: colours are not mixed with a backdrop. What nobody can see is BACKDROP, whatever hid there. None
    where the picture is opaque everywhere. The picture is converted in bands, and its memory is given back before it is
    turned: of 64 megapixels with alpha there are never more than two copies.
    """
    to_rgb, orientation = _conversion(image), image.getexif().get(ORIENTATION, 1)
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    alpha = np.empty((height, width), np.uint8) if _is_transparent(image) else None
    for rows in bands(height, width):
        band, band_alpha = to_rgb(image.crop((0, rows.start, width, rows.stop)))
        pixels[rows] = band
        if alpha is not None:
            alpha[rows] = band_alpha
            pixels[rows][alpha[rows] == 0] = BACKDROP
    image.close()
    if alpha is not None and alpha.min() == 255:
        alpha = None
    return _upright(pixels, orientation), None if alpha is None else _upright(alpha, orientation)


def over_grey(pixels: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Pixels (H, W, 3) uint8 with straight alpha (H, W) uint8, or None, before BACKDROP: (H, W, 3) uint8."""
    from PIL import Image

    if alpha is None:
        return pixels
    height, width = alpha.shape
    mixed = np.empty_like(pixels)
    for rows in bands(height, width):
        backdrop = Image.new("RGB", (width, rows.stop - rows.start), (BACKDROP,) * 3)
        backdrop.paste(Image.fromarray(pixels[rows]), mask=Image.fromarray(alpha[rows]))
        mixed[rows] = backdrop
    return mixed


def bands(height: int, width: int) -> Iterator[slice]:
    """Rows of a picture, a few at a time."""
    step = max(1, BAND_PIXELS // width)
    for top in range(0, height, step):
        yield slice(top, min(top + step, height))


def _is_transparent(image):
    return "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "La", "RGBa")


def _conversion(image):
    """Function from a band of the picture to its colours (h, w, 3) uint8 and its alpha (h, w), or None."""
    mode, profile, convert = image.mode, image.info.get("icc_profile"), None
    transparent = _is_transparent(image)
    if transparent:
        grey = mode in ("LA", "La") or (mode == "L" and "transparency" in image.info)
        layered, mode = ("LA", "L") if grey else ("RGBA", "RGB")
    elif mode.startswith("I") or mode == "F":
        convert, mode = _to_eight_bits(image), "L"
    elif mode not in ("RGB", "L", "CMYK", "LAB"):
        mode = "RGB"
    apply_profile = _profile_conversion(profile, mode)

    def to_rgb(band):
        alpha = None
        if transparent:
            band = band.convert(layered)
            alpha = np.asarray(band.getchannel("A"))
        band = convert(band) if convert else band.convert(mode)  # the profile speaks of this
        return np.asarray(apply_profile(band).convert("RGB")), alpha

    return to_rgb


def _to_eight_bits(image):
    """Function from a band of 16-bit or 32-bit grey to 8-bit: white is the highest value of the bits that the whole
    picture uses, of floating point 1 or more."""
    from PIL import Image

    def values(band):
        return np.nan_to_num(np.asarray(band, np.float64), nan=0.0, posinf=0.0, neginf=0.0)

    width, height = image.size
    highest = max(values(image.crop((0, rows.start, width, rows.stop))).max() for rows in bands(height, width))
    if image.mode == "F":
        top = max(1.0, highest)
    else:
        top = next((2.0**bits - 1.0 for bits in DEPTHS if highest < 2.0**bits), highest)
    return lambda band: Image.fromarray(np.rint(255.0 * np.clip(values(band) / top, 0.0, 1.0)).astype(np.uint8))


def _profile_conversion(profile, mode):
    """Function from a picture of a mode to sRGB by the embedded profile; one that is broken or of another kind is
    ignored."""
    if not profile:
        return lambda band: band
    from PIL import Image, ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        ImageCms.applyTransform(Image.new(mode, (1, 1)), transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        log.warning("a colour profile cannot be used (%s); the photo is taken for sRGB", error)
        return lambda band: band
    return lambda band: ImageCms.applyTransform(band, transform)


def _upright(pixels, orientation):
    """Pixels (H, W, ...) turned by EXIF's orientation; an unknown one is ignored."""
    import cv2

    turned = {
        2: lambda: cv2.flip(pixels, 1),
        3: lambda: cv2.flip(pixels, -1),
        4: lambda: cv2.flip(pixels, 0),
        5: lambda: cv2.transpose(pixels),
        6: lambda: cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE),
        7: lambda: cv2.flip(cv2.transpose(pixels), -1),
        8: lambda: cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE),
    }
    return turned[orientation]() if orientation in turned else pixels
