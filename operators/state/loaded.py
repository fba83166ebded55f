"""Portraits in memory: read once, kept while their files do not change."""

import contextlib
import os
import threading

from ...inference.errors import PortraitError
from ..language import strings
from .portrait_files import file_of

_CACHE_SIZE = 4  # portraits; about 12 MB each
_cache = {}
_cache_lock = threading.Lock()


def load(obj):
    """The object's Portrait, read once and kept while the file does not change. Raises PortraitError."""
    return load_file(file_of(obj))


def load_file(path):
    """Portrait of an absolute path, read once and kept while the file does not change. Safe in a thread."""
    from ...inference.portrait import load_portrait

    try:
        info = os.stat(path)
    except OSError:
        raise PortraitError(strings.PORTRAIT_MISSING.format(path=path)) from None
    key = (path, info.st_mtime_ns, info.st_size)
    with _cache_lock:
        if key in _cache:
            _cache[key] = _cache.pop(key)  # most recently used last
            return _cache[key]
    portrait = load_portrait(path)
    with _cache_lock:
        _cache[key] = portrait
        while len(_cache) > _CACHE_SIZE:
            _cache.pop(next(iter(_cache)))
    return portrait


def make_ready(path):
    """Read a portrait of an absolute path and prepare what draws it, so that its first view comes at once. Safe in a
    thread; raises PortraitError."""
    from ...inference.view.render import prepared

    prepared(load_file(path).radii)


def warm_up(paths):
    """:func:`make_ready` for portraits that will soon be drawn, in a thread, which is returned; what cannot be read is
    left to whoever draws it."""

    def work():
        for path in paths[:_CACHE_SIZE]:
            with contextlib.suppress(PortraitError):
                make_ready(path)

    thread = threading.Thread(target=work, name="portrait_manifolds_warm_up", daemon=True)
    thread.start()
    return thread


def forget():
    """Drop all."""
    with _cache_lock:
        _cache.clear()
