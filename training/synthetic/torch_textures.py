"""Textures in plain torch: a pyramid of halved pictures in one array, bilinear samples that repeat."""

import torch
import torch.nn.functional as F


class Texture:
    """A picture (H, W, 4) uint8, row 0 on top, as bytes packed into (n,) int32, with all its halvings behind it.

    mipmaps: keep the halvings; without them every sample comes from the picture itself.
    """

    def __init__(self, image, device, mipmaps=True):
        picture = torch.from_numpy(image[::-1].copy()).to(device)  # v points up
        levels = [picture]
        while mipmaps and max(levels[-1].shape[:2]) > 1:
            height, width = (max(n // 2, 1) for n in levels[-1].shape[:2])
            planes = levels[-1].permute(2, 0, 1)[None].float()
            levels.append(F.interpolate(planes, size=(height, width), mode="area")[0].permute(1, 2, 0).round().byte())
        self.texels = torch.cat([level.contiguous().view(torch.int32).reshape(-1) for level in levels])
        sizes = torch.tensor([level.shape[:2] for level in levels])
        self.heights, self.widths = sizes.to(device).T.contiguous()
        self.starts = (torch.cumsum(sizes.prod(1), 0) - sizes.prod(1)).to(device)

    def levels(self, slopes):
        """Which halving a sample needs, (f,) int64, from the change (f, 2, 2) of its coordinates per screen sample."""
        step = slopes * torch.stack([self.widths[0], self.heights[0]])
        squared = (step * step).sum(2).amax(1)  # texels between neighbours
        return (0.5 * torch.log2(squared.clamp(min=1e-12))).round().clamp(0, len(self.starts) - 1).long()

    def sample(self, uv, slopes):
        """Bilinear values (f, 4) float32 in [0, 1] at coordinates (f, 2). slopes: as of :meth:`levels`."""
        level = self.levels(slopes)
        width, height, start = self.widths[level], self.heights[level], self.starts[level]
        x = (uv[:, 0] - torch.floor(uv[:, 0])) * width - 0.5
        y = (uv[:, 1] - torch.floor(uv[:, 1])) * height - 0.5
        left, below = torch.floor(x), torch.floor(y)
        across, up = (x - left)[:, None], (y - below)[:, None]
        left, below = left.long(), below.long()
        columns = torch.where(left < 0, width - 1, left), torch.where(left + 1 >= width, 0, left + 1)
        rows = torch.where(below < 0, height - 1, below), torch.where(below + 1 >= height, 0, below + 1)
        lines = []
        for row in rows:
            base = start + row * width
            a, b = (self.texels.index_select(0, base + column).view(torch.uint8).view(-1, 4).float() for column in columns)
            lines.append(torch.lerp(a, b, across))
        return torch.lerp(*lines, up) / 255.0
