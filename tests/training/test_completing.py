"""Training of the completion network: what it starts from, what it learns, what it writes, and what it refuses."""

import copy
import json
import shutil

import numpy as np
import pytest

from inference.inversion.columns import GRID
from inference.inversion.completion import COMPLETION, PLANES, complete
from inference.networks.model import DEFAULT_FOLDER, load_model

torch = pytest.importorskip("torch")
from training.completing.columns import KINDS, TRUTH, Engine, HeadColumns, write_columns  # noqa: E402
from training.completing.displaced import displaced  # noqa: E402
from training.completing.loop import Schedule, measure, terms, train  # noqa: E402
from training.completion import keep, main, start_from  # noqa: E402
from training.errors import TrainingError  # noqa: E402
from training.model.completion import untrained  # noqa: E402


@pytest.fixture(scope="module")
def model():
    return load_model(threads=1)


@pytest.fixture(scope="module")
def columns(shards, model, tmp_path_factory):
    """A folder of what completion sees of the six analytic heads."""
    folder = tmp_path_factory.mktemp("columns") / "heads"
    write_columns(Engine(next(shards.glob("shard_*")), model), folder)
    return folder


@pytest.fixture
def network(model):
    torch.manual_seed(0)
    return untrained(model.geometry["radii"])


def test_columns_are_the_engines(columns, shards, model):
    """One head again, as it comes; and its truth is the shard's."""
    shard = next(shards.glob("shard_*"))
    planes, truth = HeadColumns([columns], mirrored=False)[4]
    again, _ = Engine(shard, model)[4]
    assert planes.shape == (PLANES, GRID, GRID) and truth.shape == (TRUTH, GRID, GRID)
    np.testing.assert_allclose(planes, again, rtol=2e-3, atol=2e-3)
    radius = np.load(shard / "dome_radius.npy")[2].astype(np.float32)
    np.testing.assert_array_equal(truth[0], radius)
    assert (truth[4].numpy() > 0.5)[radius > 0].mean() > 0.99
    assert planes[6].max() > 0.9 and planes[2].sum() > 1000


def test_every_head_comes_displaced_too(columns):
    """The truth is the same, and so is the face; hair is off by millimetres before the silhouette moves it."""
    heads = HeadColumns([columns], mirrored=False)
    assert len(heads) == 12
    for head in range(6):
        (plain, truth), (moved, again) = heads[2 * head], heads[2 * head + 1]
        assert torch.equal(truth, again)
        off = (moved[1] - plain[1]).abs()
        face = (plain[18] > 0.99) & (plain[6] > 0.9)
        face[:, :64] = face[:, -64:] = False
        assert off[face].max() < 1e-3 and off[(plain[19] > 0.9) & (plain[2] > 0.5)].mean() > 1e-3


def test_displacements_are_smooth_and_seeded():
    radii = np.linspace(0.16, 0.05, 23)[:, None, None] * np.ones((1, 8, 8), np.float32)
    level = np.full((1, 1, GRID, GRID), 11.0, np.float32)
    parts = np.zeros((1, 3, GRID, GRID), np.float32)
    parts[:, 0, 80:], parts[:, 1, :80] = 30.0, 30.0  # skin below hair
    once, again, other = (displaced([level, parts], radii, np.random.default_rng(seed))[0][0, 0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(once, again)
    moved = 0.005 * (once - 11.0)  # sheets are 5 mm apart
    assert np.abs(moved[80:, 60:100]).max() < 1e-6, "the face"
    assert np.abs(moved[:80]).max() > 2e-3 and np.abs(moved[80:, :20]).max() > 1e-4
    assert np.abs(np.diff(moved[:80], axis=1)).max() < 2e-3 and np.abs(once - other).max() > 0.1


def test_mirror_images(columns):
    heads = HeadColumns([columns])
    assert len(heads) == 24
    for plain, mirrored in zip(heads[4], heads[5]):
        assert torch.equal(plain.flip(2), mirrored)


def test_an_untrained_network_answers_what_it_sees(network, columns):
    planes, _ = HeadColumns([columns])[0]
    radius, occupied, colour = network(planes[None])
    assert torch.equal(radius[0, 0], planes[0]) and torch.equal(colour[0], planes[11:14])
    assert torch.equal(occupied[0, 0] > 0, planes[2] > 0.5)


def test_what_the_photo_shows_keeps_its_colour(network, columns):
    torch.nn.init.normal_(network.answer.bias)
    planes, _ = HeadColumns([columns])[0]
    colour = network(planes[None])[2][0]
    seen = planes[6] == 1.0
    assert seen.any() and torch.equal(colour[:, seen], planes[11:14, seen])
    assert (colour - planes[11:14]).abs()[:, planes[6] == 0.0].min() > 0.0


def test_terms_are_none_for_the_truth(columns):
    planes, truth = (one[None] for one in HeadColumns([columns])[0])
    right = truth[:, :1], 30.0 * (2.0 * truth[:, 4:5] - 1.0), truth[:, 1:4]
    assert all(abs(float(value)) < 1e-6 for value in terms(right, planes, truth).values())
    off = right[0] + 0.001, right[1], right[2] + 0.1
    found = terms(off, planes, truth)
    assert float(found["surface"]) == pytest.approx(np.log1p(0.25), rel=1e-3)
    assert float(found["colour"]) == pytest.approx(0.1, rel=1e-3)


def test_columns_that_the_silhouette_touches_count_most(columns):
    """A surface that is off there alone costs more than one that is off in as many other columns."""
    planes, truth = (one[None] for one in HeadColumns([columns])[0])
    planes[:, 18] = 0.0  # skin of faces and ears counts more as well
    there = truth[:, 4:5] > 0.5
    touched = there & (planes[:, 24:25].abs() < 4.0) & (planes[:, 4:5] < 0.3) & (planes[:, 5:6] < 0.5)
    others = there & (planes[:, 24:25] > 12.0)
    count = min(int(touched.sum()), int(others.sum()))
    assert count > 50

    def cost(where):
        which = torch.zeros_like(where.flatten(), dtype=torch.bool)
        which[where.flatten().nonzero()[:count, 0]] = True
        off = truth[:, :1] + 0.004 * which.view(where.shape)
        return float(terms((off, 30.0 * (2.0 * truth[:, 4:5] - 1.0), truth[:, 1:4]), planes, truth)["surface"])

    assert cost(touched) == pytest.approx(3.0 * cost(others), rel=1e-3)


def test_ears_count_more(columns):
    """Hidden skin that is off where ears are costs three times what it costs elsewhere, and hair what it did."""
    planes, truth = (one[None].clone() for one in HeadColumns([columns])[0])
    truth[:, 4:5], planes[:, 6], planes[:, 24:25] = 1.0, 0.0, 99.0
    planes[:, 18:20] = torch.tensor([1.0, 0.0]).view(2, 1, 1)

    def cost(column, hair=0.0):
        planes[:, 18], off = 1.0 - hair, truth[:, :1].clone()
        off[:, :, 80, column] += 0.004
        return float(terms((off, torch.zeros_like(off), truth[:, 1:4]), planes, truth)["surface"])

    assert cost(30) == pytest.approx(3.0 * cost(60), rel=1e-3) == pytest.approx(cost(GRID - 1 - 30), rel=1e-3)
    assert cost(30, hair=1.0) == pytest.approx(cost(60, hair=1.0), rel=1e-3)


def test_it_learns_and_a_model_takes_it(network, columns, model, tmp_path, capsys):
    """In a few steps it knows six heads better than before; what is exported answers the same."""
    heads = HeadColumns([columns])

    def losses(network):
        with torch.no_grad():
            return [sum(map(float, terms(network(p[None]), p[None], t[None]).values())) for p, t in heads]

    before = losses(network)
    schedule, checkpoint = Schedule(batch=4, steps=24, warmup=2), tmp_path / "completion.pt"
    average = train(network, heads, schedule, lambda *_: None, checkpoint)
    assert np.mean(losses(average)) < 0.97 * np.mean(before)
    assert "->" in measure(average, heads)
    folder = tmp_path / "model"
    shutil.copytree(DEFAULT_FOLDER, folder)
    where = ("--columns", str(columns.parent), "--model", str(folder), "--checkpoint", str(tmp_path / "again.pt"))
    how = ("--minutes", "0.0001", "--batch", "2", "--held-out", "2", "--start-from", str(checkpoint))
    main([*where, *how, "--name", "completed"])
    told = capsys.readouterr().out
    assert "held out, after" in told and all(told.count(f"  {kind}: surface") == 2 for kind in KINDS)
    start_from(other := untrained(model.geometry["radii"]), DEFAULT_FOLDER / "completion.onnx")
    wanted = complete(heads[0][0].numpy(), model)
    with torch.no_grad():
        found = other(heads[0][0][None])
    assert np.abs(found[0][0, 0].numpy() - wanted[0]).max() < 1e-4  # as exported, weights and all
    mixed = copy.deepcopy(average)
    keep(mixed, DEFAULT_FOLDER / "completion.onnx", 0.25)
    for own, new, old in zip(mixed.parameters(), average.parameters(), other.parameters()):
        assert torch.allclose(own, 0.75 * new + 0.25 * old, atol=1e-6)
    taken = load_model(folder, threads=1)
    assert taken.id == "completed" and taken.has(COMPLETION)
    assert COMPLETION in json.loads((folder / "card.json").read_text())["gmac"]
    planes = heads[0][0]
    with torch.no_grad():
        wanted = average(planes[None])
    radius, logits, colour = complete(planes.numpy(), taken)
    assert np.abs(radius - wanted[0][0, 0].numpy()).max() < 1e-3  # weights are kept in int8
    assert ((logits > 0) == (wanted[1][0, 0] > 0).numpy()).mean() > 0.99
    assert np.abs(colour - wanted[2][0].numpy()).max() < 0.05


def test_a_loss_that_is_no_number_ends_the_run(network, columns, tmp_path):
    torch.nn.init.constant_(network.answer.bias, float("nan"))
    with pytest.raises(TrainingError, match="no number at step 0"):
        train(network, HeadColumns([columns]), Schedule(1.0, 2), lambda *_: None, tmp_path / "completion.pt")
    assert not (tmp_path / "completion.pt").exists()


@pytest.mark.parametrize("way", ["missing", "cut", "other"])
def test_broken_columns_are_refused(columns, tmp_path, way):
    folder = tmp_path / "heads"
    shutil.copytree(columns, folder)
    if way == "missing":
        (folder / "truth.npy").unlink()
    elif way == "cut":
        (folder / "planes.npy").write_bytes((folder / "planes.npy").read_bytes()[:5000])
    else:
        np.save(folder / "planes.npy", np.zeros((6, 3, GRID, GRID), np.float16))
    with pytest.raises(TrainingError, match="make them again"):
        HeadColumns([folder])


def test_without_columns(tmp_path):
    with pytest.raises(TrainingError, match="--write"):
        main(["--columns", str(tmp_path), "--checkpoint", str(tmp_path / "c.pt")])
