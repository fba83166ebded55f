"""Adjust Crop: drag the crop's square and the landmarks on the photo; and Refine, which inverts with them."""

import bpy
from bpy.props import StringProperty

from ...inference.errors import PortraitError
from ..language import strings
from ..language.translate import translate
from ..state.option_groups import CropOptions, HandOptions, PoseOptions, names_of, options_of
from ..state.options import engine_options
from ..state.portrait import INVERTED, PHOTO, active_inverted, active_portrait, check_editable, find, reference
from ..work.operator import PortraitOperator, needs, report_error
from . import crop_session, crops
from .crop_frame import Frame
from .crop_session import CropSession
from .overlay import Overlay, free_rectangle

EDITORS = ("VIEW_3D", "IMAGE_EDITOR")
STATUS = {crop_session.CROP: strings.CROP_STATUS, crop_session.LANDMARKS: strings.LANDMARKS_STATUS}
SETTINGS = {  # what a switch turns on: {property of the operator: property of the portrait's settings}
    "use_crop": dict(zip(CropOptions.__annotations__, names_of(CropOptions, "crop_"), strict=True)),
    "use_landmarks": {"landmarks": "landmarks"},
    "use_pose": dict(zip(PoseOptions.__annotations__, names_of(PoseOptions, ""), strict=True)),
}


class CropProperties(
    options_of(HandOptions, default=True, options={"SKIP_SAVE"}),
    options_of(CropOptions, options={"SKIP_SAVE"}),
    options_of(PoseOptions, options={"SKIP_SAVE"}),
):
    """Square, landmarks and pose as operator properties, filled from the portrait unless they are given."""

    landmarks: StringProperty(
        name=strings.USE_LANDMARKS.label,
        description=strings.USE_LANDMARKS.description,
        options={"SKIP_SAVE", "HIDDEN"},
    )

    def fill(self, settings):
        """Take what was not given from the portrait's settings."""
        for switch, names in SETTINGS.items():
            given = [name for name in names if self.properties.is_property_set(name)]
            if not self.properties.is_property_set(switch):
                setattr(self, switch, getattr(settings, switch) or bool(given))
            for name in names.keys() - given:
                setattr(self, name, getattr(settings, names[name]))

    def apply(self, settings):
        """Give the portrait's settings these values."""
        for switch, names in SETTINGS.items():
            setattr(settings, switch, getattr(self, switch))
            if getattr(self, switch):
                for name, kept in names.items():
                    setattr(settings, kept, getattr(self, name))


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
        before = values_of(obj.portrait_manifolds)
        try:
            self.fill(obj.portrait_manifolds)
            self.apply(obj.portrait_manifolds)
            crops.update_crop(obj)
        except Exception:
            put_back(obj.portrait_manifolds, before)
            raise
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
        context.workspace.status_text_set(translate(STATUS[self._session.mode]))
        context.window_manager.modal_handler_add(self)
        area.tag_redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        x, y = event.mouse_x - self._region.x, event.mouse_y - self._region.y
        free = free_rectangle(self._area, self._region)
        state = self._session.handle(event.type, event.value, x, y, free, shift=event.shift, ctrl=event.ctrl)
        self._area.tag_redraw()
        if state == crop_session.RUNNING:
            context.workspace.status_text_set(translate(STATUS[self._session.mode]))
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
        before, settings.face = settings.face, session.face
        self.use_crop, self.use_landmarks, self.use_pose = session.by_hand, session.moved, session.turn is not None
        self.centre, self.size, self.roll = session.frame.centre, session.frame.size, session.frame.roll
        self.landmarks = crops.as_text(session.landmarks)
        self.yaw, self.pitch = session.turn or session.pose[:2]
        done = self.execute(context)
        if done == {"CANCELLED"}:
            settings.face = before
        return done


def start_session(obj):
    """A CropSession for a portrait object, and its photo (H, W, 3) uint8. Raises PortraitError."""
    photo, faces = crops.look_at(crops.existing_photo(obj))
    loaded, settings = crops.model(engine_options()), obj.portrait_manifolds
    mean_landmarks = loaded.geometry["mean_landmarks"]

    def align(choice, landmarks, turn):
        by_hand = isinstance(choice, Frame)
        yaw, pitch = turn or (None, None)
        wanted = {
            "face": None if by_hand else choice,
            "crop": (*choice.centre, choice.size, choice.roll) if by_hand else None,
            "landmarks": landmarks,
            "yaw": yaw,
            "pitch": pitch,
        }
        alignment = crops.align_settings(photo, faces, wanted, loaded)
        centre, size, roll = crops.crop_numbers(alignment)
        pose = alignment.yaw, alignment.pitch, alignment.roll
        head = crops.landmarks_in_photo(alignment, alignment.camera.project(mean_landmarks)[0])
        return Frame(tuple(centre), size, roll), crops.landmarks_in_photo(alignment), pose, head

    return photo, CropSession(
        photo.shape[1::-1],
        Frame(tuple(settings.crop_centre), settings.crop_size, settings.crop_roll),
        [tuple(face.box) for face in faces],
        align,
        mean_landmarks,
        face=settings.face,
        by_hand=settings.use_crop,
        landmarks=crops.landmarks_of(obj),
        moved=settings.use_landmarks,
        turn=(settings.yaw, settings.pitch) if settings.use_pose else None,
        pose=tuple(settings.pose),
    )


def values_of(settings):
    """The values of the portrait's settings that Adjust Crop may change."""
    names = *SETTINGS, *(name for names in SETTINGS.values() for name in names.values())
    return {name: getattr(settings, name) for name in names} | {"crop_centre": tuple(settings.crop_centre)}


def put_back(settings, values):
    """Give settings the values of :func:`values_of`."""
    for name, value in values.items():
        setattr(settings, name, value)


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
            done = bpy.ops.portrait_manifolds.invert(self._how)
        except RuntimeError as error:  # Invert's own report, after Blender's word for error
            raise PortraitError(str(error).partition(": ")[2]) from None
        return {"CANCELLED"} if done == {"CANCELLED"} else {"FINISHED"}


CLASSES = (PORTRAIT_MANIFOLDS_OT_adjust_crop, PORTRAIT_MANIFOLDS_OT_refine)
