"""Training of the network that tells light from albedo: examples, what it learns and writes, what it refuses."""

import pathlib

import numpy as np
import pytest

from inference.mesh import delight
from inference.mesh.delight import PLANES, SIDE, weight_of
from inference.networks import model
from inference.networks.model import DEFAULT_FOLDER, load_model

torch = pytest.importorskip("torch")
from training.completing.loop import Schedule, train  # noqa: E402
from training.errors import TrainingError  # noqa: E402
from training.light import TRUTH, WEIGHTS, LightColumns, LitHeads, main, relative, terms  # noqa: E402
from training.model.light import Light  # noqa: E402
from training.synthetic.passes import BRIGHTEST  # noqa: E402


@pytest.fixture(scope="module")
def lit_shards(shards, tmp_path_factory):
    """The six analytic heads of a shard, lit from above: twice as bright there as below."""
    folder = tmp_path_factory.mktemp("lit") / "heads"
    shard = folder / "shard_0000"
    shard.mkdir(parents=True)
    for path in next(shards.glob("shard_*")).iterdir():
        (shard / path.name).symlink_to(path)
    (folder / "mean_landmarks.npy").symlink_to(shards / "mean_landmarks.npy")
    light = np.linspace(4.0 / 3.0, 2.0 / 3.0, SIDE)[:, None, None]
    stored = np.rint(255.0 * (light / BRIGHTEST) ** (1 / 2.2)) * np.ones((6, 1, SIDE, 3))
    (shard / "dome_light.npy").unlink()
    np.save(shard / "dome_light.npy", stored.astype(np.uint8))
    return folder


@pytest.fixture(scope="module")
def columns(lit_shards, tmp_path_factory):
    out = tmp_path_factory.mktemp("columns")
    assert main(["--columns", str(out), "--write", str(lit_shards), "--minutes", "0"]) == 0
    return out


def test_examples_are_portraits_and_their_light(columns):
    heads = LightColumns([columns / "heads_shard_0000"], mirrored=False)
    assert len(heads) == 6
    for head in range(6):
        planes, truth = heads[head]
        assert planes.shape == (PLANES, SIDE, SIDE) and truth.shape == (TRUTH, SIDE, SIDE)
        face = weight_of(planes.numpy()) > 0.5
        assert face.mean() > 0.05
        np.testing.assert_allclose(planes[1:4].square().sum(0)[face], 1.0, atol=0.01)
        assert (planes[3][face] > -0.1).all(), "faces look to the front"
        light = np.exp(truth[0].numpy())
        assert light[:40].mean() / light[-40:].mean() == pytest.approx(1.67, rel=0.02)
        assert truth[1].mean() > 0.9


def test_mirror_images_turn_what_points_aside(columns):
    heads = LightColumns([columns / "heads_shard_0000"])
    (planes, truth), (mirrored, again) = heads[2], heads[3]
    assert torch.equal(truth.flip(2), again)
    turned = planes.flip(2) - mirrored
    kept = [plane for plane in range(PLANES) if plane not in (1, 9)]
    assert float(turned[kept].abs().max()) == 0.0
    assert torch.equal(planes[1].flip(1), -mirrored[1]) and torch.equal(planes[9].flip(1), -mirrored[9])


def test_terms_are_none_for_the_truth_whatever_the_exposure(columns):
    planes, truth = (one[None] for one in LightColumns([columns / "heads_shard_0000"])[0])
    found = terms(truth[:, :1] + 0.7, planes, truth)
    assert all(float(value) < 1e-5 for value in found.values())
    tilted = truth[:, :1] + torch.linspace(-0.1, 0.1, SIDE)
    assert float(terms(tilted, planes, truth)["light"]) > 0.01
    np.testing.assert_allclose(relative(truth[:, :1] + 3.0, planes), relative(truth[:, :1], planes), atol=1e-5)


def test_it_learns_and_the_engine_takes_it(columns, tmp_path, monkeypatch, capsys):
    """In some steps it knows that heads are lit from above, and the engine runs what is written."""
    torch.manual_seed(0)
    heads, network = LightColumns([columns / "heads_shard_0000"]), Light()

    def loss(network):
        with torch.no_grad():
            return sum(sum(map(float, terms(network(p[None]), p[None], t[None]).values())) for p, t in heads)

    before = loss(network)
    schedule = Schedule(batch=4, steps=40, warmup=2)
    train(network, heads, schedule, lambda *_: None, tmp_path / "light.pt", terms, WEIGHTS)
    print(before, loss(network))
    assert loss(network) < 0.6 * before
    out = tmp_path / "light" / "light.onnx"
    assert main(["--columns", str(columns), "--minutes", "0.02", "--out", str(out)]) == 0
    assert "held out: skin" in capsys.readouterr().out and not list(out.parent.glob("*.partial"))
    monkeypatch.setattr(model, "DEFAULT_FOLDER", tmp_path / "default")
    session = load_model(DEFAULT_FOLDER, "cpu", 1).companion(delight.NETWORK)
    (found,) = session.run(None, {"columns": heads[0][0][None].numpy()})
    assert found.shape == (1, 1, SIDE, SIDE) and np.isfinite(found).all()


def test_what_cannot_be_learned_from(tmp_path, lit_shards):
    with pytest.raises(TrainingError, match="no columns in"):
        main(["--columns", str(tmp_path)])
    older = tmp_path / "older" / "shard_0000"
    older.mkdir(parents=True)
    for path in (lit_shards / "shard_0000").iterdir():
        if path.name != "dome_light.npy":
            (older / path.name).symlink_to(path)
    (tmp_path / "older" / "mean_landmarks.npy").symlink_to(lit_shards / "mean_landmarks.npy")
    with pytest.raises(TrainingError, match="lacks dome_light.npy"):
        LitHeads(pathlib.Path(older), load_model(threads=1))[0]
