"""Small pictures of files for lists: read in a thread when first drawn, shown when they are there."""

import os
import queue
import threading

import bpy
import numpy as np

from ...inference.errors import PortraitError
from ...inference.photo.open import open_thumbnail
from ..work.jobs import THREAD_NAME
from ..work.operator import redraw_panels

SIDE, ICON_SIDE = 128, 32  # pixels of the large picture and of the one in a row of a list
_TICK = 0.1  # seconds between looks at whether pictures have arrived

_previews = None
_wanted, _read = queue.SimpleQueue(), queue.SimpleQueue()
_asked = set()
_thread = None
_stop = threading.Event()


def icon(path):
    """Icon id of a picture file's thumbnail; 0 while it is not read or when it cannot be."""
    try:
        key = f"{path}\n{os.stat(path).st_mtime_ns}"
    except OSError:
        return 0
    if _previews is not None and key in _previews:
        return _previews[key].icon_id
    if key not in _asked:
        _asked.add(key)
        _wanted.put((key, path))
        _start()
    return 0


def _start():
    global _thread
    if _thread is None or not _thread.is_alive():
        _thread = threading.Thread(target=_work, args=(_wanted, _read, _stop), name=THREAD_NAME, daemon=True)
        _thread.start()
    if not bpy.app.timers.is_registered(_show):
        bpy.app.timers.register(_show, first_interval=_TICK)


def _work(wanted, read, stop):
    """Thread: read pictures until none is wanted for a while. Touches no bpy."""
    while not stop.is_set():
        try:
            key, path = wanted.get(timeout=_TICK)
        except queue.Empty:
            return
        try:
            read.put((key, open_thumbnail(path, SIDE)))
        except PortraitError:
            continue  # the list says what is wrong with the photo


def _show():
    """Timer: hand pictures that were read to Blender."""
    arrived = False
    while not _read.empty():
        key, pixels = _read.get()
        _keep(key, pixels)
        arrived = True
    if arrived:
        redraw_panels(bpy.context)
    if _thread is not None and _thread.is_alive():
        return _TICK
    if not _wanted.empty():  # asked for just as the thread gave up
        _start()
        return _TICK
    return None if _read.empty() else _TICK


def _keep(key, pixels):
    import bpy.utils.previews

    global _previews
    if _previews is None:
        _previews = bpy.utils.previews.new()
    square = np.zeros((SIDE, SIDE, 4), np.float32)  # icons are square; a photo stands centred on nothing
    height, width = pixels.shape[:2]
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    square[top : top + height, left : left + width, :3] = pixels[::-1] / np.float32(255)
    square[top : top + height, left : left + width, 3] = 1.0
    step = SIDE // ICON_SIDE
    small = square.reshape(ICON_SIDE, step, ICON_SIDE, step, 4).mean((1, 3))
    preview = _previews.new(key)
    preview.image_size, preview.icon_size = (SIDE, SIDE), (ICON_SIDE, ICON_SIDE)
    preview.image_pixels_float.foreach_set(square.ravel())
    preview.icon_pixels_float.foreach_set(small.ravel())


def forget():
    """Drop all pictures and end the thread."""
    global _previews, _wanted, _read, _thread, _stop
    _stop.set()
    if _thread is not None:
        _thread.join(2.0)
    _wanted, _read, _thread, _stop = queue.SimpleQueue(), queue.SimpleQueue(), None, threading.Event()
    _asked.clear()
    if bpy.app.timers.is_registered(_show):
        bpy.app.timers.unregister(_show)
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
        _previews = None
