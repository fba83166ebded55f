"""What the sessions in a Blender window share: its editors, events, pictures of the screen, and the timer that drives.

It lies beside the session's script, which runs inside Blender with `-- PHOTO FOLDER ...` at the end of its command, and
calls :func:`drive` with a generator: what that yields are the seconds until it goes on. Points are of the window.
"""

import json
import subprocess
import sys
import time
import traceback
from pathlib import Path

import bpy
import numpy as np

ARGUMENTS = sys.argv[sys.argv.index("--") + 1 :]
PHOTO, FOLDER = ARGUMENTS[0], Path(ARGUMENTS[1])
TICK = 0.1  # seconds; press and release must be seen in separate turns of Blender's event loop
SECONDS = 300.0  # for anything
result = {"steps": []}


def window():
    return bpy.context.window_manager.windows[0]


def area(kind="VIEW_3D"):
    """The largest editor of a kind, looked up anew each time: screens come and go."""
    return max((a for a in window().screen.areas if a.type == kind), key=lambda a: a.width * a.height)


def region(name="WINDOW", kind="VIEW_3D"):
    return next(region for region in area(kind).regions if region.type == name)


def override(kind="VIEW_3D"):
    """Context in which an operator acts as if the pointer were over an editor."""
    return bpy.context.temp_override(window=window(), area=area(kind), region=region("WINDOW", kind))


def middle(kind="VIEW_3D"):
    main = region("WINDOW", kind)
    return main.x + main.width / 2, main.y + main.height / 2


def event(kind, value, point, **modifiers):
    x, y = (int(number) for number in point)
    window().event_simulate(type=kind, value=value, x=x, y=y, **modifiers)


def move(point):
    event("MOUSEMOVE", "NOTHING", point)


def press(kind, point, **modifiers):
    """Generator: a key, a click, or a turn of the wheel."""
    move(point)
    yield TICK
    event(kind, "PRESS", point, **modifiers)
    yield TICK
    if not kind.startswith("WHEEL"):
        event(kind, "RELEASE", point, **modifiers)
        yield TICK


def drag(start, end, button="LEFTMOUSE", steps=10):
    """Generator: a button held from one point to another."""
    move(start)
    yield TICK
    event(button, "PRESS", start)
    yield TICK
    for share in np.linspace(0.0, 1.0, steps + 1)[1:]:
        move([a + share * (b - a) for a, b in zip(start, end, strict=True)])
        yield TICK
    event(button, "RELEASE", end)
    yield 4 * TICK


def picture(name):
    """Keep a picture of the screen; Blender's own screenshot operator gives black without a GPU."""
    subprocess.run(["import", "-window", "root", str(FOLDER / f"{name}.png")], check=True)


def screen():
    """What the screen shows: (H, W, 3) uint8."""
    done = subprocess.run(["import", "-window", "root", "-depth", "8", "ppm:-"], check=True, capture_output=True)
    _, size, _, pixels = done.stdout.split(b"\n", 3)
    width, height = map(int, size.split())
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def seen():
    """What the viewport shows between its tools and its sidebar: (H, W, 3) float32 in [0, 1]."""
    shown, main = screen(), region("WINDOW")
    height = len(shown)
    top, left, right = height - main.y - main.height + 90, main.x + 70, region("UI").x - 120
    return shown[top : height - main.y - 60, left:right].astype(np.float32) / 255.0


def coloured(view):
    """Share of a view's pixels that are neither Blender's grey nor its lines: what portraits and meshes cover."""
    return round(float(np.mean(view.max(-1) - view.min(-1) > 0.06)), 3)


def step(name, /, **facts):
    """Note that the session came so far."""
    result["steps"].append({"step": name, **facts})
    print("gui:", name, facts, flush=True)


def portrait():
    """The first portrait object."""
    return next(obj for obj in bpy.data.objects if obj.portrait_manifolds.is_portrait)


def job():
    """What the panels say of the job."""
    return bpy.context.window_manager.portrait_manifolds_job


def wait(condition, what, seconds=SECONDS, meanwhile=lambda: None):
    """Generator: until a condition holds."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        meanwhile()
        yield 0.02
    assert condition(), what


def wait_for_job(meanwhile=lambda: None):
    """Generator: until no job runs."""
    yield from wait(lambda: not job().running, "the job did not end", meanwhile=meanwhile)
    yield 0.5


def show_tab(kind="VIEW_3D"):
    """Generator: the extension's tab of an editor's sidebar."""
    area(kind).spaces.active.show_region_ui = True
    yield 0.5
    region("UI", kind).active_panel_category = "Portrait"
    area(kind).tag_redraw()
    yield 0.5


def find_button(idname):
    """Generator: position of the button of an operator in the sidebar, as (x, y) window pixels, or None."""
    for _ in range(4):
        bar = region("UI")
        x = bar.x + 0.45 * bar.width
        for y in range(bar.y + bar.height - 14, bar.y + 14, -9):
            bpy.context.window_manager.clipboard = ""
            yield from press("C", (x, y), ctrl=True)
            if idname in bpy.context.window_manager.clipboard:
                return x, y - 3  # a little further down: the search enters buttons at their upper edge
        for _ in range(8):
            yield from press("WHEELDOWNMOUSE", (x, bar.y + bar.height / 2))
        yield 0.5
    return None


def click_button(idname):
    """Generator: find an operator's button and click it. Returns where it is."""
    button = yield from find_button(idname)
    assert button, f"there is no button for {idname} in the sidebar"
    yield from press("LEFTMOUSE", button)
    return button


def drive(session):
    """Drive a session from one timer; FOLDER/result.json is written and Blender closed on every path."""
    bpy.context.preferences.view.show_splash = False
    steps = session()

    def tick():
        try:
            return next(steps)
        except StopIteration:
            result["ok"] = True
        except Exception:
            result["ok"], result["error"] = False, traceback.format_exc()
            picture("failed")
        (FOLDER / "result.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
        bpy.ops.wm.quit_blender()
        return None

    bpy.app.timers.register(tick, first_interval=3.0, persistent=True)
