"""Settings on the command line, and that every loss has a switch."""

import dataclasses

import pytest
import torch

from training.errors import TrainingError
from training.run.presets import PRESETS, LossWeights, override


def test_fields_are_set_in_their_own_type():
    lines = ["weights.level=0", "network.w_dim=256", "batch=8", "network.encoder_channels=8,8,16,16", "bfloat16=false"]
    preset = override(PRESETS["cpu"], lines)
    assert preset.weights.level == 0.0 and isinstance(preset.weights.level, float)
    assert (preset.network.w_dim, preset.batch, preset.bfloat16) == (256, 8, False)
    assert preset.network.encoder_channels == (8, 8, 16, 16)
    assert PRESETS["cpu"].batch == 4


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("batch", "write it as field=value"),
        ("batsh=3", "did you mean batch"),
        ("weights.levle=3", "did you mean level"),
        ("weights=3", "fields of its own"),
        ("batch.size=3", "batch has no fields"),
        ("batch=large", "expected int, like the default 4"),
        ("batch=2.5", "expected int"),
        ("bfloat16=7", "expected bool"),
        ("network.encoder_channels=1.5,2", "expected whole numbers"),
        ("batch=6", "no multiple of chunk"),
    ],
)
def test_a_wrong_setting_is_explained(line, message):
    with pytest.raises(TrainingError, match=message):
        override(PRESETS["cpu"], [line])


@pytest.fixture(scope="module")
def terms_of():
    """Weighted loss terms of one batch as a function of the weights; half of the batch is a real portrait."""
    from tests.training.conftest import TINY
    from training.cost import build, random_batch
    from training.run import judges
    from training.run.objective import texture_losses, view_losses

    torch.manual_seed(0)
    model = build(override(PRESETS["cpu"], [*TINY]))
    with torch.no_grad():  # details that differ from the coarse manifolds
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        model.detail_encoder.maps.bias[:4] += 8.0  # the subject fills the photo
        model.detail.geometry.bias[1] += 8.0  # and its columns
    batch = random_batch(model, 2)
    batch["synthetic"][1] = 0.0
    batch["alpha"][:] = 1.0
    with torch.no_grad():
        output = model(batch["photo"], batch["landmarks"], batch["camera"])
        output["fused"][0].add_(4.0)  # details that move the surface by 12 mm

    class Face:  # stands for the user's own face descriptor
        def distance(self, ours, theirs):
            return (ours.mean((2, 3)) - theirs.mean((2, 3))).abs().mean()

    panel = judges.Judges(judges.Features(), Face(), judges.Critic(torch.device("cpu")))

    def terms(weights):
        torch.manual_seed(1)
        with torch.no_grad():
            return texture_losses(output, batch, weights, panel) | view_losses(model, output, batch, weights, 40, panel)

    return terms


def test_zero_weights_leave_nothing(terms_of):
    off = LossWeights(**{field.name: 0.0 for field in dataclasses.fields(LossWeights)})
    assert all(float(value) == 0.0 for value in terms_of(off).values())


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(LossWeights)])
def test_every_loss_has_a_switch(terms_of, name):
    """Doubling one weight doubles some terms and leaves the others as they are; zero removes just those."""
    on = LossWeights(**{field.name: 1.0 for field in dataclasses.fields(LossWeights)})
    on = on if name == "swap" else dataclasses.replace(on, swap=0.0)  # which renders a whole picture
    once, twice, off = (terms_of(dataclasses.replace(on, **{name: value})) for value in (1.0, 2.0, 0.0))
    own = [n for n in once if float(twice[n]) == pytest.approx(2 * float(once[n])) and float(once[n]) > 0]
    assert own, f"the weight {name} moves no term"
    assert all(float(off.get(n, 0.0)) == 0.0 for n in own)
    assert set(once) - set(off) <= set(once)


def test_real_portraits_teach_no_shape_but_the_priors():
    """Pictures of a real portrait leave its geometry alone; the depth prior moves details to the coarse manifolds."""
    from tests.training.conftest import TINY
    from training.cost import build, random_batch
    from training.run.objective import view_losses

    torch.manual_seed(0)
    model = build(override(PRESETS["cpu"], [*TINY]))
    batch = random_batch(model, 2)
    batch["synthetic"][1] = 0.0
    batch["alpha"][:] = 1.0
    output = model(batch["photo"], batch["landmarks"], batch["camera"])
    with torch.no_grad():
        output["maps"][:, 0].add_(8.0)
    output["fused"] = tuple(part.detach().requires_grad_() for part in output["fused"])
    coarse = output["coarse"] = tuple(part.detach().requires_grad_() for part in output["coarse"])
    level, occupancy = output["fused"][:2]
    with torch.no_grad():
        level.add_(4.0), occupancy.add_(8.0)
    terms = view_losses(model, output, batch, PRESETS["cpu"].weights, 16)

    def slope(names):
        total = sum(terms[name] for name in names)
        found = torch.autograd.grad(total, (level, *coarse), retain_graph=True, allow_unused=True)
        return [None if g is None else g.flatten(1).abs().sum(1) for g in found]

    synthetic, real = slope(["input_colour", "input_alpha", "novel_colour", "prior_seen", "prior_unseen"])[0]
    assert synthetic > 0 and real == 0
    moved, *coarse_moved = slope(["prior_depth", "prior_features"])
    assert moved[1] > 0 and all(g is None for g in coarse_moved)


def test_a_step_never_waits_for_its_device(monkeypatch):
    """Tensors without values pass through networks and losses; whoever asks one for its value, or for a shape that
    hangs on values, would make a GPU's queue run empty."""
    from torch._subclasses import FakeTensorMode

    from tests.training.conftest import TINY
    from training.cost import build, random_batch
    from training.run import judges, objective, views

    model = build(override(PRESETS["gpu"], [*TINY]))
    panel = judges.Judges(features=judges.Features(), critic=judges.Critic(torch.device("cpu")))
    monkeypatch.setattr(views, "random_stride", lambda: 2)  # drawn on the host
    batch = random_batch(model, 2)
    batch["synthetic"][0] = 0.0
    heads, weights = objective.heads_of(batch), dataclasses.replace(PRESETS["gpu"].weights, gram=1.0, swap=1.0)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        batch = {name: mode.from_tensor(value) for name, value in batch.items()}
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output = model(batch["photo"], batch["landmarks"], batch["camera"])
        terms = objective.texture_losses(output, batch, weights)
        terms |= objective.view_losses(model, output, batch, weights, 16, panel, mode.from_tensor(heads))
        assert {"novel_perceptual", "novel_gram", "prior_depth", "adversarial", "swap"} < set(terms)
        with pytest.raises(RuntimeError):  # so the mode does notice
            objective.view_losses(model, output, batch, weights, 16)
