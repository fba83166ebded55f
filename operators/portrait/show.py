"""Show in Viewport: from Blender's default screen to the portrait on it, with one click."""

import bpy

from ..language import strings
from ..state.portrait import INVERTED, active_inverted
from ..work.operator import PortraitOperator, needs


def _in_viewport(context):
    return context.area is not None and context.area.type == "VIEW_3D"


@needs(INVERTED, (_in_viewport, strings.NEEDS_VIEWPORT))
class PORTRAIT_MANIFOLDS_OT_show(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.show"
    bl_label = strings.SHOW.label
    bl_description = strings.SHOW.description
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context):
        context.scene.render.engine = "PORTRAIT_MANIFOLDS"
        context.scene.view_settings.view_transform = "Standard"
        context.space_data.shading.type = "RENDERED"
        frame(context, active_inverted(context))


AROUND = 1.4  # hair and shoulders reach beyond the sphere that marks a portrait


def frame(context, obj):
    """Select a portrait, make it active and, in a 3D viewport, look at it."""
    for other in context.selected_objects:
        other.select_set(False)
    obj.select_set(True)
    context.view_layer.objects.active = obj
    area = context.area
    if bpy.app.background or area is None or area.type != "VIEW_3D":
        return
    region = next((region for region in area.regions if region.type == "WINDOW"), None)
    if region is not None:
        with context.temp_override(region=region):
            bpy.ops.view3d.view_selected()
        view = area.spaces.active.region_3d
        if view.view_perspective != "CAMERA":
            view.view_distance *= AROUND


CLASSES = (PORTRAIT_MANIFOLDS_OT_show,)
