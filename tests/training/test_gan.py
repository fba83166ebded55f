"""The recipe for a photo collection: the discriminator's parts, and that a short run comes nearer to the photos."""

import copy

import numpy as np
import pytest
import torch

from inference.geometry.cameras import orbit_camera
from tests.training import heads
from tests.training.conftest import TINY
from training import gan
from training.run.presets import override

SMALL = [line for line in TINY if line.startswith("network.")] + [
    "network.grid=40", "network.generator_channels=16,16,16,12,8", "side=32", "z_dim=8", "batch=6", "chunk=6",
    "channels=12,16,24", "measured=24", "generator_rate=4e-3", "discriminator_rate=4e-3", "average=0.9", "r1=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Twenty-four heads of a colour that no head of the geometry has."""
    rng, rows = np.random.default_rng(0), []
    for seed in range(30, 54):
        camera = orbit_camera(rng.normal(0, 15), rng.normal(0, 6))
        rgba, _ = heads.picture(heads.head(seed)[0], camera)
        rows.append(((rgba[..., :3] * (0.45, 1.0, 0.6)).astype(np.uint8), rgba[..., 3], camera.camera_to_world))
    path = tmp_path_factory.mktemp("gan") / "real.npz"
    crops, mattes, cameras = map(np.stack, zip(*rows))
    np.savez(path, crops=crops, mattes=mattes, known=np.full_like(mattes, 255), cameras=cameras)
    return gan.Photos(path, 32)


@pytest.fixture(scope="module")
def run(photos, geometry):
    torch.set_num_threads(1)
    return gan.GanRun(photos, dict(np.load(geometry)), override(gan.GanPreset(), SMALL), seed=0)


def test_angles_are_those_of_the_orbit():
    cameras = torch.tensor(np.stack([orbit_camera(yaw, pitch).camera_to_world for yaw, pitch in ((20, 5), (-30, -10))]))
    assert torch.allclose(torch.rad2deg(gan.angles(cameras.float())), torch.tensor([[20.0, 5], [-30, -10]]), atol=1e-3)


def test_sliced_wasserstein_orders_sets():
    torch.manual_seed(0)
    a, b = torch.rand(2, 40, 4, 32, 32)
    assert gan.sliced_wasserstein(a, a) == 0
    assert gan.sliced_wasserstein(a, a.flip(0)) == pytest.approx(0, abs=1e-6)
    # A shift by c moves the projection on a unit vector r by c times the sum of r: its mean size is known.
    shift = gan.sliced_wasserstein(a, a + 0.1, directions=4096)
    assert shift == pytest.approx(0.1 * np.sqrt(2 / np.pi), rel=0.05)
    assert gan.sliced_wasserstein(a, b) < shift


def test_r1_and_the_pose_reach_the_discriminator(run):
    """The score depends on the pose it is told, and the pose it reads off is trained."""
    picture, pose = run.photos.pictures[:4], gan.angles(run.photos.cameras[:4])
    score, _ = run.discriminator(picture, pose)
    other, _ = run.discriminator(picture, -pose)
    assert not torch.equal(score, other)


def test_views_are_differentiable_and_show_the_head(run):
    z = torch.randn(2, 8)
    view = run.sampler(z, run.photos.cameras[:2], 32)
    assert view.shape == (2, 4, 32, 32)
    alpha = view.detach()[:, 3]
    assert float(alpha[:, 12:20, 12:20].mean()) > 0.9 and float(alpha[:, :2].mean()) < 0.1
    view.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in run.sampler.parameters() if p.grad is not None)
    assert run.sampler.prior.mapping.layers[0].weight.grad.abs().sum() > 0


def test_a_run_comes_nearer_to_the_photos(run):
    """Colours the mean head lacks are learnt from the photos alone. The two sides chase each other and rounding differs
    between machines, so no single step is the measure: two measurements in a row are to lie below half the way."""
    before, floor = run.distance()
    left = [1.0]
    while max(left[-2:]) >= 0.5 and run.step < 320:
        for _ in range(16):
            terms = run.advance()
        left.append((run.distance()[0] - floor) / (before - floor))
    assert all(np.isfinite(value) for value in terms.values())
    assert max(left[-2:]) < 0.5, left


def test_a_resumed_run_takes_the_same_course(run):
    state = copy.deepcopy(run.state())
    course = [run.advance() for _ in range(2)]
    run.resume(state)
    assert [run.advance() for _ in range(2)] == course


def test_the_prior_can_be_drawn_from(run, tmp_path, geometry):
    """training.sample draws from gan.pt, and training.train can start from it."""
    from training import sample
    from training.run import checkpoint as ck
    from training.weights.from_onnx import start_from

    ck.save_checkpoint(tmp_path / "gan.pt", run.state())
    sample.main(["--prior", str(tmp_path / "gan.pt"), "--count", "2", "--out", str(tmp_path / "heads.png")])
    assert (tmp_path / "heads.png").stat().st_size > 5000
    state = ck.read_checkpoint(tmp_path / "gan.pt")
    model = run.average.fixed[0]
    fresh = start_from(model, state["average"])
    assert not any(name.startswith("generator.") for name in fresh)
