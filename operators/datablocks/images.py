"""Image datablocks from arrays and back."""

import os
import pathlib

import bpy
import numpy as np

from ...inference.errors import MatteUnusable, PortraitError
from ...inference.photo.images import save_png
from ...inference.photo.matte import brightness
from ..language import strings


def new_image(name, pixels, pack=True):
    """A byte image datablock from (H, W, 3) or (H, W, 4) uint8 sRGB, straight alpha, row 0 on top."""
    height, width, channels = pixels.shape
    image = bpy.data.images.new(name, width, height, alpha=channels == 4)
    try:
        set_pixels(image, pixels)
        if pack:
            image.pack()
    except Exception:
        bpy.data.images.remove(image)
        raise
    return image


def set_pixels(image, pixels):
    """Write (H, W, 3) or (H, W, 4) uint8 sRGB into a byte image of the same size."""
    height, width, channels = pixels.shape
    flipped = np.ones((height, width, 4), np.float32)
    flipped[..., :channels] = pixels[::-1].astype(np.float32) / 255.0
    image.pixels.foreach_set(flipped.ravel())
    image.update()


def get_pixels(image):
    """(H, W, 4) float32 of an image datablock, row 0 on top, in the image's own colour space."""
    width, height = image.size
    flat = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(flat)
    return flat.reshape(height, width, 4)[::-1]


def get_matte(image):
    """(h, w) uint8 matte of an image datablock: its alpha where that is not opaque everywhere, else its brightness.

    Raises MatteUnusable when it has no pixels, as one whose file is missing.
    """
    if not all(image.size) or len(image.pixels) != 4 * image.size[0] * image.size[1]:
        raise MatteUnusable(strings.MATTE_MISSING.format(name=image.name))
    pixels = np.rint(255.0 * np.clip(np.nan_to_num(get_pixels(image)), 0.0, 1.0)).astype(np.uint8)
    alpha = pixels[..., 3]
    return np.ascontiguousarray(alpha) if alpha.min() < 255 else brightness(pixels[..., :3])


def show_view(name, view):
    """Put an `inference.view.render.View` into the image `name`, made or reused, as sRGB bytes with straight alpha."""
    from ...inference.view.render import view_pixels

    return show_pixels(name, view_pixels(view))


def show_pixels(name, pixels):
    """Put (H, W, 4) uint8 sRGB with straight alpha into the image `name`, made or reused."""
    height, width = pixels.shape[:2]
    image = bpy.data.images.get(name)
    if image is not None and (image.source != "GENERATED" or image.is_float or image.library is not None):
        image = None
    if image is None:
        image = bpy.data.images.new(name, width, height, alpha=True)
    elif tuple(image.size) != (width, height):
        image.scale(width, height)
    image.alpha_mode = "STRAIGHT"
    set_pixels(image, pixels)
    return image


def save_view(path, view):
    """Write a view as PNG with straight alpha. Raises PortraitError."""
    path = pathlib.Path(path)
    if path.suffix.lower() != ".png":
        raise PortraitError(strings.VIEW_NOT_PNG.format(suffix=path.suffix or path.name))
    from ...inference.view.render import view_pixels

    save_png(view_pixels(view), path)


def photo_image(path, photo):
    """Image datablock of a photo as the engine sees it.

    The file itself is used when Blender reads it alike; a photo turned by its EXIF tag is packed instead, since
    Blender ignores that tag.
    """
    from PIL import Image

    with Image.open(path) as opened:
        upright = opened.getexif().get(0x0112, 1) == 1
        plain = upright and opened.format in ("PNG", "JPEG") and opened.mode in ("RGB", "L")
        plain = plain and not opened.info.get("icc_profile")
    if plain:
        image = bpy.data.images.load(os.path.abspath(path), check_existing=True)
        if tuple(image.size) == photo.shape[1::-1]:
            return image
    return new_image(os.path.basename(path), photo)
