"""Portraits and photos inside the .blend: the bytes of the files, on a text datablock that the portrait points to.

A datablock of its own travels with the object when that is appended, linked or overridden, is shared by duplicates,
and costs nothing when the object is evaluated. Engine and libraries read files, so what is packed is written to a
folder of unpacked files when it is first used; they are named after their contents, so they can be deleted any time.
"""

import hashlib
import os
import pathlib
import re
import tempfile

import bpy

from ...inference.errors import PortraitError
from ...inference.files import make_folder, write_atomically
from ..language import strings
from .folders import SUFFIX, user_folder

FORMAT = 1  # of the datablock: keys format, portrait, portrait_sha256, photo, photo_sha256
SUFFIXES = {"portrait": SUFFIX, "photo": ".png"}
UNPACKED = "unpacked"  # folder in the user folder

_whole = set()  # files that were compared with their hash: (path, time, size)


def holds(text, kind):
    """True when a text datablock holds a "portrait" or a "photo"."""
    return kind in text


def drop(settings, kind):
    """The portrait (or photo) is another now: forget the packed one, keep what else is packed."""
    packed = settings.packed
    if packed is None or not holds(packed, kind):
        return
    rest = {other: packed[other] for other in SUFFIXES if other != kind and holds(packed, other)}
    settings.packed = datablock(settings.id_data.name, rest) if rest else None
    remove_unused(packed)


def unpacked(text, kind):
    """Path of a file with what a text datablock holds, written when it is not there. Raises PortraitError."""
    name = f"{_name_of(text, kind)}{SUFFIXES[kind]}"
    folders = user_folder() / UNPACKED, pathlib.Path(tempfile.gettempdir()) / "portrait_manifolds"
    for folder in folders:
        if _is_whole(folder / name):
            return str(folder / name)
    data = checked(text, kind)
    try:
        return write(folders[0] / name, data)
    except PortraitError:  # a farm's home may be read-only
        return write(folders[1] / name, data)


def _is_whole(path):
    """True for a file whose contents have the hash that is its name."""
    try:
        info = os.stat(path)
        key = str(path), info.st_mtime_ns, info.st_size
        if key not in _whole and hashlib.sha256(path.read_bytes()).hexdigest() == path.stem:
            _whole.add(key)
    except OSError:
        return False
    return key in _whole


def datablock(name, contents):
    """A text datablock with these contents: {kind: bytes}. One that has them already is used again."""
    hashes = {f"{kind}_sha256": hashlib.sha256(data).hexdigest() for kind, data in contents.items()}
    for text in bpy.data.texts:
        same = text.library is None and text.get("format") == FORMAT
        if same and {key: text[key] for key in text.keys() if key.endswith("_sha256")} == hashes:
            return text
    text = bpy.data.texts.new(f"{name}{SUFFIX}")
    text.write(strings.PACKED_NOTE.format(name=name))
    text.use_fake_user = False  # the portrait is its user
    text["format"] = FORMAT
    for key, value in (contents | hashes).items():
        text[key] = value
    return text


def remove_unused(text):
    """Remove a text datablock, or None, that no portrait points to any more."""
    if text is not None and text.library is None and text.users == 0:
        bpy.data.texts.remove(text)


def _name_of(text, kind):
    """The hash a datablock names; it becomes a file name, so nothing else is accepted."""
    version, name = text.get("format"), text.get(f"{kind}_sha256")
    if isinstance(version, int) and version > FORMAT:
        raise PortraitError(strings.PACKED_NEWER.format(name=text.name))
    if not isinstance(text[kind], bytes) or not isinstance(name, str) or not re.fullmatch("[0-9a-f]{64}", name):
        raise PortraitError(strings.PACKED_DAMAGED.format(name=text.name))
    return name


def checked(text, kind):
    """The bytes of a "portrait" or a "photo". Raises PortraitError when they are not what was packed."""
    name, data = _name_of(text, kind), text[kind]
    if hashlib.sha256(data).hexdigest() != name:
        raise PortraitError(strings.PACKED_DAMAGED.format(name=text.name))
    return data


def write(path, data):
    """Write bytes to a file, whose folder is made; returns the path. Raises PortraitError."""
    make_folder(path.parent)
    write_atomically(path, lambda stream: stream.write(data))
    return str(path)
