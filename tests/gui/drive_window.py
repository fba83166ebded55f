"""Runs inside a Blender with a window: imports a photo, clicks Invert, cancels once, and takes pictures.

    blender --enable-event-simulate --python drive_window.py -- PHOTO FOLDER

Writes FOLDER/*.png and FOLDER/result.json. The buttons are found as a user finds them: the pointer moves down the
sidebar, and where Blender's own "copy Python command" names the operator, it clicks.
"""

import json
import subprocess
import sys
import time
import traceback
from pathlib import Path

import bpy

PHOTO, FOLDER = sys.argv[sys.argv.index("--") + 1 :]
TICK = 0.08  # seconds; press and release must be seen in separate turns of Blender's event loop
TIMEOUT = 240.0  # seconds for one inversion
result = {"steps": [], "progress": []}

bpy.context.preferences.view.show_splash = False


class Window:
    """The first window and its 3D viewport, looked up anew each time: screens come and go."""

    @property
    def window(self):
        return bpy.context.window_manager.windows[0]

    @property
    def area(self):
        return max((a for a in self.window.screen.areas if a.type == "VIEW_3D"), key=lambda a: a.width * a.height)

    def region(self, kind):
        return next(region for region in self.area.regions if region.type == kind)

    def context(self):
        return bpy.context.temp_override(window=self.window, area=self.area, region=self.region("WINDOW"))

    def move(self, x, y):
        self.window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=int(x), y=int(y))

    def key(self, kind, value, x, y, **modifiers):
        self.window.event_simulate(type=kind, value=value, x=int(x), y=int(y), **modifiers)


ui = Window()


def job():
    return bpy.context.window_manager.portrait_manifolds_job


def picture(name):
    """Screenshot of the whole X screen; Blender's own screenshot operator gives black without a GPU."""
    subprocess.run(["import", "-window", "root", str(Path(FOLDER) / f"{name}.png")], check=True)


def step(name, **facts):
    result["steps"].append({"step": name, **facts})
    print("gui:", name, facts, flush=True)


def find_button(idname):
    """Generator: position of the button of an operator in the sidebar, as (x, y) window pixels, or None."""
    region = ui.region("UI")
    x = region.x + 0.45 * region.width
    for y in range(region.y + region.height - 14, region.y + 8, -9):
        ui.move(x, y)
        yield TICK
        bpy.context.window_manager.clipboard = ""
        ui.key("C", "PRESS", x, y, ctrl=True)
        yield TICK / 2
        ui.key("C", "RELEASE", x, y, ctrl=True)
        yield TICK / 2
        if idname in bpy.context.window_manager.clipboard:
            return x, y - 3  # a little further down: the search enters buttons at their upper edge
    return None


def click(x, y):
    """Generator: a left click."""
    ui.move(x, y)
    yield TICK
    ui.key("LEFTMOUSE", "PRESS", x, y)
    yield TICK
    ui.key("LEFTMOUSE", "RELEASE", x, y)
    yield TICK


def show_portrait_tab():
    ui.area.spaces.active.show_region_ui = True
    yield 0.3
    ui.region("UI").active_panel_category = "Portrait"
    ui.area.tag_redraw()
    yield 0.3


def wait_for_job():
    """Generator: until the job ends; records its progress."""
    end = time.monotonic() + TIMEOUT
    while job().running and time.monotonic() < end:
        result["progress"].append([round(job().fraction, 3), job().text])
        yield 0.05
    assert not job().running, "the inversion did not end"


def session():
    for obj in list(bpy.data.objects):  # the start-up cube, light and camera
        bpy.data.objects.remove(obj)
    yield from show_portrait_tab()
    picture("panel_empty")
    step("tab", category=ui.region("UI").active_panel_category)

    with ui.context():
        bpy.ops.portrait_manifolds.import_portrait(filepath=PHOTO)
    portrait = bpy.context.view_layer.objects.active
    name = portrait.name
    yield 1.0
    ui.move(ui.area.x + 300, ui.area.y + 200)
    yield 0.3
    picture("before")
    step("import", portrait=name, faces=len(portrait.portrait_manifolds.faces))

    button = yield from find_button("portrait_manifolds.invert")
    assert button, "there is no Invert button in the sidebar"
    step("button", x=button[0], y=button[1])

    # First run: Escape while it works. The scene stays as it was.
    yield from click(*button)
    yield 0.1
    assert job().running, "the click did not start the inversion"
    ui.key("ESC", "PRESS", *button)
    yield TICK
    ui.key("ESC", "RELEASE", *button)
    start = time.monotonic()
    while job().running and time.monotonic() - start < 30:
        yield 0.05
    assert not job().running, "Escape did not stop the inversion"
    assert not bpy.data.objects[name].portrait_manifolds.portrait_path
    step("cancel", seconds=round(time.monotonic() - start, 2))
    yield 1.0

    # Second run: to the end, with a picture on the way.
    yield from click(*button)
    yield 0.1
    assert job().running, "the second click did not start the inversion"
    result["progress"].clear()
    start = time.monotonic()
    while job().running and job().fraction < 0.3 and time.monotonic() - start < TIMEOUT:
        yield 0.02
    yield 0.1
    picture("during")
    step("during", running=job().running, fraction=round(job().fraction, 2), text=job().text)
    yield from wait_for_job()
    step("inverted", seconds=round(time.monotonic() - start, 2))
    portrait = bpy.data.objects[name]
    assert portrait.portrait_manifolds.portrait_path, "the inversion left no portrait"

    scene = bpy.context.scene
    scene.render.engine = "PORTRAIT_MANIFOLDS"
    scene.view_settings.view_transform = "Standard"
    with ui.context():
        bpy.ops.portrait_manifolds.extract_mesh("EXEC_DEFAULT")
    mesh = bpy.context.view_layer.objects.active
    step("mesh", vertices=len(mesh.data.vertices))
    mesh.select_set(False)
    space = ui.area.spaces.active
    space.shading.type = "SOLID"
    space.shading.color_type = "TEXTURE"
    space.shading.light = "FLAT"
    overlay = space.overlay
    overlay.show_floor = overlay.show_axis_x = overlay.show_axis_y = False
    overlay.show_cursor = overlay.show_relationship_lines = overlay.show_extras = False
    space.region_3d.view_perspective = "PERSP"
    space.lens = 85
    from mathutils import Euler, Vector

    space.region_3d.view_rotation = Euler((1.5, 0.0, 0.42)).to_quaternion()
    space.region_3d.view_location = Vector((0.03, 0.0, 0.0))
    space.region_3d.view_distance = 1.15
    bpy.context.view_layer.objects.active = portrait
    ui.move(ui.area.x + 300, ui.area.y + 200)
    yield 1.0
    ui.region("UI").tag_redraw()
    yield 0.5
    picture("after")
    step("after")


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
