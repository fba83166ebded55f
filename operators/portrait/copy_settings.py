"""Copy Settings: from the active portrait to the other selected ones."""

import bpy
from bpy.props import BoolProperty

from ..language import strings
from ..state.portrait import active_portrait, is_editable, is_portrait
from ..work.operator import PortraitOperator, needs

SAME_ASPECT = 0.01  # relative difference between the proportions of photos whose crops can be carried over


def _others(context):
    active = active_portrait(context)
    return [obj for obj in context.selected_objects if is_portrait(obj) and is_editable(obj) and obj != active]


@needs((_others, strings.NEEDS_OTHERS))
class PORTRAIT_MANIFOLDS_OT_copy_settings(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.copy_settings"
    bl_label = strings.COPY_SETTINGS.label
    bl_description = strings.COPY_SETTINGS.description
    bl_options = {"REGISTER", "UNDO"}

    crop: BoolProperty(name=strings.COPY_CROP.label, description=strings.COPY_CROP.description, default=True)
    background: BoolProperty(
        name=strings.COPY_BACKGROUND.label, description=strings.COPY_BACKGROUND.description, default=True
    )
    placement: BoolProperty(name=strings.COPY_PLACEMENT.label, description=strings.COPY_PLACEMENT.description)

    def run(self, context):
        source, others = active_portrait(context), _others(context)
        for obj in others:
            if self.crop and not copy_crop(source.portrait_manifolds, obj.portrait_manifolds):
                self.report({"WARNING"}, strings.CROP_NOT_COPIED.format(name=obj.name))
            if self.background:
                obj.portrait_manifolds.show_background = source.portrait_manifolds.show_background
            if self.placement:
                obj.rotation_mode = source.rotation_mode
                obj.matrix_basis = _moved(source.matrix_basis, obj.location)
        self.report({"INFO"}, strings.COPIED.format(count=len(others)))


def copy_crop(source, target):
    """Carry face and crop over in proportion to the photos; False when those differ in shape."""
    (width, height), (other_width, other_height) = source.photo_size, target.photo_size
    if min(width, height, other_width, other_height) <= 0:
        return False
    scale = other_width / width
    if abs(other_height / height / scale - 1.0) > SAME_ASPECT:
        return False
    target.face = min(source.face, max(0, len(target.faces) - 1))
    target.use_crop = source.use_crop
    if source.use_crop:
        target.crop_centre = [value * scale for value in source.crop_centre]
        target.crop_size, target.crop_roll = source.crop_size * scale, source.crop_roll
    return True


def _moved(matrix, location):
    moved = matrix.copy()
    moved.translation = location
    return moved


CLASSES = (PORTRAIT_MANIFOLDS_OT_copy_settings,)
