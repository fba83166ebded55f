"""The completion network: what is known column by column, once photo and networks have met, to a better head.

Its planes and its place in inversion are those of :mod:`inference.inversion.completion`. Mirror images are input as well: a
convolution cannot look across the face.
"""

import torch

from inference.inversion.columns import GRID
from inference.inversion.completion import PLANES
from inference.inversion.sheets import surface_radius
from inference.inversion.visibility import USUAL
from training.model.column_unet import ColumnUNet

CHANNELS = (48, 80, 112, 112)  # of the U-Net at 80, 40, 20, 10 columns
WIDTHS = (1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 1, 3, 3, 3, 1)  # of the planes in their order
INPUTS = 34  # planes, mirror images and places, all about as large
STEP, FARTHEST = 0.004, 6.0  # metres that one of the answer's units moves the surface, and units that it moves it at most
KNOWN, COLOUR = 8.0, 0.25  # logits of what the silhouette says of a column, and colour of one unit


class Completion(ColumnUNet):
    """Planes (B, PLANES, GRID, GRID) of :func:`inference.inversion.completion.completion_planes` to the surface's radius
    (B, 1, GRID, GRID) metres, logits of the columns that the subject has, and the columns' colours (B, 3, GRID, GRID).

    usual: (1, 1, GRID, GRID) metres, radius of the usual head, the same on both sides. An untrained network answers what it sees.
    """

    def __init__(self, usual):
        super().__init__(INPUTS, CHANNELS, 5)
        self.register_buffer("usual", usual)

    def forward(self, columns):
        """columns (B, PLANES, GRID, GRID)."""
        answer = self.answers(self.inputs(columns))
        radius, known, seen, matched = columns[:, :1], columns[:, 2:3], columns[:, 6:7], columns[:, 11:14]
        moved = radius + STEP * FARTHEST * torch.tanh(answer[:, :1] / FARTHEST)
        occupied = KNOWN * (known - 0.5) + answer[:, 1:2]
        return moved, occupied, matched + (1.0 - seen) * COLOUR * answer[:, 2:]

    def inputs(self, columns):
        """What the convolutions see, (B, INPUTS, GRID, GRID)."""
        (radius, found, known, occupancy, facing, occlusion, seen, glimpsed, colour, matched, share, shown, parts, shown_parts,
         edge) = columns.split(WIDTHS, 1)  # fmt: skip
        size, height = columns.shape[-1], 50.0 * (radius - self.usual)
        v, u = torch.meshgrid(*[torch.linspace(-1.0, 1.0, size, device=columns.device)] * 2, indexing="ij")
        places = torch.stack([u, v, u.abs()])[None].expand(len(columns), -1, -1, -1)
        return torch.cat([
            height, 100.0 * (found - radius), known, occupancy / 4.0, facing, occlusion / 3.0, seen, glimpsed,
            2.0 * (colour - matched), matched, share, 2.0 * (shown - matched), parts, shown_parts, edge / 8.0,
            height.flip(3) - height, 2.0 * (matched.flip(3) - matched), seen.flip(3), known.flip(3), places,
        ], 1)  # fmt: skip


def untrained(radii):
    """A new network for a model's sheets, radii (23, n, n) metres."""
    usual = torch.from_numpy(surface_radius(radii, torch.full((GRID, GRID), USUAL).numpy()))
    return Completion(0.5 * (usual + usual.flip(1))[None, None])


assert sum(WIDTHS) == PLANES
