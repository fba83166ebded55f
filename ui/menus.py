"""Menu entries: File ▸ Import, Add, and the render menu of the image editor's view."""

import bpy

from ..operators import strings


def _import(self, context):
    self.layout.operator("portrait_manifolds.import_portrait", text=f"{strings.TAB} (.png, .jpg, …)")


def _add(self, context):
    self.layout.operator("portrait_manifolds.import_portrait", text=f"{strings.TAB}…", icon="USER")


def register():
    bpy.types.TOPBAR_MT_file_import.append(_import)
    bpy.types.VIEW3D_MT_add.append(_add)


def unregister():
    bpy.types.VIEW3D_MT_add.remove(_add)
    bpy.types.TOPBAR_MT_file_import.remove(_import)
