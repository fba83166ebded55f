"""Blender's side of the engine: operators, render engine, command line. Imported by the extension only."""


def _classes():
    from . import (
        adjust_crop,
        background,
        batch,
        camera_moves,
        compare,
        copy_settings,
        extract_mesh,
        import_portrait,
        invert,
        layers,
        pack,
        photo_camera,
        preferences,
        relink,
        render_engine,
        render_view,
        settings,
        show,
    )

    data = settings, preferences
    steps = import_portrait, invert, photo_camera, show, render_view, layers, extract_mesh, camera_moves, batch
    care = adjust_crop, compare, background, copy_settings, pack, relink
    return [cls for module in (*data, *steps, *care, render_engine) for cls in module.CLASSES]


def register():
    import bpy

    from . import command, handlers, language, render_engine, settings

    for cls in _classes():
        bpy.utils.register_class(cls)
    settings.register()
    render_engine.register()
    handlers.register()
    command.register()
    language.register()


def unregister():
    import bpy

    from . import command, crops, handlers, health, language, overlay, portraits, render_engine, settings

    language.unregister()
    command.unregister()
    handlers.unregister()
    render_engine.unregister()
    settings.unregister()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
    overlay.remove_all()
    crops.forget()
    health.forget()
    portraits.forget_portraits()
