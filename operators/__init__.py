"""Blender's side of the engine: operators, render engine, command line. Imported by the extension only."""


def _classes():
    from . import (
        batch,
        camera_moves,
        extract_mesh,
        import_portrait,
        invert,
        layers,
        photo_camera,
        preferences,
        render_engine,
        render_view,
        settings,
        show,
    )

    data = settings, preferences
    steps = import_portrait, invert, photo_camera, show, render_view, layers, extract_mesh, camera_moves, batch
    return [cls for module in (*data, *steps, render_engine) for cls in module.CLASSES]


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
