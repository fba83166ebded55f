"""Adjust Crop: drag the crop's square on the photo; and Refine, which inverts with it."""

import bpy

from ...inference.errors import PortraitError
from ..language import strings
from ..state.option_groups import CropOptions, HandOptions, options_of
from ..state.options import engine_options
from ..state.portrait import INVERTED, PHOTO, active_inverted, active_portrait, check_editable, find, reference
from ..work.operator import PortraitOperator, needs, report_error
from . import crop_session, crops
from .crop_frame import Frame
from .crop_session import CropSession
from .overlay import Overlay, free_rectangle

EDITORS = ("VIEW_3D", "IMAGE_EDITOR")


class CropProperties(
    options_of(HandOptions, default=True, options={"SKIP_SAVE"}), options_of(CropOptions, options={"SKIP_SAVE"})
):
    """The square as operator properties, filled from the portrait unless they are given."""

    def fill(self, settings):
        """Take what was not given from the portrait's settings."""
        given = [name for name in CropOptions.__annotations__ if self.properties.is_property_set(name)]
        if not self.properties.is_property_set("use_crop"):
            self.use_crop = settings.use_crop or bool(given)
        for name in CropOptions.__annotations__.keys() - given:
            setattr(self, name, getattr(settings, f"crop_{name}"))

    def apply(self, settings):
        """Give the portrait's settings these values."""
        settings.use_crop = self.use_crop
        if self.use_crop:
            settings.crop_centre, settings.crop_size, settings.crop_roll = self.centre, self.size, self.roll


@needs(PHOTO)
class PORTRAIT_MANIFOLDS_OT_adjust_crop(CropProperties, PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.adjust_crop"
    bl_label = strings.ADJUST_CROP.label
    bl_description = strings.ADJUST_CROP.description
    bl_options = {"REGISTER", "UNDO"}

    _overlay = None

    def run(self, context):
        obj = active_portrait(context)
        check_editable(obj)
        self.fill(obj.portrait_manifolds)
        self.apply(obj.portrait_manifolds)
        crops.update_crop(obj)
        self.report({"INFO"}, strings.CROP_SET)

    def invoke(self, context, event):
        area = context.area
        if bpy.app.background or area is None or area.type not in EDITORS:
            return self.execute(context)
        obj = active_portrait(context)
        try:
            check_editable(obj)
            photo, self._session = start_session(obj)
        except Exception as error:
            return report_error(self, error)
        self._target, self._area = reference(obj), area
        self._region = next(region for region in area.regions if region.type == "WINDOW")
        self._overlay = Overlay(self._session, photo, area, self._region)
        context.workspace.status_text_set(strings.CROP_STATUS)
        context.window_manager.modal_handler_add(self)
        area.tag_redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        x, y = event.mouse_x - self._region.x, event.mouse_y - self._region.y
        free = free_rectangle(self._area, self._region)
        state = self._session.handle(event.type, event.value, x, y, free, shift=event.shift, ctrl=event.ctrl)
        self._area.tag_redraw()
        if state == crop_session.RUNNING:
            return {"RUNNING_MODAL"}
        self.cancel(context)
        if state == crop_session.LEAVE:
            return {"CANCELLED"}
        return self._finish(context)

    def cancel(self, context):
        """Also called by Blender when it ends the operator itself."""
        if self._overlay is not None:
            self._overlay.remove()
            self._overlay = None
        if context.workspace is not None:
            context.workspace.status_text_set(None)

    def _finish(self, context):
        session = self._session
        try:
            settings = find(self._target).portrait_manifolds
        except Exception as error:
            return report_error(self, error)
        settings.face = session.face
        self.use_crop = session.by_hand
        self.centre, self.size, self.roll = session.frame.centre, session.frame.size, session.frame.roll
        return self.execute(context)


def start_session(obj):
    """A CropSession for a portrait object, and its photo (H, W, 3) uint8. Raises PortraitError."""
    photo, faces = crops.look_at(crops.existing_photo(obj))
    loaded, settings = crops.model(engine_options()), obj.portrait_manifolds

    def align(choice):
        crop = (*choice.centre, choice.size, choice.roll) if isinstance(choice, Frame) else None
        face = settings_face if crop else choice
        alignment = crops.align_settings(photo, faces, {"face": face, "crop": crop}, loaded)
        centre, size, roll = crops.crop_numbers(alignment)
        pose = alignment.yaw, alignment.pitch, alignment.roll
        return Frame(tuple(centre), size, roll), crops.landmarks_in_photo(alignment), pose

    settings_face = settings.face
    return photo, CropSession(
        photo.shape[1::-1],
        Frame(tuple(settings.crop_centre), settings.crop_size, settings.crop_roll),
        [tuple(face.box) for face in faces],
        align,
        face=settings.face,
        by_hand=settings.use_crop,
        landmarks=crops.landmarks_of(obj),
        pose=tuple(settings.pose),
    )


@needs(INVERTED, PHOTO)
class PORTRAIT_MANIFOLDS_OT_refine(CropProperties, PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.refine"
    bl_label = strings.REFINE.label
    bl_description = strings.REFINE.description
    bl_options = {"REGISTER", "UNDO"}

    _how = "EXEC_DEFAULT"

    def invoke(self, context, event):
        self._how = "INVOKE_DEFAULT"
        return self.execute(context)

    def run(self, context):
        obj = active_inverted(context)
        check_editable(obj)
        self.fill(obj.portrait_manifolds)
        self.apply(obj.portrait_manifolds)
        if any(child.type == "MESH" for child in obj.children):
            self.report({"INFO"}, strings.OLD_CHILDREN.format(name=obj.name))
        try:
            done = bpy.ops.portrait_manifolds.invert(self._how, add_camera=False)
        except RuntimeError as error:  # Invert's own report, after Blender's word for error
            raise PortraitError(str(error).partition(": ")[2]) from None
        return {"CANCELLED"} if done == {"CANCELLED"} else {"FINISHED"}


CLASSES = (PORTRAIT_MANIFOLDS_OT_adjust_crop, PORTRAIT_MANIFOLDS_OT_refine)
