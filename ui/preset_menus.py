"""Presets of the inversion, layer and mesh settings, by Blender's own preset system; some come with the extension."""

import os

import bpy
from bl_operators.presets import AddPresetBase
from bl_ui.utils import PresetPanel

from ..operators.language import strings
from ..operators.state.option_groups import LayerOptions, MeshOptions, names_of

SETTINGS = "settings = bpy.context.scene.portrait_manifolds"
FOLDER = os.path.dirname(__file__)  # holds the folder "presets"
INVERT = "portrait_manifolds/invert", ("pack",)
LAYERS = "portrait_manifolds/layers", names_of(LayerOptions, "layer_")
MESH = "portrait_manifolds/mesh", names_of(MeshOptions, "mesh_")


class _Menu:
    preset_operator = "script.execute_preset"
    draw = bpy.types.Menu.draw_preset


class PORTRAIT_MANIFOLDS_MT_invert_presets(_Menu, bpy.types.Menu):
    bl_label = strings.INVERT_PRESETS
    preset_subdir = INVERT[0]


class PORTRAIT_MANIFOLDS_MT_layer_presets(_Menu, bpy.types.Menu):
    bl_label = strings.LAYER_PRESETS
    preset_subdir = LAYERS[0]


class PORTRAIT_MANIFOLDS_MT_mesh_presets(_Menu, bpy.types.Menu):
    bl_label = strings.MESH_PRESETS
    preset_subdir = MESH[0]


class _Add(AddPresetBase):
    preset_defines = [SETTINGS]


class PORTRAIT_MANIFOLDS_OT_invert_preset(_Add, bpy.types.Operator):
    bl_idname = "portrait_manifolds.invert_preset"
    bl_label = strings.INVERT_PRESET.label
    bl_description = strings.INVERT_PRESET.description
    preset_menu = "PORTRAIT_MANIFOLDS_MT_invert_presets"
    preset_subdir = INVERT[0]
    preset_values = [f"settings.{name}" for name in INVERT[1]]


class PORTRAIT_MANIFOLDS_OT_layer_preset(_Add, bpy.types.Operator):
    bl_idname = "portrait_manifolds.layer_preset"
    bl_label = strings.LAYER_PRESET.label
    bl_description = strings.LAYER_PRESET.description
    preset_menu = "PORTRAIT_MANIFOLDS_MT_layer_presets"
    preset_subdir = LAYERS[0]
    preset_values = [f"settings.{name}" for name in LAYERS[1]]


class PORTRAIT_MANIFOLDS_OT_mesh_preset(_Add, bpy.types.Operator):
    bl_idname = "portrait_manifolds.mesh_preset"
    bl_label = strings.MESH_PRESET.label
    bl_description = strings.MESH_PRESET.description
    preset_menu = "PORTRAIT_MANIFOLDS_MT_mesh_presets"
    preset_subdir = MESH[0]
    preset_values = [f"settings.{name}" for name in MESH[1]]


class PORTRAIT_MANIFOLDS_PT_invert_presets(PresetPanel, bpy.types.Panel):
    bl_label = strings.INVERT_PRESETS
    preset_subdir = INVERT[0]
    preset_operator = "script.execute_preset"
    preset_add_operator = "portrait_manifolds.invert_preset"


class PORTRAIT_MANIFOLDS_PT_layer_presets(PresetPanel, bpy.types.Panel):
    bl_label = strings.LAYER_PRESETS
    preset_subdir = LAYERS[0]
    preset_operator = "script.execute_preset"
    preset_add_operator = "portrait_manifolds.layer_preset"


class PORTRAIT_MANIFOLDS_PT_mesh_presets(PresetPanel, bpy.types.Panel):
    bl_label = strings.MESH_PRESETS
    preset_subdir = MESH[0]
    preset_operator = "script.execute_preset"
    preset_add_operator = "portrait_manifolds.mesh_preset"


def register():
    """Let Blender find the presets that come with the extension."""
    bpy.utils.register_preset_path(FOLDER)


def unregister():
    bpy.utils.unregister_preset_path(FOLDER)


CLASSES = (
    PORTRAIT_MANIFOLDS_MT_invert_presets,
    PORTRAIT_MANIFOLDS_MT_layer_presets,
    PORTRAIT_MANIFOLDS_MT_mesh_presets,
    PORTRAIT_MANIFOLDS_OT_invert_preset,
    PORTRAIT_MANIFOLDS_OT_layer_preset,
    PORTRAIT_MANIFOLDS_OT_mesh_preset,
    PORTRAIT_MANIFOLDS_PT_invert_presets,
    PORTRAIT_MANIFOLDS_PT_layer_presets,
    PORTRAIT_MANIFOLDS_PT_mesh_presets,
)
