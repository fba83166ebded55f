"""The face detector and the landmark network.

Both are small convolutional networks, trained in bfloat16 and exported with batch normalisation folded.
"""

import torch
from torch import nn
from torch.nn import functional as F

LANDMARKS = 468
COMPONENTS = 64  # of the linear model of landmark shapes


def convolution(inputs, outputs, kernel=3, stride=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(True)
    )


class Bottleneck(nn.Module):
    """Residual block: half the channels in its 3x3 convolution (ResNet, CVPR 2016)."""

    def __init__(self, channels):
        super().__init__()
        half = channels // 2
        self.body = nn.Sequential(
            convolution(channels, half, 1),
            convolution(half, half),
            nn.Conv2d(half, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x):
        return F.relu(x + self.body(x))


class FaceDetector(nn.Module):
    """photo (n, 3, 256, 256) 0..1 -> (n, 6, 32, 32): centre logit, log side / 64 px, offset x, y in cells, cos, sin."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(convolution(3, 24, 7, stride=4), Bottleneck(24))
        self.eighth = nn.Sequential(convolution(24, 48, stride=2), Bottleneck(48), Bottleneck(48))
        self.sixteenth = nn.Sequential(convolution(48, 80, stride=2), Bottleneck(80), Bottleneck(80))
        self.thirty_second = nn.Sequential(convolution(80, 112, stride=2), Bottleneck(112), Bottleneck(112))
        self.up16, self.side16 = nn.Conv2d(112, 64, 1), nn.Conv2d(80, 64, 1)
        self.up8, self.side8 = nn.Conv2d(64, 64, 1), nn.Conv2d(48, 64, 1)
        self.mix16 = Bottleneck(64)
        self.head = nn.Sequential(convolution(64, 48), nn.Conv2d(48, 6, 1))
        with torch.no_grad():
            self.head[-1].bias[0] = -4.0  # centres are rare

    def forward(self, photo):
        x = self.stem((photo - 0.5) * 4)
        eighth = self.eighth(x)
        sixteenth = self.sixteenth(eighth)
        deep = self.thirty_second(sixteenth)
        x = self.mix16(F.relu(F.interpolate(self.up16(deep), scale_factor=2.0) + self.side16(sixteenth)))
        x = F.relu(F.interpolate(self.up8(x), scale_factor=2.0) + self.side8(eighth))
        return self.head(x)


class FaceLandmarks(nn.Module):
    """crop (n, 3, 128, 128) 0..1 -> points (n, 468, 2) in -0.5..0.5 of the crop, logit (n,) that it shows a face."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            convolution(3, 48, 7, stride=4),
            Bottleneck(48),
            Bottleneck(48),
            convolution(48, 80, stride=2),
            Bottleneck(80),
            Bottleneck(80),
            Bottleneck(80),
            convolution(80, 128, stride=2),
            Bottleneck(128),
            Bottleneck(128),
            Bottleneck(128),
            convolution(128, 32, 1),
            nn.Flatten(),
            nn.Linear(32 * 64, 160),
            nn.ReLU(True),
        )
        self.shape = nn.Linear(160, COMPONENTS)
        self.points = nn.Linear(COMPONENTS, LANDMARKS * 2)
        self.score = nn.Linear(160, 1)

    @torch.no_grad()
    def start_from(self, shapes):
        """Begin with the mean and the principal components of shapes (n, 468, 2), in units of the crop."""
        flat = shapes.flatten(1)
        mean = flat.mean(0)
        _, values, basis = torch.linalg.svd(flat - mean, full_matrices=False)
        self.points.weight.copy_((basis[:COMPONENTS] * values[:COMPONENTS, None] / len(flat) ** 0.5).T)
        self.points.bias.copy_(mean)

    def forward(self, crop):
        x = self.body((crop - 0.5) * 4)
        return self.decode(x)

    def decode(self, features):
        """The two outputs from the features of the body, kept apart because they need full precision."""
        return self.points(self.shape(features)).unflatten(1, (LANDMARKS, 2)), self.score(features)[:, 0]
