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

    from . import command, engine_panels, handlers, settings

    for cls in _classes():
        bpy.utils.register_class(cls)
    settings.register()
    engine_panels.register()
    handlers.register()
    command.register()


def unregister():
    import bpy

    from . import command, crops, engine_panels, handlers, portraits, settings

    command.unregister()
    handlers.unregister()
    engine_panels.unregister()
    settings.unregister()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
    crops.forget()
    portraits.forget_portraits()
