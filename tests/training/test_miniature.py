"""The whole way of docs/training.md on a handful of heads: align, geometry, train, export, evaluate, invert."""

import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_photos_are_aligned_by_their_labels(real, geometry):
    """The camera found for a photo sees the mean head's landmarks where the photo shows the sitter's."""
    from inference.cameras import CROP_SIZE
    from training.manifolds import project

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
    from training.networks import SHEETS
    from training.population import levels
    from training.synthetic_shards import open_shards

    with np.load(geometry) as data:
        radius = np.asarray(open_shards([shards])[0]["dome_radius"]).astype(np.float32)
        level = levels(radius[:, 20:140, 30:130], data["radii"][:, 10:71, 15:66])
    assert ((level > 0) & (level < SHEETS)).mean() > 0.95


def test_from_photos_to_a_portrait(shards, geometry, real, arguments, tmp_path, capsys):
    """Training lowers the loss; the exported model passes the engine's door and inverts a stranger's photo."""
    skimage = pytest.importorskip("skimage")
    from inference.__main__ import main as engine
    from inference.model import load_model
    from training import evaluate, export, train

    run = tmp_path / "run"
    more = ("batch=4", "chunk=4", "learning_rate=4e-3", "log_every=5", "save_every=20", "picture_every=20")
    assert train.main(arguments(run, "--real", str(real), settings=more, samples=80)) == 0
    curve = [json.loads(line) for line in (run / "curve.jsonl").read_text().splitlines()]
    shape = [line["fused_level"] + line["fused_colour"] for line in curve]
    assert shape[-1] < 0.9 * shape[0]
    assert (run / "pictures" / "step_0000020.png").stat().st_size > 10_000
    assert list((run / "tensorboard").iterdir())

    folder = tmp_path / "model"
    export.main(["--checkpoint", str(run / "last.pt"), "--geometry", str(geometry), "--out", str(folder),
                 "--aligner", str(ROOT / "models" / "default"), "--name", "miniature"])  # fmt: skip
    assert load_model(folder).card["id"] == "miniature"

    report = tmp_path / "report.json"
    evaluate.main(["--model", str(folder), "--heads", str(shards), "--limit", "1", "--out", str(report)])
    assert json.loads(report.read_text())["heads"]["depth_mm"]["count"] == 1

    photo = Path(skimage.__file__).parent / "data" / "astronaut.png"
    assert engine(["invert", str(photo), "--model", str(folder), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    assert json.loads((tmp_path / "out" / "report.json").read_text())["model"]["id"] == "miniature"
