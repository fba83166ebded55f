"""The whole way of docs/training.md on a handful of heads: align, geometry, train, export, evaluate, invert."""

import json
from pathlib import Path

import numpy as np
import pytest


def test_photos_are_aligned_by_their_labels(real, geometry):
    """The camera found for a photo sees the mean head's landmarks where the photo shows the sitter's."""
    from inference.geometry.cameras import CROP_SIZE
    from training.model.manifolds import project

    torch = pytest.importorskip("torch")
    with np.load(real) as data, np.load(geometry) as means:
        assert data["crops"].shape == (6, CROP_SIZE, CROP_SIZE, 3)
        mean = torch.from_numpy(means["mean_landmarks"])
        found, _ = project(mean.expand(6, -1, -1), torch.from_numpy(data["cameras"]))
        away = np.linalg.norm(found.numpy() * CROP_SIZE - data["landmarks"], axis=-1)
        assert np.median(away) < 2.0  # pixels; their own bumps are what remains
        shown = data["mattes"] > 127
        assert 0.15 < shown.mean() < 0.6
        assert (data["known"][shown] > 0).all()


def test_the_sheets_enclose_the_heads(geometry, shards):
    from training.data.shards import open_shards
    from training.model.geometry import SHEETS, levels

    with np.load(geometry) as data:
        radius = np.asarray(open_shards([shards])[0]["dome_radius"]).astype(np.float32)
        level = levels(radius[:, 20:140, 30:130], data["radii"][:, 10:71, 15:66])
    assert ((level > 0) & (level < SHEETS)).mean() > 0.95


def test_training_lowers_the_loss(trained):
    curve = [json.loads(line) for line in (trained / "curve.jsonl").read_text().splitlines()]
    shape = [line["fused_level"] + line["fused_colour"] for line in curve]
    assert shape[-1] < 0.9 * shape[0]
    assert (trained / "pictures" / "step_0000020.png").stat().st_size > 10_000
    assert list((trained / "tensorboard").iterdir())


def test_the_exported_model_passes_the_engines_door_and_is_measured(exported, shards, tmp_path):
    from inference.networks.model import load_model
    from training import evaluate

    assert load_model(exported).card["id"] == "miniature"
    report = tmp_path / "report.json"
    evaluate.main(["--model", str(exported), "--heads", str(shards), "--limit", "1", "--out", str(report)])
    assert report.stat().st_size > 100


def test_the_exported_model_inverts_a_photo(exported, tmp_path):
    skimage = pytest.importorskip("skimage")
    from inference.__main__ import main as engine

    photo = Path(skimage.__file__).parent / "data" / "astronaut.png"
    assert engine(["invert", str(photo), "--model", str(exported), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    assert json.loads((tmp_path / "out" / "report.json").read_text())["model"]["id"] == "miniature"


def test_checkpoints_are_compared_without_an_export(trained, shards, capsys):
    from training.unseen_loss import main

    assert main([str(trained / "last.pt"), "--heads", str(shards), "--limit", "3"]) == 0
    line = capsys.readouterr().out
    values = dict(pair.rsplit(" ", 1) for pair in line.split(": ", 1)[1].strip().split(", "))
    assert "step 20" in line and 0.3 < float(values["parts"]) <= 1.0 and 0.0 < float(values["surface"]) < 60.0
