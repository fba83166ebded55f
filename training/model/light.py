"""The network of light: how much of it falls on each column of a portrait."""

import torch
import torch.nn.functional as F
from torch import nn

from inference.mesh.delight import PLANES
from training.model.networks import Residual, UNetUp

CHANNELS = (32, 48, 64, 64, 64)  # of the U-Net at 80, 40, 20, 10, 5 columns
INPUTS = PLANES + 3 + 4  # planes, colours of the mirror image, places
USUAL, SPREAD = 0.11, 0.04  # metres: the usual radius, and how far it goes from there


class Light(nn.Module):
    """Planes (B, PLANES, GRID, GRID) of :func:`inference.mesh.delight.light_planes` to the logarithm of the light on the
    columns, (B, 1, GRID, GRID), up to a constant."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(4 * INPUTS, CHANNELS[0], 3, padding=1)
        self.first = Residual(CHANNELS[0])
        pairs = [*zip(CHANNELS, CHANNELS[1:])]
        self.down = nn.ModuleList(nn.Sequential(nn.Conv2d(a, b, 4, stride=2, padding=1), Residual(b)) for a, b in pairs)
        self.up = nn.ModuleList(UNetUp(b, a, a) for a, b in pairs)
        self.answer = nn.Conv2d(CHANNELS[0], 4, 1)
        nn.init.zeros_(self.answer.weight)
        nn.init.zeros_(self.answer.bias)

    def forward(self, columns):
        """columns (B, PLANES, GRID, GRID)."""
        x = F.pixel_unshuffle(self.inputs(columns), 2)
        skips = [self.first(self.stem(x))]
        for block in self.down:
            skips.append(block(skips[-1]))
        x = skips[-1]
        for block, skip in reversed([*zip(self.up, skips)]):
            x = block(x, skip)
        return F.pixel_shuffle(self.answer(x), 2).float()

    def inputs(self, columns):
        """What the convolutions see, (B, INPUTS, GRID, GRID)."""
        radius, normals, opacity, facing, colours, points, parts = columns.split((1, 3, 1, 1, 3, 3, 3), 1)
        size = columns.shape[-1]
        v, u = torch.meshgrid(*[torch.linspace(-1.0, 1.0, size, device=columns.device)] * 2, indexing="ij")
        places = torch.stack([u, v, u.abs(), torch.ones_like(u)])[None].expand(len(columns), -1, -1, -1)
        return torch.cat([(radius - USUAL) / SPREAD, normals, opacity, facing, 2.0 * colours - 1.0, 10.0 * points, parts,
                          2.0 * (colours - colours.flip(3)), places], 1)  # fmt: skip
