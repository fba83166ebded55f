"""What happens inside Blender, in a process of its own: python -m benchmarks.in_blender PORTRAIT PHOTO THREADS SECONDS
PERCENTAGE. Rows are printed as JSON, one a line."""

import dataclasses
import json
import statistics
import sys
import threading
import time

import numpy as np

from tests.blender import conftest  # makes the profile, so it comes before bpy

from .timing import Row, in_turn, spread
from .views import Floor

SAMPLES, F12, FIRST, SHOWN, REGISTER, BLOCKED = 2, 4000.0, 100.0, 10.0, 50.0, 50.0
HERTZ, WIDTH, HEIGHT = 60.0, 960, 540


def tell(*arguments, **more):
    print(json.dumps(dataclasses.asdict(Row(*arguments, **more))), flush=True)


def register(module, runs=7):
    import addon_utils
    import bpy

    times, bare = [], []
    start = time.perf_counter()
    extension = addon_utils.enable(module, default_set=True)
    first = 1000.0 * (time.perf_counter() - start)
    for _ in range(runs):
        extension.unregister()
        start = time.perf_counter()
        extension.register()
        times.append(1000.0 * (time.perf_counter() - start))
        names = [{"bl_idname": f"benchmark.operator_{k}", "bl_label": ""} for k in range(100)]
        kinds = [type(f"BENCHMARK_OT_{k}", (bpy.types.Operator,), name) for k, name in enumerate(names)]
        start = time.perf_counter()
        for kind in kinds:
            bpy.utils.register_class(kind)
        bare.append(1000.0 * (time.perf_counter() - start))
        for kind in kinds:
            bpy.utils.unregister_class(kind)
    tell(
        "register", "register()", statistics.median(times), floor=statistics.median(bare),
        floor_is="a hundred empty operators", bar=REGISTER, of="value", spread=spread(times),
    )  # fmt: skip
    tell("register", "enabled for the first time, imports included", first)


def scene_with(path):
    """The scene with one portrait, seen from 20 degrees aside."""
    import bpy

    from tests.blender.scenes import orbit_camera, use_portrait_engine

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    conftest.place(path)
    use_portrait_engine(str(SAMPLES))
    orbit_camera(20.0, 5.0)
    return bpy.context.scene


def orbit(path, seconds, runs):
    """Pictures that the viewport's CPU path shows while the mouse moves, beside how often it asks."""
    import bpy

    scene = scene_with(path)
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = WIDTH, HEIGHT, 100
    depsgraph = bpy.context.evaluated_depsgraph_get()
    engine = {name: conftest.part(f"operators.engine.{name}") for name in ("viewport", "scene", "cameras")}
    found = engine["scene"].visible_portraits(depsgraph)
    camera = engine["cameras"].world_camera(scene.camera, depsgraph, scene)
    firsts, rates, loaded = [], [], conftest.part("operators.state.loaded")
    shown, start = [], time.perf_counter()
    viewport = engine["viewport"].Viewport(lambda: shown.append(time.perf_counter()))
    viewport.want(camera, found, None)
    viewport.wait(60.0)
    cold = 1000.0 * (shown[0] - start)
    for _ in range(runs):
        loaded.forget()
        loaded.warm_up([path]).join()  # as when a file is opened
        shown = []
        viewport = engine["viewport"].Viewport(lambda shown=shown: shown.append(time.perf_counter()))
        start, asked = time.perf_counter(), 0
        while time.perf_counter() < start + seconds:
            angle, turn = np.radians(0.5 * asked), np.eye(4)
            turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
            moved = dataclasses.replace(camera, camera_to_world=turn @ camera.camera_to_world)
            viewport.want(moved, found, None, SAMPLES)
            asked += 1
            time.sleep(max(0.0, start + asked / HERTZ - time.perf_counter()))
        viewport.wait(60.0)
        firsts.append(1000.0 * (shown[0] - start))
        rates.append(sum(moment < start + seconds for moment in shown) / seconds)
    tell(
        "orbit", "first picture", statistics.median(firsts), plain=cold, plain_is="nothing read before", bar=FIRST,
        of="value", spread=spread(firsts),
    )  # fmt: skip
    tell(
        "orbit", f"pictures shown, {WIDTH} x {HEIGHT}", statistics.median(rates), "a second", bar=SHOWN, of="least",
        spread=spread(rates),
    )  # fmt: skip


def full_hd(path, threads, percentage, runs):
    """F12, its floor by one sample a pixel, and all samples everywhere."""
    import bpy

    from inference.portrait import load_portrait

    scene = scene_with(path)
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 1920, 1080, percentage
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    samples = conftest.part("operators.engine.samples")
    adaptive = samples.uneven

    def everywhere():
        samples.uneven = lambda picture, camera: np.ones_like(picture.depth, bool)
        try:
            bpy.ops.render.render()
        finally:
            samples.uneven = adaptive

    width, height = (side * percentage // 100 for side in (1920, 1080))
    floor = Floor(load_portrait(path).textures, (width, height))
    times = in_turn({"f12": bpy.ops.render.render, "floor": floor, "everywhere": everywhere}, runs)
    tell(
        "F12", f"{width} x {height}, {SAMPLES} x {SAMPLES} samples, processor time", times["f12"].cpu,
        floor=times["floor"].cpu, floor_is="remap and composite, one sample", plain=times["everywhere"].cpu,
        plain_is="all samples everywhere", bar=F12 if percentage == 100 else None, of="value", cpu=times["f12"].cpu,
        spread=times["f12"].spread,
    )  # fmt: skip


def interface(photo, runs):
    """How long the main thread stands still while a thread inverts, as Blender's jobs do; beside doing nothing."""
    from inference.networks.model import load_model
    from inference.pipeline import invert_photo

    model = load_model(device="cpu")
    invert_photo(photo, model)

    def longest(work):
        thread, gaps = threading.Thread(target=work), [0.0]
        thread.start()
        last = time.perf_counter()
        while thread.is_alive():
            time.sleep(0.001)
            now = time.perf_counter()
            gaps.append(1000.0 * (now - last))
            last = now
        return max(gaps)

    found = [(longest(lambda: invert_photo(photo, model)), longest(lambda: time.sleep(0.5))) for _ in range(runs)]
    busy, idle = (statistics.median(values) for values in zip(*found, strict=True))
    tell(
        "interface", "longest standstill while inverting", busy, floor=idle, floor_is="nothing else to do",
        bar=BLOCKED, of="value", spread=spread([one for one, _ in found]),
    )  # fmt: skip


def main(portrait, photo, threads, seconds, percentage):
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    runs = 3 if float(seconds) > 1.0 else 1
    register(conftest.MODULE)
    orbit(portrait, float(seconds), runs)
    full_hd(portrait, int(threads), int(percentage), runs)
    interface(photo, runs)


if __name__ == "__main__":
    main(*sys.argv[1:])
