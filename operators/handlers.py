"""What must happen when files are saved, loaded or Blender quits."""

import atexit
import os

import bpy
from bpy.app.handlers import persistent

from . import jobs, problems

JOIN_SECONDS = 5.0  # the longest wait for a cancelled job when the extension goes away


_before_save = []


@persistent
def keep_portraits_beside(path, *_):
    """Before saving: portraits move from the user folder to a folder beside the .blend."""
    from .portraits import keep_beside

    _before_save.clear()
    if path:
        _before_save.extend(keep_beside(path))


@persistent
def put_paths_back(path, *_):
    """After saving a copy: this session stays with its own file and paths."""
    from .portraits import put_back

    if path and os.path.abspath(path) != os.path.abspath(bpy.data.filepath or "."):
        put_back(_before_save)
    _before_save.clear()


@persistent
def stop_jobs(*_):
    """Before another file is loaded: its objects are not those the jobs were started for. A batch goes on."""
    jobs.cancel_all(queues=(jobs.queue,))
    problems.forget()


def _handlers():
    on = bpy.app.handlers
    return (
        (on.save_pre, keep_portraits_beside),
        (on.save_post, put_paths_back),
        (on.save_post_fail, put_paths_back),
        (on.load_pre, stop_jobs),
    )


def register():
    for owner, handler in _handlers():
        owner.append(handler)
    atexit.register(jobs.cancel_all, JOIN_SECONDS)


def unregister():
    for owner, handler in _handlers():
        owner.remove(handler)
    atexit.unregister(jobs.cancel_all)
    jobs.cancel_all(JOIN_SECONDS)
