"""Runs inside a Blender with a window: adjusts a crop with the pointer, refines, compares, undoes, and reads German.

    blender --enable-event-simulate --python drive_crop.py -- PHOTO FOLDER PEOPLE

PHOTO shows one face, PEOPLE two.

Writes FOLDER/*.png and FOLDER/result.json.
"""

import json
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from driver import (  # noqa: E402
    ARGUMENTS,
    PHOTO,
    TICK,
    area,
    drag,
    drive,
    move,
    override,
    picture,
    portrait,
    press,
    region,
    step,
    wait_for_job,
    window,
)  # fmt: skip

PEOPLE = ARGUMENTS[2]
bpy.context.preferences.view.language = "en_US"


def session():
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    bpy.ops.ed.undo_push(message="empty scene")
    area().spaces.active.show_region_ui = True
    yield 0.5
    region("UI").active_panel_category = "Portrait"
    main = region("WINDOW")
    centre_of_view = main.x + main.width / 3, main.y + main.height / 2
    move(centre_of_view)
    yield TICK
    with override():
        bpy.ops.wm.drop_import_file(  # what Blender calls when a file is dropped on the viewport
            "INVOKE_DEFAULT", True, directory=str(Path(PHOTO).parent), files=[{"name": Path(PHOTO).name}]
        )
    yield 1.0
    if not any(obj.portrait_manifolds.is_portrait for obj in bpy.data.objects):  # from 4.3 on Blender asks: as what?
        picture("drop_menu")
        yield from press("I", centre_of_view)  # Import Portrait
        yield 1.0
    step("dropped", portraits=sum(obj.portrait_manifolds.is_portrait for obj in bpy.data.objects))
    bpy.ops.ed.undo_push(message="drop")

    settings = portrait().portrait_manifolds
    found = tuple(settings.crop_centre), settings.crop_size
    with override():
        bpy.ops.portrait_manifolds.adjust_crop("INVOKE_DEFAULT", True)
    yield 1.0
    picture("crop_found")
    from bl_ext.user_default.portrait_manifolds.operators.crop.crop_frame import Fit, Frame
    from bl_ext.user_default.portrait_manifolds.operators.crop.overlay import free_rectangle

    frame = Frame(found[0], found[1], settings.crop_roll)
    seen = [(0, 0), settings.photo_size, *frame.corners(), frame.knob()]
    fit = Fit.of(seen, free_rectangle(area(), main))

    def at(point):
        x, y = fit.to_region(point)
        return main.x + x, main.y + y

    corner = frame.corners()[1]
    outward = [corner[i] + 0.15 * (corner[i] - frame.centre[i]) for i in (0, 1)]
    yield from drag(at(corner), at(outward))
    yield from drag(at(frame.centre), at((frame.centre[0] + 12, frame.centre[1] + 6)))
    picture("crop_dragged")
    assert not settings.use_crop, "nothing is set before Enter"
    yield from press("ESC", at(frame.centre))
    assert not portrait().portrait_manifolds.use_crop, "Escape leaves all as it was"
    step("escaped")

    with override():
        bpy.ops.portrait_manifolds.adjust_crop("INVOKE_DEFAULT", True)
    yield 0.5
    yield from drag(at(corner), at(outward))
    yield from press("RET", at(frame.centre))
    yield 0.5
    settings = portrait().portrait_manifolds
    assert settings.use_crop and abs(settings.crop_size / found[1] - 1.15) < 0.02, settings.crop_size / found[1]
    step("cropped", scale=settings.crop_size / found[1])
    with override():
        bpy.ops.ed.undo()
    yield 0.3
    assert not portrait().portrait_manifolds.use_crop, "one undo takes the crop back"
    with override():
        bpy.ops.ed.redo()
    yield 0.3
    assert portrait().portrait_manifolds.use_crop
    step("undone and redone")

    with override():
        bpy.ops.portrait_manifolds.update_crop(face=0)
        bpy.ops.ed.undo_push(message="crop as found")
        bpy.ops.portrait_manifolds.adjust_crop("INVOKE_DEFAULT", True)
    yield 0.5
    from bl_ext.user_default.portrait_manifolds.operators.crop.crop_session import closeup
    from bl_ext.user_default.portrait_manifolds.operators.crop.crops import landmarks_of

    before = landmarks_of(portrait())
    fit = Fit.of(closeup(before), free_rectangle(area(), main))
    jaw = before[172]  # the right corner of the jaw
    yield from press("TAB", at(jaw))
    for _ in range(2):
        yield from press("WHEELUPMOUSE", at(jaw))
    yield from press("RIGHT_ARROW", at(jaw))
    picture("landmarks_found")
    yield from drag(at(jaw), at((jaw[0] - 8, jaw[1] + 2)))
    picture("landmarks_dragged")
    yield from press("ESC", at(jaw))
    assert (landmarks_of(portrait()) == before).all(), "Escape leaves all as it was"
    with override():
        bpy.ops.portrait_manifolds.adjust_crop("INVOKE_DEFAULT", True)
    yield 0.5
    yield from press("TAB", at(jaw))
    yield from drag(at(jaw), at((jaw[0] - 8, jaw[1] + 2)))
    yield from press("RIGHT_ARROW", at(jaw))
    yield from press("RET", at(jaw))
    yield 0.5
    settings, after = portrait().portrait_manifolds, landmarks_of(portrait())
    assert settings.use_landmarks and settings.use_pose and not settings.use_crop
    assert abs(after[172, 0] - before[172, 0] + 8) < 1.5, after[172] - before[172]
    assert (after[263] == before[263]).all(), "the other eye stays"
    with override():
        bpy.ops.ed.undo()
    yield 0.3
    assert not portrait().portrait_manifolds.use_landmarks and (landmarks_of(portrait()) == before).all()
    with override():
        bpy.ops.ed.redo()
    yield 0.3
    assert (landmarks_of(portrait()) == after).all()
    step("landmarks", moved=float(abs(after - before).max()))

    bpy.context.view_layer.objects.active = portrait()
    with override():
        bpy.ops.portrait_manifolds.invert("INVOKE_DEFAULT")
    yield 0.2
    yield from wait_for_job()
    assert portrait().portrait_manifolds.portrait_path
    first = portrait().portrait_manifolds.portrait_path
    assert json.loads(portrait().portrait_manifolds.report)["settings"]["landmarks"], "made with those of the user"
    with override():
        bpy.ops.portrait_manifolds.refine("INVOKE_DEFAULT", use_crop=False)
    yield 0.2
    yield from wait_for_job()
    assert portrait().portrait_manifolds.portrait_path != first and not portrait().portrait_manifolds.use_crop
    step("refined")

    with override():
        bpy.ops.portrait_manifolds.show()
        bpy.ops.view3d.view_camera()
    yield 2.0
    with override():
        bpy.ops.portrait_manifolds.compare("INVOKE_DEFAULT")
    yield 2.0
    picture("compared")
    step("compared", editors=[area.type for area in window().screen.areas])

    settings = portrait().portrait_manifolds
    settings.portrait_path, settings.portrait_absolute, settings.photo_path = "/gone/a.manifolds", "", "/gone/b.jpg"
    settings.photo_absolute = ""
    yield 1.5
    area().tag_redraw()
    yield 0.5
    picture("missing")
    with override():
        bpy.ops.wm.call_menu(name="PORTRAIT_MANIFOLDS_MT_portrait")
    yield 0.8
    picture("menu")
    yield from press("ESC", (main.x + 50, main.y + 50))

    with override():
        bpy.ops.portrait_manifolds.import_portrait(filepath=PEOPLE)
    people = bpy.context.view_layer.objects.active.portrait_manifolds
    bpy.ops.ed.undo_push(message="people")
    yield 1.0
    picture("people")
    centre = people.crop_centre[0]
    people.face_row = 1
    yield 1.0
    assert people.face == 1 and abs(people.crop_centre[0] - centre) > 50
    picture("people_second")
    step("people", faces=[[face.score, face.eyes] for face in people.faces], doubts=people.doubts)

    view = bpy.context.preferences.view
    try:
        view.language = "de_DE"
    except TypeError:  # its name in other versions
        view.language = "de"
    view.use_translate_interface = view.use_translate_tooltips = True
    yield 1.0
    picture("german")
    with override():
        bpy.ops.wm.call_menu(name="PORTRAIT_MANIFOLDS_MT_portrait")
    yield 0.8
    picture("german_menu")
    yield from press("ESC", (main.x + 50, main.y + 50))
    try:
        bpy.ops.portrait_manifolds.import_portrait(filepath="/nowhere.jpg")
        said = ""
    except RuntimeError as error:
        said = str(error)
    assert "Es gibt kein Foto" in said, said
    label = bpy.app.translations.pgettext_iface("Extract Mesh", "Operator")
    assert label == "Mesh extrahieren", label
    step("german", said=said.strip())


drive(session)
