"""Errors stay in the panel with buttons; each button repairs what its error complains about."""

import os
import types

import pytest

bpy = pytest.importorskip("bpy")

from .conftest import part  # noqa: E402
from .test_operators import counts, engine, imported, photo  # noqa: E402, F401


class Layout:
    """As much of a UILayout as a problem needs: remembers labels and buttons."""

    def __init__(self, root=None):
        self.root = root or self
        if root is None:
            self.labels, self.buttons = [], []

    def box(self, **options):
        return Layout(self.root)

    row = column = split = box

    def prop(self, data, name, **options):
        assert name in data.bl_rna.properties

    def label(self, text="", **options):
        self.root.labels.append(text)

    def operator(self, idname, text="", **options):
        properties = types.SimpleNamespace()
        self.root.buttons.append((idname, text, properties))
        return properties


@pytest.fixture(autouse=True)
def no_problems(extension):
    part("operators.work.problems").forget()
    yield
    part("operators.work.problems").forget()


def shown():
    return part("operators.work.problems").shown()


def press(problem, idname):
    """Draw a problem and press one of its buttons, as a user does."""
    layout = Layout()
    problem.draw(layout)
    assert any(problem.what in text for text in layout.labels)
    drawn = "".join("".join(layout.labels).split())
    assert "".join(problem.text[1:].split()) in drawn, "the whole message is shown"
    properties = next(properties for name, _, properties in layout.buttons if name == idname)
    return getattr(bpy.ops.portrait_manifolds, idname.partition(".")[2])("EXEC_DEFAULT", **vars(properties))


def test_every_button_exists(extension):
    errors, problems = part("inference.errors"), part("operators.work.problems")
    kinds = [errors.PhotoUnusable, errors.FaceUnusable, errors.ModelUnusable, errors.FolderUnusable, KeyError]
    for kind in kinds:
        for subject in ("", "Anna"):
            found = problems.repairs(kind("reason"), subject)
            assert found, kind
            for repair in found:
                assert repair.text
                rna = getattr(bpy.ops.portrait_manifolds, repair.operator.partition(".")[2]).get_rna_type()
                assert set(repair.options) <= set(rna.properties.keys()), repair
    assert problems.repairs(errors.PortraitError("only words help")) == []


def test_no_face_leads_to_the_crop_by_hand(engine, photo):  # noqa: F811
    obj = imported(photo)
    engine.faces = []
    part("operators.crop.crops").forget_photos()
    obj.portrait_manifolds.faces.clear()
    with pytest.raises(RuntimeError, match="no face was found"):
        bpy.ops.portrait_manifolds.update_crop()
    (problem,) = shown()
    assert problem.subject == obj.name
    assert press(problem, "portrait_manifolds.crop_by_hand") == {"FINISHED"}
    assert shown() == ()
    settings = obj.portrait_manifolds
    assert settings.use_crop and tuple(settings.crop_centre) == (300, 250) and settings.crop_size == 400
    assert bpy.ops.portrait_manifolds.update_crop() == {"FINISHED"}


def test_the_first_crop_by_hand_is_around_the_face(engine, photo):  # noqa: F811
    obj = imported(photo)
    assert bpy.ops.portrait_manifolds.crop_by_hand(portrait=obj.name) == {"FINISHED"}
    settings = obj.portrait_manifolds
    left, top, right, bottom = settings.faces[0].box
    assert tuple(settings.crop_centre) == ((left + right) / 2, (top + bottom) / 2)
    assert settings.crop_size == pytest.approx(2.2 * (bottom - top))


def test_a_face_that_cannot_be_aligned_is_imported_for_a_crop_by_hand(engine, photo, monkeypatch):  # noqa: F811
    def align(photo, face, model, yaw, pitch):
        raise part("inference.errors").FaceUnusable("the face is turned too far away; set the crop by hand")

    monkeypatch.setattr(part("inference.alignment.align"), "align", align)
    obj = imported(photo)
    assert obj.portrait_manifolds.use_crop and len(obj.portrait_manifolds.faces) == 2
    assert bpy.ops.portrait_manifolds.update_crop() == {"FINISHED"}


def test_a_missing_photo_is_chosen_again(engine, photo, tmp_path):  # noqa: F811
    obj = imported(photo)
    other = imported(photo)  # active now; the button must work on the first
    moved = tmp_path / "moved" / "anna.jpg"
    moved.parent.mkdir()
    os.rename(photo, moved)
    bpy.context.view_layer.objects.active = obj
    with pytest.raises(RuntimeError, match="is missing"):
        bpy.ops.portrait_manifolds.invert()
    (problem,) = shown()
    bpy.context.view_layer.objects.active = other
    problem.repairs[0].options["filepath"] = str(moved)  # what the file browser adds
    assert press(problem, "portrait_manifolds.choose_photo") == {"FINISHED"}
    assert obj.portrait_manifolds.photo_path == str(moved) and other.portrait_manifolds.photo_path == str(photo)
    assert shown() == ()
    assert bpy.context.view_layer.objects.active == obj and bpy.ops.portrait_manifolds.invert() == {"FINISHED"}


def test_choosing_what_is_no_photo_changes_nothing(engine, photo, tmp_path):  # noqa: F811
    obj = imported(photo)
    (tmp_path / "text.png").write_bytes(b"not a picture")
    before = {name: str(getattr(obj.portrait_manifolds, name)) for name in ("photo_path", "face", "use_crop")}
    with pytest.raises(RuntimeError, match="not a picture"):
        bpy.ops.portrait_manifolds.choose_photo(portrait=obj.name, filepath=str(tmp_path / "text.png"))
    assert {name: str(getattr(obj.portrait_manifolds, name)) for name in before} == before
    assert len(obj.portrait_manifolds.faces) == 2


def test_a_broken_model_leads_back_to_the_built_in_one(scene, photo, tmp_path):  # noqa: F811
    preferences = part("operators.state.options").preferences()
    (tmp_path / "card.json").write_text("{")
    preferences.model_path, preferences.device = str(tmp_path), "cpu"
    try:
        before = counts()
        with pytest.raises(RuntimeError, match="model card"):
            bpy.ops.portrait_manifolds.import_portrait(filepath=str(photo))
        assert counts() == before
        (problem,) = shown()
        assert "portrait_manifolds.open_preferences" in [repair.operator for repair in problem.repairs]
        assert press(problem, "portrait_manifolds.use_built_in") == {"FINISHED"}
        assert preferences.model_path == "" and preferences.device == "auto" and shown() == ()
        assert bpy.ops.portrait_manifolds.import_portrait(filepath=str(photo)) == {"FINISHED"}
    finally:
        preferences.model_path, preferences.device = "", "auto"


def test_a_device_that_is_not_there(scene, photo):  # noqa: F811
    preferences = part("operators.state.options").preferences()
    preferences.device = "coreml"
    try:
        with pytest.raises(RuntimeError, match="coreml is not available"):
            bpy.ops.portrait_manifolds.import_portrait(filepath=str(photo))
        assert press(shown()[0], "portrait_manifolds.use_built_in") == {"FINISHED"}
        assert preferences.device == "auto"
    finally:
        preferences.device = "auto"


def test_success_takes_the_problem_away_and_so_does_the_cross(engine, photo, tmp_path):  # noqa: F811
    problems = part("operators.work.problems")
    with pytest.raises(RuntimeError, match="no photo"):
        bpy.ops.portrait_manifolds.import_portrait(filepath=str(tmp_path / "nowhere.png"))
    assert len(shown()) == 1
    imported(photo)
    assert shown() == ()
    for name in "abcd":
        problems.note(problems.Problem("Test", KeyError(name), name, name))
    assert [problem.subject for problem in shown()] == ["d", "c", "b"]
    assert press(shown()[0], "portrait_manifolds.dismiss_problem") == {"FINISHED"}
    assert [problem.subject for problem in shown()] == ["c", "b"]


def test_diagnostics_help_and_tell_no_secret(scene, monkeypatch):
    problems = part("operators.work.problems")
    try:
        raise KeyError("levels")
    except KeyError as error:
        problems.note(problems.Problem("Invert", error, "Unexpected KeyError: levels"))
    monkeypatch.setenv("HOME", str(bpy.utils.resource_path("USER")).split("/blender_profile_")[0])
    text = part("operators.service.diagnostics").text()
    for word in (bpy.app.version_string, "onnxruntime", "numpy", "device: auto", "test_repairs.py", "levels"):
        assert word in text, word
    card = part("operators.models.model_store").facts(part("operators.state.options").model_folder())
    assert card.sha256 in text and os.environ["HOME"] not in text
