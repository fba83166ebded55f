"""The portraits of unsaved files in the user folder: how large they are, and clearing them."""

import os
import time

import bpy

from ...inference.files import unwritable
from .folders import SUFFIX, user_folder
from .portrait import is_portrait
from .portrait_files import absolute_path

YOUNG = 60.0  # seconds; a younger file may belong to a job whose result is not in the scene yet
_LOOK_AGAIN = 2.0  # seconds for which a size is kept, as panels are drawn often
_size = (0.0, (0, 0))  # when it was measured, what was found


def files():
    """Portrait files of the user folder: [(path, bytes, mtime)]."""
    found = []
    try:
        with os.scandir(user_folder() / "portraits") as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
                    info = entry.stat()
                    found.append((os.path.abspath(entry.path), info.st_size, info.st_mtime))
    except OSError:
        pass  # no portrait was kept there yet
    return found


def measured():
    """(how many, bytes), at most two seconds old."""
    global _size
    if time.monotonic() - _size[0] > _LOOK_AGAIN or _size[0] == 0.0:
        found = files()
        _size = time.monotonic(), (len(found), sum(size for _, size, _ in found))
    return _size[1]


def shown_files():
    """Absolute paths of the portrait files that the open file refers to."""
    paths = set()
    for obj in bpy.data.objects:
        if is_portrait(obj):
            settings = obj.portrait_manifolds
            paths |= {os.path.abspath(absolute_path(obj, settings.portrait_path)), settings.portrait_absolute}
    return paths


def clear():
    """Delete what the open file does not show. Returns (how many, bytes). Raises PortraitError."""
    global _size
    keep, count, total = shown_files(), 0, 0
    for path, size, changed in files():
        if path in keep or time.time() - changed < YOUNG:
            continue
        try:
            os.unlink(path)
        except OSError as error:
            raise unwritable(path, error) from None
        count, total = count + 1, total + size
    _size = (0.0, (0, 0))
    return count, total


def in_words(size):
    """A number of bytes for people."""
    return f"{size / 1e6:.1f} MB" if size < 1e9 else f"{size / 1e9:.2f} GB"
