"""The crop of a portrait's photo: faces, pose numbers and the small picture in the panel."""

import base64
import dataclasses
import math
import os
import zlib

import bpy
import numpy as np

from ...inference.errors import FaceUnusable, PhotoUnusable, PortraitError
from ...inference.geometry.cameras import CROP_SIZE
from ...inference.photo.open import open_photo
from ...inference.photo.warp import warp_to_crop
from ..language import strings
from ..models.models import model
from ..state.doubts import keep_doubts
from ..state.loaded import load
from ..state.options import engine_options
from ..state.portrait import check_editable, find, reference
from ..state.portrait_files import photo_of
from ..work import problems
from ..work.operator import error_text, redraw_panels

HEAD_BY_FACE = 2.2  # side of a crop by the longer side of the face's box
_photos = {}  # the last photo looked at: {(path, mtime): (photo, faces)}
_previews = None
_wanted = None  # reference of the portrait whose picture the panel asked for
MAX_PREVIEWS = 64


def look_at(path):
    """A photo (H, W, 3) uint8 and its faces, likeliest first. Raises PortraitError."""
    from ...inference.alignment.align import find_faces

    path = os.path.abspath(path)
    photo = open_photo(path)
    key = (path, os.stat(path).st_mtime_ns)
    if key not in _photos:
        faces = find_faces(photo, model(engine_options()))
        _photos.clear()
        _photos[key] = (photo, faces)
    return _photos[key]


def listed(photo, faces):
    """What the panel's list says of faces, see `inference.alignment.listing`."""
    from ...inference.alignment.listing import list_faces

    return list_faces(photo, faces, model(engine_options()).geometry["mean_landmarks"]) if faces else []


def align_settings(photo, faces, choice, loaded):
    """Alignment of a photo for a choice from :func:`chosen_crop`. Touches no bpy. Raises PortraitError."""
    from ...inference.alignment.align import align_as_set

    by_hand = {key: value for key, value in choice.items() if key != "face"}
    return align_as_set(photo, _face_of(faces, choice), loaded, **by_hand)


def _face_of(faces, choice):
    """The face that is chosen, None where the crop or the landmarks are set by hand."""
    if choice["crop"] is not None or choice["landmarks"] is not None:
        return None
    if not faces:
        raise FaceUnusable(strings.NO_FACE_IN_PHOTO)
    return faces[min(choice["face"], len(faces) - 1)]


def chosen_crop(obj):
    """What the user chose, as plain values for a thread: arguments of `inference.pipeline.invert_photo`.

    {"face": int or None, "crop": (x, y, size, roll) or None, "landmarks": (468, 2) or None, "yaw", "pitch": degrees or
    None}.
    """
    settings = obj.portrait_manifolds
    crop = (*settings.crop_centre, settings.crop_size, settings.crop_roll) if settings.use_crop else None
    landmarks = landmarks_of(obj) if settings.use_landmarks else ()
    yaw, pitch = (settings.yaw, settings.pitch) if settings.use_pose else (None, None)
    return {
        "face": None if crop or len(landmarks) else settings.face,
        "crop": crop,
        "landmarks": landmarks if len(landmarks) else None,
        "yaw": yaw,
        "pitch": pitch,
    }


def update_crop(obj, photo=None, faces=None):
    """Align again, show pose and preview, and fill in the crop's numbers. Raises PortraitError."""
    if photo is None:
        photo, faces = look_at(existing_photo(obj))
    choice = chosen_crop(obj)
    alignment = align_settings(photo, faces, choice, model(engine_options()))
    note_alignment(obj, alignment)
    keep_doubts(obj.portrait_manifolds, doubts_about(alignment, photo, faces, choice))
    return alignment


def doubts_about(alignment, photo, faces, choice):
    """What is doubtful about an alignment of :func:`align_settings`, [{"code", "text"}]."""
    from ...inference.alignment.doubts import doubts

    found = doubts(alignment, _face_of(faces, choice), photo.shape[1::-1])
    return [dataclasses.asdict(doubt) for doubt in found]


def choose_face(obj, index):
    """Take one of the faces that were found, and the crop that follows from it. Raises PortraitError."""
    settings = obj.portrait_manifolds
    settings.face = min(max(index, 0), max(0, len(settings.faces) - 1))
    settings.use_crop = settings.use_landmarks = settings.use_pose = False
    update_crop(obj)


def pick_face(obj, index):
    """What a click in the panel's list does; an error stays in the panel."""
    try:
        check_editable(obj)
        choose_face(obj, index)
    except Exception as error:
        problems.note(problems.Problem(strings.UPDATE_CROP.label, error, error_text(error), obj.name))
    else:
        problems.solved(strings.UPDATE_CROP.label, obj.name)
    redraw_panels(bpy.context)


def existing_photo(obj):
    """Path of the object's photo. Raises PhotoUnusable when it came without one or it is missing."""
    path = photo_of(obj)
    if not path:
        raise PhotoUnusable(strings.NO_PHOTO.format(name=obj.name))
    if not os.path.isfile(path):
        raise PhotoUnusable(strings.PHOTO_MISSING.format(path=path))
    return path


def note_alignment(obj, alignment):
    """Keep an alignment's numbers and landmarks on the object and show its crop in the panel."""
    settings = obj.portrait_manifolds
    settings.pose = (alignment.yaw, alignment.pitch, alignment.roll)
    if not settings.use_crop:
        settings.crop_centre, settings.crop_size, settings.crop_roll = crop_numbers(alignment)
    if not settings.use_pose:
        settings.yaw, settings.pitch = alignment.yaw, alignment.pitch
    settings.landmarks = as_text(landmarks_in_photo(alignment))
    show_preview(obj, alignment.crop)


def crop_numbers(alignment):
    """An alignment's square as the user sets it: centre (x, y) and side in photo pixels, roll in degrees clockwise."""
    affine, side = alignment.crop_to_photo, len(alignment.crop)
    size = side * math.hypot(affine[0, 0], affine[1, 0])
    return affine @ (side / 2, side / 2, 1.0), size, math.degrees(math.atan2(affine[1, 0], affine[0, 0]))


def landmarks_in_photo(alignment, landmarks=None):
    """An alignment's landmarks, or others in pixels of its crop, as (468, 2) float32 photo pixels."""
    affine = alignment.crop_to_photo
    points = alignment.landmarks if landmarks is None else landmarks
    return np.asarray(points @ affine[:, :2].T + affine[:, 2], "<f4")


def as_text(landmarks):
    """Landmarks as a .blend keeps them."""
    return base64.b64encode(np.asarray(landmarks, "<f4").tobytes()).decode()


def landmarks_of(obj):
    """The landmarks kept on an object, (n, 2) float32 photo pixels; none where there are none or they are damaged."""
    try:
        data = base64.b64decode(obj.portrait_manifolds.landmarks, validate=True)
        points = np.frombuffer(data, "<f4").reshape(-1, 2)
    except ValueError:
        return np.zeros((0, 2), np.float32)
    return points if np.isfinite(points).all() else points[:0]


def first_crop(settings):
    """Turn on the crop by hand with a square around the chosen face, else in the middle of the photo."""
    settings.use_crop, settings.crop_roll = True, 0.0
    settings.use_landmarks = settings.use_pose = False
    if settings.faces:
        left, top, right, bottom = settings.faces[min(settings.face, len(settings.faces) - 1)].box
        settings.crop_centre = ((left + right) / 2, (top + bottom) / 2)
        settings.crop_size = max(16.0, HEAD_BY_FACE * max(right - left, bottom - top))
    else:
        settings.crop_centre = [value / 2 for value in settings.photo_size]
        settings.crop_size = max(16.0, 0.8 * min(settings.photo_size))


def plain_crop(photo, settings):
    """The crop of the hand-set numbers without any network, (256, 256, 3) uint8."""
    scale, angle = settings.crop_size / CROP_SIZE, np.radians(settings.crop_roll)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[cosine, -sine], [sine, cosine]])
    offset = np.array(settings.crop_centre) - linear @ (CROP_SIZE / 2, CROP_SIZE / 2)
    return warp_to_crop(photo, np.column_stack([linear, offset]))


def show_preview(obj, crop):
    """Put a crop (h, w, 3) uint8 into the panel's picture of a portrait."""
    preview = preview_of(obj) or _new_preview(obj)
    height, width = crop.shape[:2]
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = crop[::-1] / np.float32(255)
    preview.image_size = (width, height)
    preview.image_pixels_float.foreach_set(pixels.ravel())


def preview_icon(obj):
    """Icon id of the portrait's picture; 0 while there is none, which is then made as soon as Blender is idle."""
    global _wanted
    preview = preview_of(obj)
    if preview is not None:
        return preview.icon_id
    _wanted = reference(obj)
    if not bpy.app.timers.is_registered(_make_preview):
        bpy.app.timers.register(_make_preview, first_interval=0.05)
    return 0


def preview_of(obj):
    """The picture of a portrait as it is now, or None."""
    return _collection().get(_preview_name(obj))


def _new_preview(obj):
    if len(_collection()) >= MAX_PREVIEWS:
        _collection().clear()
    return _collection().new(_preview_name(obj))


def _preview_name(obj):
    """Names come and go. The identity stays, and what it was made of changes, also through undo."""
    settings = obj.portrait_manifolds
    return f"{obj.session_uid} {settings.portrait_path} {zlib.crc32(settings.landmarks.encode())}"


def _make_preview():
    """Timer: the picture of a portrait that came with a file, or by undo."""
    try:
        obj = find(_wanted)
        if obj.portrait_manifolds.portrait_path:
            show_preview(obj, load(obj).crop)
        else:
            show_preview(obj, plain_crop(open_photo(existing_photo(obj)), obj.portrait_manifolds))
    except PortraitError:  # said by the panel, and when the portrait is used
        if (obj := next((obj for obj in bpy.data.objects if obj.session_uid == _wanted[0]), None)) is not None:
            _new_preview(obj)
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
    if bpy.app.timers.is_registered(_make_preview):
        bpy.app.timers.unregister(_make_preview)
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
        _previews = None
