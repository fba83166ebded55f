"""The sidebar tab and the menu entries."""


def register():
    import bpy

    from . import menus, panels

    for cls in panels.CLASSES:
        bpy.utils.register_class(cls)
    menus.register()


def unregister():
    import bpy

    from . import menus, panels

    menus.unregister()
    for cls in reversed(panels.CLASSES):
        bpy.utils.unregister_class(cls)
