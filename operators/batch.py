"""Batch: a folder of photos becomes a folder of portraits."""

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from . import strings
from .base import JobOperator


class PORTRAIT_MANIFOLDS_OT_batch(JobOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.batch"
    bl_label = strings.BATCH.label
    bl_description = strings.BATCH.description
    bl_options = {"REGISTER"}

    directory: StringProperty(
        name=strings.BATCH_FOLDER.label, description=strings.BATCH_FOLDER.description, subtype="DIR_PATH"
    )
    out: StringProperty(name=strings.BATCH_OUT.label, description=strings.BATCH_OUT.description, subtype="DIR_PATH")
    mesh: BoolProperty(name=strings.BATCH_MESH.label, description=strings.BATCH_MESH.description)
    views: StringProperty(name=strings.BATCH_VIEWS.label, description=strings.BATCH_VIEWS.description)
    resume: BoolProperty(name=strings.BATCH_RESUME.label, description=strings.BATCH_RESUME.description, default=True)
    workers: IntProperty(name=strings.WORKERS.label, description=strings.WORKERS.description, min=1, max=64, default=1)

    @classmethod
    def poll(cls, context):
        if context.window_manager.portrait_manifolds_job.running:
            cls.poll_message_set(strings.BUSY)
            return False
        return True

    def prepare(self, context):
        from ..inference.errors import PortraitError
        from .preferences import engine_options

        if not self.directory or not self.out:
            raise PortraitError(strings.BATCH_FOLDERS)
        from ..inference.batch import run_batch

        folder, out = bpy.path.abspath(self.directory), bpy.path.abspath(self.out)
        options = engine_options()
        options |= {"mesh": self.mesh, "views": angles(self.views), "resume": self.resume, "workers": self.workers}
        options["model_path"] = options.pop("path")
        return lambda progress: run_batch(folder, out, progress=progress, **options)

    def finish(self, context, result):
        failed = [item for item in result if item.error]
        for item in failed:
            self.report({"WARNING"}, strings.BATCH_FAILED.format(name=item.name, reason=item.error))
        done = len(result) - len(failed)
        self.report({"INFO"}, strings.BATCH_DONE.format(done=done, count=len(result)))


def angles(text):
    """(-30.0, 0.0, 30.0) from "-30, 0, 30". Raises PortraitError."""
    from ..inference.errors import PortraitError

    try:
        return tuple(float(part) for part in text.replace(";", ",").split(",") if part.strip())
    except ValueError:
        raise PortraitError(f"the views {text!r} are not angles; write degrees with commas, as in -30,0,30") from None


CLASSES = (PORTRAIT_MANIFOLDS_OT_batch,)
