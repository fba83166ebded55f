"""What must happen when files are saved, loaded or Blender quits."""

import atexit
import contextlib
import os

import bpy
from bpy.app.handlers import persistent

from ..inference.errors import PortraitError
from .portrait.edit_photo import keep_edits
from .portrait.pack import pack_on_save
from .state import health, loaded, portraits_scene
from .state.portrait import is_portrait
from .state.portrait_files import file_of
from .state.saving import adopt, keep_beside, put_back
from .work import jobs, problems

RENDERING_SECONDS = 0.5  # between looks at whether a render is over
JOIN_SECONDS = 5.0  # the longest wait for a cancelled job when the extension goes away


_before_save = []


@persistent
def keep_portraits_beside(path, *_):
    """Before saving: portraits move from the user folder into the .blend or to a folder beside it."""
    _before_save.clear()
    keep_edits()
    if path:
        pack_on_save()
        _before_save.extend(keep_beside(path))


@persistent
def put_paths_back(path, *_):
    """After saving a copy: this session stays with its own file and paths."""
    if path and os.path.abspath(path) != os.path.abspath(bpy.data.filepath or "."):
        put_back(_before_save)
    _before_save.clear()


@persistent
def repair_appended(context, *_):
    """After an append: paths that were relative to the other .blend become this one's."""
    for item in context.import_items:
        if isinstance(item.id, bpy.types.Object) and item.id.library is None and is_portrait(item.id):
            library = item.source_library
            if library is not None:
                adopt(item.id, library.filepath)


@persistent
def look_again(*_):
    """After undo, redo, or loading: other portraits, other files."""
    health.forget()


@persistent
def warm_up_portraits(*_):
    """After loading: portraits that the engine will draw are read while the file is still looked at."""
    if bpy.context.scene.render.engine != "PORTRAIT_MANIFOLDS":
        return
    paths = []
    for obj in bpy.context.scene.objects:
        if is_portrait(obj) and obj.portrait_manifolds.portrait_path:
            with contextlib.suppress(PortraitError):
                paths.append(file_of(obj))
    if paths:
        loaded.warm_up(paths)


@persistent
def note_scenes(_, depsgraph):
    """After a change of what scenes hold: soon, as Blender 5.2 crashes where handlers change it. There are no timers
    without a window; scripts call Render with Scene again.
    """
    changed = depsgraph.id_type_updated("SCENE") or depsgraph.id_type_updated("COLLECTION")
    if changed and not bpy.app.background and not bpy.app.timers.is_registered(follow_scenes):
        bpy.app.timers.register(follow_scenes)


def follow_scenes():
    """Scenes that render another one's portraits get what it has now, but not while they are rendered."""
    if bpy.app.is_job_running("RENDER"):
        return RENDERING_SECONDS
    for scene in bpy.data.scenes:
        portraits_scene.update(scene)
    return None


@persistent
def stop_jobs(*_):
    """Before another file is loaded: its objects are not those the jobs were started for. A batch goes on."""
    jobs.cancel_all(queues=(jobs.queue,))
    problems.forget()


def _handlers():
    on = bpy.app.handlers
    appended = ((on.blend_import_post, repair_appended),) if hasattr(on, "blend_import_post") else ()  # from 4.3 on
    return (
        *appended,
        (on.save_pre, keep_portraits_beside),
        (on.save_post, put_paths_back),
        (on.save_post_fail, put_paths_back),
        (on.depsgraph_update_post, note_scenes),
        (on.load_pre, stop_jobs),
        (on.load_post, look_again),
        (on.load_post, warm_up_portraits),
        (on.undo_post, look_again),
        (on.redo_post, look_again),
    )


def register():
    for owner, handler in _handlers():
        owner.append(handler)
    atexit.register(jobs.cancel_all, JOIN_SECONDS)


def unregister():
    for owner, handler in _handlers():
        owner.remove(handler)
    if bpy.app.timers.is_registered(follow_scenes):
        bpy.app.timers.unregister(follow_scenes)
    atexit.unregister(jobs.cancel_all)
    jobs.cancel_all(JOIN_SECONDS)
