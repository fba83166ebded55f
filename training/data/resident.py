"""Training examples that lie in a device's memory and are made there, a chunk at a time: nothing is read, copied or computed by
processors while a GPU trains. The same examples as :mod:`training.data.examples` makes one by one, drawn by other random numbers.
"""

import numpy as np
import torch

from inference.geometry.cameras import CROP_SIZE
from inference.geometry.grids import at_texels
from inference.inversion.sheets import KNEE, level_bounds
from training.data import augment
from training.data.backdrops import NOWHERE, Backdrops
from training.data.dice import Dice
from training.data.examples import CHIN, MIRROR, level_gaps
from training.model.geometry import SHEETS, TEXTURE
from training.model.landmark_twins import LANDMARK_TWINS

HEADS = ("photo", "camera", "landmarks", "dome_rgba", "dome_radius", "dome_label", "dome_seen", "photo_label")
VIEWS = ("views", "view_cameras")
AT_ONCE = 32  # portraits prepared at once
ELSEWHERE = 0.5  # share of the real portraits that stand before another backdrop than their own


class ResidentExamples:
    """Synthetic heads and real portraits of a run on its device.

    real: :class:`~training.data.examples.RealPortraits` or None; places (P, h, w, 3) uint8, see :func:`.backdrops.read_places`.
    """

    def __init__(self, geometry, device, seed, real=None, places=NOWHERE):
        self.device, self.seed = torch.device(device), seed
        self.signs = torch.tensor(np.outer(np.diag(MIRROR), np.diag(MIRROR)), device=self.device)
        self.mirror = torch.as_tensor(LANDMARK_TWINS, device=self.device)
        self.gaps = torch.as_tensor(np.stack(level_gaps(geometry["radii"])), device=self.device)
        bounds = np.stack([at_texels(table, TEXTURE, TEXTURE) for table in level_bounds(geometry["radii"])])
        self.bounds = torch.as_tensor(bounds, dtype=torch.float32, device=self.device)
        self.heads, self.places_of_shards, self.rows = {}, {}, None
        self.portraits = None if real is None else self._portraits(real)
        own = self.portraits["backdrops"] if real else torch.empty(0, CROP_SIZE, CROP_SIZE, 3, dtype=torch.uint8)
        self.backdrops = Backdrops(self.device, own, places)

    def _portraits(self, real):
        """The portraits' arrays on the device, the sitters without the fringe of their backdrops, and the backdrops alone."""
        data = {name: torch.as_tensor(real.data[name], device=self.device) for name in ("crops", "mattes", "known", "landmarks", "cameras")}
        data["sitters"], data["backdrops"] = torch.empty_like(data["crops"]), torch.empty_like(data["crops"])
        for start in range(0, len(data["crops"]), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            photos, alpha = pictures(data["crops"][rows]), data["mattes"][rows, None].float() / 255.0
            for name, without in (("sitters", augment.without_fringe), ("backdrops", augment.without_sitter)):
                data[name][rows] = (without(photos, alpha).clamp(0.0, 1.0) * 255.0).round().byte().permute(0, 2, 3, 1)
        return data

    def load(self, heads, view):
        """Take over the shards of a SyntheticHeads, those that are not here yet; view: with their other views."""
        names = HEADS + (VIEWS if view else ())
        if view and "views" not in self.heads:
            self.heads, self.places_of_shards = {}, {}
        new = [shard for shard in heads.shards if shard.folder not in self.places_of_shards]
        start = len(self.heads["photo"]) if self.heads else 0
        for shard in new:
            self.places_of_shards[shard.folder] = start, start + len(shard)
            start += len(shard)
        for name in names if new else ():
            parts = [self.heads[name]] if name in self.heads else []
            self.heads[name] = torch.cat(parts + [torch.as_tensor(np.array(shard[name]), device=self.device) for shard in new])
        places = [torch.arange(*self.places_of_shards[shard.folder]) for shard in heads.shards]
        self.rows, self.view = torch.cat(places), view

    def chunk(self, keys):
        """A batch of a list of (source, index, draw), heads first, as :class:`~training.data.batches.Chunks` lists them."""
        dice = Dice(self.device, self.seed, keys[0][2])
        indices = {name: torch.tensor([index for source, index, _ in keys if source == name]) for name in ("heads", "real")}
        parts = [self._heads(indices["heads"], dice)] if len(indices["heads"]) else []
        parts += [self._real(indices["real"], dice)] if len(indices["real"]) else []
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def _heads(self, indices, dice):
        count, rows = len(indices), self.rows[indices // 2].to(self.device)
        flip = (indices % 2 == 1).to(self.device)
        planes = lambda name: turned(pictures(self.heads[name][rows]), flip)  # noqa: E731
        photo, dome, photo_parts, dome_parts = (planes(n) for n in ("photo", "dome_rgba", "photo_label", "dome_label"))
        clean, alpha, covered, dome = photo[:, :3], photo[:, 3:], dome[:, 3:] > 0.5, dome[:, :3]
        curves, dye = augment.colour_curves(dice, count), augment.dyes(dice, count)
        if not self.view:  # other views are not labelled
            clean, dome = dye(clean, photo_parts[:, 2:]), dye(dome, dome_parts[:, 2:])
        clean, dome = curves(clean), curves(dome)
        picture = clean * alpha + self.backdrops.draw(dice, count) * (1.0 - alpha)
        radius = turned(self.heads["dome_radius"][rows].float()[:, None], flip)
        level = self._levels(torch.where(covered, radius, 0.0))
        landmarks = self._landmarks(self.heads["landmarks"][rows].float(), flip)
        photo, known = augment.cut(dice, augment.degraded(dice, picture))
        out = {
            "photo": photo,
            "alpha": alpha,
            "known": known.float(),
            "landmarks": landmarks + augment.landmark_noise(dice, count),
            "camera": self._camera(self.heads["camera"][rows], flip),
            "clean": augment.without_fringe(photo, alpha) if self.view else photo,
            "level": level,
            "gap": torch.where(level < KNEE, *self.gaps),
            "dome": dome,
            "seen": turned(self.heads["dome_seen"][rows].float()[:, None] / 255.0, flip),
            "dome_parts": dome_parts,
            "photo_parts": photo_parts,
            "synthetic": torch.ones(count, device=self.device),
        }
        if self.view:
            pick = dice.below(2, count)
            view = turned(pictures(self.heads["views"][rows, pick]), flip)
            out["view"] = torch.cat([curves(view[:, :3]), view[:, 3:]], 1)
            out["view_camera"] = self._camera(self.heads["view_cameras"][rows, pick], flip)
        return out

    def _real(self, indices, dice):
        count, rows, flip = len(indices), (indices // 2).to(self.device), (indices % 2 == 1).to(self.device)
        data = {name: value[rows] for name, value in self.portraits.items()}
        photo, sitter = (turned(pictures(data[name]), flip) for name in ("crops", "sitters"))
        alpha, known = (turned(data[name][:, None].float() / 255.0, flip) for name in ("mattes", "known"))
        elsewhere = sitter * alpha + self.backdrops.draw(dice, count) * (1.0 - alpha)
        photo = torch.where(augment.each(dice.chance(ELSEWHERE, count)), elsewhere, photo)
        landmarks, camera = self._landmarks(data["landmarks"].float(), flip), self._camera(data["cameras"], flip)
        dye, curves = augment.dyes(dice, count), augment.colour_curves(dice, count)
        photo = curves(dye(photo, augment.below_chin(alpha, landmarks[:, CHIN, 1])))
        texels = {name: torch.zeros(count, depth, TEXTURE, TEXTURE, device=self.device)
                  for name, depth in (("level", 1), ("gap", 1), ("dome", 3), ("seen", 1), ("dome_parts", 3))}  # fmt: skip
        out = texels | {
            "photo": photo,
            "alpha": alpha,
            "known": (known > 0.5).float(),
            "landmarks": landmarks + 0.5 * augment.landmark_noise(dice, count),
            "camera": camera,
            "clean": curves(sitter),
            "photo_parts": torch.zeros_like(photo),
            "synthetic": torch.zeros(count, device=self.device),
        }
        if self.view:
            out |= {"view": torch.zeros(count, 4, *photo.shape[2:], device=self.device), "view_camera": camera}
        return out

    def _landmarks(self, landmarks, flip):
        flipped = torch.stack([CROP_SIZE - landmarks[..., 0], landmarks[..., 1]], -1)[:, self.mirror]
        return torch.where(flip[:, None, None], flipped, landmarks)

    def _camera(self, camera, flip):
        camera = camera.float()
        return torch.where(flip[:, None, None], camera * self.signs, camera)

    def _levels(self, radius):
        """Twin of :func:`training.model.geometry.levels`; radius (B, 1, 160, 160) metres, 0 = missed."""
        outer, bulk, inner = self.bounds
        outside = (outer - radius) / (outer - bulk) * KNEE
        inside = KNEE + (bulk - radius) / (bulk - inner) * (SHEETS - 1 - KNEE)
        level = torch.where(radius > bulk, outside, inside).clamp(0.0, SHEETS)
        return torch.where(radius > 0.0, level, SHEETS + 1.0)


def pictures(stored):
    """Planes (B, C, H, W) float32 in [0, 1] of stored pictures (B, H, W, C) uint8."""
    return stored.permute(0, 3, 1, 2).float() / 255.0


def turned(planes, flip):
    """Planes (B, C, H, W), mirrored where flip (B,) says so."""
    return torch.where(augment.each(flip), planes.flip(-1), planes)
