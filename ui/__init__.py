"""The sidebar tab and the menu entries."""


def register():
    import bpy

    from . import menus, panels, preset_menus

    for cls in (*preset_menus.CLASSES, *panels.CLASSES, *menus.CLASSES):
        bpy.utils.register_class(cls)
    preset_menus.register()
    menus.register()


def unregister():
    import bpy

    from . import menus, panels, preset_menus

    menus.unregister()
    preset_menus.unregister()
    for cls in reversed((*preset_menus.CLASSES, *panels.CLASSES, *menus.CLASSES)):
        bpy.utils.unregister_class(cls)
