"""Blender's side of the engine: operators, render engine, command line. Imported by the extension only."""


def _classes():
    from . import (
        adjust_crop,
        background,
        batch,
        batch_list,
        camera_moves,
        compare,
        copy_settings,
        diagnostics,
        extract_mesh,
        import_portrait,
        invert,
        layers,
        model_chooser,
        pack,
        photo_camera,
        portrait_cache,
        preferences,
        relink,
        render_engine,
        render_view,
        repairs,
        settings,
        show,
    )

    data = settings, batch_list, preferences
    steps = import_portrait, invert, photo_camera, show, render_view, layers, extract_mesh, camera_moves, batch
    care = adjust_crop, compare, background, copy_settings, pack, relink
    service = repairs, model_chooser, portrait_cache, diagnostics
    return [cls for module in (*data, *steps, *care, *service, render_engine) for cls in module.CLASSES]


def register():
    import bpy

    from . import batch_list, command, engine_panels, handlers, language, settings

    for cls in _classes():
        bpy.utils.register_class(cls)
    settings.register()
    batch_list.register()
    engine_panels.register()
    handlers.register()
    command.register()
    language.register()


def unregister():
    import bpy

    from . import (
        batch_list,
        command,
        crops,
        engine_panels,
        handlers,
        health,
        language,
        models,
        overlay,
        portraits,
        problems,
        settings,
        thumbnails,
    )

    language.unregister()
    command.unregister()
    handlers.unregister()
    engine_panels.unregister()
    batch_list.unregister()
    settings.unregister()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
    overlay.remove_all()
    for module in (crops, health, models, problems, thumbnails):
        module.forget()
    portraits.forget_portraits()
