"""The sidebar tab and the menu entries."""


def _classes():
    from . import batch_panel, panels

    return (*panels.CLASSES, *batch_panel.CLASSES)


def register():
    import bpy

    from . import menus

    for cls in _classes():
        bpy.utils.register_class(cls)
    menus.register()


def unregister():
    import bpy

    from . import menus

    menus.unregister()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
