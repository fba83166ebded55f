"""Training examples: synthetic shards and aligned real portraits, with mirroring and the look of photographs."""

import math

import cv2
import numpy as np
import torch

from inference.geometry.grids import at_texels
from inference.inversion.matting import without_fringe
from inference.inversion.sheets import KNEE, level_bounds
from training.data.shards import open_shards
from training.model.geometry import TEXTURE, levels
from training.model.landmark_twins import LANDMARK_TWINS

CHIN = 152  # FaceMesh landmark
COLLAR = 12.0  # pixels below the chin over which a dye of the clothes fades in
MIRROR = np.diag([-1.0, 1.0, 1.0, 1.0]).astype(np.float32)


def noise_texture(rng, size, octaves=5):
    """Smooth random picture (size, size, 3) float32 in about [0, 1]."""
    out = np.zeros((size, size, 3), np.float32)
    for octave in range(octaves):
        cells = 2 ** (octave + 1)
        layer = rng.normal(0, 1, (cells, cells, 3 if rng.random() < 0.5 else 1)).astype(np.float32)
        layer = cv2.resize(layer, (size, size), interpolation=cv2.INTER_CUBIC)
        out += layer.reshape(size, size, -1) * 0.6**octave
    return np.clip(rng.uniform(0.1, 0.9, 3) + 0.18 * out, 0, 1).astype(np.float32)


def background(rng, real_backgrounds):
    """A backdrop (256, 256, 3) float32 in [0, 1]: studio gradient, noise, stripes or a real photo's own backdrop."""
    kind = rng.random()
    if kind < 0.35 and len(real_backgrounds):
        picture = real_backgrounds[rng.integers(len(real_backgrounds))].astype(np.float32) / 255
        picture = picture[:, ::-1] if rng.random() < 0.5 else picture
        return np.clip(picture * rng.uniform(0.7, 1.3) + rng.normal(0, 0.05, 3), 0, 1).astype(np.float32)
    if kind < 0.6:
        ends = rng.uniform(0, 1, (2, 3)) * (1 if rng.random() < 0.6 else [[1.0], [0.5]])
        y, x = np.mgrid[0:256, 0:256].astype(np.float32) / 255
        angle = rng.uniform(0, 2 * math.pi)
        ramp = np.clip(0.5 + (x - 0.5) * math.cos(angle) + (y - 0.5) * math.sin(angle), 0, 1)[..., None]
        return (ends[0] * ramp + ends[1] * (1 - ramp)).astype(np.float32)
    picture = noise_texture(rng, 256, int(rng.integers(2, 8)))
    if kind > 0.85:  # stripes and edges: flags, shelves, windows
        for _ in range(int(rng.integers(1, 8))):
            a, b = rng.integers(-64, 320, 2), rng.integers(-64, 320, 2)
            cv2.line(picture, tuple(map(int, a)), tuple(map(int, b)), rng.uniform(0, 1, 3).tolist(), int(rng.integers(4, 60)))
    return cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 8))


def colour_curves(rng):
    """One look-up table per channel (256, 3) uint8: exposure, contrast, gamma and white balance of one photo."""
    x = np.linspace(0, 1, 256)[:, None]
    gain = rng.normal(1.0, 0.12) * (1 + rng.normal(0, 0.05, 3))
    y = np.clip(x * gain, 0, 1.5) ** np.exp(rng.normal(0, 0.15))
    contrast = rng.normal(1.0, 0.1)
    return (np.clip((y - 0.5) * contrast + 0.5 + rng.normal(0, 0.02), 0, 1) * 255).round().astype(np.uint8)


def apply_curves(image, curves):
    out = image.copy()
    for channel in range(3):
        out[..., channel] = curves[:, channel][image[..., channel]]
    return out


def sample_dye(rng):
    """Another colour for clothes, a function of pixels (h, w, 3) uint8 and how much of each is cloth, (h, w) in [0, 1].

    Neither the suits of the data pack nor those of official portraits come in many colours.
    """
    colour, gain, offset = rng.uniform(0.1, 1.0, 3), rng.uniform(0.6, 2.0), rng.uniform(0, 80)
    strength = rng.uniform(0.5, 1.0)

    def dye(image, cloth):
        grey = image.mean(-1, keepdims=True)
        dyed = np.clip(grey * gain + offset, 0, 255) * colour / colour.max()
        return np.round(image + (strength * cloth)[..., None] * (dyed - image)).astype(np.uint8)

    return dye


def below_chin(matte, chin):
    """How much of a photo may be cloth, (256, 256) in [0, 1], by its matte (256, 256) uint8 and the chin's row."""
    return np.clip((np.arange(len(matte)) - chin) / COLLAR, 0, 1)[:, None] * (matte / 255.0)


def degrade(rng, photo):
    """Camera faults that only the input shows: blur, noise, JPEG. photo (256, 256, 3) float32 in [0, 1]."""
    if rng.random() < 0.5:
        photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.3, 1.2))
    if rng.random() < 0.5:
        photo = photo + rng.normal(0, rng.uniform(0.003, 0.03), photo.shape).astype(np.float32)
    if rng.random() < 0.5:
        coded = cv2.imencode(".jpg", np.clip(photo * 255, 0, 255).astype(np.uint8),
                             [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 96))])[1]  # fmt: skip
        photo = cv2.imdecode(coded, cv2.IMREAD_COLOR).astype(np.float32) / 255
    return np.clip(photo, 0, 1).astype(np.float32)


def landmark_noise(rng, count=468):
    """Detector-like errors (count, 2) px: independent plus a smooth shift shared by neighbouring indices."""
    return rng.normal(0, rng.uniform(0.2, 1.0), (count, 2)) + rng.normal(0, 0.5, 2)


class SyntheticHeads(torch.utils.data.Dataset):
    """Heads of synthetic shards as tensors; random appearance of the photo, seeded by (seed, index).

    view: with another view, which is not labelled; so it does not go together with dye, clothes of other colours.
    """

    opened = staticmethod(open_shards)

    def __init__(self, folders, geometry, seed=0, backgrounds=(), view=False, augment=True, dye=False):
        self.shards = self.opened(folders)
        self.starts = np.cumsum([0] + [len(s) for s in self.shards])
        self.radii, self.seed, self.view, self.augment, self.dye = geometry["radii"], seed, view, augment, dye
        self.gaps = level_gaps(geometry["radii"])
        self.backgrounds = backgrounds

    def __len__(self):
        return int(self.starts[-1]) * (2 if self.augment else 1)

    def __getitem__(self, index):
        rng = np.random.default_rng([self.seed, index, int(torch.initial_seed() % 2**31)] if self.augment else [7, index])
        flip = self.augment and index % 2 == 1
        head = index // 2 if self.augment else index
        shard, row = self.place(head)
        get = lambda name: np.array(shard[name][row])  # noqa: E731
        photo, dome, camera = get("photo"), get("dome_rgba"), get("camera").astype(np.float32)
        radius, landmarks = get("dome_radius").astype(np.float32), get("landmarks").astype(np.float32)
        dome_parts, photo_parts, seen = get("dome_label"), get("photo_label"), get("dome_seen")
        if flip:
            seen = seen[:, ::-1]
            dome_parts, photo_parts = dome_parts[:, ::-1], photo_parts[:, ::-1]
            photo, dome, radius = photo[:, ::-1].copy(), dome[:, ::-1].copy(), radius[:, ::-1].copy()
            landmarks = (landmarks * [-1, 1] + [256, 0])[LANDMARK_TWINS].astype(np.float32)
            camera = MIRROR @ camera @ MIRROR
        if self.dye and rng.random() < 0.5:
            dye = sample_dye(rng)
            photo[..., :3] = dye(photo[..., :3], photo_parts[..., 2] / 255.0)
            dome[..., :3] = dye(dome[..., :3], dome_parts[..., 2] / 255.0)
        curves = colour_curves(rng) if self.augment else np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
        alpha = photo[..., 3:].astype(np.float32) / 255
        clean = apply_curves(photo[..., :3], curves).astype(np.float32) / 255
        dome[..., :3] = apply_curves(dome[..., :3], curves)
        backdrop = background(rng, self.backgrounds)
        picture = clean * alpha + backdrop * (1 - alpha)
        if self.augment:
            picture = degrade(rng, picture)
            landmarks = landmarks + landmark_noise(rng).astype(np.float32)
        covered = dome[..., 3] > 127
        level, planes = levels(np.where(covered, radius, 0), self.radii), to_planes(picture)
        out = {
            "photo": planes,
            "alpha": to_planes(alpha),
            "known": torch.ones(1, 256, 256),
            "landmarks": torch.from_numpy(landmarks),
            "camera": torch.from_numpy(camera),
            "clean": torch.from_numpy(without_fringe(planes.numpy(), alpha[..., 0])),
            "level": torch.from_numpy(level)[None],
            "gap": torch.from_numpy(np.where(level < KNEE, *self.gaps))[None],
            "dome": to_planes(dome[..., :3].astype(np.float32) / 255),
            "seen": torch.from_numpy(seen.astype(np.float32) / 255)[None],
            "dome_parts": to_planes(dome_parts.astype(np.float32) / 255),
            "photo_parts": to_planes(photo_parts.astype(np.float32) / 255),
            "synthetic": torch.tensor(1.0),
        }
        if self.view:
            pick = int(rng.integers(2))
            view, view_camera = np.array(shard["views"][row, pick]), np.array(shard["view_cameras"][row, pick])
            if flip:
                view, view_camera = view[:, ::-1].copy(), MIRROR @ view_camera.astype(np.float32) @ MIRROR
            view[..., :3] = apply_curves(view[..., :3], curves)
            out["view"] = to_planes(view.astype(np.float32) / 255)
            out["view_camera"] = torch.from_numpy(view_camera.astype(np.float32))
        return out

    def place(self, head):
        """The shard of a head, and its row there."""
        which = int(np.searchsorted(self.starts, head, side="right") - 1)
        return self.shards[which], head - int(self.starts[which])

    def truth(self, index):
        """The surface's radius (h, w) float32 metres of a head as it is, not mirrored, and where it has one, (h, w) bool."""
        shard, row = self.place(index)
        radius = np.array(shard["dome_radius"][row]).astype(np.float32)
        return radius, (np.array(shard["dome_rgba"][row, ..., 3]) > 127) & (radius > 0.0)


class RealPortraits(torch.utils.data.Dataset):
    """Aligned real portraits with mattes: crops (N, 256, 256, 3) u8, mattes (N, 256, 256) u8, landmarks, cameras."""

    def __init__(self, path, seed=0, augment=True):
        with np.load(path, allow_pickle=False) as data:
            self.data = {name: data[name] for name in ("crops", "mattes", "known", "landmarks", "cameras")}
        self.seed, self.augment = seed, augment

    def __len__(self):
        return len(self.data["crops"]) * (2 if self.augment else 1)

    def __getitem__(self, index):
        rng = np.random.default_rng([self.seed, index, int(torch.initial_seed() % 2**31)])
        row, flip = (index // 2, index % 2 == 1) if self.augment else (index, False)
        photo, alpha, known = (self.data[name][row] for name in ("crops", "mattes", "known"))
        landmarks, camera = self.data["landmarks"][row].astype(np.float32), self.data["cameras"][row].astype(np.float32)
        if flip:
            photo, alpha, known = photo[:, ::-1], alpha[:, ::-1], known[:, ::-1]
            landmarks = (landmarks * [-1, 1] + [256, 0])[LANDMARK_TWINS].astype(np.float32)
            camera = MIRROR @ camera @ MIRROR
        photo = np.ascontiguousarray(photo)
        if self.augment:
            if rng.random() < 0.5:
                photo = sample_dye(rng)(photo, below_chin(alpha, landmarks[CHIN, 1]))
            photo = apply_curves(photo, colour_curves(rng))
            landmarks = landmarks + landmark_noise(rng).astype(np.float32) * 0.5
        zero = torch.zeros
        planes, alpha = to_planes(photo.astype(np.float32) / 255), np.ascontiguousarray(alpha[..., None]).astype(np.float32) / 255
        return {
            "photo": planes,
            "clean": torch.from_numpy(without_fringe(planes.numpy(), alpha[..., 0])),
            "alpha": to_planes(alpha),
            "landmarks": torch.from_numpy(landmarks.astype(np.float32)),
            "camera": torch.from_numpy(camera),
            "known": torch.from_numpy((known > 127).astype(np.float32))[None],
            "level": zero(1, TEXTURE, TEXTURE),
            "gap": zero(1, TEXTURE, TEXTURE),
            "dome": zero(3, TEXTURE, TEXTURE),
            "seen": zero(1, TEXTURE, TEXTURE),
            "dome_parts": zero(3, TEXTURE, TEXTURE),
            "photo_parts": zero(3, 256, 256),
            "synthetic": torch.tensor(0.0),
            "view": zero(4, 256, 256),
            "view_camera": torch.from_numpy(camera),
        }

    def backdrops(self):
        """The portraits' own backgrounds with the sitter painted out, (N, 256, 256, 3) uint8."""
        out = []
        for photo, matte in zip(self.data["crops"], self.data["mattes"]):
            keep = (cv2.erode(255 - matte, np.ones((9, 9))) > 200).astype(np.float32)[..., None]
            total, weight = photo.astype(np.float32) * keep, keep[..., 0].copy()
            filled, wide = total.copy(), weight[..., None].copy()
            for sigma in (4, 12, 36):
                blurred = cv2.GaussianBlur(total, (0, 0), sigma) / (cv2.GaussianBlur(weight, (0, 0), sigma)[..., None] + 1e-4)
                reach = np.clip(cv2.GaussianBlur(weight, (0, 0), sigma)[..., None] * 20, 0, 1) * (1 - wide)
                filled, wide = filled + blurred * reach, wide + reach
            out.append(np.clip(filled / np.maximum(wide, 1e-3), 0, 255).astype(np.uint8))
        return np.stack(out)


def level_gaps(radii, size=TEXTURE):
    """Distance of neighbouring levels outside and inside the knee, (size, size) float32 each, in units of 4 mm."""
    outer, bulk, inner = (at_texels(table, size, size) for table in level_bounds(radii))
    return (outer - bulk) / KNEE * 250.0, (bulk - inner) / (len(radii) - 1 - KNEE) * 250.0


def to_planes(image):
    """(H, W, C) float32 array to a (C, H, W) tensor."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
