"""Add-on preferences: device, threads, model, cache folder and default options, and the page that shows them."""

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

from ..language import strings
from ..models import model_chooser, model_store, models
from ..state import cache
from ..state.options import DEFAULTS, EXTENSION, model_folder
from ..state.settings import SceneSettings
from . import shortcut


class PortraitPreferences(bpy.types.AddonPreferences):
    bl_idname = EXTENSION

    device: EnumProperty(
        name=strings.DEVICE.label,
        description=strings.DEVICE.description,
        items=[(key, text.label, text.description) for key, text in strings.DEVICES.items()],
        default="auto",
    )
    threads: IntProperty(name=strings.THREADS.label, description=strings.THREADS.description, min=0, max=256, default=0)
    model_path: StringProperty(
        name=strings.MODEL_PATH.label, description=strings.MODEL_PATH.description, subtype="DIR_PATH"
    )
    cache_folder: StringProperty(
        name=strings.CACHE_FOLDER.label, description=strings.CACHE_FOLDER.description, subtype="DIR_PATH"
    )
    proxy: BoolProperty(name=strings.PROXIES.label, description=strings.PROXIES.description, default=True)
    defaults: PointerProperty(type=SceneSettings)

    def draw(self, context):
        draw(self, self.layout)


def draw(preferences, layout):
    """Draw the page of a PortraitPreferences."""
    layout.use_property_split = True
    column = layout.column()
    column.prop(preferences, "device")
    device = models.device_in_use()
    if device:
        column.label(text=strings.DEVICE_IN_USE.format(device=device), icon="CHECKMARK")
    column.prop(preferences, "threads")
    _draw_models(preferences, layout.box())
    _draw_cache(preferences, layout.box())
    box = layout.box()
    box.label(text=strings.SECTION_DEFAULTS)
    for title, names in DEFAULTS.items():
        column = box.column(align=True)
        column.label(text=title)
        for name in names:
            column.prop(preferences.defaults, name)
    box.label(text=strings.DEFAULTS_HINT)
    layout.prop(preferences, "proxy")
    shortcut.draw(layout)
    row = layout.row()
    row.label(text=strings.WHERE_TO_FIND, icon="INFO")
    row.operator("portrait_manifolds.copy_diagnostics", icon="COPYDOWN")


def _draw_models(preferences, layout):
    row = layout.row()
    row.label(text=strings.SECTION_MODEL)
    row.operator("portrait_manifolds.install_model", icon="IMPORT")
    chosen, store = model_folder(), model_chooser.store()
    column = layout.column(align=True)
    column.use_property_split = False
    for folder in (None, *model_store.installed(store)):
        row = column.row(align=True)
        picked = model_store.is_built_in(chosen) if folder is None else folder == chosen
        text = strings.BUILT_IN_MODEL if folder is None else folder.name
        icon = "RADIOBUT_ON" if picked else "RADIOBUT_OFF"
        row.operator("portrait_manifolds.choose_model", text=text, icon=icon, depress=picked).folder = str(folder or "")
        if folder is not None:
            row.operator("portrait_manifolds.remove_model", text="", icon="TRASH").folder = str(folder)
    layout.prop(preferences, "model_path")
    found = model_store.facts(chosen)
    column = layout.column(align=True)
    if found.error:
        column.alert = True
        column.label(text=found.error, icon="ERROR")
        return
    size = cache.in_words(found.bytes)
    column.label(text=strings.MODEL_SIZE.format(name=found.name, size=size), icon="FILE_3D")
    column.label(text=strings.MODEL_LICENSE.format(license=found.license or strings.MODEL_NO_LICENSE))
    column.label(text=strings.MODEL_HASH.format(sha256=found.sha256))


def _draw_cache(preferences, layout):
    layout.label(text=strings.SECTION_CACHE)
    layout.prop(preferences, "cache_folder")
    row = layout.row()
    count, size = cache.measured()
    row.label(text=strings.CACHE_SIZE.format(count=count, size=cache.in_words(size)))
    row.operator("portrait_manifolds.clear_cache", icon="TRASH")


CLASSES = (PortraitPreferences,)
