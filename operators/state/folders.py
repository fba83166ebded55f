"""The folders that portraits are kept in."""

import pathlib
import re
import tempfile

import bpy

from ...inference.files import make_folder
from .options import EXTENSION, preferences

SUFFIX = ".manifolds"


def user_folder():
    """The extension's user folder, or the preferences' choice, or a temporary one when run as a plain module."""
    chosen = preferences().cache_folder
    if chosen:
        return pathlib.Path(bpy.path.abspath(chosen))
    try:
        return pathlib.Path(bpy.utils.extension_path_user(EXTENSION, create=True))
    except ValueError:  # not installed as an extension
        return pathlib.Path(tempfile.gettempdir()) / "portrait_manifolds"


def storage_folder(blend_path=None):
    """Folder for new portrait files: beside the saved .blend, else the extension's own user folder."""
    blend_path = bpy.data.filepath if blend_path is None else blend_path
    if blend_path:
        path = pathlib.Path(blend_path)
        return path.parent / f"{path.stem}_portraits"
    return user_folder() / "portraits"


def free_path(folder, name):
    """A file name for a portrait in a folder that is not taken yet; the folder is created. Safe in a thread."""
    make_folder(folder)
    stem = re.sub(r"[^\w.-]+", "_", name).strip("._") or "portrait"
    number = 0
    while True:
        path = folder / (f"{stem}{SUFFIX}" if number == 0 else f"{stem}_{number:03d}{SUFFIX}")
        if not path.exists():
            return path
        number += 1
