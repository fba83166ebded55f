"""Whole portraits into the .blend and out of it again: the bytes of their files, or files of those bytes."""

import io
import os
import pathlib

import numpy as np

from ...inference.errors import PortraitError
from ...inference.files import make_folder
from ...inference.photo.open import open_with_alpha
from ..language import strings
from ..state.packed_portraits import SUFFIXES, checked, datablock, holds, remove_unused, write
from ..state.portrait_files import file_of, keep_photo, photo_of, stored_path


def pack(obj, with_photo=True):
    """Put the object's files into the .blend; duplicates with the same files share them.

    The photo is kept as PNG: the same pixels, without the metadata of the file. Returns the number of bytes; 0 when
    there was nothing new to pack. Raises PortraitError.
    """
    settings = obj.portrait_manifolds
    packed, contents = settings.packed, {}
    if settings.portrait_path and (packed is None or not holds(packed, "portrait")):
        contents["portrait"] = _read(file_of(obj))
    if with_photo and settings.photo_path and (packed is None or not holds(packed, "photo")):
        path = photo_of(obj)
        if os.path.isfile(path):
            contents["photo"] = _photo_bytes(path)
    if not contents:
        return 0
    if packed is not None:
        contents = {kind: packed[kind] for kind in SUFFIXES if holds(packed, kind)} | contents
    settings.packed = datablock(obj.name, contents)
    remove_unused(packed)
    return sum(len(data) for data in contents.values())


def unpack(obj, folder):
    """Write the object's packed files into `folder` and use those. Returns their paths. Raises PortraitError."""
    settings = obj.portrait_manifolds
    packed, written = settings.packed, {}
    names = {"portrait": settings.portrait_path, "photo": settings.photo_path}
    make_folder(folder)
    for kind, suffix in SUFFIXES.items():
        if holds(packed, kind):
            stem = pathlib.PurePath(names[kind].replace("\\", "/")).stem or obj.name
            written[kind] = _write_new(folder, stem, suffix, checked(packed, kind))
    settings.packed = None
    if "portrait" in written:
        settings.portrait_path = stored_path(written["portrait"])
        settings.portrait_absolute = written["portrait"]
    if "photo" in written:
        keep_photo(obj, written["photo"])
    remove_unused(packed)
    return list(written.values())


def _read(path):
    try:
        return pathlib.Path(path).read_bytes()
    except OSError:
        raise PortraitError(strings.PORTRAIT_MISSING.format(path=path)) from None


def _photo_bytes(path):
    from PIL import Image

    packed = io.BytesIO()
    pixels, alpha = open_with_alpha(path)
    if alpha is not None:
        pixels = np.dstack([pixels, alpha])
    Image.fromarray(pixels).save(packed, "PNG", compress_level=3)
    return packed.getvalue()


def _write_new(folder, stem, suffix, data):
    """Write to a name that is free or already has these bytes; returns the path."""
    number = 0
    while True:
        path = folder / (f"{stem}{suffix}" if number == 0 else f"{stem}_{number:03d}{suffix}")
        if not path.exists():
            return write(path, data)
        if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
            return str(path)
        number += 1
