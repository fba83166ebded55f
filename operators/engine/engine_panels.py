"""Which of Blender's own panels show with the render engine: those whose settings it follows."""

import bpy

ENGINE = "PORTRAIT_MANIFOLDS"
NEUTRAL = "BLENDER_RENDER"  # by this name Blender marks panels that suit any engine

# Of those, panels of what this engine does not draw. Stereoscopy stays: it must be possible to turn it off.
MEANINGLESS = (
    "DATA_PT_area",
    "DATA_PT_camera_stereoscopy",
    "DATA_PT_context_light",  # also light probes
    "DATA_PT_custom_props_light",
    "DATA_PT_falloff",
    "DATA_PT_light",
    "DATA_PT_preview",
    "DATA_PT_spot",
    "DATA_PT_volume_render",
    "EEVEE_",
    "MATERIAL_PT_",
    "NODE_",
    "OBJECT_PT_shading",
    "RENDER_PT_freestyle",
    "RENDER_PT_gpencil",
    "RENDER_PT_grease_pencil",
    "RENDER_PT_hydra",
    "RENDER_PT_output_views",
    "RENDER_PT_simplify",
    "VIEWLAYER_PT_freestyle",
)
# Panels that Blender lists by engine, although they fit: the colour behind the portraits, and depth of field.
FITTING = "EEVEE_WORLD_PT_surface", "DATA_PT_camera_dof", "DATA_PT_camera_dof_aperture"


def register():
    for panel in _panels():
        panel.COMPAT_ENGINES.add(ENGINE)


def unregister():
    for panel in _panels():
        panel.COMPAT_ENGINES.discard(ENGINE)


def _panels():
    for panel in bpy.types.Panel.__subclasses__():
        engines = getattr(panel, "COMPAT_ENGINES", ())
        name = panel.__name__
        if name in FITTING or (NEUTRAL in engines and not name.startswith(MEANINGLESS)):
            yield panel
