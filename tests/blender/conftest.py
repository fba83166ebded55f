"""Enable the working tree as an extension of a throw-away Blender profile; nothing is installed or built."""

import importlib.util
import os
import pathlib
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).parents[2]
MODULE = "bl_ext.user_default.portrait_manifolds"
PARTS = ("__init__.py", "blender_manifest.toml", "inference", "operators", "ui", "models")

_profile = None
if importlib.util.find_spec("bpy") is not None and "bpy" not in sys.modules:
    _profile = tempfile.TemporaryDirectory(prefix="blender_profile_")
    os.environ["BLENDER_USER_RESOURCES"] = _profile.name
    _extension = pathlib.Path(_profile.name, "extensions", "user_default", "portrait_manifolds")
    _extension.mkdir(parents=True)
    for part in PARTS:
        if (ROOT / part).exists():
            (_extension / part).symlink_to(ROOT / part)


@pytest.fixture(scope="session")
def extension():
    """The enabled extension's root module."""
    pytest.importorskip("bpy")
    if _profile is None:
        pytest.skip("bpy was imported before these tests; run them on their own")
    import addon_utils
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert addon_utils.enable(MODULE, default_set=True) is not None
    yield sys.modules[MODULE]
    addon_utils.disable(MODULE, default_set=True)


@pytest.fixture
def scene(extension):
    """An empty scene at the standard view transform; the extension stays enabled."""
    import bpy

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_percentage = 100
    return scene


@pytest.fixture
def gpu_context(scene):
    """A GPU context in the main thread, which Blender in background has from its first render on."""
    import bpy

    settings = scene.render
    settings.engine, settings.resolution_x, settings.resolution_y = "BLENDER_WORKBENCH", 1, 1
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    bpy.ops.render.render()
    import gpu

    try:
        gpu.platform.backend_type_get()
    except SystemError as error:
        pytest.skip(f"no GPU context: {error}")


@pytest.fixture(scope="session")
def portrait_file(tmp_path_factory):
    """portrait.manifolds of the closed-form ball, made without any network."""
    from inference.portrait import save_portrait
    from tests.portraits import analytic_portrait

    path = tmp_path_factory.mktemp("portrait") / "ball.manifolds"
    save_portrait(analytic_portrait(), path)
    return path


@pytest.fixture
def portrait(scene, portrait_file):
    """A portrait object of the closed-form ball in the scene, selected and active."""
    return place(portrait_file)


def place(path, name="Ball"):
    """Link a portrait object for a portrait file."""
    import bpy

    portrait = sys.modules[f"{MODULE}.operators.state.portrait"]
    obj = portrait.new_portrait_object(bpy.context, name)
    obj.portrait_manifolds.portrait_path = str(path)
    bpy.context.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.context.view_layer.update()
    return obj


def part(name):
    """A module of the enabled extension, such as part("operators.engine.cameras")."""
    return importlib.import_module(f"{MODULE}.{name}")


def psnr(first, second):
    """Peak signal-to-noise ratio in dB of two arrays in [0, 1]."""
    import numpy as np

    error = np.mean((np.asarray(first, np.float64) - np.asarray(second, np.float64)) ** 2)
    return float("inf") if error == 0 else -10 * np.log10(error)
