"""Folders of photos, as the commands are given them, and crops of what lies beside a photo: mattes and masks."""

import cv2
import numpy as np

from inference.photo.open import SUFFIXES
from training.errors import TrainingError


def photos_in(folder):
    """Paths of a folder's photos, sorted. Raises TrainingError when there are none."""
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise TrainingError(f"cannot read {folder} ({error.strerror}); give a folder of photos") from None
    if not found:
        raise TrainingError(f"no photos ({', '.join(SUFFIXES)}) in {folder}; give a folder of photos")
    return found


def crop_of(image, crop_to_photo, size):
    """Crop (size, size) of an image (H, W) uint8, linear; 0 beyond its border, which
    :func:`inference.photo.warp.warp_to_crop` continues. crop_to_photo: (2, 3), corners of pixels at integers."""
    matrix = np.array(crop_to_photo, np.float64)
    matrix[:, 2] += 0.5 * matrix[:, :2].sum(1) - 0.5  # to the pixel centres that OpenCV counts in
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
