"""A step that is replayed as a CUDA graph is the same step."""

import pytest
import torch

from training.run.captured import Captured

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need an NVIDIA GPU")


@needs_gpu
def test_replays_compute_what_eager_steps_do():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.LeakyReLU(), torch.nn.Conv2d(8, 1, 3)).cuda()

    def compute(batch):
        loss = (network(batch["picture"]) - batch["wanted"]).square().mean()
        loss.backward()
        return {"loss": loss.detach()}

    shapes = {"picture": (4, 3, 16, 16), "wanted": (4, 1, 12, 12)}
    batches = [{name: torch.rand(*shape, device="cuda") for name, shape in shapes.items()} for _ in range(3)]
    captured = Captured(compute, network.parameters(), batches[0])
    for batch in batches:
        network.zero_grad(set_to_none=True)
        replayed = captured(batch)["loss"].clone()
        gradients = [p.grad.clone() for p in network.parameters()]
        network.zero_grad(set_to_none=True)
        torch.testing.assert_close(replayed, compute(batch)["loss"])
        for ours, parameter in zip(gradients, network.parameters(), strict=True):
            torch.testing.assert_close(ours, parameter.grad)
