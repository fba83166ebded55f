"""Menu entries: File ▸ Import and Export, Add, and Object ▸ Portrait, through which F3 finds every operator."""

import bpy

from ..operators.language import strings
from ..operators.state.background import background_of
from ..operators.state.portrait import active_portrait

# Everything an artist may look for by name, in the order of the work; None is a line between groups
ENTRIES = (
    ("import_portrait", "IMAGE_DATA"),
    ("adjust_crop", "SELECT_SET"),
    ("update_crop", "FILE_REFRESH"),
    ("invert", "PLAY"),
    ("refine", "FILE_REFRESH"),
    None,
    ("edit_photo", "TPAINT_HLT"),
    ("apply_edit", "CHECKMARK"),
    None,
    ("show", "HIDE_OFF"),
    ("compare", "IMAGE_REFERENCE"),
    ("toggle_background", "IMAGE_BACKGROUND"),
    ("render_view", "RENDER_STILL"),
    ("render_with_scene", "NODE_COMPOSITING"),
    ("render_alone", "NODE_COMPOSITING"),
    ("add_camera", "CAMERA_DATA"),
    ("match_photo", "OUTLINER_OB_CAMERA"),
    ("add_turntable", "CON_ROTLIKE"),
    ("add_dolly_zoom", "DRIVER_DISTANCE"),
    None,
    ("add_layers", "RENDERLAYERS"),
    ("extract_mesh", "MESH_DATA"),
    ("extract_lods", "MOD_DECIM"),
    ("mark_asset", "ASSET_MANAGER"),
    ("toggle_light", "LIGHT"),
    ("export_splats", "EXPORT"),
    None,
    ("copy_settings", "PASTEDOWN"),
    ("pack", "PACKAGE"),
    ("unpack", "UGLYPACKAGE"),
    ("relink", "LIBRARY_DATA_BROKEN"),
    ("relink_model", "LIBRARY_DATA_BROKEN"),
)


class PORTRAIT_MANIFOLDS_MT_portrait(bpy.types.Menu):
    bl_label = strings.TAB

    def draw(self, context):
        layout, obj = self.layout, active_portrait(context)
        layout.operator_context = "INVOKE_DEFAULT"
        for entry in ENTRIES:
            if entry is None:
                layout.separator()
                continue
            button = layout.operator(f"portrait_manifolds.{entry[0]}", icon=entry[1])
            if entry[0] == "render_view" and obj is not None:
                button.background = background_of(obj)


def _import(self, context):
    self.layout.operator("portrait_manifolds.import_portrait", text=strings.IMPORT_ENTRY)


def _export(self, context):
    self.layout.operator("portrait_manifolds.export_splats", text=strings.EXPORT_ENTRY)


def _add(self, context):
    self.layout.operator("portrait_manifolds.import_portrait", text=strings.ADD_ENTRY, icon="USER")


def _object(self, context):
    self.layout.separator()
    self.layout.menu("PORTRAIT_MANIFOLDS_MT_portrait", icon="USER")


def _places():
    types = bpy.types
    return (
        (types.TOPBAR_MT_file_import, _import),
        (types.TOPBAR_MT_file_export, _export),
        (types.VIEW3D_MT_add, _add),
        (types.VIEW3D_MT_object, _object),
    )


def register():
    for menu, draw in _places():
        menu.append(draw)


def unregister():
    for menu, draw in _places():
        menu.remove(draw)


CLASSES = (PORTRAIT_MANIFOLDS_MT_portrait,)
