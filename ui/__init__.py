"""The sidebar tab and the menu entries."""


def _classes():
    from . import batch_panel, menus, panels, preset_menus

    return (*preset_menus.CLASSES, *panels.CLASSES, *batch_panel.CLASSES, *menus.CLASSES)


def register():
    import bpy

    from . import menus, preset_menus

    for cls in _classes():
        bpy.utils.register_class(cls)
    preset_menus.register()
    menus.register()


def unregister():
    import bpy

    from . import menus, preset_menus

    menus.unregister()
    preset_menus.unregister()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
