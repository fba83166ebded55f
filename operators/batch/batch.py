"""Batch: a folder of photos becomes a folder of portraits; the panel's list shows how it goes."""

import os

import bpy
from bpy.props import StringProperty

from ...inference.errors import PortraitError
from ...inference.photo.open import open_photo
from ..crop.crops import first_crop, plain_crop, show_preview
from ..language import strings
from ..language.translate import Speaker, translate
from ..portrait.import_portrait import import_file, import_photo
from ..portrait.show import frame
from ..state.doubts import doubts_of
from ..state.option_groups import BatchOptions
from ..state.options import engine_options
from ..work import jobs, problems
from ..work.operator import PortraitOperator, needs, redraw_panels, report_error
from . import batch_list, batch_run

IDLE = (lambda context: batch_run.current() is None), strings.BATCH_RUNNING


@needs(IDLE)
class PORTRAIT_MANIFOLDS_OT_batch(BatchOptions, Speaker, bpy.types.Operator):
    """With a window it starts the batch and returns; from a script or in background it does all of it."""

    bl_idname = "portrait_manifolds.batch"
    bl_label = strings.BATCH.label
    bl_description = strings.BATCH.description
    bl_options = {"REGISTER"}

    directory: StringProperty(
        name=strings.BATCH_FOLDER.label, description=strings.BATCH_FOLDER.description, subtype="DIR_PATH"
    )
    out: StringProperty(name=strings.BATCH_OUT.label, description=strings.BATCH_OUT.description, subtype="DIR_PATH")

    def invoke(self, context, event):
        if bpy.app.background or context.window is None:
            return self.execute(context)
        try:
            folder, out, options = self._wishes(context)
            start(context, folder, out, options)
        except Exception as error:
            return report_error(self, error)
        self.report({"INFO"}, strings.BATCH_STARTED.format(count=_to_do(context)))
        return {"FINISHED"}

    def execute(self, context):
        from ...inference.batch.run import run_batch

        manager = context.window_manager
        try:
            folder, out, options = self._wishes(context)
            manager.progress_begin(0, 100)
            try:
                progress = jobs.Progress(lambda fraction, text: manager.progress_update(int(100 * fraction)))
                items = run_batch(folder, out, progress=progress, **options)
            finally:
                manager.progress_end()
        except Exception as error:
            return report_error(self, error)
        failed = [item for item in items if item.error]
        for item in failed:
            self.report({"WARNING"}, strings.BATCH_FAILED.format(name=item.name, reason=item.error))
        self.report({"INFO"}, strings.BATCH_DONE.format(done=len(items) - len(failed), count=len(items)))
        return {"FINISHED"}

    def _wishes(self, context):
        """Folders, the panel's where none are given, and options. Raises PortraitError."""
        settings = context.scene.portrait_manifolds
        chosen = self.directory or settings.batch_folder, self.out or settings.batch_out
        if not all(chosen):
            raise PortraitError(strings.BATCH_FOLDERS)
        folder, out = (os.path.abspath(bpy.path.abspath(path)) for path in chosen)
        return folder, out, wishes(self.mesh and self.topology, self.views, self.resume, self.workers)


@needs(IDLE)
class PORTRAIT_MANIFOLDS_OT_batch_retry(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.batch_retry"
    bl_label = strings.BATCH_RETRY.label
    bl_description = strings.BATCH_RETRY.description

    name: StringProperty(
        name=strings.BATCH_RETRY_NAME.label, description=strings.BATCH_RETRY_NAME.description, options={"SKIP_SAVE"}
    )

    def run(self, context):
        state, settings = context.window_manager.portrait_manifolds_batch, context.scene.portrait_manifolds
        names = [photo.name for photo in state.photos if photo.name == self.name or not self.name]
        if not self.name:
            names = [photo.name for photo in state.photos if photo.status == "failed"]
        if not names:
            text = strings.BATCH_NOT_LISTED.format(name=self.name) if self.name else strings.BATCH_NONE_FAILED
            raise PortraitError(text)
        mesh = settings.batch_mesh and settings.batch_topology
        options = wishes(mesh, settings.batch_views, False, settings.batch_workers)
        start(context, state.folder, state.out, options | {"only": names})
        if bpy.app.background or context.window is None:
            batch_run.current().job.join(None)
            batch_list.look(context)


class PORTRAIT_MANIFOLDS_OT_batch_stop(Speaker, bpy.types.Operator):
    bl_idname = "portrait_manifolds.batch_stop"
    bl_label = strings.BATCH_STOP.label
    bl_description = strings.BATCH_STOP.description

    @classmethod
    def poll(cls, context):
        return batch_run.current() is not None

    def execute(self, context):
        batch_run.current().job.cancel()
        redraw_panels(context)
        return {"FINISHED"}


@needs(IDLE)
class PORTRAIT_MANIFOLDS_OT_batch_refresh(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.batch_refresh"
    bl_label = strings.BATCH_REFRESH.label
    bl_description = strings.BATCH_REFRESH.description

    def run(self, context):
        batch_list.refresh(context)


class PORTRAIT_MANIFOLDS_OT_batch_open(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.batch_open"
    bl_label = strings.BATCH_OPEN.label
    bl_description = strings.BATCH_OPEN.description
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name=strings.BATCH_PHOTO.label, description=strings.BATCH_PHOTO.description)

    def run(self, context):
        state = context.window_manager.portrait_manifolds_batch
        photo = state.photos.get(self.name)
        if photo is None:
            raise PortraitError(strings.BATCH_NOT_LISTED.format(name=self.name))
        if photo.status in ("done", "skipped"):
            obj = import_file(context, os.path.join(state.out, photo.folder, "portrait.manifolds"))
            frame(context, obj)
            return
        path = os.path.join(state.folder, photo.name)
        obj = import_photo(context, path, 0, self)
        if photo.status == "failed" and not obj.portrait_manifolds.use_crop:
            first_crop(obj.portrait_manifolds)
            show_preview(obj, plain_crop(open_photo(path), obj.portrait_manifolds))
        frame(context, obj)


class PORTRAIT_MANIFOLDS_OT_batch_doubts(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.batch_doubts"
    bl_label = strings.BATCH_DOUBTS.label
    bl_description = strings.BATCH_DOUBTS.description

    name: StringProperty(name=strings.BATCH_PHOTO.label, description=strings.BATCH_PHOTO.description)

    @classmethod
    def description(cls, context, properties):
        """The tooltip: the sentences themselves."""
        photo = context.window_manager.portrait_manifolds_batch.photos.get(properties.name)
        return "\n".join(translate(doubt.text) for doubt in doubts_of(photo)) if photo is not None else ""

    def run(self, context):
        state = context.window_manager.portrait_manifolds_batch
        if self.name not in state.photos:
            raise PortraitError(strings.BATCH_NOT_LISTED.format(name=self.name))
        state.index = state.photos.find(self.name)


def wishes(mesh, views, resume, workers):
    """Keyword arguments of `inference.batch.run.run_batch`, with those of the preferences. Raises PortraitError."""
    options = engine_options()
    options["model_path"] = options.pop("path")
    return options | {"mesh": mesh, "views": angles(views), "resume": resume, "workers": workers}


def start(context, folder, out, options):
    """Start a batch in its thread and have the list follow it. Raises PortraitError."""
    batch_list.refresh(context, folder, out)
    state = context.window_manager.portrait_manifolds_batch
    for photo in state.photos:
        if photo.name in options.get("only", (photo.name,)):
            photo.status, photo.error, photo.seconds, photo.doubts = "waiting", "", 0.0, ""
    problems.solved(strings.BATCH.label)
    batch_run.begin(batch_run.BatchRun(folder, out, options))
    batch_list.follow()


def angles(text):
    """(-30.0, 0.0, 30.0) from "-30, 0, 30". Raises PortraitError."""
    try:
        return tuple(float(part) for part in text.replace(";", ",").split(",") if part.strip())
    except ValueError:
        raise PortraitError(f"the views {text!r} are not angles; write degrees with commas, as in -30,0,30") from None


def _to_do(context):
    return context.window_manager.portrait_manifolds_batch.count("waiting", "working")


CLASSES = (
    PORTRAIT_MANIFOLDS_OT_batch,
    PORTRAIT_MANIFOLDS_OT_batch_retry,
    PORTRAIT_MANIFOLDS_OT_batch_stop,
    PORTRAIT_MANIFOLDS_OT_batch_refresh,
    PORTRAIT_MANIFOLDS_OT_batch_open,
    PORTRAIT_MANIFOLDS_OT_batch_doubts,
)
