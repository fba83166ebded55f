"""The discriminator of pictures that is told their pose, and reads it off too (GRAM, CVPR 2022, section 3.4)."""

import torch
from torch import nn

CONDITION = 64  # width of the layer that a pose passes before it meets the picture


class Discriminator(nn.Module):
    """Picture (B, 4, S, S) and pose (B, 2) to a score (B,) and the pose it sees (B, 2); radians."""

    def __init__(self, channels):
        super().__init__()
        layers, previous = [nn.Conv2d(4, channels[0], 3, padding=1), nn.LeakyReLU(0.2)], channels[0]
        for width in channels[1:] + channels[-1:]:
            layers += [nn.Conv2d(previous, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
            previous = width
        self.body = nn.Sequential(*layers)
        self.join = nn.Sequential(nn.Conv2d(previous + 1, previous, 3, padding=1), nn.LeakyReLU(0.2), nn.AdaptiveAvgPool2d(2),
                                  nn.Flatten(), nn.Linear(4 * previous, previous), nn.LeakyReLU(0.2))  # fmt: skip
        self.score, self.pose = nn.Linear(previous, 1), nn.Linear(previous, 2)
        self.condition = nn.Sequential(nn.Linear(2, CONDITION), nn.LeakyReLU(0.2), nn.Linear(CONDITION, previous))

    def forward(self, picture, pose):
        x = self.body(picture * 2 - 1)
        spread = (x.var(0, unbiased=False) + 1e-8).sqrt().mean()  # of the batch (progressive GAN); smooth for one picture
        spread = spread.expand(len(x), 1, *x.shape[2:])
        x = self.join(torch.cat([x, spread], 1))
        match = (self.condition(pose) * x).mean(1)  # projection (Miyato & Koyama, 2018)
        return self.score(x)[:, 0] + match, self.pose(x)


def angles(camera):
    """Yaw and pitch (B, 2), radians, of cameras (B, 4, 4) around the head."""
    away = camera[:, :3, 2]  # cameras look along -Z
    return torch.stack([torch.atan2(away[:, 0], away[:, 2]), torch.asin(away[:, 1].clamp(-1, 1))], 1)
