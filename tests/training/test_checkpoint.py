"""Six bytes per parameter are enough to go on as if nothing had happened."""

import dataclasses
import io

import pytest
import torch

from training.cost import build, measure
from training.model.networks import NetworkConfig
from training.run import checkpoint as ck
from training.run.optimizer import Optimizer
from training.run.presets import PRESETS


def test_moments_survive_packing():
    """Relative error of Adam's step size under 6 %, zeros stay zeros, and scales may differ by ten decades."""
    torch.manual_seed(0)
    second = torch.exp(torch.randn(64, 32, 3, 3) * 4 - 15)
    second[3] = 0
    back = ck.unpack_second(*ck.pack_second(second))
    assert (back[3] == 0).all()
    used = second > 0
    assert ((back[used] / second[used]).sqrt() - 1).abs().max() < 0.06
    first = torch.randn(64, 32, 3, 3) * torch.logspace(-8, 0, 64).view(-1, 1, 1, 1)
    back = ck.unpack_first(*ck.pack_first(first))
    error = (back - first).abs().flatten(1).amax(1) / first.abs().flatten(1).amax(1)
    assert error.max() < 1 / 250
    for shape in ((), (5,), (4, 3)):
        moment = torch.rand(shape)
        assert ck.unpack_first(*ck.pack_first(moment)).shape == shape
        assert torch.allclose(ck.unpack_second(*ck.pack_second(moment)), moment, rtol=0.06)


def test_a_run_goes_on_from_what_it_wrote():
    """settle() leaves the live state bit-equal to what unpacking the file gives."""
    torch.manual_seed(0)
    make = lambda: torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Linear(4, 5))  # noqa: E731
    live, average, again, smooth = make(), make(), make(), make()
    optimizer, other = (Optimizer(m, 1e-2) for m in (live, again))
    for _ in range(3):
        live(torch.randn(2, 3, 4, 6)).square().sum().backward()
        optimizer.step()
    buffer = io.BytesIO()
    torch.save(ck.settle(live, average, optimizer), buffer)
    buffer.seek(0)
    ck.unpack(torch.load(buffer, weights_only=True), again, smooth, other)
    for model, optim in ((live, optimizer), (again, other)):
        model.zero_grad()
        model(torch.ones(2, 3, 4, 6)).square().sum().backward()
        optim.step()
    for ours, theirs in zip([*live.parameters(), *average.parameters()], [*again.parameters(), *smooth.parameters()]):
        assert torch.equal(ours, theirs)


@pytest.fixture(scope="module")
def model():
    return build(PRESETS["cpu"])


def test_a_checkpoint_takes_six_bytes_a_parameter(model, tmp_path):
    optimizer = Optimizer(model, 1e-3)
    sum(p.sum() for p in model.parameters()).backward()
    optimizer.step()
    ck.save_checkpoint(tmp_path / "last.pt", ck.pack(model, model, optimizer))
    parameters = sum(p.numel() for p in model.parameters())
    assert 4.0 < (tmp_path / "last.pt").stat().st_size / parameters < 6.1


def test_weights_of_other_networks_are_refused(model):
    tensors = {name: p.detach() for name, p in model.named_parameters()}
    name = "generator.constant"
    tensors[name] = tensors[name][:, :5]
    with pytest.raises(ck.TrainingError, match="1 parameters differ, such as generator.constant"):
        ck.load_parameters(model, tensors)


def test_checkpoints_of_an_older_version_are_refused():
    """Their U-Net in texture space had three levels."""
    network = dataclasses.asdict(NetworkConfig()) | {"texture_channels": (64, 96, 128)}
    with pytest.raises(ck.TrainingError, match="another version: give it to --start-from"):
        ck.network_config({"network": network})


def test_costs_are_counted():
    """A network twice as wide costs about four times as much, and a chunk's memory grows with its patches."""
    from training.run.presets import override

    small = measure(override(PRESETS["cpu"], ["network.texture_channels=32,32,32,32", "patch=16"]))
    large = measure(override(PRESETS["cpu"], ["network.texture_channels=64,64,64,64", "patch=48"]))
    assert 2.0 < large["gmac"]["detail_manifolds"] / small["gmac"]["detail_manifolds"] < 4.0
    assert large["gmac"]["encoder_w"] == small["gmac"]["encoder_w"]
    assert large["example_mb"] > small["example_mb"] + 5
