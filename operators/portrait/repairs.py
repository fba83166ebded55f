"""The buttons of problems: what the user can do about an error, where the error is shown."""

import os

import bpy
from bpy.props import IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ...inference.errors import ModelUnusable, PortraitError
from ...inference.photo.open import SUFFIXES, open_photo
from ..crop import crops
from ..language import strings
from ..state.layers import grant
from ..state.options import EXTENSION, preferences
from ..state.portrait import active_portrait, check_editable, is_portrait
from ..work import problems
from ..work.operator import PortraitOperator, redraw_panels
from .import_portrait import note_photo


def _target_property():
    return StringProperty(
        name=strings.TARGET.label, description=strings.TARGET.description, options={"SKIP_SAVE", "HIDDEN"}
    )


def find_target(context, name):
    """The portrait object of a name, or the active one; it becomes active. Raises PortraitError."""
    obj = context.scene.objects.get(name) if name else None
    obj = obj if is_portrait(obj) else active_portrait(context)
    if obj is None:
        raise PortraitError(strings.SELECT_PORTRAIT)
    check_editable(obj)
    context.view_layer.objects.active = obj
    return obj


class PORTRAIT_MANIFOLDS_OT_dismiss_problem(bpy.types.Operator):
    bl_idname = "portrait_manifolds.dismiss_problem"
    bl_label = strings.DISMISS.label
    bl_description = strings.DISMISS.description

    problem: IntProperty(name=strings.PROBLEM.label, description=strings.PROBLEM.description, options={"SKIP_SAVE"})

    def execute(self, context):
        problems.dismiss(self.problem)
        redraw_panels(context)
        return {"FINISHED"}


class PORTRAIT_MANIFOLDS_OT_crop_by_hand(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.crop_by_hand"
    bl_label = strings.CROP_BY_HAND.label
    bl_description = strings.CROP_BY_HAND.description
    bl_options = {"REGISTER", "UNDO"}

    portrait: _target_property()

    def run(self, context):
        obj = find_target(context, self.portrait)
        self.subject = obj.name
        settings = obj.portrait_manifolds
        photo = open_photo(crops.existing_photo(obj))
        crops.first_crop(settings)
        crops.show_preview(obj, crops.plain_crop(photo, settings))
        problems.solved(subject=obj.name)
        self.report({"INFO"}, strings.CROP_READY)


class PORTRAIT_MANIFOLDS_OT_choose_photo(PortraitOperator, bpy.types.Operator, ImportHelper):
    bl_idname = "portrait_manifolds.choose_photo"
    bl_label = strings.CHOOSE_PHOTO.label
    bl_description = strings.CHOOSE_PHOTO.description
    bl_options = {"REGISTER", "UNDO"}

    portrait: _target_property()
    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=";".join(f"*{suffix}" for suffix in SUFFIXES), options={"HIDDEN"})

    def run(self, context):
        obj = find_target(context, self.portrait)
        self.subject = obj.name
        note_photo(obj, os.path.abspath(bpy.path.abspath(self.filepath)), 0, self)
        problems.solved(subject=obj.name)


class PORTRAIT_MANIFOLDS_OT_open_preferences(bpy.types.Operator):
    bl_idname = "portrait_manifolds.open_preferences"
    bl_label = strings.OPEN_PREFERENCES.label
    bl_description = strings.OPEN_PREFERENCES.description

    def execute(self, context):
        return bpy.ops.preferences.addon_show(module=EXTENSION)


class PORTRAIT_MANIFOLDS_OT_use_built_in(bpy.types.Operator):
    bl_idname = "portrait_manifolds.use_built_in"
    bl_label = strings.USE_BUILT_IN.label
    bl_description = strings.USE_BUILT_IN.description

    def execute(self, context):
        chosen = preferences()
        chosen.model_path, chosen.device = "", "auto"
        problems.solved(kind=ModelUnusable)
        redraw_panels(context)
        return {"FINISHED"}


class PORTRAIT_MANIFOLDS_OT_prepare_scene(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.prepare_scene"
    bl_label = strings.PREPARE_SCENE.label
    bl_description = strings.PREPARE_SCENE.description
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context):
        grant(context.scene)


CLASSES = (
    PORTRAIT_MANIFOLDS_OT_dismiss_problem,
    PORTRAIT_MANIFOLDS_OT_crop_by_hand,
    PORTRAIT_MANIFOLDS_OT_choose_photo,
    PORTRAIT_MANIFOLDS_OT_open_preferences,
    PORTRAIT_MANIFOLDS_OT_use_built_in,
    PORTRAIT_MANIFOLDS_OT_prepare_scene,
)
