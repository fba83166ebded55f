"""Toggle Light: extracted meshes in the scene's light, or with their textures as they are."""

import bpy

from ..datablocks.materials import has_switch, is_unlit, set_unlit
from ..language import strings
from ..work.operator import PortraitOperator, needs


def switches(context):
    """Materials of the active and the selected objects that can be lit or unlit, the active object's first."""
    objects = dict.fromkeys([context.view_layer.objects.active, *context.selected_objects])
    found = [slot.material for obj in objects if obj is not None for slot in obj.material_slots]
    return list(dict.fromkeys(material for material in found if has_switch(material) and not material.library))


MESH = switches, strings.SELECT_MESH  # what the operator needs


@needs(MESH)
class PORTRAIT_MANIFOLDS_OT_toggle_light(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.toggle_light"
    bl_label = strings.TOGGLE_LIGHT.label
    bl_description = strings.TOGGLE_LIGHT.description
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context):
        materials = switches(context)
        unlit = not is_unlit(materials[0])
        for material in materials:
            set_unlit(material, unlit)


CLASSES = (PORTRAIT_MANIFOLDS_OT_toggle_light,)
