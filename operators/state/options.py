"""What the user prefers: model, device, threads, cache folder, and the options that new scenes begin with."""

import pathlib
import types

import bpy

from ...inference.networks.model import DEFAULT_FOLDER
from ..language import strings
from .option_groups import MeshOptions, names_of

EXTENSION = __package__.rsplit(".", 2)[0]

# Options of the scene's panels that a user may want to begin with; paths belong to one scene only.
DEFAULTS = {
    strings.PANEL_INVERT: ("pack",),
    strings.PANEL_VIEW: ("samples",),
    strings.PANEL_MESH: names_of(MeshOptions, "mesh_"),
    strings.PANEL_BATCH: ("batch_mesh", "batch_workers"),
}


def preferences():
    """The user's preferences, or their defaults when the package is not enabled as an add-on."""
    addon = bpy.context.preferences.addons.get(EXTENSION)
    if addon is not None and addon.preferences is not None:
        return addon.preferences
    return types.SimpleNamespace(device="auto", threads=0, model_path="", cache_folder="", proxy=True, defaults=None)


def model_folder():
    """Folder of the chosen model (Path)."""
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
