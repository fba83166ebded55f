"""Show in Viewport: from Blender's default screen to the portrait on it, with one click."""

import math

import bpy
from bpy.props import EnumProperty
from mathutils import Matrix

from ..language import strings
from ..state.loaded import load
from ..state.portrait import INVERTED, PORTRAIT_TO_OBJECT, active_inverted
from ..work.operator import PortraitOperator, needs

AROUND = 1.4  # hair and shoulders reach beyond the sphere that marks a portrait
WELL_SEEN = math.radians(30)  # from the photo's direction; from further round the sides are guessed


def _in_viewport(context):
    return context.area is not None and context.area.type == "VIEW_3D"


@needs(INVERTED, (_in_viewport, strings.NEEDS_VIEWPORT))
class PORTRAIT_MANIFOLDS_OT_show(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.show"
    bl_label = strings.SHOW.label
    bl_description = strings.SHOW.description
    bl_options = {"REGISTER", "UNDO"}

    side: EnumProperty(
        name=strings.SHOW_SIDE.label,
        description=strings.SHOW_SIDE.description,
        items=[(key, text.label, text.description) for key, text in strings.SHOW_SIDES.items()],
        default="auto",
    )

    def run(self, context):
        obj = active_inverted(context)
        look_from(context.space_data.region_3d, obj, self.side)
        context.scene.render.engine = "PORTRAIT_MANIFOLDS"
        context.scene.view_settings.view_transform = "Standard"
        context.space_data.shading.type = "RENDERED"
        frame(context, obj)


def look_from(view, obj, side="auto"):
    """Turn a 3D viewport's view to a portrait.

    side: "photo" for the side from which the photo was taken, "front" for where the head faces. "auto" is the photo's
    side, but a view that shows the portrait well already is kept, and so is one through a camera.
    """
    camera = load(obj).camera.camera_to_world if side != "front" else Matrix.Identity(4)
    towards = obj.matrix_world.to_quaternion() @ (PORTRAIT_TO_OBJECT @ Matrix(camera)).to_quaternion()
    if side == "auto":
        apart = math.acos(min(1.0, _back(towards).dot(_back(view.view_rotation))))
        if view.view_perspective == "CAMERA" or apart < WELL_SEEN:
            return
    if view.view_perspective == "CAMERA":
        view.view_perspective = "PERSP"
    view.view_rotation = towards


def _back(rotation):
    """Direction from what is looked at to the viewer."""
    return rotation.to_matrix().col[2]


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
