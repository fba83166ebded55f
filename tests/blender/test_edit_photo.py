"""Edit Photo and Apply Edit: what is painted on the crop goes to the engine with the portrait it belongs to."""

import dataclasses
import sys
import types

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from inference.photo.warp import rescaled, warp_to_crop  # noqa: E402
from inference.portrait import load_portrait, save_portrait  # noqa: E402
from tests.portraits import analytic_portrait  # noqa: E402

from .conftest import MODULE, part, place  # noqa: E402

TO_PHOTO = np.array([[2.0, 0.0, 40.0], [0.0, 2.0, 30.0]])


class Engine:
    """Stands in for the networks; remembers what it was asked."""

    def __init__(self):
        self.asked, self.error = [], None

    def invert_photo(self, photo, model, progress, matte, like, crop_to_picture):
        progress(0.5, "half")
        if self.error is not None:
            raise self.error
        self.asked.append((photo, matte, like, crop_to_picture))
        portrait = dataclasses.replace(like, settings={"edited": True})
        return types.SimpleNamespace(portrait=portrait, alignment=None, report={"warnings": []})


@pytest.fixture
def engine(scene, monkeypatch):
    stand_in = Engine()
    pipeline = types.ModuleType("pipeline")
    pipeline.invert_photo = stand_in.invert_photo
    monkeypatch.setitem(sys.modules, f"{MODULE}.inference.pipeline", pipeline)
    monkeypatch.setattr(part("operators.crop.crops"), "model", lambda options: None)
    return stand_in


@pytest.fixture
def photo(tmp_path):
    from PIL import Image

    pixels = np.random.default_rng(1).integers(0, 255, (700, 600, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def obj(engine, photo, tmp_path):
    """A portrait object with its photo, whose crop shows two photo pixels per pixel."""
    portrait = dataclasses.replace(analytic_portrait(texture=64), crop_to_photo=TO_PHOTO, photo_size=(600, 700))
    save_portrait(portrait, tmp_path / "portrait.manifolds")
    obj = place(tmp_path / "portrait.manifolds", "Anna")
    obj.portrait_manifolds.photo_path = str(photo)
    return obj


def edit(obj):
    assert bpy.ops.portrait_manifolds.edit_photo() == {"FINISHED"}
    return obj.portrait_manifolds.edit


def paint(image, colour=(1.0, 0.0, 0.0, 1.0)):
    """A square in the crop's upper left quarter, as a brush would."""
    width, height = image.size
    pixels = np.array(image.pixels[:], np.float32).reshape(height, width, 4)
    pixels[height // 2 + 16 : -16, 16 : width // 2 - 16] = colour
    image.pixels.foreach_set(pixels.ravel())
    image.update()


def test_the_crop_is_opened_at_the_photos_own_scale(obj, photo):
    image = edit(obj)
    crop = warp_to_crop(part("inference.photo.open").open_photo(photo), rescaled(TO_PHOTO, 512), 512)
    found = part("operators.datablocks.images").get_pixels(image)
    assert np.array_equal(np.rint(255 * found[..., :3]), crop) and found[..., 3].min() == 1.0
    assert image.packed_file is not None and not image.filepath


def test_what_was_painted_is_inverted_with_the_portraits_camera(obj, engine, photo):
    before, bytes_before = obj.portrait_manifolds.portrait_path, photo.read_bytes()
    paint(edit(obj))
    assert bpy.ops.portrait_manifolds.apply_edit() == {"FINISHED"}
    ((pixels, matte, like, crop_to_picture),) = engine.asked
    assert matte is None and pixels.shape == (512, 512, 4) and pixels.dtype == np.uint8
    assert (pixels[16:240, 16:240] == (255, 0, 0, 255)).all() and not (pixels[300:, :, :3] == (255, 0, 0)).all()
    assert np.array_equal(like.textures, load_portrait(before).textures)
    np.testing.assert_allclose(crop_to_picture, [[2, 0, 0], [0, 2, 0]], atol=1e-12)
    after = obj.portrait_manifolds.portrait_path
    assert after != before and load_portrait(after).settings == {"edited": True}
    assert photo.read_bytes() == bytes_before


def test_undo_brings_the_former_portrait_back(obj, engine):
    before = obj.portrait_manifolds.portrait_path
    paint(edit(obj))
    bpy.ops.portrait_manifolds.apply_edit()
    after = bpy.data.objects["Anna"].portrait_manifolds.portrait_path
    bpy.ops.ed.undo()
    assert bpy.data.objects["Anna"].portrait_manifolds.portrait_path == before
    bpy.ops.ed.redo()
    assert bpy.data.objects["Anna"].portrait_manifolds.portrait_path == after


@pytest.mark.parametrize("kind", [RuntimeError, MemoryError, "Cancelled"])
def test_a_failure_leaves_all_as_it_was(obj, engine, kind):
    cancelled = kind == "Cancelled"
    settings, folder = obj.portrait_manifolds, part("operators.state.folders").storage_folder()
    image = edit(obj)
    paint(image)
    painted = np.array(image.pixels[:])
    before = settings.portrait_path, settings.report, settings.landmarks, sorted(folder.glob("*"))
    engine.error = (part("inference.errors").Cancelled if cancelled else kind)("boom")
    if cancelled:
        assert bpy.ops.portrait_manifolds.apply_edit() == {"CANCELLED"}
    else:
        with pytest.raises(RuntimeError, match=r"^Error: [^\n]+\n?$"):
            bpy.ops.portrait_manifolds.apply_edit()
    assert (settings.portrait_path, settings.report, settings.landmarks, sorted(folder.glob("*"))) == before
    assert settings.edit == image and np.array_equal(np.array(image.pixels[:]), painted)
    engine.error = None
    assert bpy.ops.portrait_manifolds.apply_edit() == {"FINISHED"}


def test_painting_goes_on_where_it_was_left_unless_the_crop_is_another(obj, engine, tmp_path):
    image = edit(obj)
    paint(image)
    bpy.ops.portrait_manifolds.apply_edit()
    assert edit(obj) == image and image.pixels[4 * (300 * 512 + 40)] == 1.0, "Edit Photo undid what was painted"
    portrait = load_portrait(obj.portrait_manifolds.portrait_path)
    save_portrait(dataclasses.replace(portrait, crop_to_photo=TO_PHOTO + 1), tmp_path / "other.manifolds")
    obj.portrait_manifolds.portrait_path = str(tmp_path / "other.manifolds")
    assert edit(obj) != image


def test_what_was_painted_is_kept_in_the_blend(obj, tmp_path):
    paint(edit(obj))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    image = bpy.data.objects["Anna"].portrait_manifolds.edit
    pixels = part("operators.datablocks.images").get_pixels(image)
    assert (pixels[16:240, 16:240] == (1, 0, 0, 1)).all()


def test_without_the_photo_the_portraits_own_crop_is_painted_on(obj):
    obj.portrait_manifolds.photo_path = "//gone.png"
    image = edit(obj)
    crop = load_portrait(obj.portrait_manifolds.portrait_path).crop
    found = part("operators.datablocks.images").get_pixels(image)
    assert np.array_equal(np.rint(255 * found[..., :3]), crop)


def test_a_cut_out_stays_one(obj, photo):
    from PIL import Image

    pixels = np.full((700, 600, 4), 200, np.uint8)
    pixels[..., 3] = np.where(np.arange(600) < 300, 255, 0)
    Image.fromarray(pixels).save(photo)
    found = part("operators.datablocks.images").get_pixels(edit(obj))
    assert found[:, :250, 3].min() == 1.0 and found[:, 270:, 3].max() == 0.0


def test_any_square_picture_can_be_chosen(obj, engine):
    settings = obj.portrait_manifolds
    settings.edit = bpy.data.images.new("Retouched", 700, 700)
    chosen = settings.edit
    assert edit(obj) == chosen
    assert bpy.ops.portrait_manifolds.apply_edit() == {"FINISHED"}
    assert engine.asked[0][0].shape == (700, 700, 4)
    for options in ({"width": 64, "height": 48}, {"width": 64, "height": 64, "float_buffer": True}):
        settings.edit = bpy.data.images.new("Wrong", **options)
        with pytest.raises(RuntimeError, match="is no square image"):
            bpy.ops.portrait_manifolds.apply_edit()


def test_there_must_be_something_to_apply(obj):
    assert not bpy.ops.portrait_manifolds.apply_edit.poll()
    edit(obj)
    assert bpy.ops.portrait_manifolds.apply_edit.poll()


def test_one_portrait_is_made_anew_only_once_at_a_time(obj, engine):
    jobs, reference = part("operators.work.jobs"), part("operators.state.portrait").reference
    edit(obj)
    waiting = jobs.Job(None, part("operators.language.strings").INVERT.label, "Anna", reference(obj))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs.queue, "pending", lambda: [waiting])
        with pytest.raises(RuntimeError, match="already being inverted"):
            bpy.ops.portrait_manifolds.apply_edit()
        waiting.title = part("operators.language.strings").APPLY_EDIT.label
        with pytest.raises(RuntimeError, match="already being inverted"):
            bpy.ops.portrait_manifolds.invert()
