"""The paths of portraits when a .blend is saved or appended from: what lies where, seen from another place."""

import os
import shutil

import bpy

from ..language import strings
from .folders import storage_folder, user_folder
from .packed_portraits import holds
from .portrait import is_portrait
from .portrait_files import existing_path, stored_path


def keep_beside(blend_path):
    """Get paths ready for a .blend that is about to be saved there; returns what :func:`put_back` needs.

    Portraits in the user folder are copied to a folder beside it, and all paths become relative to it, so the
    .blend and that folder can move together. What is packed, linked, or inherited by an override stays as it is.
    """
    folder = os.path.dirname(os.path.abspath(blend_path))
    before = []
    for obj in bpy.data.objects:
        if obj.library is not None or not is_portrait(obj):
            continue
        settings = obj.portrait_manifolds
        for name, last in (("portrait_path", "portrait_absolute"), ("photo_path", "photo_absolute")):
            stored = getattr(settings, name)
            packed = settings.packed is not None and holds(settings.packed, name.partition("_")[0])
            if not stored or packed or _inherited(obj, name):
                continue
            path = existing_path(obj, stored, getattr(settings, last))
            if name == "portrait_path":
                path = _copied_beside(path, storage_folder(blend_path))
            before.append((obj, name, stored))
            setattr(settings, last, path)
            setattr(settings, name, _relative(path, folder))
    return before


def put_back(before):
    """Undo :func:`keep_beside` on the objects, after a copy was saved and the session stays with its own file."""
    for obj, name, stored in before:
        setattr(obj.portrait_manifolds, name, stored)


def adopt(obj, blend_path):
    """Make the paths of an object that was appended from another .blend point to the same files from here."""
    settings = obj.portrait_manifolds
    folder = os.path.dirname(os.path.abspath(bpy.path.abspath(blend_path)))
    for name, last in (("portrait_path", "portrait_absolute"), ("photo_path", "photo_absolute")):
        stored = getattr(settings, name)
        if stored.startswith("//"):
            path = os.path.abspath(bpy.path.abspath(stored, start=folder))
            if os.path.isfile(path):
                setattr(settings, name, stored_path(path))
                setattr(settings, last, path)


def _inherited(obj, name):
    """True when an override takes a property from the object it overrides."""
    override = obj.override_library
    if override is None or override.reference is None:
        return False
    return getattr(obj.portrait_manifolds, name) == getattr(override.reference.portrait_manifolds, name)


def _relative(path, folder):
    try:
        return bpy.path.relpath(path, start=folder)
    except ValueError:  # on another drive
        return path


def _copied_beside(path, folder):
    """The portrait's new place: a copy in `folder` when it lies in the user folder, else where it is."""
    home = os.path.abspath(user_folder())
    if not path.startswith(home + os.sep) or not os.path.isfile(path):
        return path
    goal = folder / os.path.basename(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not goal.exists():
            partial = goal.with_name(f"{goal.name}.part")
            shutil.copyfile(path, partial)
            os.replace(partial, goal)
    except OSError as error:
        print(strings.NOT_COPIED.format(path=path, reason=error.strerror))
        return path
    return str(goal)
