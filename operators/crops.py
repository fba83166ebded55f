"""The crop of a portrait's photo: faces, pose numbers and the small picture in the panel."""

import os

import bpy

from .models import model
from .portraits import absolute_path
from .preferences import engine_options

HEAD_BY_FACE = 2.2  # side of a crop by the longer side of the face's box
_photos = {}  # the last photo looked at: {(path, mtime): (photo, faces)}
_previews = None


def look_at(path):
    """Open a photo and find its faces, largest first. Returns photo (H, W, 3) uint8 and faces. Raises PortraitError."""
    from ..inference.alignment import find_faces
    from ..inference.photo import open_photo

    path = os.path.abspath(path)
    photo = open_photo(path)
    key = (path, os.stat(path).st_mtime_ns)
    if key not in _photos:
        faces = find_faces(photo, model(engine_options()))
        _photos.clear()
        _photos[key] = (photo, faces)
    return _photos[key]


def align_settings(photo, faces, choice, loaded):
    """Alignment of a photo for a choice from :func:`chosen_crop`. Touches no bpy. Raises PortraitError."""
    from ..inference.alignment import align, align_manually
    from ..inference.errors import FaceUnusable

    if choice["crop"] is not None:
        centre_x, centre_y, size, roll = choice["crop"]
        return align_manually(photo, (centre_x, centre_y), size, roll, loaded)
    if not faces:
        raise FaceUnusable("no face was found in the photo; turn on Crop by Hand and frame the head")
    return align(photo, faces[min(choice["face"], len(faces) - 1)], loaded)


def chosen_crop(obj):
    """What the user chose, as plain values for a thread: {"face": int, "crop": (x, y, size, roll) or None}."""
    settings = obj.portrait_manifolds
    crop = (*settings.crop_centre, settings.crop_size, settings.crop_roll) if settings.use_crop else None
    return {"face": settings.face, "crop": crop}


def update_crop(obj, photo=None, faces=None):
    """Align again, show pose and preview, and fill in the crop's numbers. Raises PortraitError."""
    if photo is None:
        photo, faces = look_at(absolute_path(obj, obj.portrait_manifolds.photo_path))
    alignment = align_settings(photo, faces, chosen_crop(obj), model(engine_options()))
    note_alignment(obj, alignment)
    return alignment


def note_alignment(obj, alignment):
    """Keep an alignment's numbers on the object and show its crop in the panel."""
    import math

    settings = obj.portrait_manifolds
    settings.pose = (alignment.yaw, alignment.pitch, alignment.roll)
    if not settings.use_crop:
        affine = alignment.crop_to_photo
        side = len(alignment.crop)
        settings.crop_centre = affine @ (side / 2, side / 2, 1.0)
        settings.crop_size = side * math.hypot(affine[0, 0], affine[1, 0])
        settings.crop_roll = math.degrees(math.atan2(affine[1, 0], affine[0, 0]))
    show_preview(obj, alignment.crop)


def first_crop(settings):
    """Turn on the crop by hand with a square around the chosen face, else in the middle of the photo."""
    settings.use_crop, settings.crop_roll = True, 0.0
    if settings.faces:
        left, top, right, bottom = settings.faces[min(settings.face, len(settings.faces) - 1)].box
        settings.crop_centre = ((left + right) / 2, (top + bottom) / 2)
        settings.crop_size = max(16.0, HEAD_BY_FACE * max(right - left, bottom - top))
    else:
        settings.crop_centre = [value / 2 for value in settings.photo_size]
        settings.crop_size = max(16.0, 0.8 * min(settings.photo_size))


def plain_crop(photo, settings):
    """The crop of the hand-set numbers without any network, (256, 256, 3) uint8."""
    import numpy as np

    from ..inference.alignment import warp_to_crop
    from ..inference.cameras import CROP_SIZE

    scale, angle = settings.crop_size / CROP_SIZE, np.radians(settings.crop_roll)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[cosine, -sine], [sine, cosine]])
    offset = np.array(settings.crop_centre) - linear @ (CROP_SIZE / 2, CROP_SIZE / 2)
    return warp_to_crop(photo, np.column_stack([linear, offset]))


def show_preview(obj, crop):
    """Put a crop (h, w, 3) uint8 into the panel's picture of a portrait."""
    import numpy as np

    preview = _collection().get(obj.name) or _collection().new(obj.name)
    height, width = crop.shape[:2]
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = crop[::-1] / np.float32(255)
    preview.image_size = (width, height)
    preview.image_pixels_float.foreach_set(pixels.ravel())


def preview_icon(obj):
    """Icon id of the portrait's picture; 0 while there is none, which is then made as soon as Blender is idle."""
    preview = _previews.get(obj.name) if _previews is not None else None
    if preview is not None:
        return preview.icon_id
    if obj.portrait_manifolds.portrait_path and not bpy.app.timers.is_registered(_make_previews):
        bpy.app.timers.register(_make_previews, first_interval=0.05)
    return 0


def _make_previews():
    """Timer: pictures for portraits that came with a file."""
    from ..inference.errors import PortraitError
    from .base import redraw_panels
    from .portraits import is_portrait, load

    for obj in bpy.context.scene.objects:
        if is_portrait(obj) and obj.portrait_manifolds.portrait_path and obj.name not in _collection():
            try:
                show_preview(obj, load(obj).crop)
            except PortraitError:  # reported when the portrait is used
                _collection().new(obj.name)
    redraw_panels(bpy.context)


def _collection():
    global _previews
    if _previews is None:
        import bpy.utils.previews

        _previews = bpy.utils.previews.new()
    return _previews


def forget_photos():
    """Drop the photo kept with its faces."""
    _photos.clear()


def forget():
    """Drop photos and pictures."""
    global _previews
    forget_photos()
    if bpy.app.timers.is_registered(_make_previews):
        bpy.app.timers.unregister(_make_previews)
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
        _previews = None
