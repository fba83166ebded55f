"""The networks of detailed radiance manifolds (GRAMInverter, CVPR 2023, figure 2), for dome manifolds.

    photo, landmarks ── EncoderW ──► w+ ──► EfficientGRAM ──► coarse manifolds ──┐
       │                                                                       (+)──► Decoder ──► RGBA manifolds
       └── DetailEncoder ──► voxel ─[pose]─► DetailManifolds ──► detail manifolds ┘

Shapes use B batch, N = 23 sheets, G = 80 texels of the low-resolution textures, H = 2 G of the high ones.

A texel column (one radial ray) carries a *level*, the number of sheets that lie in front of the surface, and an
*occupancy*, the chance that the ray meets the subject at all. They give each sheet an opacity that is solid
behind the surface. Per-sheet features tell the decoder more about colours.

There is no batch or group normalisation: residual branches start at zero instead, which keeps channels-last bfloat16
fast on CPUs and makes export trivial. The generator alone normalises per pixel.
"""

import dataclasses
import math

import torch
import torch.nn.functional as F
from torch import nn

from inference.inversion.lifting import VOXEL_SLICES
from training.model.curves import smooth_step
from training.model.geometry import SHEETS

SHARPNESS = 5.0  # logit change of opacity per level of the model's sheets
PARTS = 3  # skin, hair, cloth
SHAPE_GRID, SHAPE_RANK = 40, 160  # texels per side of the linear guess of the shape, and its rank
MATTE_GRID = 32  # pixels per side of the matte that it sees
SQUEEZED, SQUEEZED_CELLS = 32, 8 * 8  # channels and cells of the last map of E_w (256 / 2^5 pixels a side) that keep their place


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the networks. The defaults are the embedded model."""

    grid: int = 80  # texels per side of the low-resolution textures
    w_dim: int = 128  # width of one style code
    encoder_channels: tuple = (48, 96, 160, 224)  # E_w at 64, 32, 16, 8 pixels
    encoder_width: int = 640  # hidden width of E_w's head
    generator_channels: tuple = (192, 192, 128, 96, 48, 24)  # at 5, 10, 20, 40, 80, 160 texels
    sheet_features: int = 3  # per-sheet features for the decoder
    detail_channels: tuple = (32, 64, 112, 160)  # U-Net of the photo at 128, 64, 32, 16 pixels
    voxel_channels: int = 8  # features per voxel
    voxel_depth: int = VOXEL_SLICES  # slices of the voxel along the view axis
    lift_sheets: tuple = (1, 4, 7, 10, 13, 16, 19, 22)  # sheets on which the voxel is looked up
    texture_channels: tuple = (80, 128, 192, 192)  # U-Net in texture space at 80, 40, 20, 10 texels
    fine_channels: int = 24  # super-resolution block at 160 texels
    pixel_features: int = 4  # learned pixel-aligned features besides colour and matte
    decoder_width: int = 32  # hidden width of the point decoder
    landmarks: int = 468


class Residual(nn.Module):
    """Two 3x3 convolutions added to the input; starts as the identity."""

    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x):
        return x + self.second(F.leaky_relu(self.first(F.leaky_relu(x, 0.2)), 0.2))


class EncoderW(nn.Module):
    """E_w: aligned photo and landmarks to one style code per generator layer (w+).

    A linear map, ``shape``, from landmarks, matte and pose already explains most of the subject's shape. The landmarks
    enter as offsets from the mean head's landmarks in the estimated pose.
    """

    def __init__(self, config, styles):
        super().__init__()
        layers, previous = [], 3
        for channels in config.encoder_channels:
            layers += [nn.Conv2d(previous, channels, 4, stride=2, padding=1), Residual(channels)]
            previous = channels
        self.image = nn.Sequential(*layers)
        self.landmarks = nn.Sequential(nn.Linear(2 * config.landmarks, 256), nn.LeakyReLU(0.2), nn.Linear(256, 256))
        self.squeeze = nn.Conv2d(previous, SQUEEZED, 1)
        self.head = nn.Sequential(nn.Linear(previous + SQUEEZED * SQUEEZED_CELLS + 256, config.encoder_width), nn.LeakyReLU(0.2))
        self.codes = nn.Linear(config.encoder_width, styles * config.w_dim)
        inputs = 2 * config.landmarks + MATTE_GRID**2 + 6
        self.shape = nn.Sequential(nn.Linear(inputs, SHAPE_RANK), nn.Linear(SHAPE_RANK, SHAPE_GRID**2))
        self.styles, self.w_dim = styles, config.w_dim

    def shape_inputs(self, landmark_offsets, matte, camera):
        """What the linear map sees, (B, 936 + 1024 + 6); arguments as of :meth:`forward`."""
        small = F.avg_pool2d(matte.float(), matte.shape[-1] // MATTE_GRID).flatten(1)
        return torch.cat([landmark_offsets, small, 3.0 * camera[:, :3, 3], 3.0 * camera[:, :3, 0]], 1)

    def forward(self, photo, landmark_offsets, matte, camera):
        """photo (B, 3, 256, 256) in [-1, 1]; landmark_offsets (B, 936) in units of 10 px; matte (B, 1, 256, 256) in [0, 1];
        camera (B, 4, 4), camera_to_world of the photo.

        Returns w_plus (B, styles, w_dim) and shape (B, 1, 40, 40), the linear guess of the level offset.
        """
        x = self.image(F.avg_pool2d(photo, 2))
        pooled = torch.cat([x.mean((2, 3)), self.squeeze(x).flatten(1), self.landmarks(landmark_offsets)], 1)
        w_plus = self.codes(self.head(pooled)).view(-1, self.styles, self.w_dim)
        shape = self.shape(self.shape_inputs(landmark_offsets, matte, camera))
        return w_plus, shape.view(-1, 1, SHAPE_GRID, SHAPE_GRID)


class MappingNetwork(nn.Module):
    """Latent z of a head (its parameters, or noise) to w+. Source: StyleGAN's mapping network, w+ flavour."""

    def __init__(self, z_dim, config, styles, width=256):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(z_dim, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2),
            nn.Linear(width, styles * config.w_dim),
        )  # fmt: skip
        self.styles, self.w_dim = styles, config.w_dim

    def forward(self, z):
        return self.layers(F.normalize(z, dim=1) * math.sqrt(z.shape[1])).view(-1, self.styles, self.w_dim)


class StyledConv(nn.Module):
    """Style-modulated, demodulated 3x3 convolution (StyleGAN2, section 2.2), written with shared weights, and pixel
    normalisation: without it the signal dies out over eleven layers."""

    def __init__(self, inputs, outputs, w_dim):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3) / math.sqrt(9 * inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.style = nn.Linear(w_dim, inputs)
        nn.init.normal_(self.style.weight, std=0.5 / math.sqrt(w_dim))
        nn.init.ones_(self.style.bias)

    def forward(self, x, w):
        style = self.style(w)
        energy = self.weight.square().sum((2, 3))
        demodulation = torch.rsqrt(style.square().to(energy.dtype) @ energy.t() + 1e-6)
        y = F.conv2d(x * style[:, :, None, None].to(x.dtype), self.weight, padding=1)
        y = y * demodulation[:, :, None, None].to(y.dtype) + self.bias[:, None, None]
        y = F.leaky_relu(y, 0.2)
        return y * torch.rsqrt(y.float().square().mean(1, keepdim=True) + 1e-4).to(y.dtype)


class EfficientGRAM(nn.Module):
    """w+ to coarse radiance manifolds: a convolutional generator in the manifolds' own texture space."""

    def __init__(self, config):
        super().__init__()
        channels = config.generator_channels
        size = config.grid >> (len(channels) - 2)
        self.constant = nn.Parameter(torch.randn(1, channels[0], size, size) * 0.5)
        layers = [StyledConv(channels[0], channels[0], config.w_dim)]
        for before, after in zip(channels, channels[1:]):
            layers += [StyledConv(before, after, config.w_dim), StyledConv(after, after, config.w_dim)]
        self.layers = nn.ModuleList(layers)
        self.geometry = nn.Conv2d(channels[-2], 2, 1)
        self.sheets = nn.Conv2d(channels[-2], SHEETS * config.sheet_features, 1)
        self.colour = nn.Conv2d(channels[-1], 3, 1)
        for layer in (self.sheets, self.colour):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    @property
    def styles(self):
        return len(self.layers)

    def forward(self, w_plus, shape, mean_level, mean_colour):
        """w_plus (B, styles, w_dim), shape (B, 1, 40, 40), mean_level (1, 1, G, G), mean_colour (1, 3, H, H).

        Returns level (B, 1, G, G), occupancy logit (B, 1, G, G), colour (B, 3, H, H) in about [0, 1],
        sheet features (B, N * C, G, G), and hidden features (B, 64, G, G) for the detail branch.
        """
        x = self.constant.expand(w_plus.shape[0], -1, -1, -1)
        x = self.layers[0](x, w_plus[:, 0])
        hidden = None
        for i in range(1, len(self.layers), 2):
            if i == len(self.layers) - 2:
                hidden = x
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = self.layers[i](x, w_plus[:, i])
            x = self.layers[i + 1](x, w_plus[:, i + 1])
        geometry = self.geometry(hidden)
        linear = F.interpolate(shape.float(), size=hidden.shape[-2:], mode="bilinear", align_corners=False)
        level = mean_level + linear + geometry[:, :1].float()
        return level, geometry[:, 1:], mean_colour + self.colour(x), self.sheets(hidden), hidden


class UNetUp(nn.Module):
    def __init__(self, below, skip, outputs):
        super().__init__()
        self.merge = nn.Conv2d(below + skip, outputs, 3, padding=1)
        self.block = Residual(outputs)

    def forward(self, x, skip):
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        return self.block(self.merge(torch.cat([x, skip], 1)))


def passing(up):
    """A :class:`UNetUp` that starts as its skip connection alone."""
    with torch.no_grad():
        nn.init.zeros_(up.merge.weight)
        for bias in (up.merge.bias, up.block.second.bias):
            nn.init.zeros_(bias)
        nn.init.dirac_(up.merge.weight[:, -up.merge.out_channels :])
    return up


class DetailEncoder(nn.Module):
    """E_detail: photo to a feature voxel in the camera's frustum and to pixel-aligned maps (matte, features, parts)."""

    def __init__(self, config):
        super().__init__()
        c = config.detail_channels
        self.stem = nn.Conv2d(12, c[0], 3, padding=1)
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 4, stride=2, padding=1), Residual(b)) for a, b in zip(c, c[1:])
        )
        self.up = nn.ModuleList(UNetUp(b, a, a) for a, b in zip(c, c[1:]))
        self.voxel = nn.Conv2d(c[1], config.voxel_channels * config.voxel_depth, 1)
        self.maps = nn.Conv2d(c[0], 4 * (1 + config.pixel_features), 1)
        self.parts = nn.Conv2d(c[0], 4 * PARTS, 1)

    def forward(self, photo):
        """photo (B, 3, 256, 256) in [-1, 1]. Returns voxel (B, C * D, 64, 64), channel-major, maps (B, 1 + P, 256, 256),
        which are the matte's logit, then pixel features, and logits (B, 3, 256, 256) of skin, hair and cloth."""
        skips = self.features(photo)
        x, voxel = skips[-1], None
        for i in reversed(range(len(self.up))):
            x = self.up[i](x, skips[i])
            if i == 1:
                voxel = self.voxel(x)
        return voxel, F.pixel_shuffle(self.maps(x), 2), F.pixel_shuffle(self.parts(x), 2)

    def features(self, photo):
        """Maps (B, C, S / 2, S / 2), (B, C, S / 4, S / 4), ... of photo (B, 3, S, S) in [-1, 1], S even."""
        skips = [self.stem(F.pixel_unshuffle(photo, 2))]
        for block in self.down:
            skips.append(block(skips[-1]))
        return skips


class DetailManifolds(nn.Module):
    """Lifted photo and coarse manifolds to fused manifolds: coarse plus detail, with super-resolution.

    Geometry is predicted per texel column, so one super-resolution block serves all sheets at once. A column's colour is
    the average of what it is made of, as far as the networks know no better: part_colour (3, 3, H, H), colours of skin,
    hair and cloth. That has ears and shading, and borders as sharp as the parts'.
    """

    def __init__(self, config, part_colour):
        super().__init__()
        self.config = config
        self.register_buffer("part_colour", torch.as_tensor(part_colour, dtype=torch.float32))
        lifted = len(config.lift_sheets) * (config.voxel_channels + 4)
        a, b, c, d = config.texture_channels
        hidden, fine = config.generator_channels[-2], config.fine_channels
        self.merge = nn.Conv2d(lifted + hidden + 5, a, 1)
        self.first = Residual(a)
        self.down1 = nn.Sequential(nn.Conv2d(a, b, 4, stride=2, padding=1), Residual(b))
        self.down2 = nn.Sequential(nn.Conv2d(b, c, 4, stride=2, padding=1), Residual(c), Residual(c))
        self.down3 = nn.Sequential(nn.Conv2d(c, d, 4, stride=2, padding=1), Residual(d), Residual(d))
        self.up2 = passing(UNetUp(d, c, c))
        self.up1 = UNetUp(c, b, b)
        self.up0 = UNetUp(b, a, a)
        self.sheets = nn.Conv2d(a, SHEETS * config.sheet_features, 1)
        self.geometry = nn.Conv2d(a, 2, 1)
        self.fine = nn.Sequential(nn.Conv2d(a + 3, fine, 3, padding=1), nn.LeakyReLU(0.2), Residual(fine))
        self.correction = nn.Conv2d(fine, 5, 1)
        self.parts = nn.Conv2d(fine, PARTS, 1)
        for layer in (self.sheets, self.geometry, self.correction, self.parts):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, lifted, level, occupancy, colour, sheets, hidden):
        """lifted (B, L * (V + 4), G, G); the rest as EfficientGRAM returns it.

        Returns level, occupancy (B, 1, H, H), colour (B, 3, H, H), sheet features (B, N, C, G, G), and logits
        (B, 3, H, H) of skin, hair and cloth.
        """
        small = F.avg_pool2d(colour, 2)
        x = torch.cat([lifted.to(hidden.dtype), hidden, (level / 12.0 - 1.0).to(hidden.dtype),
                       (occupancy / 4.0).to(hidden.dtype), small.to(hidden.dtype)], 1)  # fmt: skip
        top = self.first(self.merge(x))
        middle = self.down1(top)
        low = self.down2(middle)
        x = self.up2(self.down3(low), low)
        x = self.up0(self.up1(x, middle), top)
        sheets = (sheets + self.sheets(x)).view(-1, SHEETS, self.config.sheet_features, *x.shape[-2:])
        geometry = torch.cat([level, occupancy], 1) + self.geometry(x)
        geometry = F.interpolate(geometry.float(), scale_factor=2, mode="bilinear", align_corners=False)
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        fine = self.fine(torch.cat([x, colour.to(x.dtype)], 1))
        correction = self.correction(fine).float()
        geometry = geometry + correction[:, :2]
        parts = self.parts(fine).float()
        colour = (parts.softmax(1)[:, :, None] * self.part_colour).sum(1) + correction[:, 2:]
        return geometry[:, :1], geometry[:, 1:], colour, sheets, parts


def opacity_logits(level, occupancy, index):
    """Opacity logits of sheets in columns that are solid behind their surface.

    level, occupancy (logit) and index (of the sheet, 0 the outermost) broadcast. Returns the logit of the product
    of both chances: that the sheet lies behind the surface, and that the column is occupied.
    """
    behind = torch.clamp(SHARPNESS * (index + 0.5 - level), -20.0, 20.0)
    behind, occupied = torch.broadcast_tensors(behind, torch.clamp(occupancy, -20.0, 20.0))
    low, high = torch.minimum(behind, occupied), torch.maximum(behind, occupied)
    return low - torch.log(1.0 + torch.exp(low - high) + torch.exp(-high))


def in_levels(radius, softness, outer, inner, count):
    """Level of a surface among a subject's own sheets, and its softness in levels; twin of ``inference.inversion.sheets.in_levels``."""
    step = (outer - inner) / (count - 1)
    softness = softness / step
    return torch.minimum((outer - radius) / step, count - 0.5 - softness), softness


def ending(level, softness, index):
    """Opacity of a soft surface's sheet of an index; twin of ``inference.inversion.sheets.sheet_opacities``."""
    before, after = (_passing((index + side - level) / softness) for side in (-0.5, 0.5))
    return 1.0 - after / before.clamp(min=1e-6)


def _passing(past):
    return smooth_step(1.0, -1.0, past)


class Decoder(nn.Module):
    """Fusion MLP, point by point: coarse colour, features and what the photo shows there to colour.

    Opacity is the surface's alone: what a network adds to it, point by point, frays silhouettes.

    Inputs per point, in this order: coarse colour (3), photo colour (3), matte (1), logit of the opacity (1), sheet
    features (C), pixel features (P), depth of the column's surface behind what the photo sees in cm (1), cosine between the surface's
    normal and the direction to the photo's camera (1).
    """

    def __init__(self, config):
        super().__init__()
        inputs = 3 + 3 + 1 + 1 + config.sheet_features + config.pixel_features + 2
        width = config.decoder_width
        self.first, self.second = nn.Conv2d(inputs, width, 1), nn.Conv2d(width, width, 1)
        self.third = nn.Conv2d(width, 4, 1)
        nn.init.normal_(self.third.weight, std=0.01)
        nn.init.zeros_(self.third.bias)

    def forward(self, points):
        """points (B, inputs, h, w). Returns colour (B, 3, h, w) in [0, 1]."""
        coarse, photo, matte = points[:, :3], points[:, 3:6], points[:, 6:7]
        behind, facing = points[:, -2:-1], points[:, -1:]
        x = torch.cat([points[:, :7], torch.tanh(points[:, 7:8] / 4.0), points[:, 8:-2], torch.tanh(behind), facing], 1)
        x = F.leaky_relu(self.first(x), 0.2)
        x = F.leaky_relu(self.second(x), 0.2)
        x = self.third(x).float()
        # The photo is trusted where its pixel is subject, nothing stands in front, and it is not seen at a grazing angle.
        trust = 6.0 * (matte - 0.6) + 4.0 * torch.clamp(0.8 - behind, -3.0, 0.5) + 30.0 * torch.clamp(facing - 0.4, -0.5, 0.1)
        gate = torch.sigmoid(trust + 2.0 * x[:, 3:])
        colour = coarse + gate * (photo - coarse) + 0.1 * torch.tanh(x[:, :3])
        return torch.clamp(colour, 0.0, 1.0)
