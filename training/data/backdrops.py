"""What stands behind the sitters of synthetic photos, whole chunks at a time on the device: studio gradients, noise, flags and
shelves, the portraits' own backdrops, and pieces of real places."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from training.data.augment import blur, each

SIZE = 256  # pixels per side
LINES = 7  # stripes at most
SHARES = (0.2, 0.25, 0.25, 0.3)  # of portraits' own, gradients, noise and places, as far as there are any
NOWHERE = np.zeros((0, 2, 4, 3), np.uint8)  # no places


def read_places(folder):
    """Equirectangular pictures of places (P, h, w, 3) uint8 of a folder (WebP, PNG, JPEG), all of one size; empty when there are none."""
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".webp", ".png", ".jpg")) if folder.is_dir() else []
    return np.stack([np.asarray(Image.open(p).convert("RGB")) for p in found]) if found else NOWHERE


class Backdrops:
    """Draws backdrops. own: portraits' (N, 256, 256, 3) uint8 tensor; places (P, h, w, 3) uint8; either may be empty."""

    def __init__(self, device, own, places):
        self.device = torch.device(device)
        self.own = own
        self.places, self.high, self.wide = places.shape[:3]
        stack = torch.as_tensor(places, device=self.device).reshape(1, self.places * self.high, self.wide, 3)
        self.stack = stack.permute(0, 3, 1, 2).float() / 255.0  # the places stand below each other
        shares = torch.tensor(SHARES) * torch.tensor([len(self.own) > 0, True, True, self.places > 0])
        self.bounds = (shares.cumsum(0) / shares.sum()).to(self.device)

    def draw(self, dice, count):
        """Backdrops (count, 3, 256, 256) float32 in [0, 1]."""
        kind = torch.searchsorted(self.bounds, dice.uniform(0.0, 0.999, count))
        out = torch.zeros(count, 3, SIZE, SIZE, device=self.device)
        for number, drawn in enumerate((self._own, self._gradients, self._noise, self.pieces)):
            if (len(self.own), True, True, self.places)[number]:
                out = torch.where(each(kind == number), drawn(dice, count), out)
        return out.clamp(0.0, 1.0)

    def _own(self, dice, count):
        picked = self.own[dice.below(len(self.own), count)].permute(0, 3, 1, 2).float() / 255.0
        picked = torch.where(each(dice.chance(0.5, count)), picked.flip(-1), picked)
        return (picked * each(dice.uniform(0.7, 1.3, count)) + each(dice.normal(0.0, 0.05, count, 3))).clamp(0.0, 1.0)

    def _gradients(self, dice, count):
        near, far = dice.uniform(0.0, 1.0, count, 3), dice.uniform(0.0, 1.0, count, 3)
        grey = dice.chance(0.4, count)[:, None]
        near, far = (torch.where(grey, x.mean(1, keepdim=True), x) for x in (near, far))
        angle = dice.uniform(0.0, 2.0 * math.pi, count)
        x, y = self._across()
        ramp = (0.5 + x * each(angle.cos()) + y * each(angle.sin())).clamp(0.0, 1.0)
        return each(near) * ramp + each(far) * (1.0 - ramp)

    def _noise(self, dice, count):
        picture, octaves = torch.zeros(count, 3, SIZE, SIZE, device=self.device), dice.uniform(2.0, 7.0, count)
        for octave in range(7):
            cells = 2 ** (octave + 1)
            layer = dice.normal(0.0, 1.0, count, 3, cells, cells)
            layer = torch.where(each(dice.chance(0.5, count)), layer, layer[:, :1])
            layer = F.interpolate(layer, size=(SIZE, SIZE), mode="bicubic", align_corners=False)
            picture = picture + layer * each(0.6**octave * (octaves > octave))
        picture = (each(dice.uniform(0.1, 0.9, count, 3)) + 0.18 * picture).clamp(0.0, 1.0)
        striped, x_y = dice.chance(0.35, count), self._across()
        for _ in range(LINES):  # stripes and edges: flags, shelves, windows
            angle, place = dice.uniform(0.0, math.pi, count), dice.uniform(-0.7, 0.7, count)
            away = (x_y[0] * each(angle.cos()) + x_y[1] * each(angle.sin()) - each(place)).abs()
            inside = (away < each(dice.uniform(0.01, 0.12, count))) & each(dice.chance(0.6, count) & striped)
            picture = torch.where(inside, each(dice.uniform(0.0, 1.0, count, 3)), picture)
        return blur(picture, dice.uniform(0.5, 8.0, count), reach=20)

    def pieces(self, dice, count):
        """Of places, as :meth:`draw`: perspective pictures of 30 to 90 degrees, level or nearly so, sharp or blurred."""
        turn, tilt = dice.uniform(0.0, 2.0 * math.pi, count), dice.normal(0.0, 0.15, count)
        reach = torch.tan(dice.uniform(math.radians(30.0), math.radians(90.0), count) / 2.0)
        x, y = (2.0 * part * each(reach) for part in self._across())
        up, ahead = -y * each(tilt.cos()) + each(tilt.sin()), each(tilt.cos()) + y * each(tilt.sin())
        around = (torch.atan2(x, ahead) + each(turn)) / (2.0 * math.pi) % 1.0
        down = 0.5 - torch.atan2(up, torch.hypot(x, ahead)) / math.pi
        picked = each(dice.below(self.places, count).float())
        rows = (picked + down.clamp(0.5 / self.high, 1.0 - 0.5 / self.high)) / self.places
        grid = torch.stack([around, rows], -1).view(1, count * SIZE, SIZE, 2) * 2.0 - 1.0
        found = F.grid_sample(self.stack, grid, padding_mode="border", align_corners=False)
        found = found[0].view(3, count, SIZE, SIZE).transpose(0, 1)
        found = torch.where(each(dice.chance(0.5, count)), found.flip(-1), found)
        sigma = dice.uniform(0.0, 6.0, count) * dice.chance(0.5, count)
        return blur((found * each(dice.uniform(0.6, 1.3, count))).clamp(0.0, 1.0), sigma, reach=15)

    def _across(self):
        """Columns (1, 1, 1, 256) and rows (1, 1, 256, 1) of a picture, from -0.5 to 0.5."""
        at = (torch.arange(SIZE, device=self.device, dtype=torch.float32) + 0.5) / SIZE - 0.5
        return at.view(1, 1, 1, -1), at.view(1, 1, -1, 1)
