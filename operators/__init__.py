"""Blender's side of the engine: operators, render engine, command line. Imported by the extension only."""


def _classes():
    from . import (
        batch,
        batch_list,
        camera_moves,
        diagnostics,
        extract_mesh,
        import_portrait,
        invert,
        layers,
        model_chooser,
        photo_camera,
        portrait_cache,
        preferences,
        render_engine,
        render_view,
        repairs,
        settings,
        show,
    )

    data = settings, batch_list, preferences
    steps = import_portrait, invert, photo_camera, show, render_view, layers, extract_mesh, camera_moves, batch
    service = repairs, model_chooser, portrait_cache, diagnostics
    return [cls for module in (*data, *steps, *service, render_engine) for cls in module.CLASSES]


def register():
    import bpy

    from . import batch_list, command, handlers, render_engine, settings

    for cls in _classes():
        bpy.utils.register_class(cls)
    settings.register()
    batch_list.register()
    render_engine.register()
    handlers.register()
    command.register()


def unregister():
    import bpy

    from . import batch_list, command, crops, handlers, models, portraits, problems, render_engine, settings, thumbnails

    command.unregister()
    handlers.unregister()
    render_engine.unregister()
    batch_list.unregister()
    settings.unregister()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
    for module in (crops, models, problems, thumbnails):
        module.forget()
    portraits.forget_portraits()
