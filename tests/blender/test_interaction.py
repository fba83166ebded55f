"""Import by drop, crop and refine, compare, copy, presets, menus: what the user touches, without a window."""

import math
import os
import pathlib
import types

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from .conftest import part, place  # noqa: E402
from .scenes import to_portrait_space  # noqa: E402
from .test_operators import engine, imported, photo  # noqa: E402, F401
from .test_registration import OPERATORS  # noqa: E402

operators = bpy.ops.portrait_manifolds
NEED_A_PORTRAIT = (
    "update_crop adjust_crop refine edit_photo apply_edit show compare toggle_background render_view add_camera "
    "match_photo add_turntable add_dolly_zoom add_layers render_with_scene render_alone extract_mesh copy_settings "
    "pack unpack relink relink_model"
).split()


def test_several_files_are_dropped_and_one_is_bad(engine, photo, portrait_file, tmp_path):  # noqa: F811
    """The good ones are imported, the bad one is named; a drop of only bad ones is an error."""
    import shutil

    shutil.copy(portrait_file, tmp_path / "done.manifolds")
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    files = [{"name": name} for name in (photo.name, "bad.jpg", "done.manifolds")]
    assert operators.import_portrait(directory=str(tmp_path), files=files) == {"FINISHED"}
    assert {obj.name for obj in bpy.context.scene.objects} == {"Grüße an Oma", "sphere"}
    with pytest.raises(RuntimeError, match="bad.jpg"):
        operators.import_portrait(directory=str(tmp_path), files=[{"name": "bad.jpg"}])
    assert len(bpy.context.scene.objects) == 2


def test_the_file_handler_takes_photos_and_portraits_in_the_viewport(scene):
    handler = bpy.types.PORTRAIT_MANIFOLDS_FH_photo
    assert {".png", ".jpg", ".webp", ".manifolds"} <= set(handler.bl_file_extensions.split(";"))
    assert handler.bl_import_operator == "portrait_manifolds.import_portrait"
    area = types.SimpleNamespace(type="VIEW_3D")
    assert handler.poll_drop(types.SimpleNamespace(area=area))
    assert not handler.poll_drop(types.SimpleNamespace(area=types.SimpleNamespace(type="TEXT_EDITOR")))


def test_adjust_crop_through_properties(engine, photo):  # noqa: F811
    """What is not given stays; landmarks and pose follow the crop."""
    obj = imported(photo)
    settings = obj.portrait_manifolds
    before = tuple(settings.crop_centre)
    assert operators.adjust_crop() == {"FINISHED"} and not settings.use_crop
    assert operators.adjust_crop(size=300.0, roll=9.0) == {"FINISHED"}
    assert settings.use_crop and tuple(settings.crop_centre) == pytest.approx(before)
    assert (settings.crop_size, settings.crop_roll, settings.pose[2]) == pytest.approx((300.0, 9.0, 9.0))
    landmarks = part("operators.crop.crops").landmarks_of(obj)
    corner = np.array(before) - 150  # the stand-in finds all landmarks in the crop's upper left corner
    assert landmarks.shape == (468, 2) and np.allclose(landmarks, corner, atol=1e-2)
    assert operators.adjust_crop(use_crop=False) == {"FINISHED"} and not settings.use_crop
    with pytest.raises(RuntimeError, match="photo is at hand"):
        bpy.context.view_layer.objects.active = place("x.manifolds")
        operators.adjust_crop()


def test_landmarks_and_pose_by_hand_through_properties(engine, photo, tmp_path):  # noqa: F811
    """They reach the inversion, are kept by the file, and go when another face is taken."""
    obj = imported(photo)
    settings, crops = obj.portrait_manifolds, part("operators.crop.crops")
    assert (settings.yaw, settings.pitch) == pytest.approx((12.0, -3.0)) and not settings.use_pose, "as it was found"
    operators.invert()
    assert engine.by_hand == (None, None, None)
    points = np.random.default_rng(0).uniform(0, 500, (468, 2)).astype(np.float32)
    assert operators.adjust_crop(landmarks=crops.as_text(points), yaw=-20.0) == {"FINISHED"}
    assert settings.use_landmarks and settings.use_pose and not settings.use_crop
    assert (settings.yaw, settings.pitch) == pytest.approx((-20.0, -3.0)), "what is not given stays"
    settings.landmarks = crops.as_text(points)  # the stand-in answers with landmarks of its own
    operators.refine()
    landmarks, yaw, pitch = engine.by_hand
    assert np.array_equal(landmarks, points) and (yaw, pitch) == pytest.approx((-20.0, -3.0))
    assert engine.asked[-1] == {"face": None, "crop": None}
    operators.refine(use_landmarks=False)
    assert engine.by_hand[0] is None and engine.by_hand[1] == pytest.approx(-20.0)
    settings.use_landmarks = True
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    obj = bpy.data.objects["Grüße an Oma"]
    settings = obj.portrait_manifolds
    assert settings.use_landmarks and settings.use_pose and settings.yaw == pytest.approx(-20.0)
    assert len(crops.landmarks_of(obj)) == 468
    bpy.context.view_layer.objects.active = obj
    assert operators.update_crop(face=0) == {"FINISHED"} and not settings.use_landmarks and not settings.use_pose


def test_what_cannot_be_aligned_changes_nothing(engine, photo, monkeypatch):  # noqa: F811
    obj = imported(photo)
    settings = obj.portrait_manifolds

    def refuse(*args, **options):
        raise part("inference.errors").FaceUnusable("the face is turned too far away")

    monkeypatch.setattr(part("inference.alignment.align"), "align_as_set", refuse)
    before = settings.landmarks, tuple(settings.crop_centre), settings.yaw
    points = part("operators.crop.crops").as_text(np.ones((468, 2)))
    with pytest.raises(RuntimeError, match="too far"):
        operators.adjust_crop(landmarks=points, yaw=50.0, centre=(9.0, 9.0))
    assert (settings.landmarks, tuple(settings.crop_centre), settings.yaw) == before
    assert not (settings.use_crop or settings.use_landmarks or settings.use_pose)


def test_damaged_landmarks_are_none(portrait):
    crops = part("operators.crop.crops")
    for damaged in ("", "not base64!", "AAA=", "AAAAAAAA"[:-4], "//////////8="):
        portrait.portrait_manifolds.landmarks = damaged
        assert crops.landmarks_of(portrait).shape[1] == 2
    assert len(crops.landmarks_of(portrait)) == 0


def test_adjust_crop_in_a_window(engine, photo, monkeypatch):  # noqa: F811
    """The modal twin: events reach the session, Enter applies, Escape leaves all as it was, the overlay goes away."""
    obj = imported(photo)
    module = part("operators.crop.adjust_crop")
    drawn = []

    class Overlay:
        def __init__(self, *args):
            drawn.append(self)

        def remove(self):
            drawn.remove(self)

    monkeypatch.setattr(module, "Overlay", Overlay)
    monkeypatch.setattr(module, "bpy", types.SimpleNamespace(app=types.SimpleNamespace(background=False)))
    region = types.SimpleNamespace(type="WINDOW", x=100, y=50, width=900, height=600)
    area = types.SimpleNamespace(type="VIEW_3D", regions=[region], tag_redraw=lambda: None)
    workspace = types.SimpleNamespace(status_text_set=lambda text: None)
    manager = types.SimpleNamespace(modal_handler_add=lambda operator: None)

    faked = {"area": area, "workspace": workspace, "window_manager": manager}

    class Context:
        """The real context, seen from an area."""

        def __getattr__(self, name):
            return faked[name] if name in faked else getattr(bpy.context, name)

    class Operator(module.CropProperties, part("operators.work.operator").PortraitOperator):
        bl_label = "Adjust Crop"
        properties = types.SimpleNamespace(is_property_set=lambda name: True)
        run = module.PORTRAIT_MANIFOLDS_OT_adjust_crop.run
        invoke, modal = (vars(module.PORTRAIT_MANIFOLDS_OT_adjust_crop)[name] for name in ("invoke", "modal"))
        cancel = module.PORTRAIT_MANIFOLDS_OT_adjust_crop.cancel
        _finish = module.PORTRAIT_MANIFOLDS_OT_adjust_crop._finish
        _overlay = None

        def report(self, kind, text):
            self.said = text

    def event(kind, value="PRESS", point=(0, 0)):
        free = part("operators.crop.overlay").free_rectangle(area, region)
        x, y = running._session.fit(free).to_region(point) + (100, 50)
        return types.SimpleNamespace(type=kind, value=value, mouse_x=x, mouse_y=y, shift=False, ctrl=False)

    settings = obj.portrait_manifolds
    x, y = settings.crop_centre
    for last, result in (("ESC", {"CANCELLED"}), ("RET", {"FINISHED"})):
        running = Operator()
        assert running.invoke(Context(), None) == {"RUNNING_MODAL"} and len(drawn) == 1
        assert running._session.landmarks.shape == (468, 2) and len(running._session.boxes) == 2
        moves = ("LEFTMOUSE", "PRESS", (x, y)), ("MOUSEMOVE", "NOTHING", (x - 30, y + 20)), ("LEFTMOUSE", "RELEASE")
        for move in moves:
            assert running.modal(Context(), event(*move)) == {"RUNNING_MODAL"}
        assert running.modal(Context(), event(last)) == result and not drawn
        moved = settings.use_crop and tuple(settings.crop_centre) == pytest.approx((x - 30, y + 20), abs=1e-2)
        assert moved == (last == "RET")


def test_refine_inverts_with_the_new_crop_and_the_cameras_follow(engine, photo):  # noqa: F811
    obj = imported(photo)
    assert not operators.refine.poll()
    operators.invert()
    assert operators.match_photo(whole_photo=False) == {"FINISHED"}
    camera = bpy.context.scene.camera
    mine = camera.copy()
    bpy.context.collection.objects.link(mine)
    mine.location.x += 0.1
    place_before, old = mine.matrix_basis.copy(), obj.portrait_manifolds.portrait_path
    operators.match_photo()
    whole = bpy.context.scene.camera

    import dataclasses

    from inference.geometry.cameras import orbit_camera

    invert = engine.invert_photo

    def turned(*args, **options):
        made = invert(*args, **options)
        portrait = dataclasses.replace(made.portrait, camera=orbit_camera(12, 5), crop_to_photo=np.eye(2, 3) * 1.5)
        return dataclasses.replace(made, portrait=portrait)

    part("inference.pipeline").invert_photo = turned
    assert operators.refine(size=310.0) == {"FINISHED"}
    assert engine.asked[-1]["crop"][2] == pytest.approx(310.0) and obj.portrait_manifolds.portrait_path != old
    assert mine.matrix_basis == place_before, "a camera that was moved belongs to the user"
    cameras = part("operators.engine.cameras")
    bpy.context.view_layer.update()
    depsgraph, scene = bpy.context.evaluated_depsgraph_get(), bpy.context.scene
    for blender_camera, size, scale in ((camera, (256, 256), 1.0), (whole, (800, 700), 1.5)):
        scene.render.resolution_x, scene.render.resolution_y = size
        seen = to_portrait_space(cameras.world_camera(blender_camera, depsgraph, scene), obj.matrix_world)[0]
        assert np.allclose(seen.position, orbit_camera(12, 5).position, atol=1e-5)
        assert seen.fx == pytest.approx(orbit_camera().fx * scale, rel=1e-5)


def test_refine_carries_the_reason_over(engine, photo):  # noqa: F811
    imported(photo)
    operators.invert()
    os.unlink(photo)
    with pytest.raises(RuntimeError, match="photo .* is missing"):
        operators.refine()


def test_compare_measures_what_it_shows(portrait, portrait_file):
    """Photo and view lie side by side; the difference is that of the pixels where the subject is."""
    from inference.portrait import load_portrait
    from inference.view.render import render_view

    module, stored = part("operators.portrait.compare"), load_portrait(portrait_file)
    photo_side, view_side, (error, decibel) = module.compare(portrait, 256)
    assert np.abs(photo_side.astype(int) - stored.crop).max() <= 1
    view = render_view(stored, stored.camera, "source")
    wanted = np.rint(255 * view.color * view.alpha[..., None])
    assert np.abs(view_side - wanted).max() <= 1
    subject = render_view(stored, stored.camera).alpha > 0.5
    difference = np.abs(wanted - stored.crop)[subject]
    assert error == pytest.approx(difference.mean(), abs=0.5)
    assert decibel == pytest.approx(10 * math.log10(255**2 / (difference**2).mean()), abs=0.1)
    assert operators.compare(size=128) == {"FINISHED"}
    assert tuple(bpy.data.images["Portrait Comparison"].size) == (384, 128)
    assert operators.compare(size=100, difference=False) == {"FINISHED"}
    assert tuple(bpy.data.images["Portrait Comparison"].size) == (200, 100) and len(bpy.data.images) == 1


def test_background_is_shown_and_hidden(portrait):
    other = place(portrait.portrait_manifolds.portrait_path, "Other")
    bpy.context.view_layer.objects.active = portrait
    operators.add_layers(background=True)
    background = part("operators.state.background")
    planes = [child for child in portrait.children if background.is_plane(child)]
    assert len(planes) == 1 and len(portrait.children) > 5
    other.select_set(True)
    for shown in (True, False):
        assert operators.toggle_background() == {"FINISHED"}
        assert portrait.portrait_manifolds.show_background == other.portrait_manifolds.show_background == shown
        assert planes[0].hide_render == planes[0].hide_viewport == (not shown)
        assert background.background_of(portrait) == ("source" if shown else "none")
    assert not any(child.hide_render for child in portrait.children if child not in planes)


def test_settings_are_copied_in_proportion(scene):
    source, larger, other = (place("x.manifolds", name) for name in ("Source", "Larger", "Other"))
    for obj, size in ((source, (800, 600)), (larger, (1600, 1200)), (other, (600, 800))):
        obj.portrait_manifolds.photo_size = size
    settings = source.portrait_manifolds
    settings.use_crop, settings.crop_centre, settings.crop_size, settings.crop_roll = True, (300, 200), 250, 7
    settings.show_background, source.rotation_euler.z, source.scale = True, 0.5, (2, 2, 2)
    larger.location = other.location = (1, 2, 3)
    bpy.context.view_layer.objects.active = source
    assert not operators.copy_settings.poll()
    for obj in (larger, other):
        obj.select_set(True)
    assert operators.copy_settings(placement=True) == {"FINISHED"}
    copied = larger.portrait_manifolds
    assert copied.use_crop and tuple(copied.crop_centre) == pytest.approx((600, 400))
    assert (copied.crop_size, copied.crop_roll) == pytest.approx((500, 7))
    assert not other.portrait_manifolds.use_crop, "its photo has another shape"
    for obj in (larger, other):
        assert obj.portrait_manifolds.show_background and obj.rotation_euler.z == pytest.approx(0.5)
        assert tuple(obj.location) == (1, 2, 3) and obj.scale.x == pytest.approx(2)


@pytest.mark.parametrize("kind", ["mesh", "layer", "invert"])
def test_presets_are_saved_applied_and_removed(scene, kind):
    settings = scene.portrait_manifolds
    owner, name, value = {
        "mesh": (settings, "mesh_resolution", 77),
        "layer": (settings, "layer_count", "12"),
        "invert": (settings, "pack", True),
    }[kind]
    before = getattr(owner, name)
    setattr(owner, name, value)
    add = getattr(operators, f"{kind}_preset")
    assert add(name="Mine Alone") == {"FINISHED"}
    folder = {"mesh": "mesh", "layer": "layers", "invert": "invert"}[kind]
    paths = bpy.utils.preset_paths(f"portrait_manifolds/{folder}")
    file = next(pathlib.Path(path, "Mine_Alone.py") for path in paths if pathlib.Path(path, "Mine_Alone.py").exists())
    assert os.environ["BLENDER_USER_RESOURCES"] in str(file), "presets of the user lie in the user's folder"
    setattr(owner, name, before)
    menu = f"PORTRAIT_MANIFOLDS_MT_{kind}_presets"
    assert bpy.ops.script.execute_preset(filepath=str(file), menu_idname=menu) == {"FINISHED"}
    assert getattr(owner, name) == value
    assert add(name="Mine Alone", remove_active=True) == {"FINISHED"} and not file.exists()


def test_presets_that_come_along_are_found_and_work(scene):
    found = []
    for folder, menu in (("mesh", "mesh"), ("layers", "layer"), ("invert", "invert")):
        for path in bpy.utils.preset_paths(f"portrait_manifolds/{folder}"):
            for file in sorted(pathlib.Path(path).glob("*.py")):
                idname = f"PORTRAIT_MANIFOLDS_MT_{menu}_presets"
                assert bpy.ops.script.execute_preset(filepath=str(file), menu_idname=idname) == {"FINISHED"}
                found.append(file.stem)
    assert {"Draft", "Detailed", "Print", "Light", "Full", "Packed"} <= set(found)
    assert scene.portrait_manifolds.pack and scene.portrait_manifolds.mesh_resolution == 256


def test_every_operator_is_found_by_f3(scene):
    """F3 searches menus: each operator but the panel's helpers is an entry of Object ▸ Portrait."""
    entries = {entry[0] for entry in part("ui.menus").ENTRIES if entry}
    helpers = {"cancel", "dismiss_problem", "crop_by_hand", "choose_photo", "open_preferences", "use_built_in"}
    helpers |= {"install_model", "choose_model", "remove_model", "clear_cache", "copy_diagnostics", "prepare_scene"}
    helpers |= {"batch", "batch_retry", "batch_stop", "batch_refresh", "batch_open", "batch_doubts"}
    assert entries | helpers >= set(OPERATORS)
    icons = bpy.types.UILayout.bl_rna.functions["operator"].parameters["icon"].enum_items.keys()
    assert {entry[1] for entry in part("ui.menus").ENTRIES if entry} <= set(icons)


class Rows:
    """Stands in for a layout; counts what is drawn below each other, in rows of one button's height."""

    def __init__(self):
        self.count = 0.0

    def row(self, **options):
        return Side(self)

    def column(self, **options):
        return self

    box = column

    def template_icon(self, scale, **options):
        self.count += scale

    def __getattr__(self, name):  # prop, operator, label, separator, template_list, progress
        def draw(*arguments, **options):
            self.count += 5.0 if name == "template_list" else 1.0
            return types.SimpleNamespace()

        return draw


class Side:
    """Stands in for a row: whatever it holds is one row high."""

    def __init__(self, layout):
        self._rows = layout
        layout.count += 1.0

    def __getattr__(self, name):
        return lambda *arguments, **options: self if name in ("row", "column", "split") else types.SimpleNamespace()


def test_the_sidebar_fits_a_thousand_pixels(portrait, monkeypatch):
    """With the panels as they are when one has just inverted; a row takes 26 pixels, a header 28 (measured)."""
    monkeypatch.setattr(part("operators.crop.crops"), "preview_icon", lambda obj: 1)
    bpy.context.scene.view_settings.view_transform = "AgX"  # as in a new file
    height = 0.0
    for cls in (*part("ui.panels").CLASSES, *part("ui.batch_panel").CLASSES):
        if getattr(cls, "bl_category", "") != "Portrait" or hasattr(cls, "bl_parent_id"):
            continue
        if cls.bl_space_type != "VIEW_3D" or hasattr(cls, "poll") and not cls.poll(bpy.context):
            continue
        height += 28
        if "DEFAULT_CLOSED" not in getattr(cls, "bl_options", ()):
            rows = Rows()
            cls.draw(types.SimpleNamespace(layout=rows), bpy.context)
            height += 26 * rows.count
    print(f"the sidebar is about {height:.0f} pixels high")
    assert 500 < height <= 1000


@pytest.mark.parametrize("name", NEED_A_PORTRAIT)
def test_every_grey_button_says_why(scene, name):
    """Without any portrait: words of ours, never Blender's own "context is incorrect"."""
    with pytest.raises(RuntimeError) as caught:
        getattr(operators, name)()
    assert "context is incorrect" not in str(caught.value)


def test_every_property_has_a_tooltip(scene):
    """Operators (in the redo panel), the portrait's and the scene's settings."""
    own = {"rna_type", "name", "filepath", "directory", "files", "filter_glob", "check_existing", "filename"}
    groups = [getattr(operators, name).get_rna_type() for name in OPERATORS]
    groups += [bpy.types.Object.bl_rna.properties["portrait_manifolds"].fixed_type]
    groups += [scene.portrait_manifolds.bl_rna]
    bare = [
        (group.identifier, prop.identifier)
        for group in groups
        for prop in group.properties
        if prop.identifier not in own and not prop.is_hidden and not prop.description
        if prop.type not in ("COLLECTION", "POINTER")
    ]
    assert not bare, bare
