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

from ..language import strings

FORMAT = 1  # of the datablock: keys format, portrait, portrait_sha256, photo, photo_sha256
SUFFIXES = {"portrait": ".manifolds", "photo": ".png"}
UNPACKED = "unpacked"  # folder in the user folder

_whole = set()  # files that were compared with their hash: (path, time, size)


def holds(text, kind):
    """True when a text datablock holds a "portrait" or a "photo"."""
    return kind in text


def pack(obj, with_photo=True):
    """Put the object's files into the .blend; duplicates with the same files share them.

    The photo is kept as PNG: the same pixels, without the metadata of the file. Returns the number of bytes; 0 when
    there was nothing new to pack. Raises PortraitError.
    """
    from . import portraits

    settings = obj.portrait_manifolds
    packed, contents = settings.packed, {}
    if settings.portrait_path and (packed is None or not holds(packed, "portrait")):
        contents["portrait"] = _read(portraits.file_of(obj))
    if with_photo and settings.photo_path and (packed is None or not holds(packed, "photo")):
        path = portraits.photo_of(obj)
        if os.path.isfile(path):
            contents["photo"] = _photo_bytes(path)
    if not contents:
        return 0
    if packed is not None:
        contents = {kind: packed[kind] for kind in SUFFIXES if holds(packed, kind)} | contents
    settings.packed = _datablock(obj.name, contents)
    _remove_unused(packed)
    return sum(len(data) for data in contents.values())


def unpack(obj, folder):
    """Write the object's packed files into `folder` and use those. Returns their paths. Raises PortraitError."""
    from ...inference.files import make_folder
    from . import portraits

    settings = obj.portrait_manifolds
    packed, written = settings.packed, {}
    names = {"portrait": settings.portrait_path, "photo": settings.photo_path}
    make_folder(folder)
    for kind, suffix in SUFFIXES.items():
        if holds(packed, kind):
            stem = pathlib.PurePath(names[kind].replace("\\", "/")).stem or obj.name
            written[kind] = _write_new(folder, stem, suffix, _checked(packed, kind))
    settings.packed = None
    if "portrait" in written:
        settings.portrait_path = portraits.stored_path(written["portrait"])
        settings.portrait_absolute = written["portrait"]
    if "photo" in written:
        portraits.keep_photo(obj, written["photo"])
    _remove_unused(packed)
    return list(written.values())


def drop(settings, kind):
    """The portrait (or photo) is another now: forget the packed one, keep what else is packed."""
    packed = settings.packed
    if packed is None or not holds(packed, kind):
        return
    rest = {other: packed[other] for other in SUFFIXES if other != kind and holds(packed, other)}
    settings.packed = _datablock(settings.id_data.name, rest) if rest else None
    _remove_unused(packed)


def unpacked(text, kind):
    """Path of a file with what a text datablock holds, written when it is not there. Raises PortraitError."""
    from ...inference.errors import PortraitError
    from .portraits import user_folder

    name = f"{_name_of(text, kind)}{SUFFIXES[kind]}"
    folders = user_folder() / UNPACKED, pathlib.Path(tempfile.gettempdir()) / "portrait_manifolds"
    for folder in folders:
        if _is_whole(folder / name):
            return str(folder / name)
    data = _checked(text, kind)
    try:
        return _write(folders[0] / name, data)
    except PortraitError:  # a farm's home may be read-only
        return _write(folders[1] / name, data)


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


def _datablock(name, contents):
    """A text datablock with these contents: {kind: bytes}. One that has them already is used again."""
    hashes = {f"{kind}_sha256": hashlib.sha256(data).hexdigest() for kind, data in contents.items()}
    for text in bpy.data.texts:
        same = text.library is None and text.get("format") == FORMAT
        if same and {key: text[key] for key in text.keys() if key.endswith("_sha256")} == hashes:
            return text
    text = bpy.data.texts.new(f"{name}{SUFFIXES['portrait']}")
    text.write(strings.PACKED_NOTE.format(name=name))
    text.use_fake_user = False  # the portrait is its user
    text["format"] = FORMAT
    for key, value in (contents | hashes).items():
        text[key] = value
    return text


def _remove_unused(text):
    if text is not None and text.library is None and text.users == 0:
        bpy.data.texts.remove(text)


def _name_of(text, kind):
    """The hash a datablock names; it becomes a file name, so nothing else is accepted."""
    from ...inference.errors import PortraitError

    version, name = text.get("format"), text.get(f"{kind}_sha256")
    if isinstance(version, int) and version > FORMAT:
        raise PortraitError(strings.PACKED_NEWER.format(name=text.name))
    if not isinstance(text[kind], bytes) or not isinstance(name, str) or not re.fullmatch("[0-9a-f]{64}", name):
        raise PortraitError(strings.PACKED_DAMAGED.format(name=text.name))
    return name


def _checked(text, kind):
    from ...inference.errors import PortraitError

    name, data = _name_of(text, kind), text[kind]
    if hashlib.sha256(data).hexdigest() != name:
        raise PortraitError(strings.PACKED_DAMAGED.format(name=text.name))
    return data


def _read(path):
    from ...inference.errors import PortraitError

    try:
        return pathlib.Path(path).read_bytes()
    except OSError:
        raise PortraitError(strings.PORTRAIT_MISSING.format(path=path)) from None


def _photo_bytes(path):
    import io

    from PIL import Image

    from ...inference.photo.open import open_photo

    packed = io.BytesIO()
    Image.fromarray(open_photo(path)).save(packed, "PNG", compress_level=3)
    return packed.getvalue()


def _write_new(folder, stem, suffix, data):
    """Write to a name that is free or already has these bytes; returns the path."""
    number = 0
    while True:
        path = folder / (f"{stem}{suffix}" if number == 0 else f"{stem}_{number:03d}{suffix}")
        if not path.exists():
            return _write(path, data)
        if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
            return str(path)
        number += 1


def _write(path, data):
    from ...inference.files import make_folder, write_atomically

    make_folder(path.parent)
    write_atomically(path, lambda stream: stream.write(data))
    return str(path)
