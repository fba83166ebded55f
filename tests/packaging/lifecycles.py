"""Blender's side of test_lifecycles.py: whatever ends or begins in the middle of the extension's work, nothing is left.

    python lifecycles.py ZIP PHOTO FOLDER        all but quitting; the profile stays for
    python lifecycles.py --quit PHOTO FOLDER     which ends in the middle of a job

Operators are modal against a stand-in for the window, which bpy as a module lacks; all else is Blender's own.
"""

import importlib
import sys
import threading
import time
import traceback
import types
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from demo_in_blender import MODULE, install  # noqa: E402

operators = bpy.ops.portrait_manifolds
SECONDS = 300.0  # for anything


def part(name):
    return importlib.import_module(f"{MODULE}.{name}")


def say(text):
    print(text, flush=True)


def wait(condition, seconds=SECONDS):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.01)


# Enabling and disabling


def traces():
    """What Blender and Python hold of the extension."""
    found = {name for name in dir(bpy.types) if "portrait_manifolds" in name.lower()}
    for owner in (bpy.types.Object, bpy.types.Scene, bpy.types.ViewLayer, bpy.types.WindowManager):
        found |= {f"{owner.__name__}.{name}" for name in dir(owner) if "portrait_manifolds" in name}
    for name in dir(bpy.app.handlers):
        handlers = getattr(bpy.app.handlers, name)
        if isinstance(handlers, list):
            found |= {f"{name}: {one.__name__}" for one in handlers if MODULE in getattr(one, "__module__", "")}
    return found | {thread.name for thread in threading.enumerate() if thread.name.startswith("portrait_manifolds")}


def enable_and_disable(photo, folder):
    import addon_utils  # found since bpy was imported

    before = traces()
    assert before
    for _ in range(20):  # without the libraries, which Blender takes away and unpacks again each time
        addon_utils.disable(MODULE, refresh_handled=True)
        assert traces() == set(), traces()
        addon_utils.enable(MODULE, refresh_handled=True)
        assert traces() == before


# Undo and redo


def imported(photo):
    """A new portrait object, selected and active."""
    operators.import_portrait(filepath=str(photo))
    return bpy.context.view_layer.objects.active


def state():
    """What the operators change of the file, as text."""
    objects = {}
    for obj in bpy.data.objects:
        settings = obj.portrait_manifolds
        values = settings.portrait_path, settings.packed and settings.packed.name, round(settings.crop_size)
        objects[obj.name] = (*values, settings.use_crop, settings.show_background, len(obj.children), obj.type)
    images = sorted(image.name for image in bpy.data.images if image.type != "RENDER_RESULT")
    scenes = sorted((scene.name, scene.camera and scene.camera.name) for scene in bpy.data.scenes)
    return str((sorted(objects.items()), images, scenes, sorted(mesh.name for mesh in bpy.data.meshes)))


def undo_and_redo(photo, folder):
    """Each operator that changes the file, undone step by step, and done again."""
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "undo.blend"))
    bpy.ops.ed.undo_push(message="start")
    steps = [
        ("import_portrait", {"filepath": str(photo)}),
        ("update_crop", {}),
        ("invert", {}),
        ("adjust_crop", {"size": 280.0, "roll": 5.0}),
        ("refine", {}),
        ("add_camera", {}),
        ("match_photo", {}),
        ("add_turntable", {}),
        ("add_dolly_zoom", {}),
        ("toggle_background", {}),
        ("compare", {"size": 64}),
        ("add_layers", {}),
        ("extract_mesh", {"resolution": 64}),
        ("render_with_scene", {}),
        ("render_alone", {}),
        ("pack", {}),
        ("unpack", {}),
    ]
    states = [state()]
    for name, options in steps:
        portrait = next((obj for obj in bpy.data.objects if obj.portrait_manifolds.is_portrait), None)
        if portrait is not None:
            bpy.context.view_layer.objects.active = portrait
        assert getattr(operators, name)(**options) == {"FINISHED"}, name
        bpy.ops.ed.undo_push(message=name)
        states.append(state())
    assert len(set(states)) > len(steps) - 3, "the operators are seen in what is compared"
    for index in range(len(steps) - 1, -1, -1):
        assert bpy.ops.ed.undo() == {"FINISHED"}
        assert state() == states[index], f"undo of {steps[index][0]}: {state()} is not {states[index]}"
    for index in range(len(steps)):
        assert bpy.ops.ed.redo() == {"FINISHED"}
        assert state() == states[index + 1], f"redo of {steps[index][0]}: {state()} is not {states[index + 1]}"


# In the middle of a job


class Manager:
    windows = ()

    def event_timer_add(self, seconds, window):
        return seconds

    def event_timer_remove(self, timer):
        pass

    def modal_handler_add(self, operator):
        pass


def context():
    workspace = types.SimpleNamespace(status_text_set=lambda text: None)
    stand_ins = {"window_manager": Manager(), "workspace": workspace, "window": object()}
    return types.SimpleNamespace(**stand_ins, view_layer=bpy.context.view_layer, scene=bpy.context.scene)


def event():
    return types.SimpleNamespace(type="TIMER", value="NOTHING")


def begun(kind="portrait.invert.PORTRAIT_MANIFOLDS_OT_invert", until=0.2, **options):
    """A modal operator over the active portrait whose thread is in the middle of its work."""
    module, _, name = kind.rpartition(".")
    real, base = getattr(part(f"operators.{module}"), name), part("operators.work.operator")
    members = {key: value for cls in real.__mro__[::-1] for key, value in vars(cls).items() if key[:2] != "__"}
    members |= {"filepath": "", "report": lambda self, kind, text: said.append(text)} | options
    operator = type("Modal", (), members)()
    said = operator.said = []
    base.bpy = types.SimpleNamespace(app=types.SimpleNamespace(background=False))  # as with a window
    try:
        assert operator.invoke(context(), event()) == {"RUNNING_MODAL"}, said
    finally:
        base.bpy = bpy
    wait(lambda: operator._job.done or operator._job.state[0] >= until)
    return operator


def ended(operator):
    """How a modal operator ends, and that nothing of it is left."""
    wait(lambda: operator._job.done)
    result = operator.modal(context(), event())
    assert not part("operators.work.jobs").queue.pending()
    return result


def files():
    """The portraits of unsaved files."""
    folder = part("operators.state.folders").user_folder()
    return sorted(path for path in folder.rglob("*") if path.is_file())


def blank():
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


def reload_in_a_job(photo, folder):
    """Another file is opened, or the same one again: the job ends, its result goes nowhere."""
    blank()
    imported(photo)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "saved.blend"))
    before, saved = files(), state()
    for again in (lambda: bpy.ops.wm.open_mainfile(filepath=str(folder / "saved.blend")), bpy.ops.wm.revert_mainfile):
        bpy.context.view_layer.objects.active = bpy.data.objects[0]
        operator = begun()
        again()
        operator.cancel(context())  # as Blender calls it
        wait(lambda operator=operator: operator._job.done)
        assert operator._job.cancelled and files() == before and state() == saved


def new_file_in_a_job(photo, folder):
    blank()
    imported(photo)
    before, operator = files(), begun()
    blank()
    assert ended(operator) == {"CANCELLED"} and files() == before and len(bpy.data.objects) == 0


def delete_in_a_job(photo, folder):
    """The portrait is deleted, or its import undone: the result is dropped, in one line."""
    for undo in (False, True):
        blank()
        bpy.ops.ed.undo_push(message="start")
        obj = imported(photo)
        bpy.ops.ed.undo_push(message="import")
        before, operator = files(), begun()
        if undo:
            bpy.ops.ed.undo()
        else:
            bpy.data.objects.remove(obj)
        assert ended(operator) == {"CANCELLED"} and files() == before and len(bpy.data.objects) == 0
        assert len(operator.said) == 1 and "\n" not in operator.said[0], operator.said
    part("operators.work.problems").forget()


def mesh_of_what_is_gone(photo, folder):
    """The same of a mesh, which hangs on its portrait."""
    blank()
    obj = imported(photo)
    operators.invert()
    shape = {"topology": "marching-cubes", "resolution": 128, "faces": 0, "smoothing": 0, "closed": False}
    options = {**shape, "texture": "0", "delit": False, "unlit": False, "shade_smooth": True}
    before = len(bpy.data.meshes)  # the proxy's
    operator = begun("portrait.extract_mesh.PORTRAIT_MANIFOLDS_OT_extract_mesh", 0.0, **options)
    bpy.data.objects.remove(obj)
    assert ended(operator) == {"CANCELLED"} and len(bpy.data.meshes) == before, operator.said


def new_file_while_a_viewport_is_drawn(photo, folder):
    """Its thread ends with the picture it is at, and shows it to nobody."""
    blank()
    imported(photo)
    operators.invert()
    found = part("operators.engine.scene").visible_portraits(bpy.context.evaluated_depsgraph_get())
    camera = part("inference.geometry.cameras").orbit_camera(10.0, width=700, height=700)
    assert len(found) == 1
    gone = []

    def redraw():
        if gone:
            raise ReferenceError("the viewport is gone")

    viewport = part("operators.engine.viewport").Viewport(redraw, gone=lambda: bool(gone))
    viewport.want(camera, found, None, samples=3)
    blank()
    gone.append(True)
    assert viewport.wait(SECONDS)
    blank()


ALL = (
    undo_and_redo,
    reload_in_a_job,
    new_file_in_a_job,
    delete_in_a_job,
    mesh_of_what_is_gone,
    new_file_while_a_viewport_is_drawn,
    enable_and_disable,
)


def main():
    photo, folder = map(Path, sys.argv[2:4])
    if sys.argv[1] == "--quit":
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.ops.preferences.addon_enable(module=MODULE)
        imported(photo)
        begun()
        say(f"Blender {bpy.app.version_string}: quitting in a job")
        return 0
    install(Path(sys.argv[1]))
    failed = 0
    for check in ALL:
        start, verdict = time.monotonic(), "right"
        try:
            check(photo, folder)
        except Exception:
            failed, verdict = failed + 1, "failed"
            traceback.print_exc()
        say(f"{verdict}: {check.__name__}, {time.monotonic() - start:.1f} s")
    say(f"Blender {bpy.app.version_string}: {len(ALL) - failed} of {len(ALL)} are right")
    return failed


if __name__ == "__main__":
    sys.exit(main())
