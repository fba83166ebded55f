"""The preferences: models come in through the engine's door, the cache is measured and cleared, defaults apply."""

import json
import os
import shutil
import time
import zipfile

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from inference.networks.model import DEFAULT_FOLDER  # noqa: E402
from tests.fakes import write_model  # noqa: E402

from .conftest import part, place  # noqa: E402
from .test_repairs import Layout  # noqa: E402


@pytest.fixture
def preferences(scene, tmp_path):
    """The preferences with a cache folder of their own; put back afterwards."""
    chosen = part("operators.state.options").preferences()
    chosen.cache_folder = str(tmp_path / "cache")
    part("operators.state.cache")._size = (0.0, (0, 0))
    part("operators.work.problems").forget()
    yield chosen
    chosen.cache_folder = chosen.model_path = ""
    part("operators.work.problems").forget()
    part("operators.models.models").forget()


@pytest.fixture
def other_model(tmp_path):
    """A copy of the model that ships under another name and licence, as its user might have trained it."""
    folder = tmp_path / "my model"
    shutil.copytree(DEFAULT_FOLDER, folder)
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"id": "mine/../2", "name": "Mine", "license": "MIT"}))
    (folder / "secrets.txt").write_text("not part of the model")
    return folder


def store():
    return part("operators.models.model_chooser").store()


def installed():
    return part("operators.models.model_store").installed(store())


def test_a_folder_and_a_zip_install_the_same_model(preferences, other_model, tmp_path):
    operators = bpy.ops.portrait_manifolds
    assert operators.install_model(filepath=str(other_model / "card.json")) == {"FINISHED"}
    (folder,) = installed()
    assert preferences.model_path == str(folder) and folder.parent == tmp_path / "cache" / "models"
    assert (
        not (folder / "secrets.txt").exists()
        and folder.name == f"mine_2-{part('inference.networks.model').load_model(folder).sha256[:12]}"
    )
    facts = part("operators.models.model_store").facts(folder)
    model = part("inference.networks.model").load_model(folder)
    assert (facts.name, facts.license, facts.sha256) == ("Mine", "MIT", model.sha256)
    assert facts.bytes == sum(path.stat().st_size for path in folder.iterdir() if path.name != "card.json")

    archive = tmp_path / "model.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in other_model.iterdir():
            packed.write(path, f"inner/{path.name}")
    (folder / "decoder.onnx").write_bytes(b"damaged since")
    assert operators.install_model(filepath=str(archive)) == {"FINISHED"}
    assert installed() == [folder] and sorted(path.name for path in store().iterdir()) == [folder.name]
    assert (folder / "decoder.onnx").read_bytes() == (other_model / "decoder.onnx").read_bytes()

    layout = Layout()
    part("operators.preferences.page").draw(preferences, layout)
    assert "Licence: MIT" in layout.labels and f"SHA-256: {model.sha256}" in layout.labels
    picked = [properties.folder for name, _, properties in layout.buttons if name.endswith("choose_model")]
    assert picked == ["", str(folder)]

    assert operators.choose_model(folder="") == {"FINISHED"} and preferences.model_path == ""
    assert operators.choose_model(folder=str(folder)) == {"FINISHED"}
    with pytest.raises(RuntimeError, match="not installed here"):
        operators.remove_model(folder=str(other_model))
    assert other_model.exists()
    assert operators.remove_model(folder=str(folder)) == {"FINISHED"}
    assert installed() == [] and preferences.model_path == ""


def bad_models(tmp_path):
    """(what to install, what the error says) for every way in which a model can be wrong."""
    copy = tmp_path / "copies"

    def variant(name, change):
        folder = copy / name
        shutil.copytree(DEFAULT_FOLDER, folder)
        change(folder)
        return folder / "card.json"

    def relist(folder, **files):
        """Write files and a card that agrees with them."""
        import hashlib

        card = json.loads((folder / "card.json").read_text())
        for name, data in files.items():
            if data is None:
                del card["files"][name]
                continue
            (folder / name).write_bytes(data)
            card["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        (folder / "card.json").write_text(json.dumps(card))

    def flip(folder):
        data = bytearray((folder / "decoder.onnx").read_bytes())
        data[1000] ^= 1
        (folder / "decoder.onnx").write_bytes(data)

    def climb(folder):
        card = json.loads((folder / "card.json").read_text())
        card["files"]["../../evil.txt"] = {"bytes": 1, "sha256": "0" * 64}
        (folder / "card.json").write_text(json.dumps(card))

    other_network = (DEFAULT_FOLDER / "encoder_w.onnx").read_bytes()
    yield variant("flipped", flip), "damaged or was changed"
    yield variant("gone", lambda folder: (folder / "encoder_w.onnx").unlink()), "has no encoder_w.onnx"
    yield variant("unlisted", lambda folder: relist(folder, **{"decoder.onnx": None})), "has no decoder.onnx"
    yield variant("climbing", climb), "odd name"
    yield variant("wrong", lambda folder: relist(folder, **{"decoder.onnx": other_network})), "instead of points"
    yield variant("text", lambda folder: relist(folder, **{"decoder.onnx": b"no network"})), "not an ONNX model"
    yield variant("card", lambda folder: (folder / "card.json").write_text("[]")), "lists no files"
    yield write_model(tmp_path / "copies" / "empty") / "card.json", "install a complete model"
    yield tmp_path / "nowhere" / "card.json", "has no card.json"
    (tmp_path / "copies" / "not.zip").write_bytes(b"no zip")
    yield tmp_path / "copies" / "not.zip", "cannot read the model"
    with zipfile.ZipFile(tmp_path / "copies" / "photos.zip", "w") as packed:
        packed.writestr("photo.jpg", b"x")
    yield tmp_path / "copies" / "photos.zip", "has no card.json"
    with zipfile.ZipFile(tmp_path / "copies" / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("card.json", b" " * (64 << 20))
    yield tmp_path / "copies" / "bomb.zip", "too large"


def test_bad_models_are_refused_and_leave_nothing(preferences, tmp_path):
    count = 0
    for source, says in bad_models(tmp_path):
        with pytest.raises(RuntimeError) as caught:
            bpy.ops.portrait_manifolds.install_model(filepath=str(source))
        text = str(caught.value).strip()
        assert says in text and text.startswith("Error: ") and "\n" not in text, (source, text)
        assert list(store().iterdir()) == [] and preferences.model_path == ""
        count += 1
    assert count == 12 and not (tmp_path / "cache" / "evil.txt").exists() and not (tmp_path / "evil.txt").exists()


def test_a_cancelled_installation_leaves_nothing(preferences, other_model):
    jobs, cancelled = part("operators.work.jobs"), part("inference.errors").Cancelled
    progress = jobs.Progress(lambda fraction, text: progress.stop() if fraction > 0.5 else None)
    with pytest.raises(cancelled):
        part("operators.models.model_store").install(other_model, store(), progress)
    assert list(store().iterdir()) == []


def test_the_chosen_model_is_used(preferences, other_model, monkeypatch):
    preferences.model_path = str(other_model)
    options = part("operators.state.options").engine_options()
    assert part("operators.models.models").model(options).id == "mine/../2"
    assert part("operators.models.models").device_in_use() in ("cpu", "cuda")


def test_the_cache_is_measured_and_only_what_nobody_shows_is_deleted(preferences, portrait_file, tmp_path):
    cache, folder = part("operators.state.cache"), tmp_path / "cache" / "portraits"
    assert cache.measured() == (0, 0) and bpy.ops.portrait_manifolds.clear_cache() == {"FINISHED"}
    folder.mkdir(parents=True)
    for name in ("shown", "old", "young"):
        shutil.copy(portrait_file, folder / f"{name}.manifolds")
        if name != "young":
            os.utime(folder / f"{name}.manifolds", (time.time() - 3600,) * 2)
    (folder / "notes.txt").write_text("the user's own")
    place(folder / "shown.manifolds")
    cache._size = (0.0, (0, 0))
    size = portrait_file.stat().st_size
    assert cache.measured() == (3, 3 * size)
    assert bpy.ops.portrait_manifolds.clear_cache() == {"FINISHED"}
    assert sorted(path.name for path in folder.iterdir()) == ["notes.txt", "shown.manifolds", "young.manifolds"]
    assert cache.measured() == (2, 2 * size)
    assert cache.in_words(3_500_000) == "3.5 MB" and cache.in_words(2_000_000_000) == "2.00 GB"


def test_default_options_reach_new_scenes_and_no_others(preferences, portrait_file):
    defaults = preferences.defaults
    try:
        defaults.mesh_resolution, defaults.samples = 300, "3"
        fresh = bpy.context.scene.portrait_manifolds
        fresh.samples = "1"  # the user's own choice in this scene
        place(portrait_file)
        assert fresh.mesh_resolution == 300 and fresh.samples == "1"
        defaults.mesh_resolution = 400
        place(portrait_file, "Second")
        assert fresh.mesh_resolution == 300, "a scene keeps what it has"
    finally:
        for name in ("mesh_resolution", "samples"):
            defaults.property_unset(name)


def test_every_default_option_exists(extension):
    settings = part("operators.state.settings").SceneSettings
    groups = part("operators.state.options").DEFAULTS.values()
    assert {name for names in groups for name in names} <= set(settings.bl_rna.properties.keys())


def test_a_strangers_model_is_tried_out_before_it_runs_here(preferences, other_model, monkeypatch):
    """In a process apart, once; the extension's own never."""
    models, tried = part("operators.models.models"), []
    monkeypatch.setattr(models, "_tried", set())
    monkeypatch.setattr(part("inference.trial"), "try_out", lambda model, progress: tried.append(model.id))
    for chosen in ("", str(other_model)):
        preferences.model_path = chosen
        loaded = models.model(part("operators.state.options").engine_options())
        for name in ("encoder_w", "decoder"):
            models.StoppableModel(loaded, part("operators.work.jobs").Progress()).session(name)
    assert tried == ["mine/../2"]


def test_what_a_failing_device_leaves_to_the_processor_can_be_stopped(preferences):
    models, progress = part("operators.models.models"), part("operators.work.jobs").Progress()
    loaded = models.model(part("operators.state.options").engine_options())
    session = models.StoppableModel(loaded, progress).on_cpu().session("encoder_w")
    progress.stop()
    inputs = {one.name: np.zeros(one.shape, np.float32) for one in session.get_inputs()}
    with pytest.raises(part("inference.errors").Cancelled):
        session.run(None, inputs)
