"""The user's path through the operators, with the networks replaced by the closed-form subject."""

import dataclasses
import json
import os
import pathlib
import shutil
import sys
import types

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from tests.portraits import analytic_portrait  # noqa: E402

from .conftest import MODULE, part, place  # noqa: E402


@dataclasses.dataclass
class Face:
    box: tuple
    score: float = 0.9


@dataclasses.dataclass
class Inversion:
    portrait: object
    alignment: object
    report: dict


class Engine:
    """Stands in for the networks; remembers what it was asked."""

    def __init__(self):
        self.faces = [Face((300.0, 200.0, 500.0, 450.0)), Face((50.0, 50.0, 100.0, 110.0), 0.7)]
        self.asked, self.warnings = [], []

    def find_faces(self, photo, model):
        return self.faces

    def list_faces(self, photo, faces, mean_landmarks):
        return [types.SimpleNamespace(box=face.box, score=face.score, eyes=60.0) for face in faces]

    def align(self, photo, face, model, yaw=None, pitch=None):
        return self.alignment(photo, [[2.0, 0.0, face.box[0]], [0.0, 2.0, face.box[1]]], 5.0)

    def align_manually(self, photo, centre, size, roll_degrees, model, landmarks=None, yaw=None, pitch=None):
        scale = size / 256
        affine = [[scale, 0.0, centre[0] - 128 * scale], [0.0, scale, centre[1] - 128 * scale]]
        return self.alignment(photo, affine, roll_degrees)

    def alignment(self, photo, affine, roll):
        from inference.alignment.align import Alignment, warp_to_crop
        from inference.geometry.cameras import orbit_camera

        affine = np.array(affine)
        landmarks = np.zeros((468, 2), np.float32)
        return Alignment(warp_to_crop(photo, affine), affine, orbit_camera(), landmarks, 12.0, -3.0, roll)

    def invert_photo(
        self, photo, model, face=None, crop=None, progress=None, landmarks=None, yaw=None, pitch=None, matte=None
    ):
        from inference.photo.open import open_photo

        self.asked.append({"face": face, "crop": crop} | ({} if matte is None else {"matte": matte}))
        self.by_hand = landmarks, yaw, pitch
        progress(0.5, "half")
        alignment = self.align(open_photo(photo), self.faces[face or 0], model)
        portrait = dataclasses.replace(analytic_portrait(texture=64), photo_name=os.path.basename(photo))
        return Inversion(portrait, alignment, {"warnings": self.warnings, "total_ms": 1.0})


@pytest.fixture
def engine(scene, monkeypatch):
    """The stand-in, installed behind the operators."""
    stand_in = Engine()
    alignment = part("inference.alignment.align")
    for name in ("find_faces", "align", "align_manually"):
        monkeypatch.setattr(alignment, name, getattr(stand_in, name), raising=False)
    pipeline = types.ModuleType("pipeline")
    pipeline.invert_photo = stand_in.invert_photo
    monkeypatch.setitem(sys.modules, f"{MODULE}.inference.pipeline", pipeline)
    monkeypatch.setattr(part("inference.alignment.listing"), "list_faces", stand_in.list_faces)
    mean = types.SimpleNamespace(geometry={"mean_landmarks": np.zeros((468, 3))})
    monkeypatch.setattr(part("operators.crop.crops"), "model", lambda options: mean)
    part("operators.crop.crops").forget_photos()
    return stand_in


@pytest.fixture
def photo(tmp_path):
    from PIL import Image

    path = tmp_path / "Grüße an Oma.jpg"
    ramp = np.linspace(0, 255, 600)[None, :, None] * np.ones((500, 1, 3))
    Image.fromarray(ramp.astype(np.uint8)).save(path, quality=95)
    return path


def imported(photo, **options):
    assert bpy.ops.portrait_manifolds.import_portrait(filepath=str(photo), **options) == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def counts():
    kinds = ("objects", "meshes", "images", "materials", "cameras")
    return {kind: len(getattr(bpy.data, kind)) for kind in kinds}


def test_import_makes_a_portrait_object(engine, photo):
    obj = imported(photo)
    settings = obj.portrait_manifolds
    assert settings.is_portrait and not settings.portrait_path
    assert obj.name == "Grüße an Oma" and obj.type == "EMPTY"
    assert tuple(settings.photo_size) == (600, 500) and len(settings.faces) == 2
    assert tuple(settings.pose) == pytest.approx((12.0, -3.0, 5.0))
    assert settings.crop_size == pytest.approx(512.0)
    assert tuple(part("operators.crop.crops").preview_of(obj).image_size) == (256, 256)
    second = imported(photo, face=1)
    assert second.portrait_manifolds.face == 1
    assert bpy.ops.portrait_manifolds.update_crop(face=0) == {"FINISHED"}
    assert second.portrait_manifolds.face == 0


def test_faces_are_listed_and_a_click_takes_one(engine, photo, tmp_path):
    """Score and size of each; the choice is kept by the file, and undone like any other."""
    obj = imported(photo)
    settings = obj.portrait_manifolds
    assert [(round(face.score, 2), face.eyes) for face in settings.faces] == [(0.9, 60.0), (0.7, 60.0)]
    settings.use_crop = True
    settings.face_row = 1  # what a click in the list sets
    assert settings.face == settings.face_row == 1 and not settings.use_crop
    assert tuple(settings.crop_centre) == pytest.approx((306.0, 306.0)), "the crop of that face"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    settings = bpy.data.objects["Grüße an Oma"].portrait_manifolds
    assert settings.face_row == 1 and len(settings.faces) == 2
    photo.unlink()
    settings.face_row = 0
    problem = part("operators.work.problems").shown()[0]
    assert "missing" in problem.text and problem.subject == "Grüße an Oma", "an error stays in the panel"
    part("operators.work.problems").forget()


def kept_doubts(obj):
    return [doubt.code for doubt in part("operators.state.doubts").doubts_of(obj.portrait_manifolds)]


def test_doubts_are_kept_with_the_portrait(engine, photo, tmp_path):
    """Those about the crop as soon as it is chosen, those of the report after the inversion, and after reloading."""
    engine.faces[0].score = 0.5
    obj = imported(photo)
    assert "unsure-face" in kept_doubts(obj)
    bpy.ops.portrait_manifolds.update_crop(face=1)
    assert "unsure-face" not in kept_doubts(obj)
    engine.warnings = [{"code": "tight-crop", "text": "30 % of the head lie outside\nof the photo"}, {"code": 3}]
    bpy.ops.portrait_manifolds.invert()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    (doubt,) = part("operators.state.doubts").doubts_of(bpy.data.objects["Grüße an Oma"].portrait_manifolds)
    assert doubt == ("tight-crop", "30 % of the head lie outside of the photo")
    for damaged in ("{", "3", '[{"code": 1, "text": 2}]', "[" * 100_000):
        bpy.data.objects["Grüße an Oma"].portrait_manifolds.doubts = damaged
        assert kept_doubts(bpy.data.objects["Grüße an Oma"]) == []


def test_doubts_of_a_finished_portrait_come_from_the_report_beside(scene, portrait_file, tmp_path):
    """Where it is about this portrait."""
    shutil.copy(portrait_file, tmp_path / "portrait.manifolds")
    report = {"photo": {"name": "sphere.jpg"}, "model": {"sha256": "0" * 64}}
    report["warnings"] = [{"code": "small-face", "text": "the face is small"}]
    (tmp_path / "report.json").write_text(json.dumps(report))
    assert kept_doubts(imported(tmp_path / "portrait.manifolds")) == ["small-face"]
    (tmp_path / "report.json").write_text(json.dumps(report | {"photo": {"name": "other.jpg"}}))
    assert kept_doubts(imported(tmp_path / "portrait.manifolds")) == []
    (tmp_path / "report.json").write_text("[" * 100_000)
    assert kept_doubts(imported(tmp_path / "portrait.manifolds")) == []


class Layout:
    """Stands in for a panel's layout: what is written into it, line by line."""

    def __init__(self):
        self.lines = []

    def label(self, text="", icon="NONE", **options):
        self.lines.append((icon, text))

    def box(self):
        return self

    column = row = lambda self, **options: self


def test_doubts_are_drawn_as_wrapped_sentences(extension):
    layout, doubts = Layout(), part("operators.state.doubts")
    context = types.SimpleNamespace(preferences=None, region=types.SimpleNamespace(width=260))
    sentence = "the face is turned by 40°; what the photo hides of it is guessed"
    part("ui.doubts").draw_doubts(layout, context, [doubts.Doubt("turned-face", sentence)] * 2)
    assert [icon for icon, _ in layout.lines].count("QUESTION") == 2 and len(layout.lines) == 4
    assert " ".join(text for _, text in layout.lines[: len(layout.lines) // 2]) == "T" + sentence[1:]
    assert max(len(text) for _, text in layout.lines) <= 260 / 6.5 - 8
    part("ui.doubts").draw_doubts(layout := Layout(), context, [])
    assert layout.lines == []


def test_import_of_a_finished_portrait(scene, portrait_file):
    """What a batch or the command line made."""
    obj = imported(portrait_file)
    settings = obj.portrait_manifolds
    assert obj.name == "sphere" and settings.model_id == "analytic" and tuple(settings.photo_size) == (800, 700)
    assert bpy.ops.portrait_manifolds.render_view() == {"FINISHED"}
    assert tuple(bpy.data.images["Portrait View"].size) == (256, 256), "without a camera it is the crop's"
    assert bpy.ops.portrait_manifolds.match_photo() == {"FINISHED"}
    assert bpy.ops.portrait_manifolds.render_view() == {"FINISHED"}
    assert tuple(bpy.data.images["Portrait View"].size) == (800, 700)
    with pytest.raises(RuntimeError, match="without its photo"):
        bpy.ops.portrait_manifolds.invert()


def test_no_face_asks_for_a_crop(engine, photo):
    engine.faces = []
    obj = imported(photo)
    assert obj.portrait_manifolds.use_crop and obj.portrait_manifolds.crop_size == pytest.approx(400.0)
    obj.portrait_manifolds.use_crop = False
    with pytest.raises(RuntimeError, match="Crop by Hand"):
        bpy.ops.portrait_manifolds.update_crop()
    obj.portrait_manifolds.use_crop = True
    obj.portrait_manifolds.crop_roll = 9.0
    assert bpy.ops.portrait_manifolds.update_crop() == {"FINISHED"}
    assert obj.portrait_manifolds.pose[2] == pytest.approx(9.0)


def test_invert_fills_the_portrait(engine, photo):
    obj = imported(photo, face=1)
    assert bpy.ops.portrait_manifolds.invert() == {"FINISHED"}
    assert engine.asked == [{"face": 1, "crop": None}]
    settings = obj.portrait_manifolds
    assert pathlib.Path(settings.portrait_path).is_file()
    assert os.environ["BLENDER_USER_RESOURCES"] in settings.portrait_path
    assert settings.model_id == "analytic" and json.loads(settings.report)["total_ms"] == 1.0
    settings.use_crop, settings.crop_centre, settings.crop_size = True, (300, 250), 300
    assert bpy.ops.portrait_manifolds.invert() == {"FINISHED"}
    assert engine.asked[1] == {"face": None, "crop": pytest.approx((300, 250, 300, settings.crop_roll))}


def framing():
    """What Invert leaves alone: camera, render size and aspect of the scene."""
    scene, render = bpy.context.scene, bpy.context.scene.render
    size = render.resolution_x, render.resolution_y, render.resolution_percentage
    return scene.camera, *size, render.pixel_aspect_x, render.pixel_aspect_y


@pytest.mark.parametrize("with_camera", [True, False])
def test_invert_leaves_the_scenes_camera_and_size(engine, photo, with_camera):
    """The camera is an offer, which comes without being made the scene's."""
    scene = bpy.context.scene
    if with_camera:
        scene.camera = bpy.data.objects.new("Mine", bpy.data.cameras.new("Mine"))
        scene.collection.objects.link(scene.camera)
    scene.render.resolution_x, scene.render.resolution_y, scene.render.pixel_aspect_y = 1920, 1080, 1.5
    before, cameras = framing(), len(bpy.data.cameras)
    obj = imported(photo)
    assert bpy.ops.portrait_manifolds.invert() == {"FINISHED"}
    assert framing() == before and len(bpy.data.cameras) == cameras
    assert bpy.ops.portrait_manifolds.add_camera() == {"FINISHED"}
    (added,) = (child for child in obj.children if child.type == "CAMERA")
    assert framing()[1:] == before[1:] and scene.camera == (before[0] or added)


@pytest.mark.parametrize("whole, size", [(True, (800, 700)), (False, (256, 256))])
def test_match_photo_sets_camera_and_size_and_undo_takes_it_back(engine, photo, whole, size):
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_percentage, scene.render.pixel_aspect_y = 1920, 50, 1.5
    obj = imported(photo)
    bpy.ops.portrait_manifolds.invert()
    bpy.ops.portrait_manifolds.add_camera(whole_photo=whole)
    (mine,) = (child for child in obj.children if child.type == "CAMERA")
    scene.camera = None
    bpy.ops.ed.undo_push(message="before")
    before = framing()
    assert bpy.ops.portrait_manifolds.match_photo(whole_photo=whole) == {"FINISHED"}
    assert framing() == (mine, *size, 100, 1.0, 1.0), "the camera that is there is taken"
    bpy.ops.ed.undo_push(message="matched")
    bpy.ops.ed.undo()
    assert framing() == before
    obj = bpy.data.objects["Grüße an Oma"]
    obj.children[0].location.x += 0.1
    bpy.context.view_layer.objects.active = obj
    assert bpy.ops.portrait_manifolds.match_photo(whole_photo=whole) == {"FINISHED"}
    assert len(obj.children) == 2 and bpy.context.scene.camera != obj.children[0], "one that was moved is the user's"


def test_whole_photo_camera_shows_the_photo(engine, photo):
    """The background picture is the file, and the camera's size the photo's."""
    obj = imported(photo)
    bpy.ops.portrait_manifolds.invert()
    assert bpy.ops.portrait_manifolds.add_camera(whole_photo=True) == {"FINISHED"}
    camera = bpy.context.scene.camera
    picture = camera.data.background_images[0].image
    assert camera.parent == obj and tuple(picture.size) == (600, 500) and camera.data.show_background_images
    assert picture.source == "FILE"


def test_photo_turned_by_exif_is_packed_upright(engine, photo, tmp_path):
    from PIL import Image

    path = tmp_path / "turned.jpg"
    with Image.open(photo) as image:
        exif = image.getexif()
        exif[0x0112] = 6
        image.save(path, exif=exif)
    obj = imported(path)
    assert tuple(obj.portrait_manifolds.photo_size) == (500, 600)
    bpy.ops.portrait_manifolds.invert()
    bpy.ops.portrait_manifolds.add_camera(whole_photo=True)
    picture = bpy.context.scene.camera.data.background_images[0].image
    assert tuple(picture.size) == (500, 600) and picture.packed_file is not None


def test_bad_photos_are_reports_and_leave_nothing(engine, tmp_path):
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.png").write_bytes(b"not a picture at all")
    (tmp_path / "folder.png").mkdir()
    before = counts()
    for name in ("empty.jpg", "text.png", "folder.png", "missing.jpg"):
        with pytest.raises(RuntimeError) as caught:
            bpy.ops.portrait_manifolds.import_portrait(filepath=str(tmp_path / name))
        text = str(caught.value).strip()
        assert text.startswith("Error: ") and "Traceback" not in text and "\n" not in text, text
    assert counts() == before


def test_bad_portrait_files_are_reports(scene, portrait_file, tmp_path):
    (tmp_path / "broken.manifolds").write_bytes(portrait_file.read_bytes()[:5000])
    obj = place(tmp_path / "broken.manifolds")
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    before = counts()
    for operator in ("render_view", "add_layers", "extract_mesh", "add_camera"):
        with pytest.raises(RuntimeError, match="not a readable portrait"):
            getattr(bpy.ops.portrait_manifolds, operator)()
    obj.portrait_manifolds.portrait_path = str(tmp_path / "gone.manifolds")
    with pytest.raises(RuntimeError, match="missing"):
        bpy.ops.portrait_manifolds.add_layers()
    assert counts() == before


def test_a_failed_step_leaves_nothing_half_made(portrait, monkeypatch):
    """Layers are linked only when all of them exist."""
    materials = part("operators.datablocks.materials")
    original, calls = materials.layer_material, []

    def fail_later(name, *looks):
        calls.append(name)
        if len(calls) == 4:
            raise MemoryError
        return original(name, *looks)

    monkeypatch.setattr(materials, "layer_material", fail_later)
    before = counts()
    with pytest.raises(RuntimeError, match="memory"):
        bpy.ops.portrait_manifolds.add_layers()
    assert counts() == before


def test_poll_says_what_is_needed(scene):
    for operator in ("render_view", "add_layers", "extract_mesh", "add_camera", "update_crop"):
        assert not getattr(bpy.ops.portrait_manifolds, operator).poll()
    with pytest.raises(RuntimeError, match="Select a portrait"):
        bpy.ops.portrait_manifolds.extract_mesh()
    with pytest.raises(RuntimeError, match="import a photo"):
        bpy.ops.portrait_manifolds.invert()
    with pytest.raises(RuntimeError, match="folder"):
        bpy.ops.portrait_manifolds.batch()


def test_save_and_reload_keep_the_portrait(engine, photo, tmp_path):
    """Saving moves the portrait beside the .blend; both can move together afterwards."""
    imported(photo)
    bpy.ops.portrait_manifolds.invert()
    home, moved = tmp_path / "home", tmp_path / "moved"
    home.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "scene.blend"))
    obj = bpy.data.objects["Grüße an Oma"]
    assert obj.portrait_manifolds.portrait_path.startswith("//scene_portraits/")
    shutil.move(home, moved)
    part("operators.state.loaded").forget()
    bpy.ops.wm.open_mainfile(filepath=str(moved / "scene.blend"))
    obj = bpy.data.objects["Grüße an Oma"]
    bpy.context.view_layer.objects.active = obj
    settings = obj.portrait_manifolds
    assert settings.is_portrait and settings.model_id == "analytic" and len(settings.faces) == 2
    assert bpy.ops.portrait_manifolds.render_view() == {"FINISHED"}
    copy = obj.copy()
    bpy.context.collection.objects.link(copy)
    assert part("operators.state.loaded").load(copy) is part("operators.state.loaded").load(obj)


def test_saving_a_copy_leaves_the_session_alone(engine, photo, tmp_path):
    obj = imported(photo)
    bpy.ops.portrait_manifolds.invert()
    for folder in ("own", "copies"):
        (tmp_path / folder).mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "own" / "scene.blend"))
    stored = obj.portrait_manifolds.portrait_path
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "copies" / "copy.blend"), copy=True)
    assert obj.portrait_manifolds.portrait_path == stored
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "copies" / "copy.blend"))
    copied = bpy.data.objects["Grüße an Oma"]
    assert copied.portrait_manifolds.portrait_path == "//../own/" + stored.removeprefix("//")
    assert part("operators.state.loaded").load(copied).model_id == "analytic"


def test_append_and_link_keep_the_portrait(engine, photo, tmp_path):
    imported(photo)
    bpy.ops.portrait_manifolds.invert()
    (tmp_path / "library").mkdir()
    library = str(tmp_path / "library" / "head.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    for link in (False, True):
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / f"user{link}.blend"))
        with bpy.data.libraries.load(library, link=link) as (_, wanted):
            wanted.objects = ["Grüße an Oma"]
        obj = wanted.objects[0]
        bpy.context.collection.objects.link(obj)
        part("operators.state.loaded").forget()
        assert part("operators.state.loaded").load(obj).model_id == "analytic"
        if link:
            bpy.context.view_layer.objects.active = obj
            with pytest.raises(RuntimeError, match="linked"):
                bpy.ops.portrait_manifolds.invert()


def test_batch_passes_the_options_on_and_reports(scene, monkeypatch, tmp_path):
    calls = []

    def run_batch(folder, out, progress=None, **options):
        calls.append((folder, out, options))
        progress(0.5, "half")
        item = types.SimpleNamespace
        return [item(name="a.jpg", status="done", error=""), item(name="b.jpg", status="failed", error="no face")]

    monkeypatch.setattr(part("inference.batch.run"), "run_batch", run_batch)
    result = bpy.ops.portrait_manifolds.batch(
        directory=str(tmp_path), out=str(tmp_path / "out"), mesh=True, views="-30, 0,30", workers=2
    )
    assert result == {"FINISHED"}
    _, _, options = calls[0]
    assert options["views"] == (-30.0, 0.0, 30.0) and options["mesh"] and options["workers"] == 2
    assert options["device"] == "auto" and options["model_path"] is None
    with pytest.raises(RuntimeError, match="Choose a folder"):
        bpy.ops.portrait_manifolds.batch()
    scene.portrait_manifolds.batch_folder, scene.portrait_manifolds.batch_out = str(tmp_path), str(tmp_path / "there")
    assert bpy.ops.portrait_manifolds.batch(mesh=False) == {"FINISHED"}
    assert [str(path) for path in calls[1][:2]] == [str(tmp_path), str(tmp_path / "there")], "the panel's folders"
    with pytest.raises(RuntimeError, match="degrees"):
        bpy.ops.portrait_manifolds.batch(directory=str(tmp_path), out=str(tmp_path), views="left")
    with pytest.raises(RuntimeError, match="no photos"):
        monkeypatch.undo()
        bpy.ops.portrait_manifolds.batch(directory=str(tmp_path), out=str(tmp_path))


def test_pictures_come_back_with_a_file(portrait):
    """What the panel's timer does after a file was loaded."""
    crops = part("operators.crop.crops")
    assert crops.preview_icon(portrait) == 0
    assert bpy.app.timers.is_registered(crops._make_preview)
    crops._make_preview()
    assert tuple(crops.preview_of(portrait).image_size) == (256, 256)
    crops.forget()
    assert not bpy.app.timers.is_registered(crops._make_preview)


def test_reports_do_not_overwrite_portraits(engine, photo):
    """Two inversions of one photo keep two files; the first object still loads its own."""
    first = imported(photo)
    bpy.ops.portrait_manifolds.invert()
    second = imported(photo)
    bpy.ops.portrait_manifolds.invert()
    paths = {obj.portrait_manifolds.portrait_path for obj in (first, second)}
    assert len(paths) == 2 and all(pathlib.Path(path).is_file() for path in paths)


def test_command_line_is_the_engines(extension, capsys):
    """`blender --command portrait_manifolds …` takes the engine's arguments and carries its exit code."""
    command = part("operators.service.command")
    assert command.run(["--help"]) == 0
    assert "invert" in capsys.readouterr().out
    assert command.run(["render", "nowhere.manifolds", "--out", "view.png"]) == 2
    assert command.run(["no-such-command"]) == 2


@pytest.mark.parametrize("place, hint", [("ours", "install the extension's zip"), ("elsewhere", "did not come with")])
def test_a_broken_library_is_named_with_its_path(scene, monkeypatch, tmp_path, place, hint):
    """Another program's library that Python finds first is not blamed on the extension."""
    folder = tmp_path / "site-packages"
    if place == "ours":
        folder = pathlib.Path(os.environ["BLENDER_USER_RESOURCES"], "extensions", ".local", "lib", "site-packages")
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / f"broken_{place}.py"
    library.write_text("raise ImportError('lib.so: no such file')")
    monkeypatch.syspath_prepend(str(folder))
    with pytest.raises(ImportError) as caught:
        __import__(library.stem)
    said = part("operators.work.operator").error_text(caught.value)
    assert str(library) in said and hint in said and "no such file" in said
    with pytest.raises(ImportError) as caught:
        __import__("no_such_library")
    assert "is missing" in part("operators.work.operator").error_text(caught.value)
