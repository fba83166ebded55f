"""The small U-Net of networks that see a portrait column by column."""

import torch.nn.functional as F
from torch import nn

from training.model.networks import Residual, UNetUp


class ColumnUNet(nn.Module):
    """Planes (B, inputs, h, w) to planes (B, answers, h, w) float32, at half the columns and below. Starts as zero."""

    def __init__(self, inputs, channels, answers):
        super().__init__()
        self.stem = nn.Conv2d(4 * inputs, channels[0], 3, padding=1)
        self.first = Residual(channels[0])
        pairs = [*zip(channels, channels[1:])]
        self.down = nn.ModuleList(nn.Sequential(nn.Conv2d(a, b, 4, stride=2, padding=1), Residual(b)) for a, b in pairs)
        self.up = nn.ModuleList(UNetUp(b, a, a) for a, b in pairs)
        self.answer = nn.Conv2d(channels[0], 4 * answers, 1)
        nn.init.zeros_(self.answer.weight)
        nn.init.zeros_(self.answer.bias)

    def answers(self, planes):
        """planes (B, inputs, h, w)."""
        skips = [self.first(self.stem(F.pixel_unshuffle(planes, 2)))]
        for block in self.down:
            skips.append(block(skips[-1]))
        x = skips[-1]
        for block, skip in reversed([*zip(self.up, skips)]):
            x = block(x, skip)
        return F.pixel_shuffle(self.answer(x), 2).float()
