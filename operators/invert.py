"""Invert: the networks turn the photo of the portrait object into radiance manifolds."""

import json
import os

import bpy
from bpy.props import BoolProperty, StringProperty

from . import strings
from .base import JobOperator, PortraitOperator
from .portraits import active_portrait, check_editable, find, new_portrait_path, note_portrait, photo_of, reference


class PORTRAIT_MANIFOLDS_OT_invert(JobOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.invert"
    bl_label = strings.INVERT.label
    bl_description = strings.INVERT.description
    bl_options = {"REGISTER", "UNDO"}

    add_camera: BoolProperty(name=strings.WITH_CAMERA.label, description=strings.WITH_CAMERA.description, default=True)
    filepath: StringProperty(
        name=strings.PHOTO.label, description=strings.INVERT_FILEPATH.description, options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context):
        if context.window_manager.portrait_manifolds_job.running:
            cls.poll_message_set(strings.BUSY)
            return False
        return True

    def prepare(self, context):
        from ..inference.errors import PortraitError
        from . import crops
        from .import_portrait import import_photo
        from .preferences import engine_options

        if self.filepath:
            obj = import_photo(context, bpy.path.abspath(self.filepath), 0, self)
            context.view_layer.objects.active = obj
        else:
            obj = active_portrait(context)
        if obj is None:
            raise PortraitError(strings.SELECT_PORTRAIT)
        check_editable(obj)
        photo = photo_of(obj)
        if not photo:
            raise PortraitError(f"{obj.name} came without its photo; import the photo to invert it again")
        if not os.path.isfile(photo):
            raise PortraitError(f"the photo {photo} is missing; restore it or import another one")
        from ..inference.pipeline import invert_photo
        from ..inference.portrait import save_portrait

        choice, options = crops.chosen_crop(obj), engine_options()
        target = new_portrait_path(obj.name)
        self._target = reference(obj)

        def work(progress):
            progress(0.0, strings.LOADING)
            inversion = invert_photo(
                photo,
                crops.model(options),
                face=None if choice["crop"] else choice["face"],
                crop=choice["crop"],
                progress=lambda fraction, text: progress(0.98 * fraction, text),
            )
            progress(0.98, strings.SAVING)
            save_portrait(inversion.portrait, target)
            return inversion, target

        return work

    def finish(self, context, result):
        from . import crops
        from .photo_camera import add_photo_camera, follow_photo

        inversion, path = result
        obj = find(self._target)
        settings = obj.portrait_manifolds
        note_portrait(obj, inversion.portrait, path)
        settings.report = json.dumps(inversion.report, default=str)
        crops.note_alignment(obj, inversion.alignment)
        follow_photo(obj)
        if self.add_camera and not any(child.type == "CAMERA" for child in obj.children):
            add_photo_camera(context, obj, whole_photo=False)
        for warning in inversion.report.get("warnings", []):
            self.report({"WARNING"}, str(warning))
        self.report({"INFO"}, strings.INVERTED.format(name=obj.name))


class PORTRAIT_MANIFOLDS_OT_cancel(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.cancel"
    bl_label = strings.CANCEL.label
    bl_description = strings.CANCEL.description

    @classmethod
    def poll(cls, context):
        return context.window_manager.portrait_manifolds_job.running

    def run(self, context):
        context.window_manager.portrait_manifolds_job.cancelled = True


CLASSES = (PORTRAIT_MANIFOLDS_OT_invert, PORTRAIT_MANIFOLDS_OT_cancel)
