"""Subject and backdrop of the photo: edges freed from the backdrop's colour, and the backdrop without its sitter.

Constants without another source were chosen on unseen heads (the first half of seed 90210 in docs/results.md) and by
looking at twelve test portraits.
"""

import cv2
import numpy as np

from ..geometry import domes
from ..geometry.background import background_points
from ..geometry.cameras import CROP_SIZE, Camera
from ..geometry.filling import blurred_fill

SURELY = 0.98  # matte from which on a pixel is subject, and one minus that from which on it is backdrop
EDGE_WIDTH = 6  # pixels inside the subject's edge through which the backdrop may shine
DISTINCT = 0.2  # how much brighter than hair a backdrop is that surely shines through it
MAYBE = 0.1192  # matte (a logit of -2) from which on a pixel may be the sitter's and is not kept as backdrop


def foreground(photo: np.ndarray, hair: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """The subject's own colours (3, h, w) float32 in and around the matte: no backdrop shines through its edge.

    photo (3, h, w) float32 in [0, 1]; hair (h, w), chance of it; matte (h, w) in [0, 1].
    """
    return without_fringe(without_backdrop(photo, hair, matte), matte)


def without_fringe(photo: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """The photo with pixels at and beyond the subject's edge replaced by colours from inside.

    Pixels at the edge mix in the backdrop and would be smeared over the sides of the head. photo (3, h, w) float32 in
    [0, 1], matte (h, w) in [0, 1]. Returns (3, h, w) float32.
    """
    sure = cv2.erode(np.clip(matte * 2.5 - 1.4, 0.0, 1.0), np.ones((3, 3), np.uint8))
    image = photo.transpose(1, 2, 0)
    filled, missing = blurred_fill(image * sure[..., None], sure, sigmas=(1.5, 4.0, 12.0), gain=8.0)
    return np.ascontiguousarray((filled + missing * image).transpose(2, 0, 1), np.float32)


def without_backdrop(photo: np.ndarray, hair: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """The photo without the backdrop that shines through the edge of hair.

    Near the edge a pixel is taken for a mixture of the colour of hair further inside and the backdrop's beside it
    (Forte, "Approximate fast foreground colour estimation", ICIP 2021); the backdrop's share is taken back.
    photo (3, h, w) float32 in [0, 1]; hair (h, w), chance of it; matte (h, w). Returns (3, h, w) float32.
    """
    image = photo.transpose(1, 2, 0)
    deep = cv2.erode((matte > SURELY).astype(np.float32), np.ones((2 * EDGE_WIDTH + 1,) * 2, np.uint8))
    empty = (matte < 1.0 - SURELY).astype(np.float32)
    subject, backdrop = (_mean_around(image, weight) for weight in (deep * hair, empty))
    towards = backdrop[..., :3] - subject[..., :3]
    length = np.square(towards).sum(-1)
    part = ((image - subject[..., :3]) * towards).sum(-1) / np.maximum(length, 1e-4)
    brighter = towards.mean(-1)  # on light hair before a dark backdrop the mixture shows less than errors would
    near = hair * (1.0 - deep) * np.clip(brighter / DISTINCT, 0.0, 1.0)
    near *= np.clip(subject[..., 3] * backdrop[..., 3] * 400.0, 0.0, 1.0)
    cleaned = image - (np.clip(part, 0.0, 1.0) * near)[..., None] * towards
    return np.ascontiguousarray(np.clip(cleaned, 0.0, 1.0).transpose(2, 0, 1), np.float32)


def _mean_around(image, weight):
    """Mean colours of an image (h, w, 3) around every pixel where weight (h, w), and how much weight there is:
    (h, w, 4) float32."""
    total = cv2.GaussianBlur(np.dstack([image * weight[..., None], weight]).astype(np.float32), (0, 0), EDGE_WIDTH)
    total[..., :3] /= np.maximum(total[..., 3:], 1e-6)
    return total


def background_texture(crop: np.ndarray, matte: np.ndarray, camera: Camera, size: int) -> np.ndarray:
    """Texture (size, size, 4) uint8 of the background plane: the photo's backdrop, with the subject painted out.

    crop: (256, 256, 3) uint8 sRGB; matte (256, 256) in [0, 1]; camera: the crop's.
    """
    subject = cv2.dilate((matte > MAYBE).astype(np.float32), np.ones((9, 9), np.uint8))[..., None]
    small = (CROP_SIZE // 4, CROP_SIZE // 4)  # what is painted in is smooth
    total = cv2.resize(crop * (1.0 - subject), small, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(1.0 - subject, small, interpolation=cv2.INTER_AREA)
    filled, missing = blurred_fill(total, weight, sigmas=(1.0, 2.5, 6.0, 15.0), gain=10.0)
    filled += missing * (total.sum((0, 1)) / max(weight.sum(), 1.0))
    result = crop * (1.0 - subject) + subject * cv2.resize(filled, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    pixel, _ = camera.project(background_points(*domes.texel_centres(size, size)))
    x, y = (pixel[..., axis].astype(np.float32) - 0.5 for axis in (0, 1))
    out = np.full((size, size, 4), 255, np.uint8)
    result = np.clip(result, 0, 255).astype(np.uint8)
    out[..., :3] = cv2.remap(result, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    return out
