"""Add-on preferences: device, threads, model, cache folder and default options."""

import types

import bpy
from bpy.props import EnumProperty, IntProperty, PointerProperty, StringProperty

from ..language import strings
from ..state.settings import SceneSettings

EXTENSION = __package__.rsplit(".", 2)[0]

# Options of the scene's panels that a user may want to begin with; paths belong to one scene only.
DEFAULTS = {
    strings.PANEL_INVERT: ("add_camera", "pack"),
    strings.PANEL_VIEW: ("samples",),
    strings.PANEL_MESH: ("mesh_resolution", "mesh_faces", "mesh_smoothing", "mesh_closed", "mesh_shade_smooth"),
    strings.PANEL_BATCH: ("batch_mesh", "batch_workers"),
}


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
    defaults: PointerProperty(type=SceneSettings)

    def draw(self, context):
        from . import page

        page.draw(self, self.layout)


def preferences():
    """The user's preferences, or their defaults when the package is not enabled as an add-on."""
    addon = bpy.context.preferences.addons.get(EXTENSION)
    if addon is not None and addon.preferences is not None:
        return addon.preferences
    return types.SimpleNamespace(device="auto", threads=0, model_path="", cache_folder="", defaults=None)


def model_folder():
    """Folder of the chosen model (Path)."""
    import pathlib

    from ...inference.networks.model import DEFAULT_FOLDER

    chosen = preferences().model_path
    return pathlib.Path(bpy.path.abspath(chosen)) if chosen else DEFAULT_FOLDER


def engine_options():
    """Keyword arguments of `load_model` as the preferences say; plain values, safe to hand to a thread."""
    chosen = preferences()
    path = bpy.path.abspath(chosen.model_path) if chosen.model_path else None
    return {"path": path, "device": chosen.device, "threads": chosen.threads}


def apply_defaults(scene):
    """Give a scene the user's default options, where it has none of its own yet."""
    defaults, settings = preferences().defaults, scene.portrait_manifolds
    for name in (name for names in DEFAULTS.values() for name in names if defaults is not None):
        if defaults.is_property_set(name) and not settings.is_property_set(name):
            setattr(settings, name, getattr(defaults, name))


CLASSES = (PortraitPreferences,)
