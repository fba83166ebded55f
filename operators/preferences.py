"""Add-on preferences: device, threads, model and cache folder."""

import types

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from . import strings

EXTENSION = __package__.rpartition(".")[0]


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

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        for name in ("device", "threads", "model_path", "cache_folder"):
            layout.prop(self, name)
        layout.label(text=strings.WHERE_TO_FIND, icon="INFO")


def preferences():
    """The user's preferences, or their defaults when the package is not enabled as an add-on."""
    addon = bpy.context.preferences.addons.get(EXTENSION)
    if addon is not None and addon.preferences is not None:
        return addon.preferences
    return types.SimpleNamespace(device="auto", threads=0, model_path="", cache_folder="")


def engine_options():
    """Keyword arguments of `load_model` as the preferences say; plain values, safe to hand to a thread."""
    chosen = preferences()
    path = bpy.path.abspath(chosen.model_path) if chosen.model_path else None
    return {"path": path, "device": chosen.device, "threads": chosen.threads}


CLASSES = (PortraitPreferences,)
