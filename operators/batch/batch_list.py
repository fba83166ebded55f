"""The list of photos in the batch panel: it lives on the window manager, is not saved, and follows the run."""

import os

import bpy
from bpy.props import CollectionProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ...inference.errors import Cancelled, PortraitError
from ..language import strings
from ..state.doubts import keep_doubts
from ..work import problems
from ..work.operator import error_text, redraw_panels
from . import batch_run

_TICK = 0.2  # seconds between looks at the run


class BatchPhoto(bpy.types.PropertyGroup):
    """One photo of the folder: file name, name of its folder of results, state, why it failed or is doubtful."""

    name: StringProperty(name=strings.BATCH_PHOTO.label, description=strings.BATCH_PHOTO.description)
    folder: StringProperty(options={"HIDDEN"})
    status: EnumProperty(items=[(key, text, "") for key, text in strings.BATCH_STATES.items()])
    error: StringProperty()
    seconds: FloatProperty()
    doubts: StringProperty(options={"HIDDEN"})  # see state.doubts


class BatchList(bpy.types.PropertyGroup):
    """folder, out: absolute paths the list was made of. message: what the last run left to say."""

    photos: CollectionProperty(type=BatchPhoto)
    index: IntProperty(name=strings.BATCH_INDEX.label, description=strings.BATCH_INDEX.description)
    folder: StringProperty(subtype="DIR_PATH")
    out: StringProperty(subtype="DIR_PATH")
    message: StringProperty()

    def count(self, *states):
        """How many photos are in one of the states."""
        return sum(photo.status in states for photo in self.photos)

    def active(self):
        """The chosen photo, or None."""
        return self.photos[self.index] if 0 <= self.index < len(self.photos) else None


def folders(scene):
    """(photos, results) of the panel as absolute paths, "" where none is chosen."""
    settings = scene.portrait_manifolds
    return tuple(
        os.path.abspath(bpy.path.abspath(path)) if path else "" for path in (settings.batch_folder, settings.batch_out)
    )


def refresh(context, folder=None, out=None):
    """Fill the list with the photos of a folder and what is known of them; default: the panel's folders.

    Raises PortraitError when there is no such folder or no photo in it; the list is empty then.
    """
    from ...inference.batch.items import list_photos

    state = context.window_manager.portrait_manifolds_batch
    chosen = folders(context.scene)
    folder, out = chosen if folder is None else (folder, out)
    state.photos.clear()
    state.folder, state.out, state.message = folder, out, ""
    if folder:
        for item in list_photos(folder, out):
            note(state.photos.add(), item)


def folders_changed(settings, context):
    """Update of the panel's folders: list what is there; while a batch runs the list stays with the batch."""
    if batch_run.current() is not None:
        return
    try:
        refresh(context)
    except PortraitError as error:
        context.window_manager.portrait_manifolds_batch.message = str(error)


def note(photo, item):
    """Copy an `inference.batch.items.Item` to its row."""
    photo.name, photo.folder = item.name, item.folder
    photo.status, photo.error, photo.seconds = item.status, item.error, item.seconds
    keep_doubts(photo, item.warnings)


def follow():
    """Have a timer show the current run until it ends; it survives loading another file."""
    if not bpy.app.timers.is_registered(_follow):
        bpy.app.timers.register(_follow, first_interval=_TICK, persistent=True)


def _follow():
    going_on = look(bpy.context)
    redraw_panels(bpy.context)
    return _TICK if going_on else None


def look(context):
    """Bring the list up to date with the current run; True while it goes on."""
    run = batch_run.current()
    if run is None:
        return False
    state = context.window_manager.portrait_manifolds_batch
    if (state.folder, state.out) != (run.folder, run.out):  # another file was loaded
        _restore(context, run)
    ended = run.job.done
    news = run.news()
    for photo in state.photos:
        if photo.name in news:
            note(photo, news[photo.name])
    if not ended:
        return True
    batch_run.end()
    state.message = outcome(run.job)
    return False


def outcome(job):
    """What to say about a run that ended: one line, perhaps an error's."""
    if job.error is None:
        failed = sum(bool(item.error) for item in job.result)
        return strings.BATCH_DONE.format(done=len(job.result) - failed, count=len(job.result))
    if isinstance(job.error, Cancelled):
        return strings.BATCH_STOPPED
    text = error_text(job.error)
    problems.note(problems.Problem(strings.BATCH.label, job.error, text))
    return text


def _restore(context, run):
    try:
        refresh(context, run.folder, run.out)
    except PortraitError as error:
        context.window_manager.portrait_manifolds_batch.message = str(error)


CLASSES = (BatchPhoto, BatchList)


def register():
    """Hang the list on the window manager."""
    bpy.types.WindowManager.portrait_manifolds_batch = PointerProperty(type=BatchList)


def unregister():
    """Take it off again, and end the timer."""
    if bpy.app.timers.is_registered(_follow):
        bpy.app.timers.unregister(_follow)
    batch_run.end()
    del bpy.types.WindowManager.portrait_manifolds_batch
