"""The sidebar tab and the menu entries."""

import bpy

from . import batch_panel, face_list, menus, panels, preset_menus

CLASSES = (*face_list.CLASSES, *preset_menus.CLASSES, *panels.CLASSES, *batch_panel.CLASSES, *menus.CLASSES)


def register():
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    preset_menus.register()
    menus.register()


def unregister():
    menus.unregister()
    preset_menus.unregister()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
