"""Invert: the networks turn the photo of the portrait object into radiance manifolds."""

import json

import bpy
from bpy.props import IntProperty, StringProperty

from ...inference.errors import Cancelled, PortraitError
from ..crop import crops
from ..datablocks.images import get_matte
from ..language import strings
from ..models.models import StoppableModel
from ..state import proxy
from ..state.busy import check_free
from ..state.doubts import doubts_of, keep_doubts
from ..state.folders import free_path, storage_folder
from ..state.loaded import make_ready
from ..state.options import engine_options
from ..state.portrait import active_portrait, check_editable, find, reference
from ..state.portrait_files import note_portrait
from ..work import jobs
from ..work.operator import JobOperator, PortraitOperator, redraw_panels
from .import_portrait import import_photo
from .photo_camera import follow_photo

PIXEL_BYTES = 8  # of a photo while it is opened, alpha and all; measured: docs/reliability.md


class RemakeOperator(JobOperator):
    """Mix-in for jobs that make the portrait of an object anew.

    ``prepare`` calls :meth:`take` with the object and returns :meth:`work_on`. done: what to say in the end.
    """

    done = strings.INVERTED

    def take(self, obj):
        """Make an object the one that is worked on. Raises PortraitError when it cannot be."""
        self.subject, self.target = obj.name, reference(obj)
        check_editable(obj)
        check_free(obj)
        width, height = obj.portrait_manifolds.photo_size
        self.memory = JobOperator.memory + PIXEL_BYTES * width * height / 1e6

    def work_on(self, obj, photo, **choice):
        """The job's work. photo, choice: of `inference.pipeline.invert_photo`, which gets the object's matte, too."""
        from ...inference.mesh.proxy import proxy_mesh
        from ...inference.pipeline import invert_photo
        from ...inference.portrait import save_portrait

        options = engine_options()
        image = obj.portrait_manifolds.matte
        matte = None if image is None else get_matte(image)
        folder, name = storage_folder(), obj.name

        def work(progress):
            progress(0.0, strings.LOADING)
            inversion = invert_photo(
                photo,
                StoppableModel(crops.model(options), progress),
                matte=matte,
                progress=lambda fraction, text: progress(0.98 * fraction, text),
                **choice,
            )
            progress(0.98, strings.SAVING)
            path = free_path(folder, name)
            save_portrait(inversion.portrait, path)
            try:
                make_ready(str(path))  # so that the main thread finds it in memory
                stand_in = proxy_mesh(inversion.portrait)
                progress(1.0, strings.SAVING)
            except Cancelled:
                path.unlink(missing_ok=True)
                raise
            return inversion, path, stand_in

        return work

    def finish(self, context, result):
        inversion, path, stand_in = result
        try:
            obj = find(self.target)
        except PortraitError:
            path.unlink(missing_ok=True)
            raise
        settings = obj.portrait_manifolds
        note_portrait(obj, inversion.portrait, path)
        settings.report = json.dumps(inversion.report, default=str)
        self.note(obj, inversion)
        keep_doubts(settings, inversion.report.get("warnings"))
        proxy.update(obj, stand_in)
        follow_photo(obj)
        for doubt in doubts_of(settings):
            self.report({"WARNING"}, doubt.text)
        self.report({"INFO"}, self.done.format(name=obj.name))

    def note(self, obj, inversion):
        """Keep on the object what else it shall know of its inversion."""


class PORTRAIT_MANIFOLDS_OT_invert(RemakeOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.invert"
    bl_label = strings.INVERT.label
    bl_description = strings.INVERT.description
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(
        name=strings.PHOTO.label, description=strings.INVERT_FILEPATH.description, options={"SKIP_SAVE"}
    )

    def prepare(self, context):
        if self.filepath:
            obj = import_photo(context, bpy.path.abspath(self.filepath), 0, self)
            context.view_layer.objects.active = obj
        else:
            obj = active_portrait(context)
        if obj is None:
            raise PortraitError(strings.SELECT_PORTRAIT)
        self.take(obj)
        return self.work_on(obj, crops.existing_photo(obj), **crops.chosen_crop(obj))

    def note(self, obj, inversion):
        crops.note_alignment(obj, inversion.alignment)


class PORTRAIT_MANIFOLDS_OT_cancel(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.cancel"
    bl_label = strings.CANCEL.label
    bl_description = strings.CANCEL.description

    job: IntProperty(name=strings.JOB.label, description=strings.JOB.description, options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context):
        return bool(jobs.queue.pending())

    def run(self, context):
        jobs.queue.cancel(self.job)
        redraw_panels(context)


CLASSES = (PORTRAIT_MANIFOLDS_OT_invert, PORTRAIT_MANIFOLDS_OT_cancel)
