"""Runs inside a Blender with a window: paints on a photo's crop, applies that, turns the head, undoes, and adds layers.

    blender --enable-event-simulate --python drive_edit.py -- PHOTO FOLDER

Writes FOLDER/*.png and FOLDER/result.json.
"""

import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from driver import (  # noqa: E402
    PHOTO,
    TICK,
    area,
    drag,
    drive,
    event,
    job,
    middle,
    move,
    override,
    picture,
    portrait,
    press,
    region,
    screen,
    show_tab,
    step,
    wait_for_job,
)  # fmt: skip

RED = (1.0, 0.0, 0.0)


def red_seen(kind):
    """Share of an editor's pixels that are as red as the paint."""
    shown, main = screen().astype(int), region("WINDOW", kind)
    height = len(shown)
    shown = shown[height - main.y - main.height + 60 : height - main.y, main.x : main.x + main.width]
    return round(float(((shown[..., 0] > 150) & (shown[..., 1:].max(-1) < 80)).mean()), 4)


def path():
    return portrait().portrait_manifolds.portrait_path


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
    main = region("WINDOW", "IMAGE_EDITOR")
    side = min(main.width, main.height)
    for end in (-0.13, 0.13):
        yield from drag((x + 0.3 * end * side, y + 0.1 * side), (x + end * side, y + 0.06 * side))
        yield 1.0
    step("painted", share=round(float((np.array(image.pixels[:]) != clean).mean()), 4), dirty=image.is_dirty)
    picture("painted")

    with override("IMAGE_EDITOR"):
        bpy.ops.portrait_manifolds.apply_edit("INVOKE_DEFAULT")
    yield 0.2
    move(middle("IMAGE_EDITOR"))
    yield TICK
    event("ESC", "PRESS", middle("IMAGE_EDITOR"))
    event("ESC", "RELEASE", middle("IMAGE_EDITOR"))
    yield from wait_for_job()
    step("cancelled", same=path() == before)

    with override("IMAGE_EDITOR"):
        bpy.ops.portrait_manifolds.apply_edit("INVOKE_DEFAULT")
    fractions = []
    while job().running and job().fraction < 0.3:
        yield 0.1
    picture("applying")
    yield from wait_for_job(lambda: fractions.append(job().fraction))
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
        yield 1.0
    image = portrait().portrait_manifolds.edit
    step("strokes undone", former=path() == before, clean=bool((np.array(image.pixels[:]) == clean).all()))


drive(session)
