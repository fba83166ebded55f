"""Training images for the detector and the landmark network, composed on the fly.

Sources are cut-out faces with 468 landmarks: synthetic heads (exact landmarks) and real photos labelled with MediaPipe
(:mod:`training.aligner.label_photos`). They are pasted at random scale and angle over environment maps, cloth and hair
textures, photo backgrounds, gradients and noise, then degraded like photos are.
"""

import dataclasses
import json
import math
import pathlib

import cv2
import numpy as np
from PIL import Image, ImageOps

from inference.alignment.detection import (
    DETECTOR_BOX,
    DETECTOR_SIZE,
    DETECTOR_STRIDE,
    LANDMARK_MARGIN,
    LANDMARK_SIZE,
    face_square,
)
from inference.photo.warp import invert_affine, square_to_photo, warp_to_crop
from training.data.photos import crop_of

SOURCE_SIZE = 320  # pixels, side of a stored source image
SOURCE_SPAN = 2.9  # that side over the face's box side, for real photos
MAX_DISAGREEMENT = 0.06  # of the box side between two labels of one synthetic head
BACKGROUNDS = 480  # images in the background bank
BACKGROUND_SIZE = 320  # pixels


@dataclasses.dataclass
class Sources:
    """Faces to paste.

    images: list of (h, w, 4) uint8 RGB and matte. known: list of (h, w) uint8, 255 where the pixel is of the photo, or
    None where it is not photographic (synthetic). landmarks: (n, 468, 2) float32 pixels. real: (n,) bool.
    """

    images: list
    known: list
    landmarks: np.ndarray
    real: np.ndarray


def load_real(folder, labels, mattes):
    """Labelled photos of a folder as sources, each cut to a square around the upright face."""
    labels = np.load(labels, allow_pickle=False)
    paths = {path.stem: path for path in pathlib.Path(folder).iterdir()}
    images, known, landmarks = [], [], []
    for name, points in zip(labels["names"], labels["landmarks"], strict=True):
        photo = np.asarray(ImageOps.exif_transpose(Image.open(paths[str(name)])).convert("RGB"))
        matte = np.asarray(Image.open(pathlib.Path(mattes) / f"{name}.png"))
        centre, side, _ = face_square(points)
        affine = square_to_photo(centre, SOURCE_SPAN * side, 0.0, SOURCE_SIZE)
        rgba = np.dstack([warp_to_crop(photo, affine, SOURCE_SIZE), warp_to_crop(matte, affine, SOURCE_SIZE)])
        inside = crop_of(np.full(photo.shape[:2], 255, np.uint8), affine, SOURCE_SIZE)
        inverse = invert_affine(affine)
        images.append(rgba)
        known.append(inside)
        landmarks.append(points @ inverse[:, :2].T + inverse[:, 2])
    return Sources(images, known, np.array(landmarks, np.float32), np.ones(len(images), bool))


def load_synthetic(folder, limit, labels=None, seed=0):
    """Up to ``limit`` heads from the shards of training.synthetic (photo.npy RGBA, landmarks.npy).

    labels: the landmarks of ``label_photos --shards``, to be used instead of the exact ones. Heads on which both
    differ much (the face is hidden by hair, or was not found) are left out.
    """
    generator = np.random.default_rng(seed)
    labels = np.load(labels, allow_pickle=False) if labels else None
    shards = [p for p in sorted(pathlib.Path(folder).glob("shard_*")) if (p / "photo.npy").exists()]
    shards = [p for p in shards if labels is None or p.name in labels]
    images, landmarks = [], []
    for shard in shards:
        photos = np.load(shard / "photo.npy", mmap_mode="r")
        exact = np.load(shard / "landmarks.npy")
        points = exact if labels is None else labels[shard.name]
        apart = np.linalg.norm(points - exact, axis=-1).mean(1) / face_square(exact)[1]
        usable = np.flatnonzero(apart < MAX_DISAGREEMENT)
        for index in generator.permutation(usable)[: math.ceil(limit / len(shards))]:
            images.append(np.array(photos[index]))
            landmarks.append(points[index])
    landmarks = np.array(landmarks, np.float32).reshape(-1, 468, 2)
    return Sources(images, [None] * len(images), landmarks, np.zeros(len(images), bool))


def join(*parts):
    return Sources(
        sum((p.images for p in parts), []),
        sum((p.known for p in parts), []),
        np.concatenate([p.landmarks for p in parts]),
        np.concatenate([p.real for p in parts]),
    )


def build_backgrounds(data, real, seed=0):
    """A bank (n, 320, 320, 3) uint8 of images without a face. data: the data pack's folder; real: Sources."""
    random = np.random.default_rng(seed)
    size = BACKGROUND_SIZE
    maps = np.load(pathlib.Path(data) / "env" / "hdri_512x256.npz")
    maps = [np.asarray(maps[name], np.float32) for name in maps.files if maps[name].ndim == 3]
    textures = [
        np.asarray(Image.open(path).convert("RGB"))
        for kind in ("hair", "suit", "lash")
        for path in sorted((pathlib.Path(data) / "heads" / "textures" / kind).glob("*.webp"))
    ]
    bank = []
    while len(bank) < BACKGROUNDS:
        kind = random.choice(5, p=[0.25, 0.15, 0.35, 0.15, 0.10])
        if kind == 0:  # environment map, tone-mapped
            image = environment_part(maps[random.integers(len(maps))], random, (size, size))
        elif kind == 1:
            image = _cut(textures[random.integers(len(textures))], random, random.integers(200, 512), size)
        elif kind == 2:  # body, clothes and background of photos, never with more than a sliver of face
            image = _beside_face(real, random, size)
            if image is None:
                continue
        elif kind == 3:  # gradients and blobs
            field = random.random((random.integers(2, 7), random.integers(2, 7), 3)).astype(np.float32)
            image = (cv2.resize(field, (size, size), interpolation=cv2.INTER_CUBIC).clip(0, 1) * 255).astype(np.uint8)
            for _ in range(random.integers(0, 9)):
                colour = tuple(int(c) for c in random.integers(0, 256, 3))
                centre = tuple(int(c) for c in random.integers(0, size, 2))
                axes = tuple(int(c) for c in random.integers(4, 110, 2))
                thickness = -1 if random.random() < 0.6 else int(random.integers(1, 8))
                image = np.ascontiguousarray(image)
                cv2.ellipse(image, centre, axes, float(random.uniform(0, 360)), 0, 360, colour, thickness)
        else:  # noise of several octaves, or one colour
            image = np.full((size, size, 3), random.integers(0, 256, 3), np.float32)
            for octave in range(2, 9):
                noise = random.normal(0, random.uniform(0, 40), (2**octave, 2**octave, random.choice([1, 3])))
                noise = cv2.resize(noise.astype(np.float32), (size, size)).reshape(size, size, -1)
                image = image + noise * (random.random() < 0.5)
            image = image.clip(0, 255).astype(np.uint8)
        if random.random() < 0.3:
            image = cv2.GaussianBlur(image, (0, 0), random.uniform(1, 8))
        bank.append(image)
    return np.array(bank)


def mirror_permutation(landmarks):
    """(468,) index of the mirrored twin of every landmark, found on the mean of upright, nearly frontal faces."""
    from scipy.optimize import linear_sum_assignment

    centre, side, roll = face_square(landmarks)
    upright = (landmarks - centre[:, None]) / side[:, None, None]
    cosine, sine = np.cos(roll)[:, None], np.sin(roll)[:, None]
    x, y = upright[..., 0], upright[..., 1]
    upright = np.stack([cosine * x + sine * y, cosine * y - sine * x], -1)
    turn = np.abs(upright[:, 1, 0] - 0.5 * (upright[:, 33, 0] + upright[:, 263, 0]))
    mean = upright[np.argsort(turn)[: max(8, len(turn) // 5)]].mean(0)
    mean[:, 0] -= 0.5 * (mean[33, 0] + mean[263, 0])
    cost = ((mean[:, None] * (-1, 1) - mean[None]) ** 2).sum(-1)
    twins = linear_sum_assignment(cost + cost.T)[1]
    if not (twins[twins] == np.arange(len(twins))).all():
        raise RuntimeError("the landmarks do not pair up left and right")
    return twins


class Composer:
    """Draws training samples; one instance per process, seeded."""

    def __init__(self, sources, backgrounds, twins, real_share, seed):
        self.sources, self.backgrounds, self.twins = sources, backgrounds, twins
        self.real, self.synthetic = np.flatnonzero(sources.real), np.flatnonzero(~sources.real)
        self.real_share = real_share if len(self.synthetic) else 1.0
        self.random = np.random.default_rng(seed)

    def detector_sample(self):
        """photo (256, 256, 3) uint8, target (7, 32, 32) float32: heat, weight, then the five regressed values."""
        random, size = self.random, DETECTOR_SIZE
        image = self._background(size).astype(np.float32)
        count = random.choice(4, p=[0.22, 0.53, 0.15, 0.10])
        placed = []
        largest = np.exp(random.uniform(np.log(12), np.log(240)))
        for index in range(count):
            side = largest if index == 0 else float(np.clip(largest * random.uniform(0.4, 1.2), 12, 240))
            for _ in range(8):
                centre = random.uniform(-0.1 * side, size + 0.1 * side, 2) if random.random() < 0.15 else None
                low = min(0.45 * side, size / 2)
                centre = random.uniform(low, size - low + 1e-3, 2) if centre is None else centre
                if all(np.linalg.norm(centre - other) > 0.9 * max(side, s) for other, s in placed):
                    placed.append((centre, side))
                    break
        targets = []
        for centre, side in placed:
            roll = math.radians(float(np.clip(random.normal(0, 16), -50, 50)))
            image, points = self._paste(image, centre, side, roll, opaque=random.random() < 0.35)
            targets.append(face_square(points))
        image = self._degrade(image)
        if random.random() < 0.4:  # letterbox bars
            bar = int(random.uniform(0, 0.25) * size)
            if random.random() < 0.5:
                image[:bar], image[size - bar :] = 128, 128
                inside = [bar <= t[0][1] < size - bar for t in targets]
            else:
                image[:, :bar], image[:, size - bar :] = 128, 128
                inside = [bar <= t[0][0] < size - bar for t in targets]
            targets = [t for t, keep in zip(targets, inside, strict=True) if keep]
        return image, self._heat(targets)

    def _heat(self, targets):
        cells = DETECTOR_SIZE // DETECTOR_STRIDE
        rows, columns = np.mgrid[:cells, :cells] + 0.5
        out = np.zeros((7, cells, cells), np.float32)
        for (x, y), side, roll in targets:
            x, y = x / DETECTOR_STRIDE, y / DETECTOR_STRIDE
            if not (0 <= x < cells and 0 <= y < cells):
                continue
            sigma = max(0.6, 0.07 * side / DETECTOR_STRIDE)
            bump = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2)).astype(np.float32)
            bump[int(y), int(x)] = 1.0
            near = bump > np.maximum(out[1], 0.5)
            values = math.log(side / DETECTOR_BOX), x - columns, y - rows, math.cos(roll), math.sin(roll)
            for channel, value in enumerate(values, start=2):
                out[channel] = np.where(near, value, out[channel])
            out[0], out[1] = np.maximum(out[0], bump), np.where(near, bump, out[1])
        return out

    def landmark_sample(self):
        """crop (128, 128, 3) uint8, points (468, 2) in -0.5..0.5, is_face, weight of the points (zero: no points)."""
        random, size = self.random, LANDMARK_SIZE
        image = self._background(size).astype(np.float32)
        kind = random.random()
        if kind < 0.15:  # no face at all
            return self._degrade(image), np.zeros((468, 2), np.float32), 0.0, 0.0
        side = size / LANDMARK_MARGIN
        if kind < 0.22:  # a face, but not where the crop looks for it
            direction = random.uniform(0, 2 * np.pi)
            distance = random.uniform(0.75, 1.1) * side
            if random.random() < 0.5:
                centre, scale = (
                    np.array([np.cos(direction), np.sin(direction)]) * distance + size / 2,
                    random.uniform(0.6, 1.5),
                )
            else:
                centre, scale = random.uniform(0.2, 0.8, 2) * size, random.uniform(0.12, 0.3)
            image, _ = self._paste(image, centre, side * scale, random.normal(0, 0.4), opaque=random.random() < 0.5)
            return self._degrade(image), np.zeros((468, 2), np.float32), 0.0, 0.0
        image, points = self._paste(image, *self._square(), opaque=random.random() < 0.6)
        for _ in range(random.integers(1, 3) if random.random() < 0.2 else 0):
            image = self._occlude(image)
        return self._degrade(image), (points / size - 0.5).astype(np.float32), 1.0, 1.0

    def landmark_points(self):
        """points (468, 2) float32 like those of :meth:`landmark_sample`, without an image."""
        blank = np.zeros((LANDMARK_SIZE, LANDMARK_SIZE, 3), np.float32)
        return (self._paste(blank, *self._square(), opaque=True)[1] / LANDMARK_SIZE - 0.5).astype(np.float32)

    def _square(self):
        """Centre, side and roll of a face in the landmark network's crop.

        The first pass sees the detector's box, the second one the landmarks' own.
        """
        random, side = self.random, LANDMARK_SIZE / LANDMARK_MARGIN
        shift, stretch, turn = (0.11, 0.17, 14.0) if random.random() < 0.45 else (0.025, 0.04, 4.0)
        centre = LANDMARK_SIZE / 2 + random.normal(0, shift, 2).clip(-2.5 * shift, 2.5 * shift) * side
        return centre, side * math.exp(random.normal(0, stretch)), math.radians(random.normal(0, turn))

    def _background(self, size):
        random = self.random
        image = self.backgrounds[random.integers(len(self.backgrounds))]
        span = int(random.uniform(0.4, 1.0) * len(image))
        x, y = random.integers(0, len(image) - span + 1, 2)
        image = cv2.resize(image[y : y + span, x : x + span], (size, size), interpolation=cv2.INTER_AREA)
        return image[:, ::-1] if random.random() < 0.5 else image

    def _paste(self, image, centre, side, roll, opaque):
        """Paste a random source so that its box has this centre and side. Returns image and its landmarks there."""
        random = self.random
        group = self.real if random.random() < self.real_share else self.synthetic
        index = group[random.integers(len(group))]
        source, known, points = self.sources.images[index], self.sources.known[index], self.sources.landmarks[index]
        matte = source[..., 3]
        if known is not None:
            matte = known if opaque else cv2.min(matte, known)
        source = np.dstack([source[..., :3], matte])
        if random.random() < 0.5:
            source = np.ascontiguousarray(source[:, ::-1])
            points = points[self.twins] * (-1, 1) + (source.shape[1], 0)
        here, own_side, own_roll = face_square(points)
        turn = roll - own_roll
        scale = side / own_side
        while scale < 0.6:
            half = np.array([source.shape[1] // 2, source.shape[0] // 2])
            points = points * (half / (source.shape[1], source.shape[0]))
            source = cv2.resize(source, half.tolist(), interpolation=cv2.INTER_AREA)
            here, own_side, _ = face_square(points)
            scale = side / own_side
        # mild perspective or squeeze of the aspect: pictures are stretched now and then
        squeeze = math.exp(random.normal(0, 0.03))
        linear = scale * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
        linear = linear @ np.diag([squeeze, 1 / squeeze])
        offset = centre - linear @ here
        matrix = np.column_stack([linear, linear @ (0.5, 0.5) + offset - 0.5])
        size = image.shape[0]
        premultiplied = source.astype(np.float32)
        premultiplied[..., :3] *= premultiplied[..., 3:] / 255
        warped = cv2.warpAffine(premultiplied, matrix, (size, size), flags=cv2.INTER_LINEAR)
        colour = warped[..., :3]
        if not opaque and random.random() < 0.5:  # light of its own for a cut-out
            colour = colour * random.uniform(0.7, 1.25, 3).astype(np.float32)
        image = colour + image * (1 - warped[..., 3:] / 255)
        return image, points @ linear.T + offset

    def _occlude(self, image):
        random, size = self.random, image.shape[0]
        mask = np.zeros((size, size), np.float32)
        centre = tuple(int(c) for c in random.uniform(0.1, 0.9, 2) * size)
        axes = tuple(int(c) for c in random.uniform(0.05, 0.22, 2) * size)
        cv2.ellipse(mask, centre, axes, float(random.uniform(0, 360)), 0, 360, 1.0, -1)
        mask = cv2.GaussianBlur(mask, (0, 0), random.uniform(0.5, 2))[..., None]
        return image + mask * (self._background(size) - image)

    def _degrade(self, image):
        """Photo look: light, colour, blur, resolution, noise, JPEG. (h, w, 3) float -> uint8."""
        random = self.random
        image = np.clip(image, 0, 255)
        if random.random() < 0.7:
            gamma = math.exp(random.normal(0, 0.25))
            image = 255 * (image / 255) ** gamma
            image = (image - 128) * random.uniform(0.6, 1.3) + 128 + random.normal(0, 18)
            image = image * np.exp(random.normal(0, 0.07, 3))
        if random.random() < 0.2:
            grey = image @ (0.299, 0.587, 0.114)
            image = image + random.choice([1.0, random.uniform(0, 1)]) * (grey[..., None] - image)
        if random.random() < 0.25:  # light from one side
            ramp = np.linspace(-1, 1, image.shape[1]) * random.normal(0, 0.5)
            ramp = ramp[None, :, None] if random.random() < 0.7 else ramp[: image.shape[0], None, None]
            image = image * np.exp(ramp)
        image = np.ascontiguousarray(image, np.float32)
        if random.random() < 0.25:
            image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 2.0))
        if random.random() < 0.2:
            side = int(image.shape[0] * random.uniform(0.3, 0.8))
            small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
            image = cv2.resize(
                small, image.shape[1::-1], interpolation=random.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC])
            )
        if random.random() < 0.3:
            image = image + random.normal(0, random.uniform(1, 12), image.shape)
        image = np.clip(image, 0, 255).astype(np.uint8)
        if random.random() < 0.4:
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.uniform(20, 90))]
            image = cv2.imdecode(cv2.imencode(".jpg", image[..., ::-1], quality)[1], cv2.IMREAD_COLOR)[..., ::-1].copy()
        return image


def environment_part(radiance, random, size):
    """A tone-mapped random part (height, width, 3) uint8 of an environment map (256, 512, 3); size: width, height."""
    image = np.roll(np.asarray(radiance, np.float32), random.integers(radiance.shape[1]), 1)
    image = _srgb(1 - np.exp(-image / (image.mean() + 1e-6) * random.uniform(0.4, 2.0)))
    span = random.integers(70, 256)
    height = max(1, round(span * size[1] / size[0]))
    y, x = random.integers(0, image.shape[0] - height + 1), random.integers(0, image.shape[1] - span + 1)
    return cv2.resize(image[y : y + height, x : x + span], size, interpolation=cv2.INTER_CUBIC)


def _cut(image, random, span, size):
    span = min(span, *image.shape[:2])
    y, x = random.integers(0, image.shape[0] - span + 1), random.integers(0, image.shape[1] - span + 1)
    return cv2.resize(image[y : y + span, x : x + span], (size, size), interpolation=cv2.INTER_AREA)


def _beside_face(real, random, size):
    index = random.integers(len(real.images))
    points = real.landmarks[index]
    low, high = points.min(0), points.max(0)
    for _ in range(20):
        span = random.integers(50, 150)
        x, y = random.integers(0, SOURCE_SIZE - span, 2)
        apart = x > high[0] - 8 or x + span < low[0] + 8 or y > high[1] - 8 or y + span < low[1] + 8
        if apart and real.known[index][y : y + span, x : x + span].min() > 0:
            return _cut(real.images[index][y : y + span, x : x + span, :3], random, span, size)
    return None


def _srgb(linear):
    linear = np.clip(linear, 0, 1)
    return (255 * np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)).astype(np.uint8)


def describe(sources):
    return json.dumps({"real": int(sources.real.sum()), "synthetic": int((~sources.real).sum())})
