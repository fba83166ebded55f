"""Runs inside a Blender with a window: queued jobs, errors with buttons, a batch with its list, the preferences page.

    blender --enable-event-simulate --python drive_jobs.py -- PHOTO FOLDER

Writes FOLDER/*.png and FOLDER/result.json, and quits Blender while a job and a batch are running.
"""

import importlib
import json
import shutil
import sys
import time
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from driver import FOLDER, PHOTO, area, drive, override, picture, show_tab, step, wait  # noqa: E402

PACKAGE = "bl_ext.user_default.portrait_manifolds"


def part(name):
    return importlib.import_module(f"{PACKAGE}.{name}")


def call(operator, *arguments, **options):
    """An operator as a click in the viewport calls it."""
    with override():
        return getattr(bpy.ops.portrait_manifolds, operator)(*arguments, **options)


class Pulse:
    """A timer every 5 ms: the longest gap between two of its calls is how long the interface stood still."""

    def __init__(self):
        self.last, self.longest = None, 0.0
        bpy.app.timers.register(self.beat, first_interval=0.005, persistent=True)

    def beat(self):
        now = time.perf_counter()
        if self.last is not None:
            self.longest = max(self.longest, now - self.last)
        self.last = now
        return 0.005

    def reset(self):
        """Milliseconds of the longest gap since the last reset."""
        longest, self.longest, self.last = self.longest, 0.0, None
        return round(1000 * longest, 1)


def open_panel(name):
    """A panel that begins closed begins open."""
    cls = getattr(bpy.types, f"PORTRAIT_MANIFOLDS_PT_{name}")
    bpy.utils.unregister_class(cls)
    cls.bl_options = set()
    bpy.utils.register_class(cls)


def watch_modal():
    """Processor time, in ms, of the longest turn that a job's operator takes in the main thread."""
    longest, base = [0.0], part("operators.work.operator")
    original = base.JobOperator.modal

    def modal(self, context, event):
        start = time.thread_time()
        try:
            return original(self, context, event)
        finally:
            longest[0] = max(longest[0], 1000 * (time.thread_time() - start))

    base.JobOperator.modal = modal
    return longest


def portrait(name):
    return bpy.data.objects[name].portrait_manifolds


def queue_and_cancel(pulse, turn):
    jobs = part("operators.work.jobs")
    call("import_portrait", filepath=PHOTO)
    call("invert", "INVOKE_DEFAULT")
    yield from wait(lambda: not jobs.queue.pending(), "the first inversion ends")  # libraries are loaded now
    names = []
    for _ in range(3):
        call("import_portrait", filepath=PHOTO)
        names.append(bpy.context.view_layer.objects.active.name)
    for name in names:
        bpy.context.view_layer.objects.active = bpy.data.objects[name]
        assert call("invert", "INVOKE_DEFAULT") == {"RUNNING_MODAL"}
    yield 0.8  # panels grow with an animation
    picture("queue")
    waiting = [job.waiting for job in jobs.queue.pending()]
    step("queue", pending=len(waiting), waiting=sum(waiting))
    call("cancel", job=jobs.queue.pending()[-1].id)
    start = time.monotonic()
    yield from wait(lambda: len(jobs.queue.pending()) <= 2, "a waiting job is cancelled")
    step("cancel_waiting", seconds=round(time.monotonic() - start, 3))
    yield from wait(lambda: not jobs.queue.pending(), "the jobs end")
    made = [bool(portrait(name).portrait_path) for name in names]
    step("queue_done", made=made)
    bpy.context.view_layer.objects.active = bpy.data.objects[names[2]]
    call("invert", "INVOKE_DEFAULT")
    yield 0.1
    job = jobs.queue.running
    start = time.monotonic()
    call("cancel")
    yield from wait(lambda: not jobs.queue.pending(), "the running job is cancelled")
    free = time.monotonic() - start
    yield from wait(lambda: job.done, "its thread ends")
    step("cancel_running", seconds=round(free, 3), thread=round(time.monotonic() - start, 3))
    call("invert", "INVOKE_DEFAULT")
    yield from wait(lambda: not jobs.queue.pending(), "the job ends")
    pulse.reset()
    yield 3.0
    idle = pulse.reset()
    call("invert", "INVOKE_DEFAULT")
    job = jobs.queue.running
    turn[0] = 0.0
    pulse.reset()
    yield from wait(lambda: job.done, "the thread ends")
    gap, step_ms = pulse.reset(), turn[0]
    yield from wait(lambda: not jobs.queue.pending(), "the result is taken")
    step("gaps", idle_ms=idle, working_ms=gap, turn_ms=round(step_ms, 1), finish_ms=round(turn[0], 1))
    call("invert", "INVOKE_DEFAULT")
    yield 0.05
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area()):
        bpy.ops.ed.undo()  # in the middle of a job
    yield from wait(lambda: not jobs.queue.pending(), "a job ends after an undo")
    step("undo", problems=[problem.text for problem in part("operators.work.problems").shown()])


def problem_and_repair(wall):
    problems = part("operators.work.problems")
    problems.forget()
    call("import_portrait", filepath=str(wall))
    settings = bpy.context.view_layer.objects.active.portrait_manifolds
    settings.use_crop = False
    call("invert", "INVOKE_DEFAULT")
    yield from wait(problems.shown, "the error arrives")
    yield 1.5
    picture("problem")
    problem = problems.shown()[0]
    step("problem", text=problem.text, repairs=[repair.operator for repair in problem.repairs])
    call("crop_by_hand", "EXEC_DEFAULT", **problem.repairs[0].options)
    step("repaired", use_crop=settings.use_crop, problems=len(problems.shown()))


def batch(photos, out):
    scene = bpy.context.scene.portrait_manifolds
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    scene.batch_folder, scene.batch_out = str(photos), str(out)
    state = bpy.context.window_manager.portrait_manifolds_batch
    yield 1.0
    options = {"directory": str(photos), "out": str(out), "workers": 1}
    assert call("batch", "INVOKE_DEFAULT", **options) == {"FINISHED"}
    yield from wait(lambda: state.count("done") >= 1, "the first photo is done")
    yield 0.3
    picture("batch_during")
    step("batch_during", states=[photo.status for photo in state.photos])
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=False)
    yield 0.3
    current = part("operators.batch.batch_run").current
    yield from wait(lambda: current() is None, "the batch ends although another file was loaded")
    state = bpy.context.window_manager.portrait_manifolds_batch
    yield from show_tab()
    state.index = len(state.photos) - 1
    yield 1.0
    picture("batch_after")
    states = {photo.name: photo.status for photo in state.photos}
    step("batch_after", states=states, message=state.message)


def install_model(lab):
    """Through the file browser, as the button does it."""
    folder = lab / "my_model"
    shutil.copytree(Path(part("inference.networks.model").DEFAULT_FOLDER), folder)
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"id": "mine", "name": "My Model", "license": "MIT"}))
    call("install_model", "INVOKE_DEFAULT")
    yield 1.0
    windows = bpy.context.window_manager.windows
    window = next(w for w in windows if w.screen.areas[0].type == "FILE_BROWSER")
    browser = window.screen.areas[0]
    browser.spaces.active.params.directory = str(folder).encode()
    browser.spaces.active.params.filename = "card.json"
    yield 0.5
    region = next(region for region in browser.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=browser, region=region):
        bpy.ops.file.execute()
    jobs = part("operators.work.jobs")
    yield from wait(jobs.queue.pending, "the installation begins")
    yield from wait(lambda: not jobs.queue.pending(), "the model is installed")
    chosen = part("operators.state.options").preferences().model_path
    step("install_model", chosen=Path(chosen).name, problems=[p.text for p in part("operators.work.problems").shown()])


def preferences_page():
    """The page in its own window, then in the viewport's place, where all of it is seen."""
    call("open_preferences")
    yield 1.0
    windows = bpy.context.window_manager.windows
    step("preferences", windows=len(windows))
    with bpy.context.temp_override(window=windows[-1]):
        bpy.ops.wm.window_close()
    viewport = area()
    viewport.type = "PREFERENCES"
    yield 2.0
    picture("preferences")
    viewport.type = "VIEW_3D"
    yield 0.3


def session():
    lab = FOLDER.parent
    photos, wall = lab / "photos", lab / "wall.png"
    photos.mkdir()
    for name in ("anna", "bert", "carl", "dora"):
        shutil.copy(PHOTO, photos / f"{name}.png")
    image = bpy.data.images.new("wall", 400, 300)
    image.generated_color = (0.3, 0.4, 0.5, 1.0)
    image.save(filepath=str(wall))
    bpy.data.images.remove(image)
    shutil.copy(wall, photos / "wall.png")
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    for name in ("batch", "crop"):
        open_panel(name)
    pulse, turn = Pulse(), watch_modal()
    yield from show_tab()
    yield from queue_and_cancel(pulse, turn)
    yield from problem_and_repair(wall)
    yield from batch(photos, lab / "portraits")
    yield from install_model(lab)
    yield from preferences_page()
    call("use_built_in")
    call("import_portrait", filepath=PHOTO)
    call("batch", "INVOKE_DEFAULT", directory=str(photos), out=str(lab / "again"), workers=2)
    yield 1.0
    call("invert", "INVOKE_DEFAULT")
    yield 0.2
    running = part("operators.batch.batch_run").current() is not None, bool(part("operators.work.jobs").queue.pending())
    step("quit", batch=running[0], job=running[1])


drive(session)
