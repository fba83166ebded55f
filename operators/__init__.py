"""Blender's side of the engine: operators, render engine, command line. Imported by the extension only."""


def _classes():
    from .batch import batch, batch_list
    from .crop import adjust_crop
    from .engine import render_engine
    from .models import model_chooser
    from .portrait import (
        add_layers,
        camera_moves,
        compare,
        copy_settings,
        extract_mesh,
        import_portrait,
        invert,
        pack,
        photo_camera,
        relink,
        render_view,
        repairs,
        show,
    )
    from .preferences import preferences
    from .service import diagnostics
    from .state import background, cache, settings

    data = settings, batch_list, preferences
    steps = import_portrait, invert, photo_camera, show, render_view, add_layers, extract_mesh, camera_moves, batch
    care = adjust_crop, compare, background, copy_settings, pack, relink
    service = repairs, model_chooser, cache, diagnostics
    return [cls for module in (*data, *steps, *care, *service, render_engine) for cls in module.CLASSES]


def register():
    import bpy

    from . import handlers
    from .batch import batch_list
    from .engine import engine_panels
    from .language import translate
    from .service import command
    from .state import settings

    for cls in _classes():
        bpy.utils.register_class(cls)
    settings.register()
    batch_list.register()
    engine_panels.register()
    handlers.register()
    command.register()
    translate.register()


def unregister():
    import bpy

    from . import handlers
    from .batch import batch_list, thumbnails
    from .crop import crops, overlay
    from .engine import engine_panels
    from .language import translate
    from .models import models
    from .service import command
    from .state import health, portraits, settings
    from .work import problems

    translate.unregister()
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
