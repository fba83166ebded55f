"""Networks that judge pictures: what they measure follows from closed forms, and a run with all of them resumes."""

import json
import os
import signal

import numpy as np
import pytest
import torch

from inference.geometry import cameras
from training import train
from training.errors import TrainingError
from training.run import checkpoint as ck
from training.run import judges
from training.run.processes import Group


class Halves(torch.nn.Module):
    """Two maps: the picture's left half and its right half."""

    def forward(self, picture):
        side = picture.shape[-1] // 2
        return picture[..., :side], picture[..., side:]


class Mean(torch.nn.Module):
    """The mean colour as a face descriptor."""

    def forward(self, picture):
        return picture.mean((2, 3))


@pytest.fixture
def script(tmp_path):
    """Path of a TorchScript file of a network."""

    def save(network):
        path = tmp_path / f"{type(network).__name__}.pt"
        torch.jit.trace(network, torch.rand(2, 3, 16, 16)).save(str(path))
        return path

    return save


def test_feature_distance_by_hand(script):
    """Red against green is a difference of 2 between unit vectors; one half of two maps has it, the other has none.

    So have their Gram matrices: all is red in one and all is green in the other."""
    features = judges.Features(script(Halves()))
    red, mixed = torch.zeros(2, 3, 16, 16), torch.zeros(2, 3, 16, 16)
    red[:, 0] = mixed[:, 0, :, 8:] = mixed[:, 1, :, :8] = 0.7
    apart = features.compare(mixed, red)
    assert float(apart["perceptual"]) == float(apart["gram"]) == pytest.approx(1.0, abs=1e-5)
    for value in features.compare(red * 0.5, red).values():  # only the direction counts
        assert float(value) == pytest.approx(0.0, abs=1e-6)


def test_gram_matrices_by_hand(script):
    """Against numpy, pixel by pixel; the same pixels in another order are the same texture, blurred ones are not."""
    features = judges.Features(script(Halves()))
    rng = np.random.default_rng(0)
    ours, theirs = rng.random((2, 2, 3, 8, 8))  # of two pictures each

    def matrix(half):
        total = np.zeros((3, 3))
        for vector in half.reshape(3, -1).T:
            vector = vector / np.linalg.norm(vector)
            total += np.outer(vector, vector) / (half.shape[1] * half.shape[2])
        return total

    wanted = np.mean([((matrix(a[..., s]) - matrix(b[..., s])) ** 2).sum()
                      for a, b in zip(ours, theirs) for s in (slice(0, 4), slice(4, 8))])  # fmt: skip
    tensor = lambda x: torch.tensor(x, dtype=torch.float32)  # noqa: E731
    assert float(features.compare(tensor(ours), tensor(theirs))["gram"]) == pytest.approx(wanted, rel=1e-4)
    moved = features.compare(tensor(ours[:, :, ::-1].copy()), tensor(ours))
    assert float(moved["gram"]) < 1e-10 and float(moved["perceptual"]) > 0.05
    flat = tensor(ours.mean((2, 3), keepdims=True)).expand(-1, -1, 8, 8)
    assert float(features.compare(flat, tensor(ours))["gram"]) > 0.01


def test_features_of_a_trained_encoder_see_structure(exported, tmp_path):
    """The features of an exported model's E_detail: equal pictures are at distance zero, and gradients flow."""
    judges.Features(exported)  # a miniature model is a smaller one
    with pytest.raises(TrainingError, match="E_detail|missing"):
        judges.Features(tmp_path)
    network = judges.Features()
    torch.manual_seed(0)
    picture = torch.rand(1, 3, 32, 32)
    other = torch.rand(1, 3, 32, 32).requires_grad_(True)
    assert all(float(value) == 0.0 for value in network.compare(picture, picture).values())
    far = network.compare(other, picture)
    near = network.compare(picture + 0.02 * (other - picture), picture)
    for name, value in far.items():
        assert float(value) > 10 * float(near[name]) > 0
        slope = torch.autograd.grad(value, other, retain_graph=True)[0]
        assert float(slope.abs().sum()) > 0
    assert not any(p.requires_grad for p in network.parameters())


def test_identity_is_one_minus_the_cosine(script):
    judge = judges.Identity(script(Mean()))
    ours, theirs = torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)
    ours[:, 0], theirs[:, 0], theirs[:, 1] = 1.0, 1.0, 1.0
    assert float(judge.distance(ours, theirs)) == pytest.approx(1 - np.sqrt(0.5), abs=1e-5)


def test_a_critic_learns_to_tell_rendered_patches():
    """Flat patches against textured ones: the critic's loss falls, and what it has learnt to see costs the renderer."""
    critic, group = judges.Critic(torch.device("cpu"), seed=1), Group("cpu")
    camera = torch.tensor(cameras.orbit_camera().camera_to_world, dtype=torch.float32).expand(4, -1, -1)
    torch.manual_seed(0)
    real, fake = torch.rand(4, 4, 16, 16), torch.full((4, 4, 16, 16), 0.5)
    losses = []
    for _ in range(40):
        critic.remember(real, camera, fake, camera)
        losses.append(critic.learn(group))
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
    assert float(critic.fool(fake, camera)) > float(critic.fool(real, camera)) + 0.1
    assert critic.learn(group) == 0.0  # nothing is pending


def test_weights_without_their_network_are_refused(arguments, tmp_path, script):
    with pytest.raises(TrainingError, match="--identity"):
        train.main(arguments(tmp_path / "run", settings=("weights.identity=1",)))
    (tmp_path / "bad.pt").write_bytes(b"no network")
    line = arguments(tmp_path / "run", settings=("weights.identity=1",))
    with pytest.raises(TrainingError, match="TorchScript"):
        train.main([*line, "--identity", str(tmp_path / "bad.pt")])


ALL = (
    "weights.perceptual=1", "weights.gram=10", "weights.identity=0.5", "weights.adversarial=0.1",
    "view_every=1", "view_from=0",
)  # fmt: skip


def test_every_judge_has_a_say(arguments, tmp_path, script):
    nets = ("--identity", str(script(Mean())), "--features", str(script(Halves())))
    assert train.main([*arguments(tmp_path / "run", settings=ALL, samples=4), *nets]) == 0
    rows = [json.loads(text) for text in (tmp_path / "run" / "curve.jsonl").read_text().splitlines()]
    for name in ("input_perceptual", "novel_perceptual", "input_gram", "novel_gram", "identity", "adversarial"):
        assert all(row[name] > 0 for row in rows), name


def test_a_run_with_a_critic_resumes_exactly(arguments, tmp_path, monkeypatch):
    """A run that was stopped half-way and resumed ends like one in a single part, and so does its critic."""
    line = lambda out, samples, *more: [*arguments(out, settings=ALL[3:], samples=samples), *more]  # noqa: E731
    assert train.main(line(tmp_path / "whole", 8)) == 0
    advance = train.Run.advance

    def stopped(run, *rest):
        taken = advance(run, *rest)
        if run.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return taken

    with monkeypatch.context() as patched:
        patched.setattr(train.Run, "advance", stopped)
        assert train.main(line(tmp_path / "parts", 8)) == 128 + signal.SIGTERM
    assert train.main(line(tmp_path / "parts", 8, "--resume")) == 0
    whole, parts = (ck.read_checkpoint(tmp_path / name / "last.pt") for name in ("whole", "parts"))
    assert whole["step"] == parts["step"] == 4
    for theirs, ours in ((whole, parts), (whole["critic"], parts["critic"])):
        assert theirs["model"]
        for name, value in theirs["model"].items():
            assert torch.equal(ours["model"][name], value), name
