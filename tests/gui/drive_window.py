"""Runs inside a Blender with a window: the whole way of a user, from a dropped photo to a reopened file.

    blender --enable-event-simulate --python drive_window.py -- PHOTO FOLDER

Writes FOLDER/*.png and FOLDER/result.json. The buttons are found as a user finds them: the pointer moves down the
sidebar, and where Blender's own "copy Python command" names the operator, it clicks; the wheel brings more of them.
"""

import faulthandler
import sys
import threading
import time
from pathlib import Path

import bpy
import numpy as np
from mathutils import Quaternion

sys.path.insert(0, str(Path(__file__).parent))
from driver import (  # noqa: E402
    FOLDER,
    PHOTO,
    SECONDS,
    TICK,
    area,
    click_button,
    coloured,
    drag,
    drive,
    job,
    move,
    override,
    picture,
    portrait,
    press,
    region,
    result,
    seen,
    show_tab,
    step,
    wait,
    wait_for_job,
)  # fmt: skip

progress = []  # of the job that runs
faulthandler.enable()


def free():
    """A point of the viewport that the sidebar leaves free."""
    main = region("WINDOW")
    return main.x + 0.35 * main.width, main.y + 0.45 * main.height


def meshes():
    """Those that were extracted: a proxy, which takes their place when they are undone, is never rendered."""
    return [obj for obj in bpy.data.objects if obj.type == "MESH" and not obj.hide_render]


def settled(unlike=None):
    """Generator: the viewport when it stands still, the finest picture having arrived; `unlike`: what it was before."""
    end, before = time.monotonic() + 120, unlike
    while time.monotonic() < end:
        idle = all(thread.name != "portrait_manifolds_viewport" for thread in threading.enumerate())
        yield 2.0  # what was finished is drawn meanwhile
        now = seen()
        changed = unlike is None or np.mean(np.abs(now - unlike).max(-1) > 0.1) > 0.02
        if changed and idle and before is not None and np.array_equal(now, before):
            return now
        before = now
    raise AssertionError("the viewport did not come to rest")


def orbit(right, up):
    """Generator: drag the view with the middle button."""
    x, y = free()
    yield from drag((x, y), (x + right, y + up), "MIDDLEMOUSE")


def noted_job():
    """Generator: until the job ends; records its progress."""
    yield from wait_for_job(lambda: progress.append([round(job().fraction, 3), job().text]))


def drop_photo():
    for obj in list(bpy.data.objects):  # the start-up cube, light and camera
        bpy.data.objects.remove(obj)
    yield from show_tab()
    picture("panel_empty")
    step("tab", category=region("UI").active_panel_category)

    move(free())
    yield TICK
    photo = Path(PHOTO)
    with override():  # what Blender calls when a file is dropped on the viewport
        bpy.ops.wm.drop_import_file("INVOKE_DEFAULT", True, directory=str(photo.parent), files=[{"name": photo.name}])
    yield 1.0
    if not any(obj.portrait_manifolds.is_portrait for obj in bpy.data.objects):  # from 4.3 on Blender asks: as what?
        picture("drop")
        yield from press("I", free())  # Import Portrait
        yield 1.0
    move((area().x + 300, area().y + 200))
    yield 0.3
    picture("before")
    step("drop", portrait=portrait().name, faces=len(portrait().portrait_manifolds.faces))


def invert():
    # First run: Escape while it works. The scene stays as it was.
    button = yield from click_button("portrait_manifolds.invert")
    yield 0.1
    assert job().running, "the click did not start the inversion"
    yield from press("ESC", button)
    start = time.monotonic()
    while job().running and time.monotonic() - start < 30:
        yield 0.05
    assert not job().running, "Escape did not stop the inversion"
    assert not portrait().portrait_manifolds.portrait_path
    step("cancel", seconds=round(time.monotonic() - start, 2))
    yield 1.0
    picture("cancelled")

    # Second run: to the end, with a picture on the way.
    yield from press("LEFTMOUSE", button)
    yield 0.1
    assert job().running, "the second click did not start the inversion"
    progress.clear()
    start = time.monotonic()
    while job().running and job().fraction < 0.3 and time.monotonic() - start < SECONDS:
        yield 0.02
    yield 0.1
    picture("during")
    step("during", running=job().running, fraction=round(job().fraction, 2), text=job().text)
    yield from noted_job()
    result["inversion"] = list(progress)
    step("inverted", seconds=round(time.monotonic() - start, 2))
    assert portrait().portrait_manifolds.portrait_path, "the inversion left no portrait"
    assert bpy.context.scene.camera is None, "the inversion changed the scene"
    yield 0.5
    picture("inverted")


def look():
    """The rendered viewport: through the camera, around the head, with the background."""
    yield from click_button("portrait_manifolds.show")
    yield 1.0
    assert area().spaces.active.shading.type == "RENDERED"
    shown = yield from settled()
    with override():
        bpy.ops.portrait_manifolds.match_photo(whole_photo=False)
    yield from press("NUMPAD_0", free())
    bpy.context.scene.camera.data.show_background_images = False
    first = yield from settled()
    picture("rendered")
    data = area().spaces.active.region_3d
    assert data.view_perspective == "CAMERA"
    step("rendered", engine=bpy.context.scene.render.engine, coloured=[coloured(shown), coloured(first)])

    bpy.context.scene.portrait_manifolds.device = "CPU"  # whichever draws, pictures are to be compared
    yield from orbit(-60, -15)
    assert data.view_perspective == "PERSP"
    yield from press("NUMPAD_PERIOD", free())
    for _ in range(3):
        yield from press("WHEELDOWNMOUSE", free())
    turned = yield from settled(unlike=first)
    picture("orbited")
    step("orbited", coloured=coloured(turned), changed=round(float(np.mean(np.abs(turned - first).max(-1) > 0.1)), 2))

    portrait().portrait_manifolds.show_background = True
    behind = yield from settled(unlike=turned)
    picture("background")
    step("background", changed=round(float(np.mean(np.abs(behind - turned).max(-1) > 0.1)), 2))
    portrait().portrait_manifolds.show_background = False
    again = yield from settled(unlike=behind)
    assert np.abs(again - turned).max() < 0.02, "without its background it looks as before"
    for device in ("CPU", "GPU"):
        bpy.context.scene.portrait_manifolds.device = device
        yield from settled()
        yield from axis_behind_the_face(device)
        yield from orbit_at_60_hertz(device)
    bpy.context.scene.portrait_manifolds.device = "AUTOMATIC"


def axis_behind_the_face(device):
    """The X axis runs through the head: beside it one sees it, and nothing of it shows through."""
    overlay, views = area().spaces.active.overlay, []
    hidden = "show_floor", "show_axis_y", "show_extras", "show_cursor", "show_relationship_lines", "show_text"
    before = {name: getattr(overlay, name) for name in hidden}
    for name in hidden:
        setattr(overlay, name, False)
    for shown in (False, True):
        overlay.show_axis_x = shown
        views.append((yield from settled()))
    picture(f"axis_{device}")
    face = views[0].max(-1) - views[0].min(-1) > 0.06
    axis = np.abs(views[1] - views[0]).max(-1) > 0.05
    step(f"axis behind the face, {device}", beside=int((axis & ~face).sum()), before=int((axis & face).sum()))
    for name, value in before.items():
        setattr(overlay, name, value)


def orbit_at_60_hertz(device, seconds=3.0):
    """Turn the view at every redraw, there and back; how many pictures are drawn, and when the first one is."""
    module = sys.modules["bl_ext.user_default.portrait_manifolds.operators.engine.gpu_draw"]
    shown, present, view = [], module.present, area().spaces.active.region_3d
    draws = []

    def presented(drawn, *where):
        draws.append(time.monotonic())
        if not shown or shown[-1][1] is not drawn:
            shown.append((time.monotonic(), drawn))
        present(drawn, *where)

    module.present, before = presented, view.view_rotation.copy()
    area().tag_redraw()
    yield 0.5
    draws.clear()
    start = time.monotonic()
    while time.monotonic() < start + seconds:
        turn = 0.6 * np.sin(2 * np.pi * (time.monotonic() - start) / seconds)
        view.view_rotation = Quaternion((0.0, 0.0, 1.0), turn) @ before
        yield 1 / 60
    module.present, view.view_rotation = present, before
    times = [moment - start for moment, _ in shown if moment > start]
    found = {"pictures": len(times), "first": round(times[0], 2) if times else None}
    step(f"orbit at 60 Hz, {device}", draws=len(draws), **found)
    picture(f"orbiting_{device}")


def f12():
    """The render key; the result opens as Blender shows renders."""
    bpy.context.scene.render.resolution_percentage = 200
    done = []
    handler = bpy.app.handlers.render_complete
    handler.append(lambda *_: done.append(True))
    move(free())
    yield TICK
    yield from press("F12", free())
    yield from wait(lambda: done, "F12 did not render")
    handler.pop()
    yield 2.0
    picture("f12")
    path = FOLDER / "render.png"
    bpy.data.images["Render Result"].save_render(str(path))
    image = bpy.data.images.load(str(path))
    pixels = np.array(image.pixels[:], np.float32).reshape(image.size[1], image.size[0], 4)
    bpy.data.images.remove(image)
    path.unlink()
    step("f12", size=pixels.shape[1::-1], varied=round(float(pixels[..., :3].std()), 3))
    windows = bpy.context.window_manager.windows
    if len(windows) > 1:  # Escape closes the render's window
        for value in ("PRESS", "RELEASE"):
            windows[-1].event_simulate(type="ESC", value=value, x=100, y=100)
            yield TICK
    yield 0.5
    assert len(windows) == 1, "the render's window stayed open"


def extract():
    """A mesh by its button, taken back by Ctrl Z, and made again."""
    yield from click_button("portrait_manifolds.extract_mesh")
    yield from wait(lambda: job().running or meshes(), "the click did not start the mesh")
    yield from noted_job()
    yield 0.5
    (mesh,) = meshes()
    step("mesh", vertices=len(mesh.data.vertices), parent=mesh.parent.name)
    space = area().spaces.active
    space.shading.type, space.shading.color_type, space.shading.light = "SOLID", "TEXTURE", "FLAT"
    overlay = space.overlay
    overlay.show_floor = overlay.show_axis_x = overlay.show_axis_y = overlay.show_outline_selected = False
    overlay.show_cursor = overlay.show_relationship_lines = overlay.show_extras = False
    move(free())
    yield 1.0
    picture("mesh")
    yield from press("Z", free(), ctrl=True)
    yield from wait(lambda: not meshes(), "one undo does not take the mesh back")
    assert portrait().portrait_manifolds.portrait_path, "and nothing else"
    picture("undone")
    yield from press("Z", free(), ctrl=True, shift=True)
    yield from wait(lambda: len(meshes()) == 1, "redo does not bring it again")
    step("undo")


def save_and_reopen():
    folder = FOLDER.parent / "project"
    folder.mkdir()
    area().spaces.active.shading.type = "RENDERED"
    before = yield from settled()
    path = folder / "portrait.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    stored = portrait().portrait_manifolds.portrait_path
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=False)
    yield 1.0
    moved = folder.rename(folder.with_name("moved"))
    bpy.ops.wm.open_mainfile(filepath=str(moved / path.name))
    yield 1.0
    assert portrait().portrait_manifolds.portrait_path == stored
    yield from show_tab()
    with override():
        bpy.context.view_layer.objects.active = portrait()
    area().spaces.active.shading.type = "RENDERED"  # Blender opens every file with solid shading
    after = yield from settled()
    picture("reopened")
    step("reopened", stored=stored, difference=round(float(np.abs(after - before).mean()), 4))
    for obj in meshes():
        bpy.data.objects.remove(obj)
    yield from extract_again()


def extract_again():
    """The reopened file works on: another mesh, and its undo."""
    with override():
        bpy.ops.ed.undo_push(message="without a mesh")
        bpy.ops.portrait_manifolds.extract_mesh("INVOKE_DEFAULT")
    yield from wait(lambda: job().running or meshes(), "the mesh did not start")
    yield from noted_job()
    yield 0.5
    assert len(meshes()) == 1
    move(free())
    yield TICK
    yield from press("Z", free(), ctrl=True)
    yield 1.0
    assert not meshes() and portrait().portrait_manifolds.portrait_path, "undo works in the reopened file"
    view = yield from settled()
    picture("reopened_undone")
    step("reopened undo", coloured=coloured(view))


def close_while_it_draws():
    """Other files are opened while threads work on pictures of a rendered viewport: they end, and Blender lives."""
    path = bpy.data.filepath
    for index in range(6):
        bpy.ops.wm.open_mainfile(filepath=path)
        yield 0.5
        area().spaces.active.shading.type = "RENDERED"
        yield 0.3 + 0.1 * index
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=False)
        yield 0.3
    yield 3.0
    working = [thread.name for thread in threading.enumerate() if thread.name == "portrait_manifolds_viewport"]
    step("closed while it draws", working=working)


def session():
    for part in (drop_photo, invert, look, f12, extract, save_and_reopen, close_while_it_draws):
        yield from part()


drive(session)
