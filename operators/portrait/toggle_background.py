"""Toggle Background: the photo's background behind the selected portraits."""

import bpy

from ..language import strings
from ..state.portrait import INVERTED, active_inverted, is_editable, is_portrait
from ..work.operator import PortraitOperator, needs


@needs(INVERTED)
class PORTRAIT_MANIFOLDS_OT_toggle_background(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.toggle_background"
    bl_label = strings.TOGGLE_BACKGROUND.label
    bl_description = strings.TOGGLE_BACKGROUND.description
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context):
        active = active_inverted(context)
        show = not active.portrait_manifolds.show_background
        for obj in {active, *(obj for obj in context.selected_objects if is_portrait(obj))}:
            if is_editable(obj):
                obj.portrait_manifolds.show_background = show


CLASSES = (PORTRAIT_MANIFOLDS_OT_toggle_background,)
