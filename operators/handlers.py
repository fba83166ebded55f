"""What must happen when files are saved, loaded or Blender quits."""

import atexit

import bpy
from bpy.app.handlers import persistent

from . import jobs

JOIN_SECONDS = 5.0  # the longest wait for a cancelled job when the extension goes away


@persistent
def keep_portraits_beside(path, *_):
    """Before saving: portraits move from the user folder to a folder beside the .blend."""
    from .portraits import keep_beside

    if path:
        keep_beside(path)


@persistent
def stop_jobs(*_):
    """Before another file is loaded: its objects are not those the job was started for."""
    jobs.cancel_all()


def register():
    bpy.app.handlers.save_pre.append(keep_portraits_beside)
    bpy.app.handlers.load_pre.append(stop_jobs)
    atexit.register(jobs.cancel_all, JOIN_SECONDS)


def unregister():
    bpy.app.handlers.save_pre.remove(keep_portraits_beside)
    bpy.app.handlers.load_pre.remove(stop_jobs)
    atexit.unregister(jobs.cancel_all)
    jobs.cancel_all(JOIN_SECONDS)
