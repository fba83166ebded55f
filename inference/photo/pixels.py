"""Decoded pictures of any mode, depth and profile as 8-bit sRGB."""

import io
from typing import TYPE_CHECKING

import numpy as np

from ..log import log

if TYPE_CHECKING:
    from PIL import Image

BACKDROP = 128  # grey that shows through transparent pixels
DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras and scanners put into 16-bit files


def srgb_pixels(image: "Image.Image") -> tuple[np.ndarray, np.ndarray | None]:
    """Pixels (H, W, 3) uint8 of a decoded picture, upright and with its profile applied, and its alpha (H, W) uint8.

    Alpha is straight: colours are not mixed with a backdrop. What nobody can see is BACKDROP, whatever hid there. None
    where the picture is opaque everywhere.
    """
    from PIL import ImageOps

    profile = image.info.get("icc_profile")
    transparent = "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "La", "RGBa")
    image = ImageOps.exif_transpose(image)
    alpha = None
    if transparent:
        grey = image.mode in ("LA", "La") or (image.mode == "L" and "transparency" in image.info)
        image = image.convert("LA" if grey else "RGBA")
        alpha = image.getchannel("A")
        image = image.convert("L" if grey else "RGB")  # the profile speaks of these
    elif image.mode.startswith("I") or image.mode == "F":
        image = _to_eight_bits(image)
    elif image.mode not in ("RGB", "L", "CMYK", "LAB"):
        image = image.convert("RGB")
    image = _apply_profile(image, profile).convert("RGB")
    if alpha is None or alpha.getextrema()[0] == 255:
        return np.ascontiguousarray(np.array(image)), None
    pixels, alpha = np.ascontiguousarray(np.array(image)), np.array(alpha)
    pixels[alpha == 0] = BACKDROP
    return pixels, alpha


def over_grey(pixels: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Pixels (H, W, 3) uint8 with straight alpha (H, W) uint8, or None, before BACKDROP: (H, W, 3) uint8."""
    from PIL import Image

    if alpha is None:
        return pixels
    backdrop = Image.new("RGB", pixels.shape[1::-1], (BACKDROP,) * 3)
    backdrop.paste(Image.fromarray(pixels), mask=Image.fromarray(alpha))
    return np.array(backdrop)


def _to_eight_bits(image):
    """16-bit and 32-bit grey to 8-bit: white is the highest value of the bits in use, of floating point 1 or more."""
    from PIL import Image

    values = np.nan_to_num(np.asarray(image, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    highest = values.max()
    if image.mode == "F":
        top = max(1.0, highest)
    else:
        top = next((2.0**bits - 1.0 for bits in DEPTHS if highest < 2.0**bits), highest)
    return Image.fromarray(np.rint(255.0 * np.clip(values / top, 0.0, 1.0)).astype(np.uint8))


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
