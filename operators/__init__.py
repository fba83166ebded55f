"""Blender's side of the engine: operators, render engine, command line. Imported by the extension only."""

import bpy

from . import handlers
from .batch import batch, batch_list, thumbnails
from .crop import adjust_crop, crops, overlay
from .engine import engine_panels, gpu_shaders, gpu_textures, render_engine
from .language import translate
from .models import model_chooser, models
from .portrait import (
    add_layers,
    assets,
    camera_moves,
    compare,
    copy_settings,
    edit_photo,
    export_splats,
    extract_mesh,
    import_portrait,
    invert,
    lods,
    pack,
    photo_camera,
    relink,
    render_view,
    render_with_scene,
    repairs,
    show,
    toggle_background,
    toggle_light,
)
from .preferences import page, shortcut
from .service import clear_cache, command, diagnostics
from .state import health, loaded, settings
from .work import problems

DATA = settings, batch_list, page
STEPS = (
    import_portrait, invert, photo_camera, show, render_view, add_layers, extract_mesh, lods, assets, export_splats,
    camera_moves, batch,
)  # fmt: skip
CARE = (
    adjust_crop, edit_photo, compare, toggle_background, toggle_light, render_with_scene, copy_settings, pack, relink,
)  # fmt: skip
SERVICE = repairs, model_chooser, clear_cache, diagnostics
CLASSES = [cls for module in (*DATA, *STEPS, *CARE, *SERVICE, render_engine) for cls in module.CLASSES]


def register():
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    settings.register(folders_changed=batch_list.folders_changed, face_picked=crops.pick_face)
    batch_list.register()
    engine_panels.register()
    handlers.register()
    command.register()
    translate.register()
    shortcut.register()


def unregister():
    shortcut.unregister()
    translate.unregister()
    command.unregister()
    handlers.unregister()
    engine_panels.unregister()
    batch_list.unregister()
    settings.unregister()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    overlay.remove_all()
    for module in (crops, gpu_shaders, gpu_textures, health, loaded, models, problems, thumbnails):
        module.forget()
