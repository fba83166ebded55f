"""Blender's side of the engine: operators, render engine, command line. Imported by the extension only."""


def _classes():
    from . import (
        batch,
        extract_mesh,
        import_portrait,
        invert,
        layers,
        photo_camera,
        preferences,
        render_engine,
        render_view,
        settings,
    )

    modules = settings, preferences, import_portrait, invert, render_view, layers, extract_mesh, photo_camera, batch
    return [cls for module in (*modules, render_engine) for cls in module.CLASSES]


def register():
    import bpy

    from . import command, handlers, render_engine, settings

    for cls in _classes():
        bpy.utils.register_class(cls)
    settings.register()
    render_engine.register()
    handlers.register()
    command.register()


def unregister():
    import bpy

    from . import command, crops, handlers, portraits, render_engine, settings

    command.unregister()
    handlers.unregister()
    render_engine.unregister()
    settings.unregister()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
    crops.forget()
    portraits.forget_portraits()
