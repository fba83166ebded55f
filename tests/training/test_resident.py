"""Examples made on the device against those made one by one, and batched augmentation against OpenCV and the engine."""

import cv2
import numpy as np
import pytest
import torch

from inference.inversion import matting
from inference.photo.warp import warp_to_crop
from tests.training.conftest import TINY
from training.data import augment
from training.data.backdrops import Backdrops, read_places
from training.data.batches import open_portraits
from training.data.dice import Dice
from training.data.examples import SyntheticHeads
from training.data.resident import ResidentExamples
from training.errors import TrainingError
from training.train import main

# What is not left to chance.
GIVEN = ("alpha", "camera", "level", "gap", "seen", "dome_parts", "photo_parts", "synthetic")


def picture(seed, size=128):
    rng = np.random.default_rng(seed)
    return np.clip(cv2.GaussianBlur(rng.normal(0.5, 1.5, (size, size, 3)).astype(np.float32), (0, 0), 2.0), 0, 1)


def planes(image):
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]


@pytest.mark.parametrize("view", [False, True])
def test_heads_are_those_that_are_made_one_by_one(shards, geometry, view):
    arrays = dict(np.load(geometry))
    single = SyntheticHeads([shards], arrays, augment=True, view=view)
    resident = ResidentExamples(arrays, "cpu", 0)
    resident.load(single, view)
    indices = [0, 1, 4, 7]  # heads and mirror images
    batch = resident.chunk([("heads", index, 9) for index in indices])
    for row, index in enumerate(indices):
        wanted = single[index]
        assert set(batch) == set(wanted)
        for name in GIVEN:
            assert torch.allclose(batch[name][row], wanted[name], atol=2e-5), name
        assert (batch["landmarks"][row] - wanted["landmarks"]).abs().mean() < 3.0  # detectors' errors differ
        if view:
            poses = torch.stack([view_camera(shards, index, pick) for pick in (0, 1)])
            assert min((batch["view_camera"][row] - pose).abs().max() for pose in poses) < 1e-6
            alphas = [view_alpha(shards, index, pick) for pick in (0, 1)]
            assert min((batch["view"][row, 3] - alpha).abs().max() for alpha in alphas) < 1e-6


def view_camera(shards, index, pick):
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0]) if index % 2 else np.eye(4)
    pose = np.load(shards / "shard_0000" / "view_cameras.npy")[index // 2, pick]
    return torch.from_numpy((mirror @ pose @ mirror).astype(np.float32))


def view_alpha(shards, index, pick):
    alpha = np.load(shards / "shard_0000" / "views.npy")[index // 2, pick, ..., 3].astype(np.float32) / 255
    return torch.from_numpy(alpha[:, ::-1].copy() if index % 2 else alpha)


def test_portraits_are_those_that_are_made_one_by_one(shards, geometry, real):
    arrays = dict(np.load(geometry))
    portraits = open_portraits(real, 0)
    resident = ResidentExamples(arrays, "cpu", 0, portraits)
    resident.load(SyntheticHeads([shards], arrays), view=True)
    batch = resident.chunk([("real", index, 3) for index in (0, 1)])
    for row in (0, 1):
        wanted = portraits[row]
        assert set(batch) == set(wanted)
        for name in ("alpha", "known", "camera", "synthetic", "level", "view_camera"):
            assert torch.allclose(batch[name][row], wanted[name], atol=1e-6), name


def test_a_chunk_follows_from_seed_and_draw_whenever_its_head_came(tmp_path, geometry):
    from tests.training.heads import write_shard

    arrays = dict(np.load(geometry))
    write_shard(tmp_path, 1, range(6, 8))
    early, late = (ResidentExamples(arrays, "cpu", 5) for _ in range(2))
    early.load(SyntheticHeads([tmp_path], arrays), view=False)
    write_shard(tmp_path, 0, range(8, 10))  # sorts before the other one, and comes later
    grown = SyntheticHeads([tmp_path], arrays)
    early.load(grown, view=False)
    late.load(grown, view=False)
    keys = [("heads", 1, 40), ("heads", 6, 41)]
    first, second = early.chunk(keys), late.chunk(keys)
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = late.chunk([("heads", 1, 44), ("heads", 6, 45)])
    assert not torch.equal(first["photo"], other["photo"]) and torch.equal(first["alpha"], other["alpha"])


@pytest.mark.parametrize("quality", [45, 75, 95])
def test_jpeg_is_that_of_libjpeg(quality):
    image = picture(quality)
    ours = augment.jpeg(planes(image), torch.tensor([float(quality)]))[0].permute(1, 2, 0).numpy()
    stored = np.round(image[..., ::-1] * 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    theirs = cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1].astype(np.float32) / 255
    lost = np.square(theirs - image).mean()
    assert np.square(ours - theirs).mean() < 0.15 * lost  # 0.01 to 0.06 of what JPEG takes away
    assert 0.8 < np.square(ours - image).mean() / lost < 1.2


def test_blurs_and_fills_are_the_engines():
    image, sigma = picture(1), [0.6, 3.0]
    batch = planes(image).repeat(2, 1, 1, 1)
    ours = augment.blur(batch, torch.tensor(sigma), reach=12)
    for row in (0, 1):
        theirs = cv2.GaussianBlur(image, (25, 25), sigma[row])
        assert np.abs(ours[row].permute(1, 2, 0).numpy() - theirs).max() < 1e-4
    rows, columns = np.mgrid[:128, :128]
    matte = np.clip((40 - np.hypot(rows - 64, columns - 60)) / 6, 0, 1).astype(np.float32)
    ours = augment.without_fringe(planes(image), torch.from_numpy(matte)[None, None])[0].numpy()
    theirs = matting.without_fringe(np.ascontiguousarray(image.transpose(2, 0, 1)), matte)
    assert np.abs(ours - theirs).max() < 5e-3  # OpenCV's kernels end a little earlier


def test_photos_that_end_inside_of_the_crop_are_the_engines(monkeypatch):
    """A crop that is cut is what the engine makes of the same crop out of a photo that ends there."""
    monkeypatch.setattr(augment, "MEAN_ROLL", 0.0)
    monkeypatch.setattr(augment, "CUT", 1.0)
    whole = picture(6, 256)
    for seed in range(4):
        found, known = augment.cut(Dice(torch.device("cpu"), seed), planes(whole))
        known = known[0, 0].numpy()
        rows, columns = known.any(1).nonzero()[0], known.any(0).nonzero()[0]
        (top, bottom), (left, right) = ((span[0], span[-1] + 1) for span in (rows, columns))
        assert known[top:bottom, left:right].all() and (bottom - top) * (right - left) == known.sum() < 256**2
        photo = whole[top:bottom, left:right]
        wanted = warp_to_crop(photo, np.float64([[1, 0, -left], [0, 1, -top]]))
        found = found[0].numpy().transpose(1, 2, 0)
        np.testing.assert_array_equal(found[known], whole[known])
        deep = cv2.distanceTransform(np.uint8(~known), cv2.DIST_L2, 5) > 8  # the engine blurs less near the border
        assert deep.any() and np.abs(found - wanted)[deep].mean() < 0.03 < np.abs(found - whole)[deep].mean()


def test_some_photos_end_inside_of_the_crop_and_turned():
    pictures = planes(picture(7, 256)).expand(200, -1, -1, -1)
    found, known = augment.cut(Dice(torch.device("cpu"), 1), pictures)
    cut = ~known.flatten(1).all(1)
    assert 0.1 < cut.float().mean() < 0.3
    assert torch.equal(found[~cut], pictures[~cut]) and known.float().flatten(1).mean(1).min() > 0.25
    slanted = [(one.any(0) & ~one.all(0)).any() and (one.any(1) & ~one.all(1)).any() for one in known[cut, 0]]
    assert np.mean(slanted) > 0.5


def test_backdrops_of_every_kind(tmp_path):
    places = np.zeros((2, 32, 64, 3), np.uint8)
    places[0, ..., 0], places[1, ..., 2] = 200, 200  # a red place and a blue one
    for number, place in enumerate(places):
        cv2.imwrite(str(tmp_path / f"{number}.png"), place[..., ::-1])
    found = read_places(tmp_path)
    assert np.array_equal(found, places) and not len(read_places(tmp_path / "missing"))
    own = torch.full((3, 256, 256, 3), 128, dtype=torch.uint8)
    drawn = Backdrops("cpu", own, found).draw(Dice("cpu", 1), 64)
    assert drawn.shape == (64, 3, 256, 256) and drawn.min() >= 0.0 and drawn.max() <= 1.0
    pieces = Backdrops("cpu", own, found).pieces(Dice("cpu", 2), 16)
    red, blue = pieces[:, 0].mean((1, 2)), pieces[:, 2].mean((1, 2))
    assert (torch.minimum(red, blue) < 1e-4).all() and (red > 0.1).any() and (blue > 0.1).any()  # never a mixture
    bare = Backdrops("cpu", own[:0], read_places(tmp_path / "missing")).draw(Dice("cpu", 1), 16)
    assert bare.std((1, 2, 3)).min() > 0.0


def test_a_run_on_resident_examples_resumes_to_the_same_weights(shards, geometry, real, tmp_path):
    def run(out, *more):
        assert not main(["--heads", str(shards), "--real", str(real), "--geometry", str(geometry), "--out", str(out),
                         "--resident", "--device", "cpu", "--samples", "12", "--seed", "4", "--quiet", *more, "--set",
                         *TINY, "batch=4", "chunk=4", "real_share=0.25", "view_from=0.5", "view_every=1",
                         "save_every=1"])  # fmt: skip
        return torch.load(out / "last.pt", weights_only=True)

    whole, part = run(tmp_path / "whole"), run(tmp_path / "parts", "--minutes", "0.001")
    assert (whole["step"], part["step"]) == (3, 1)
    resumed = run(tmp_path / "parts", "--resume")
    assert resumed["step"] == 3
    assert all(torch.equal(resumed["average"][name], value) for name, value in whole["average"].items())


def test_fresh_heads_are_not_resident(shards, geometry, tmp_path):
    with pytest.raises(TrainingError, match="--resident"):
        main(["--heads", str(shards), "--geometry", str(geometry), "--out", str(tmp_path), "--device", "cpu",
              "--resident", "--fresh-heads"])  # fmt: skip
