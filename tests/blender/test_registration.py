"""Enabling and disabling is quick and leaves nothing behind."""

import os
import pathlib
import subprocess
import sys

import pytest

bpy = pytest.importorskip("bpy")

from .conftest import MODULE, part  # noqa: E402

OPERATORS = (
    "import_portrait update_crop invert cancel render_view add_layers extract_mesh add_camera match_photo "
    "add_turntable add_dolly_zoom show batch batch_retry batch_stop batch_refresh batch_open batch_doubts "
    "dismiss_problem crop_by_hand choose_photo open_preferences use_built_in install_model choose_model remove_model "
    "clear_cache copy_diagnostics adjust_crop refine compare toggle_background toggle_light copy_settings pack unpack "
    "relink relink_model prepare_scene render_with_scene render_alone"
).split()


def traces():
    """Whatever of the extension Blender knows about."""
    found = {name for name in dir(bpy.types) if "portrait_manifolds" in name.lower()}
    found |= {
        f"{owner.__name__}.{name}"
        for owner in (bpy.types.Object, bpy.types.Scene, bpy.types.ViewLayer, bpy.types.WindowManager)
        for name in dir(owner)
        if "portrait_manifolds" in name
    }
    for name in dir(bpy.app.handlers):
        handlers = getattr(bpy.app.handlers, name)
        if isinstance(handlers, list):
            found |= {f"{name}: {handler}" for handler in handlers if MODULE in getattr(handler, "__module__", "")}
    for menu in (bpy.types.TOPBAR_MT_file_import, bpy.types.TOPBAR_MT_file_export, bpy.types.VIEW3D_MT_add):
        draws = menu.draw._draw_funcs if hasattr(menu.draw, "_draw_funcs") else ()
        found |= {f"menu {draw}" for draw in draws if MODULE in draw.__module__}
    for name in dir(bpy.types):
        engines = getattr(getattr(bpy.types, name), "COMPAT_ENGINES", ())
        if "PORTRAIT_MANIFOLDS" in engines:
            found.add(f"panel {name}")
    return found


def test_operators_exist(extension):
    for name in OPERATORS:
        operator = getattr(bpy.ops.portrait_manifolds, name)
        assert operator.get_rna_type().description, name
    bpy.context.scene.render.engine = "PORTRAIT_MANIFOLDS"


def test_enable_and_disable_leave_nothing(extension):
    import addon_utils

    before = traces()
    assert any("_PT_" in name for name in before) and any("save_pre" in name for name in before)
    assert any("menu" in name for name in before) and "Object.portrait_manifolds" in before
    for _ in range(20):
        addon_utils.disable(MODULE)
        assert traces() == set()
        addon_utils.enable(MODULE)
        assert traces() == before


def test_the_menus_key_is_free_and_goes_with_the_extension(extension):
    """Where Blender keeps keys of add-ons; in its own keymaps nothing else has this one over the 3D viewport."""
    import addon_utils

    shortcut, configs = part("operators.preferences.shortcut"), bpy.context.window_manager.keyconfigs
    if configs.addon is None:
        pytest.skip("this Blender has no keymaps")

    def items():
        keymap = configs.addon.keymaps.get("Object Mode")
        return [item for item in keymap.keymap_items if item.idname == "wm.call_menu"] if keymap else []

    (item,) = items()
    assert item.properties.name == shortcut.MENU and hasattr(bpy.types, shortcut.MENU)
    addon_utils.disable(MODULE)
    assert not items()
    addon_utils.enable(MODULE)
    assert len(items()) == 1
    pressed = {key: shortcut.KEY.get(key, False) for key in ("shift", "alt", "ctrl", "oskey")}
    for name in ("Object Mode", "3D View", "3D View Generic", "Object Non-modal", "Screen", "Window"):
        for other in getattr(configs.default.keymaps.get(name), "keymap_items", ()):
            same = all(getattr(other, key) == value for key, value in pressed.items())
            assert not same or other.type != shortcut.KEY["type"], (name, other.idname)


def test_photos_are_chosen_by_their_pictures(extension):
    properties = bpy.ops.portrait_manifolds.import_portrait.get_rna_type().properties
    assert properties["display_type"].default == "THUMBNAIL"
    modes = bpy.types.FileSelectParams.bl_rna.properties["display_type"].enum_items
    assert properties["display_type"].enum_items["THUMBNAIL"].value == modes["THUMBNAIL"].value


def test_disabling_ends_threads_and_timers(extension, tmp_path):
    """Jobs, a batch and thumbnails are under way when the extension goes away."""
    import threading
    import time

    import addon_utils
    from PIL import Image

    jobs = part("operators.work.jobs")
    batch_list, thumbnails = part("operators.batch.batch_list"), part("operators.batch.thumbnails")
    for name in "abcdefgh":
        Image.new("RGB", (3000, 2000)).save(tmp_path / f"{name}.png")
        thumbnails.icon(str(tmp_path / f"{name}.png"))

    def endless(progress):
        while True:
            progress(0.5, "")
            time.sleep(0.01)

    for lane in (jobs.queue, jobs.queue, jobs.batches):
        lane.add(jobs.Job(endless))
    batch_list.follow()
    timers = batch_list._follow, thumbnails._show, part("operators.crop.crops")._make_preview
    assert [bpy.app.timers.is_registered(timer) for timer in timers[:2]] == [True, True]
    assert len([thread for thread in threading.enumerate() if thread.name == "portrait_manifolds"]) == 3
    addon_utils.disable(MODULE)
    try:
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("portrait_manifolds")]
        assert not any(bpy.app.timers.is_registered(timer) for timer in timers)
    finally:
        addon_utils.enable(MODULE)


def test_every_public_class_has_a_tooltip(extension):
    for name in OPERATORS:
        properties = getattr(bpy.ops.portrait_manifolds, name).get_rna_type().properties
        for prop in properties:
            if prop.identifier in ("rna_type", "directory", "files", "filter_glob", "check_existing") or prop.is_hidden:
                continue
            assert prop.name, (name, prop.identifier)


def test_register_is_quick_and_light(extension, tmp_path):
    """At most 50 ms, where :mod:`tests.processor` was measured, and no heavy library is imported. It takes 42 there."""
    code = f"""
import sys, time, os, pathlib
root = pathlib.Path({str(tmp_path)!r})
os.environ["BLENDER_USER_RESOURCES"] = str(root)
import bpy, addon_utils
before = set(sys.modules)
target = root / "extensions" / "user_default" / "portrait_manifolds"
target.mkdir(parents=True)
for part in ("__init__.py", "blender_manifest.toml", "inference", "operators", "ui"):
    (target / part).symlink_to(pathlib.Path({str(__file__)!r}).parents[2] / part)
addon_utils.enable({MODULE!r})  # compiles the .py files and sets up Blender's extension machinery
addon_utils.disable({MODULE!r})
import importlib
sys.path.append({str(pathlib.Path(__file__).parents[2])!r})
from tests.processor import LOOP_MS, loop_ms
took = []
for again in range(10):  # what else runs on the machine can only add
    for name in [name for name in sys.modules if name.startswith({MODULE!r})]:
        del sys.modules[name]
    idle, start = loop_ms(), time.process_time()
    module = importlib.import_module({MODULE!r})
    module.register()
    registered = time.process_time() - start
    took.append(registered / max(1.0, (idle + loop_ms()) / 2 / LOOP_MS))
    module.unregister()
print("MS", 1000 * min(took))
heavy = {{"onnxruntime", "cv2", "skimage", "trimesh", "PIL", "scipy"}} & (set(sys.modules) - before)
print("HEAVY", sorted(heavy))
"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path / "bytecode")
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)
    lines = dict(line.split(" ", 1) for line in run.stdout.splitlines() if line.startswith(("MS", "HEAVY")))
    assert lines, run.stdout + run.stderr
    assert lines["HEAVY"] == "[]"
    print("register:", lines["MS"], "ms")
    assert float(lines["MS"]) <= 50.0
