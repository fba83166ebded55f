"""A portrait survives whatever happens to its .blend: saving, moving, packing, appending, linking, overriding, undo."""

import json
import os
import pathlib
import shutil
import zipfile

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from .conftest import part, place  # noqa: E402
from .test_operators import engine, imported, photo  # noqa: E402, F401

operators = bpy.ops.portrait_manifolds


def blank(blend=None):
    """A new empty file, saved if a path is given; nothing of the old one stays in memory."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    part("operators.state.loaded").forget()
    if blend:
        blend.parent.mkdir(parents=True, exist_ok=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(blend))


def bring(library, link, name="Ball"):
    """Append or link the portrait object of another .blend."""
    with bpy.data.libraries.load(str(library), link=link) as (_, wanted):
        wanted.objects = [name]
    obj = wanted.objects[0]
    bpy.context.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    return obj


def kinds(obj):
    part("operators.state.health").forget()
    return [finding.kind for finding in part("operators.state.health").findings(obj)]


def loads(obj):
    return part("operators.state.loaded").load(obj).model_id == "analytic"


@pytest.fixture
def with_photo(scene, portrait_file, tmp_path):
    """A portrait with its photo, 800 x 700, in a folder of its own."""
    from PIL import Image

    folder = tmp_path / "source"
    folder.mkdir()
    ramp = np.linspace(0, 255, 800)[None, :, None] * np.ones((700, 1, 3))
    image = Image.fromarray(ramp.astype(np.uint8))
    exif = image.getexif()
    exif[0x010E] = "secret place"
    image.save(folder / "sphere.jpg", exif=exif)
    shutil.copy(portrait_file, folder / "ball.manifolds")
    obj = place(folder / "ball.manifolds")
    settings = obj.portrait_manifolds
    part("operators.state.portrait_files").keep_photo(obj, folder / "sphere.jpg")
    settings.photo_size, settings.model_id, settings.model_sha256 = (800, 700), "analytic", "0" * 64
    obj.select_set(True)
    return obj


@pytest.fixture
def no_model_check(monkeypatch, extension):
    """As if the model that made the test's portraits were installed."""
    monkeypatch.setattr(part("operators.state.health"), "installed_model", lambda folder=None: ("analytic", "0" * 64))


@pytest.mark.parametrize("packed", [False, True])
def test_moved_blend(with_photo, no_model_check, tmp_path, packed):
    """Packed, the .blend alone is enough; else it moves together with the folder beside it."""
    bpy.context.scene.portrait_manifolds.pack = packed
    home = tmp_path / "source"
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "scene.blend"))
    moved = tmp_path / "moved"
    if packed:
        moved.mkdir()
        shutil.move(home / "scene.blend", moved)
        shutil.rmtree(home)
    else:
        shutil.move(home, moved)
    blank()
    shutil.rmtree(part("operators.state.folders").user_folder() / "unpacked", ignore_errors=True)
    bpy.ops.wm.open_mainfile(filepath=str(moved / "scene.blend"))
    obj = bpy.data.objects["Ball"]
    bpy.context.view_layer.objects.active = obj
    assert loads(obj) and kinds(obj) == []
    from inference.photo.open import open_photo

    pixels = open_photo(part("operators.state.portrait_files").photo_of(obj))
    assert pixels.shape == (700, 800, 3)
    assert operators.add_camera(whole_photo=True) == {"FINISHED"}


def test_packing_drops_the_photos_metadata_and_keeps_its_pixels(with_photo, tmp_path):
    from PIL import Image

    from inference.photo.open import open_photo

    portraits = part("operators.state.portrait_files")
    before = open_photo(portraits.photo_of(with_photo))
    assert operators.pack() == {"FINISHED"}
    text = with_photo.portrait_manifolds.packed
    assert b"secret" in (tmp_path / "source" / "sphere.jpg").read_bytes() and b"secret" not in text["photo"]
    path = portraits.photo_of(with_photo)
    assert not dict(Image.open(path).getexif())
    assert np.array_equal(open_photo(path), before)
    with pytest.raises(RuntimeError, match="nothing to pack"):
        operators.pack()


def test_unpack_writes_the_same_bytes_beside(with_photo, portrait_file, tmp_path):
    operators.pack()
    (tmp_path / "other").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "other" / "scene.blend"))
    shutil.rmtree(tmp_path / "source")
    assert operators.unpack() == {"FINISHED"}
    settings = with_photo.portrait_manifolds
    assert settings.packed is None and not bpy.data.texts
    assert settings.portrait_path.startswith("//scene_portraits/")
    written = pathlib.Path(bpy.path.abspath(settings.portrait_path))
    assert written.read_bytes() == portrait_file.read_bytes()
    assert pathlib.Path(bpy.path.abspath(settings.photo_path)).is_file() and loads(with_photo)
    with pytest.raises(RuntimeError, match="nothing packed"):
        operators.unpack()


def test_duplicates_share_what_is_packed(with_photo):
    operators.pack()
    copy = with_photo.copy()
    bpy.context.collection.objects.link(copy)
    assert copy.portrait_manifolds.packed == with_photo.portrait_manifolds.packed
    other = place(part("operators.state.portrait_files").file_of(with_photo), "Other")
    with_photo.select_set(False)
    assert operators.pack(photo=False) == {"FINISHED"}
    assert len(bpy.data.texts) == 2, "the other one has no photo"
    third = place(part("operators.state.portrait_files").file_of(other), "Third")
    assert operators.pack(photo=False) == {"FINISHED"}
    assert third.portrait_manifolds.packed == other.portrait_manifolds.packed and len(bpy.data.texts) == 2


def test_hostile_packed_data_is_refused(with_photo, no_model_check, tmp_path):
    """A hash that is a path, a hash that is another's, a newer format: an error, and no file is written."""
    operators.pack()
    text = with_photo.portrait_manifolds.packed
    shutil.rmtree(part("operators.state.folders").user_folder() / "unpacked", ignore_errors=True)
    good = text["portrait_sha256"]
    for bad in ("../../../../tmp/evil", "0" * 64, 7):
        text["portrait_sha256"] = bad
        with pytest.raises(RuntimeError, match="damaged"):
            operators.extract_mesh()
        assert kinds(with_photo) == ["damaged"]
    text["portrait_sha256"], text["format"] = good, 2
    with pytest.raises(RuntimeError, match="newer version"):
        operators.extract_mesh()
    assert kinds(with_photo) == ["newer"]
    assert not list((part("operators.state.folders").user_folder()).glob("unpacked/*.manifolds"))


def test_inverting_again_replaces_what_is_packed(engine, photo):  # noqa: F811
    obj = imported(photo)
    operators.invert()
    operators.pack()
    obj.portrait_manifolds.use_crop, obj.portrait_manifolds.crop_size = True, 300.0
    operators.refine()
    packed = obj.portrait_manifolds.packed
    assert "portrait" not in packed and "photo" in packed and len(bpy.data.texts) == 1
    part("operators.state.loaded").forget()
    assert loads(obj)
    operators.pack()
    assert "portrait" in obj.portrait_manifolds.packed and len(bpy.data.texts) == 1


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("link", [False, True])
def test_append_and_link_from_a_moved_library(with_photo, no_model_check, tmp_path, link, packed):
    """The library was moved together with its files since it was saved."""
    if packed:
        operators.pack()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "source" / "library.blend"))
    shutil.move(tmp_path / "source", tmp_path / "elsewhere")
    blank(tmp_path / "user" / "user.blend")
    obj = bring(tmp_path / "elsewhere" / "library.blend", link)
    if not packed and not link and not hasattr(bpy.app.handlers, "blend_import_post"):
        pytest.skip("Blender says what was appended from 4.3 on")
    assert loads(obj) and kinds(obj) == []
    assert pathlib.Path(part("operators.state.portrait_files").photo_of(obj)).is_file()
    bpy.ops.wm.save_mainfile()
    part("operators.state.loaded").forget()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "user" / "user.blend"))
    assert loads(bpy.data.objects["Ball"]) and kinds(bpy.data.objects["Ball"]) == []


def test_library_override(with_photo, no_model_check, tmp_path):
    """An override finds the library's files, keeps its own settings, and can get a portrait of its own."""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "source" / "library.blend"))
    blank(tmp_path / "user" / "user.blend")
    linked = bring(tmp_path / "source" / "library.blend", link=True)
    with pytest.raises(RuntimeError, match="library override"):
        operators.relink(filepath=str(tmp_path / "source" / "ball.manifolds"))
    override = linked.override_create(remap_local_usages=True)
    override.portrait_manifolds.show_background = True
    inherited = override.portrait_manifolds.portrait_path
    assert loads(override) and kinds(override) == []

    def reopen():
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "user" / "user.blend"))
        part("operators.state.loaded").forget()
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "user" / "user.blend"))
        return next(obj for obj in bpy.data.objects if obj.override_library is not None)

    override = reopen()
    settings = override.portrait_manifolds
    assert settings.show_background and settings.portrait_path == inherited and loads(override)
    bpy.context.view_layer.objects.active = override
    own = tmp_path / "user" / "own.manifolds"
    shutil.copy(tmp_path / "source" / "ball.manifolds", own)
    assert operators.relink(filepath=str(own)) == {"FINISHED"}
    override = reopen()
    assert pathlib.Path(part("operators.state.portrait_files").file_of(override)) == own and loads(override)


def test_rename_keeps_portrait_and_picture(with_photo):
    crops = part("operators.crop.crops")
    crops.preview_icon(with_photo)
    crops._make_preview()
    picture = crops.preview_of(with_photo)
    with_photo.name = "Renamed"
    assert picture is not None and crops.preview_of(with_photo) == picture and loads(with_photo)


def test_a_photo_that_was_not_inverted_has_a_picture_after_reopening(engine, photo, tmp_path):  # noqa: F811
    imported(photo)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    part("operators.crop.crops").forget()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    obj, crops = bpy.data.objects["Grüße an Oma"], part("operators.crop.crops")
    assert crops.preview_icon(obj) == 0
    crops._make_preview()
    assert tuple(crops.preview_of(obj).image_size) == (256, 256)


def test_what_is_missing_is_said_and_found_again(with_photo, no_model_check, tmp_path):
    """Files moved to another folder: the panel names them, one search brings them all back."""
    second = place(tmp_path / "source" / "ball.manifolds", "Second")
    (tmp_path / "new" / "deep").mkdir(parents=True)
    for file in (tmp_path / "source").iterdir():
        shutil.move(file, tmp_path / "new" / "deep")
    assert kinds(with_photo) == ["missing", "photo"] and kinds(second) == ["missing"]
    health = part("operators.state.health")
    assert all(finding.operator == "portrait_manifolds.relink" for finding in health.findings(second))
    bpy.context.view_layer.objects.active = with_photo
    (tmp_path / "empty").mkdir()
    with pytest.raises(RuntimeError, match="No missing file"):
        operators.relink(filepath=str(tmp_path / "empty"))
    assert operators.relink(filepath=str(tmp_path / "new")) == {"FINISHED"}
    assert kinds(with_photo) == [] and kinds(second) == [] and loads(second)


def test_relink_takes_only_what_fits(with_photo, no_model_check, tmp_path):
    """Another person's portrait of the same name is not taken in a search; a photo of another size is refused."""
    from PIL import Image

    from inference.portrait import save_portrait
    from tests.portraits import analytic_portrait

    other = tmp_path / "other"
    other.mkdir()
    import dataclasses

    save_portrait(dataclasses.replace(analytic_portrait(texture=64), model_sha256="1" * 64), other / "ball.manifolds")
    Image.new("RGB", (640, 480)).save(other / "sphere.jpg")
    (other / "notes.txt").write_text("no")
    os.unlink(tmp_path / "source" / "ball.manifolds")
    with pytest.raises(RuntimeError, match="No missing file"):
        operators.relink(filepath=str(other))
    with pytest.raises(RuntimeError, match="640 × 480"):
        operators.relink(filepath=str(other / "sphere.jpg"))
    with pytest.raises(RuntimeError, match="neither a photo nor a portrait"):
        operators.relink(filepath=str(other / "notes.txt"))
    assert operators.relink(filepath=str(other / "ball.manifolds")) == {"FINISHED"}, "the user may insist"
    assert with_photo.portrait_manifolds.model_sha256 == "1" * 64


def test_a_newer_or_damaged_file_is_said(with_photo, no_model_check, tmp_path):
    path = tmp_path / "source" / "ball.manifolds"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = json.loads(members["portrait.json"]) | {"format_version": 99}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (members | {"portrait.json": json.dumps(header)}).items():
            archive.writestr(name, data)
    assert kinds(with_photo) == ["newer"]
    with pytest.raises(RuntimeError, match="newer version"):
        operators.add_layers()
    path.write_bytes(b"PK not a zip")
    assert kinds(with_photo) == ["damaged"]


def test_a_missing_model_is_said_and_relinked(with_photo, tmp_path):
    from tests.fakes import write_model

    health, preferences = part("operators.state.health"), part("operators.state.options").preferences()
    assert health.installed_model() is not None
    assert kinds(with_photo) == ["model"], "the portrait was made by another model than the one that ships"
    wrong, right = write_model(tmp_path / "wrong", id="wrong"), write_model(tmp_path / "right", {"more.txt": b"1"})
    with_photo.portrait_manifolds.model_sha256 = health.installed_model(right)[1]
    with pytest.raises(RuntimeError, match="holds the model wrong"):
        operators.relink_model(directory=str(wrong))
    assert preferences.model_path == ""
    try:
        assert operators.relink_model(directory=str(right)) == {"FINISHED"}
        assert pathlib.Path(preferences.model_path) == right and kinds(with_photo) == []
    finally:
        preferences.model_path = ""


def test_undo_and_redo_of_each_step(engine, photo, tmp_path):  # noqa: F811
    """The path of the work, undone step by step and done again, leaves the scene as it was each time."""
    bpy.ops.ed.undo_push(message="start")

    def state():
        objects = {}
        for obj in bpy.data.objects:
            settings = obj.portrait_manifolds
            values = settings.portrait_path, settings.packed and settings.packed.name, round(settings.crop_size)
            objects[obj.name] = (*values, settings.use_crop, settings.show_background, len(obj.children))
        return objects, sorted(image.name for image in bpy.data.images), bpy.context.scene.camera

    def step(name, **options):
        portrait = bpy.data.objects.get("Grüße an Oma")
        if portrait is not None:
            bpy.context.view_layer.objects.active = portrait
        assert getattr(operators, name)(**options) == {"FINISHED"}, name
        bpy.ops.ed.undo_push(message=name)
        return str(state())

    states = [str(state())]
    steps = [
        ("import_portrait", {"filepath": str(photo)}),
        ("update_crop", {"face": 1}),
        ("invert", {}),
        ("adjust_crop", {"centre": (300, 250), "size": 280.0, "roll": 5.0}),
        ("refine", {}),
        ("add_camera", {"whole_photo": False}),
        ("match_photo", {}),
        ("add_turntable", {}),
        ("add_dolly_zoom", {}),
        ("toggle_background", {}),
        ("compare", {"size": 64}),
        ("add_layers", {}),
        ("extract_mesh", {"resolution": 48}),
        ("pack", {}),
        ("unpack", {}),
    ]
    for name, options in steps:
        states.append(step(name, **options))
    for index in range(len(steps) - 1, -1, -1):
        assert bpy.ops.ed.undo() == {"FINISHED"}
        assert str(state()) == states[index], f"undo of {steps[index][0]}"
    for index in range(len(steps)):
        assert bpy.ops.ed.redo() == {"FINISHED"}
        assert str(state()) == states[index + 1], f"redo of {steps[index][0]}"
    bpy.context.view_layer.objects.active = bpy.data.objects["Grüße an Oma"]
    assert operators.render_view() == {"FINISHED"}


def test_portraits_are_ready_when_a_file_is_opened(portrait, tmp_path, monkeypatch):
    """Where the engine will draw them; what is missing is left alone."""
    place(tmp_path / "gone.manifolds", "Gone")
    threads, loaded = [], part("operators.state.loaded")
    warm_up = loaded.warm_up
    monkeypatch.setattr(loaded, "warm_up", lambda paths: threads.append(warm_up(paths)))
    for engine_name, count in (("CYCLES", 0), ("PORTRAIT_MANIFOLDS", 1)):
        bpy.context.scene.render.engine = engine_name
        path = tmp_path / f"{engine_name}.blend"
        bpy.ops.wm.save_as_mainfile(filepath=str(path))
        loaded.forget()
        bpy.ops.wm.open_mainfile(filepath=str(path))
        assert len(threads) == count
    threads[0].join(30)
    assert len(loaded._cache) == 1
    obj = bpy.data.objects["Ball"]
    monkeypatch.setattr(part("inference.portrait"), "load_portrait", None)  # whoever reads it again fails
    assert loaded.load(obj).textures.shape[0] == 24
