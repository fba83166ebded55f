"""Runs inside a Blender with a window: paints on a photo's crop, applies that, turns the head, undoes, and adds layers.

    blender --enable-event-simulate --python drive_edit.py -- PHOTO FOLDER

Writes FOLDER/*.png and FOLDER/result.json.
"""

import json
import subprocess
import sys
import time
import traceback
from pathlib import Path

import bpy
import numpy as np

PHOTO, FOLDER = sys.argv[sys.argv.index("--") + 1 :]
TICK = 0.1  # seconds; press and release must be seen in separate turns of Blender's event loop
TIMEOUT = 300.0  # seconds for one inversion
RED = (1.0, 0.0, 0.0)
result = {"steps": []}

bpy.context.preferences.view.show_splash = False


def window():
    return bpy.context.window_manager.windows[0]


def area(kind):
    return max((a for a in window().screen.areas if a.type == kind), key=lambda a: a.width * a.height)


def region(kind, name="WINDOW"):
    return next(region for region in area(kind).regions if region.type == name)


def override(kind):
    return bpy.context.temp_override(window=window(), area=area(kind), region=region(kind))


def middle(kind):
    main = region(kind)
    return main.x + main.width / 2, main.y + main.height / 2


def event(kind, value, point, **modifiers):
    x, y = (int(number) for number in point)
    window().event_simulate(type=kind, value=value, x=x, y=y, **modifiers)


def press(kind, point, **modifiers):
    """Generator: a key or a click."""
    event("MOUSEMOVE", "NOTHING", point)
    yield TICK
    event(kind, "PRESS", point, **modifiers)
    yield TICK
    event(kind, "RELEASE", point, **modifiers)
    yield 1.0


def drag(start, end):
    """Generator: the left button from one point of the window to another."""
    event("MOUSEMOVE", "NOTHING", start)
    yield TICK
    event("LEFTMOUSE", "PRESS", start)
    yield TICK
    for share in np.linspace(0.1, 1.0, 12):
        event("MOUSEMOVE", "NOTHING", [a + share * (b - a) for a, b in zip(start, end, strict=True)])
        yield TICK
    event("LEFTMOUSE", "RELEASE", end)
    yield 1.0


def picture(name):
    subprocess.run(["import", "-window", "root", str(Path(FOLDER) / f"{name}.png")], check=True)


def red_seen(kind):
    """Share of an editor's pixels that are as red as the paint."""
    done = subprocess.run(["import", "-window", "root", "-depth", "8", "ppm:-"], check=True, capture_output=True)
    _, size, _, pixels = done.stdout.split(b"\n", 3)
    width, height = map(int, size.split())
    main = region(kind)
    screen = np.frombuffer(pixels, np.uint8).reshape(height, width, 3).astype(int)
    screen = screen[height - main.y - main.height + 60 : height - main.y, main.x : main.x + main.width]
    return round(float(((screen[..., 0] > 150) & (screen[..., 1:].max(-1) < 80)).mean()), 4)


def step(name, **facts):
    result["steps"].append({"step": name, **facts})
    print("gui:", name, facts, flush=True)


def portrait():
    return next(obj for obj in bpy.data.objects if obj.portrait_manifolds.is_portrait)


def path():
    return portrait().portrait_manifolds.portrait_path


def show_tab(kind):
    area(kind).spaces.active.show_region_ui = True
    yield 0.5
    region(kind, "UI").active_panel_category = "Portrait"
    area(kind).tag_redraw()
    yield 0.5


def take_brush():
    """Blender paints with brushes from its asset library; builds of some distributions come without it."""
    paint = bpy.context.tool_settings.image_paint
    if paint.brush is None:
        brush = bpy.data.brushes.new("Plain", mode="TEXTURE_PAINT")
        brush.asset_mark()
        yield 0.5
        with override("IMAGE_EDITOR"):
            bpy.ops.brush.asset_activate(asset_library_type="LOCAL", relative_asset_identifier="Brush/Plain")
        yield 0.5
    assert paint.brush is not None


def wait_for_job(while_running=lambda: None):
    end = time.monotonic() + TIMEOUT
    while bpy.context.window_manager.portrait_manifolds_job.running and time.monotonic() < end:
        while_running()
        yield 0.1
    yield 0.5


def session():
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    with override("VIEW_3D"):
        bpy.ops.portrait_manifolds.invert("EXEC_DEFAULT", filepath=PHOTO)
    yield from show_tab("VIEW_3D")
    with override("VIEW_3D"):
        bpy.ops.portrait_manifolds.show()
        bpy.ops.ed.undo_push(message="shown")
    yield 3.0
    before = path()

    with override("VIEW_3D"):
        bpy.ops.portrait_manifolds.edit_photo("INVOKE_DEFAULT", True)
    yield 1.0
    yield from show_tab("IMAGE_EDITOR")
    with override("IMAGE_EDITOR"):
        bpy.ops.image.view_all(fit_view=True)
    image = portrait().portrait_manifolds.edit
    space = area("IMAGE_EDITOR").spaces.active
    step("opened", size=list(image.size), mode=space.ui_mode, shown=space.image == image, dirty=image.is_dirty)
    picture("opened")

    yield from take_brush()
    paint = bpy.context.tool_settings.image_paint
    unified = getattr(paint, "unified_paint_settings", None) or bpy.context.tool_settings.unified_paint_settings
    unified.use_unified_color = unified.use_unified_size = True
    unified.color, unified.size = RED, 14
    paint.brush.strength = 1.0
    clean = np.array(image.pixels[:])
    x, y = middle("IMAGE_EDITOR")
    side = min(region("IMAGE_EDITOR").width, region("IMAGE_EDITOR").height)
    for end in (-0.13, 0.13):
        yield from drag((x + 0.3 * end * side, y + 0.1 * side), (x + end * side, y + 0.06 * side))
    step("painted", share=round(float((np.array(image.pixels[:]) != clean).mean()), 4), dirty=image.is_dirty)
    picture("painted")

    with override("IMAGE_EDITOR"):
        bpy.ops.portrait_manifolds.apply_edit("INVOKE_DEFAULT")
    yield 0.2
    event("MOUSEMOVE", "NOTHING", middle("IMAGE_EDITOR"))
    yield TICK
    event("ESC", "PRESS", middle("IMAGE_EDITOR"))
    event("ESC", "RELEASE", middle("IMAGE_EDITOR"))
    yield from wait_for_job()
    step("cancelled", same=path() == before)

    with override("IMAGE_EDITOR"):
        bpy.ops.portrait_manifolds.apply_edit("INVOKE_DEFAULT")
    fractions = []
    job = bpy.context.window_manager.portrait_manifolds_job
    while job.running and job.fraction < 0.3:
        yield 0.1
    picture("applying")
    yield from wait_for_job(lambda: fractions.append(job.fraction))
    yield 4.0
    picture("applied")
    step("applied", another=path() != before, fractions=len(set(fractions)), red=red_seen("VIEW_3D"))

    space = area("VIEW_3D").spaces.active
    space.show_region_ui, space.overlay.show_extras = False, False
    with override("VIEW_3D"):
        bpy.ops.view3d.view_orbit(angle=0.5, type="ORBITRIGHT")
    yield 4.0
    picture("turned")
    step("turned", red=red_seen("VIEW_3D"))

    after = path()
    yield from press("Z", middle("VIEW_3D"), ctrl=True)
    yield 4.0
    image = portrait().portrait_manifolds.edit
    kept = image is not None and bool((np.array(image.pixels[:]) != clean).any())
    picture("undone")
    step("undone", former=path() == before, red=red_seen("VIEW_3D"), paint_kept=kept)
    yield from press("Z", middle("VIEW_3D"), ctrl=True, shift=True)
    yield 3.0
    step("redone", edited=path() == after)
    for _ in range(4):
        yield from press("Z", middle("VIEW_3D"), ctrl=True)
    image = portrait().portrait_manifolds.edit
    step("strokes undone", former=path() == before, clean=bool((np.array(image.pixels[:]) == clean).all()))


def run():
    """Drive the session from one timer; Blender is closed on every path."""
    steps = session()

    def tick():
        try:
            return next(steps)
        except StopIteration:
            result["ok"] = True
        except Exception:
            result["ok"] = False
            result["error"] = traceback.format_exc()
            picture("failed")
        (Path(FOLDER) / "result.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
        bpy.ops.wm.quit_blender()
        return None

    bpy.app.timers.register(tick, first_interval=3.0, persistent=True)


run()
