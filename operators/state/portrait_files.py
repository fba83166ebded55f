"""The files of a portrait object, which may be packed, linked from another .blend, or where they were last."""

import os

import bpy

from ...inference.errors import PortraitError
from ..language import strings
from . import packed_portraits


def file_of(obj):
    """Absolute path of the object's portrait file. Raises PortraitError when it has none yet."""
    settings = obj.portrait_manifolds
    if not settings.portrait_path:
        raise PortraitError(strings.NOT_INVERTED.format(name=obj.name))
    if settings.packed is not None and packed_portraits.holds(settings.packed, "portrait"):
        return packed_portraits.unpacked(settings.packed, "portrait")
    return existing_path(obj, settings.portrait_path, settings.portrait_absolute)


def photo_of(obj):
    """Absolute path of the object's photo, which may be missing; "" when it came without one. Raises PortraitError."""
    settings = obj.portrait_manifolds
    if settings.packed is not None and packed_portraits.holds(settings.packed, "photo"):
        return packed_portraits.unpacked(settings.packed, "photo")
    return existing_path(obj, settings.photo_path, settings.photo_absolute) if settings.photo_path else ""


def note_portrait(obj, portrait, path):
    """Keep on the object where its portrait file lies and what made it."""
    settings = obj.portrait_manifolds
    settings.portrait_path = stored_path(path)
    settings.portrait_absolute = os.path.abspath(path)
    packed_portraits.drop(settings, "portrait")
    settings.photo_size = portrait.photo_size
    settings.model_id, settings.model_sha256 = portrait.model_id, portrait.model_sha256
    settings.pose = [float(portrait.pose.get(key, 0.0)) for key in ("yaw", "pitch", "roll")]


def keep_photo(obj, path):
    """Keep on the object where its photo lies."""
    settings = obj.portrait_manifolds
    settings.photo_path, settings.photo_absolute = stored_path(path), os.path.abspath(path)
    packed_portraits.drop(settings, "photo")


def stored_path(path):
    """Path as kept in the .blend: relative to it when both are saved on one drive."""
    if bpy.data.filepath:
        try:
            return bpy.path.relpath(str(path))
        except ValueError:
            pass
    return str(path)


def absolute_path(obj, stored):
    """Absolute path of a path kept on `obj`, which may be linked from a library or override an object there."""
    if not stored:
        return ""
    override = obj.override_library
    if override is not None and override.reference is not None:
        inherited = override.reference.portrait_manifolds
        if stored in (inherited.portrait_path, inherited.photo_path):
            return absolute_path(override.reference, stored)
    return bpy.path.abspath(stored, library=obj.library)


def existing_path(obj, stored, last):
    """The absolute path of a stored one; where the file was last if it is only there: appended to another .blend."""
    path = os.path.abspath(absolute_path(obj, stored))
    return last if last and not os.path.isfile(path) and os.path.isfile(last) else path
