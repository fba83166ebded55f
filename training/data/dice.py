"""Random numbers of a chunk of examples on its device: a function of the seeds alone, a row per example."""

import torch


class Dice:
    """A stream of random numbers. device: of torch; seeds: whole numbers that name the stream."""

    def __init__(self, device, *seeds):
        mixed = 0
        for seed in seeds:
            mixed = (mixed * 1_000_003 + int(seed) + 1) % 2**63
        self.device, self.generator = torch.device(device), torch.Generator(device).manual_seed(mixed)

    def uniform(self, low, high, *shape):
        """Numbers evenly spread between low and high, float32."""
        return low + (high - low) * torch.rand(shape, generator=self.generator, device=self.device)

    def normal(self, mean, deviation, *shape):
        """Normally distributed numbers, float32; mean and deviation may be tensors that broadcast to the shape."""
        return mean + deviation * torch.randn(shape, generator=self.generator, device=self.device)

    def below(self, count, *shape):
        """Whole numbers in [0, count), int64."""
        return torch.randint(count, shape, generator=self.generator, device=self.device)

    def chance(self, share, *shape):
        """True in about that share of the cases, bool."""
        return torch.rand(shape, generator=self.generator, device=self.device) < share
