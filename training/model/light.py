"""The network of light: how much of it falls on each column of a portrait."""

import torch

from inference.mesh.delight import PLANES
from training.model.column_unet import ColumnUNet

CHANNELS = (32, 48, 64, 64, 64)  # of the U-Net at 80, 40, 20, 10, 5 columns
INPUTS = PLANES + 3 + 4  # planes, colours of the mirror image, places
USUAL, SPREAD = 0.11, 0.04  # metres: the usual radius, and how far it goes from there


class Light(ColumnUNet):
    """Planes (B, PLANES, SIDE, SIDE) of :func:`inference.mesh.delight.light_planes` to the logarithm of the light on the
    columns, (B, 1, SIDE, SIDE), up to a constant."""

    def __init__(self):
        super().__init__(INPUTS, CHANNELS, 1)

    def forward(self, columns):
        """columns (B, PLANES, SIDE, SIDE)."""
        return self.answers(self.inputs(columns))

    def inputs(self, columns):
        """What the convolutions see, (B, INPUTS, SIDE, SIDE)."""
        radius, normals, opacity, facing, colours, points, parts = columns.split((1, 3, 1, 1, 3, 3, 3), 1)
        size = columns.shape[-1]
        v, u = torch.meshgrid(*[torch.linspace(-1.0, 1.0, size, device=columns.device)] * 2, indexing="ij")
        places = torch.stack([u, v, u.abs(), torch.ones_like(u)])[None].expand(len(columns), -1, -1, -1)
        return torch.cat([(radius - USUAL) / SPREAD, normals, opacity, facing, 2.0 * colours - 1.0, 10.0 * points, parts,
                          2.0 * (colours - colours.flip(3)), places], 1)  # fmt: skip
