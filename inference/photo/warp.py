"""Squares of a photo: the map from their pixels to the photo's and the resampling.

Pixels: corners at integers, y down.
"""

import math

import numpy as np

from ..geometry.cameras import CROP_SIZE

DETAIL_MAX = 1024  # pixels per side of a detail crop: a map of 1024 x 1024 texels holds no more of it
DETAIL_STEP = 64  # pixels; sides of detail crops are multiples of it
DETAIL_FROM = 1.25  # photo pixels per crop pixel below which the crop itself shows nearly all that the photo does
BORDER_BLUR = 0.03  # of the crop's side; smooths what is invented beyond the photo's border


def square_to_photo(centre: np.ndarray, side: float, roll: float, size: int = CROP_SIZE) -> np.ndarray:
    """(2, 3) affine from the pixels of a crop (size x size) to photo pixels, corners at integers."""
    cosine, sine = side / size * math.cos(roll), side / size * math.sin(roll)
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, np.asarray(centre, np.float64) - linear @ (size / 2, size / 2)])


def detail_side(crop_to_photo: np.ndarray) -> int | None:
    """Pixels per side of the detail crop, which shows a crop's square at the photo's own scale; None where the photo
    has no more to show than the crop. The photo is never enlarged."""
    scale = math.sqrt(abs(np.linalg.det(crop_to_photo[:, :2])))
    if scale < DETAIL_FROM:
        return None
    return min(int(scale * CROP_SIZE + 1e-6) // DETAIL_STEP * DETAIL_STEP, DETAIL_MAX)  # rounding made it no smaller


def rescaled(crop_to_photo: np.ndarray, size: int) -> np.ndarray:
    """The (2, 3) affine of a crop's square in another number of pixels, size x size, to photo pixels."""
    return np.column_stack([crop_to_photo[:, :2] * (CROP_SIZE / size), crop_to_photo[:, 2]])


def invert_affine(affine: np.ndarray) -> np.ndarray:
    """Inverse of a (2, 3) affine map of pixels."""
    linear = np.linalg.inv(affine[:, :2])
    return np.column_stack([linear, -linear @ affine[:, 2]])


def beyond_photo(crop_to_photo: np.ndarray, photo_size: tuple[int, int], size: int = CROP_SIZE) -> np.ndarray:
    """Which pixels of a crop (size, size) lie outside of the photo, bool. photo_size: (width, height) in pixels."""
    centre = np.arange(size) + 0.5
    beyond = np.zeros((size, size), bool)
    for (by_x, by_y, offset), extent in zip(crop_to_photo, photo_size, strict=True):
        place = (by_x * centre + offset) + (by_y * centre)[:, None]
        beyond |= (place < 0.0) | (place > extent)
    return beyond


def warp_to_crop(image: np.ndarray, crop_to_photo: np.ndarray, size: int = CROP_SIZE) -> np.ndarray:
    """Resample an image (H, W) or (H, W, C), uint8 or float32, into a crop (size, size[, C]) of the same type.

    Area-averaged when the crop is smaller than what it shows, cubic otherwise. Beyond the image's border its edge is
    continued and blurred, so that no black enters.
    """
    import cv2

    height, width = image.shape[:2]
    linear, offset = crop_to_photo[:, :2], crop_to_photo[:, 2]
    corners = np.array([(0, 0), (size, 0), (0, size), (size, size)]) @ linear.T + offset
    scale = math.sqrt(abs(np.linalg.det(linear)))
    margin = 4 * max(scale, 1.0)
    x0, y0 = (
        int(np.clip(v, 0, n - 1)) for v, n in zip(np.floor(corners.min(0) - margin), (width, height), strict=True)
    )
    x1, y1 = (int(np.clip(v, 1, n)) for v, n in zip(np.ceil(corners.max(0) + margin), (width, height), strict=True))
    part = image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    shrink = np.ones(2)
    if scale > 1.0:
        target = [max(1, round(n / scale)) for n in (part.shape[1], part.shape[0])]
        shrink = np.array([target[0] / part.shape[1], target[1] / part.shape[0]])
        part = cv2.resize(part, target, interpolation=cv2.INTER_AREA)
    matrix = np.empty((2, 3))
    matrix[:, :2] = shrink[:, None] * linear
    matrix[:, 2] = shrink * (linear @ (0.5, 0.5) + offset - (x0, y0)) - 0.5  # pixel centres at integers for OpenCV
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(
        np.ascontiguousarray(part), matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    if (corners.min(0) >= 0).all() and (corners.max(0) <= (width, height)).all():
        return crop
    known = np.full(part.shape[:2], 255, np.uint8)
    known = cv2.warpAffine(known, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    sigma = BORDER_BLUR * size
    outside = cv2.GaussianBlur(255 - known, (0, 0), sigma / 2).astype(np.float32)
    outside = np.where(known == 255, 0, np.maximum(outside, 255 - known.astype(np.float32))) / 255
    outside = outside[..., None] if crop.ndim == 3 else outside
    blurred = cv2.GaussianBlur(crop, (0, 0), sigma).astype(np.float32)
    mixed = crop + outside * (blurred - crop)
    return mixed if crop.dtype == np.float32 else np.clip(mixed + 0.5, 0, 255).astype(crop.dtype)
