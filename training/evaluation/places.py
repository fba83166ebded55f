"""Backdrops: pieces of equirectangular panoramas as a camera with a lens sees them."""

import cv2
import numpy as np

from inference.errors import PortraitError
from inference.photo.open import open_photo
from training.errors import TrainingError

FIELDS_OF_VIEW = (30.0, 90.0)  # degrees along the longer side
PITCH = 12.0  # degrees the camera looks up or down at most
BLUR = (0.004, 0.03)  # of the longer side: a lens that is open, for every second place


def open_places(folder):
    """All panoramas of a folder, {name: (h, 2 h, 3) uint8 sRGB}, sorted. Raises TrainingError when there are none."""
    try:
        places = {path.stem: open_photo(path) for path in sorted(folder.glob("*.webp"))}
    except PortraitError as error:
        raise TrainingError(str(error)) from None
    if not places:
        raise TrainingError(f"no panoramas (.webp) in {folder}; give the folder env/backdrops of the data pack")
    return places


def perspective(panorama, yaw, pitch, field_of_view, size):
    """A panorama seen by a level pinhole camera: (height, width, 3) uint8.

    panorama: (h, 2 h, 3) uint8, rows from zenith to nadir, its middle column straight ahead. yaw to the right, pitch
    upwards, field_of_view along the longer side: degrees. size: (width, height) pixels.
    """
    width, height = size
    focal = 0.5 * max(size) / np.tan(np.radians(field_of_view) / 2)
    x, y = np.meshgrid((np.arange(width) + 0.5 - width / 2) / focal, (height / 2 - np.arange(height) - 0.5) / focal)
    up, ahead = np.sin(np.radians(pitch)), np.cos(np.radians(pitch))
    high, deep = y * ahead + up, ahead - y * up
    azimuth = np.arctan2(x, deep) + np.radians(yaw)
    elevation = np.arctan2(high, np.hypot(x, deep))
    rows, columns = panorama.shape[:2]
    column = (azimuth / (2 * np.pi) + 0.5) % 1.0 * columns - 0.5
    row = (0.5 - elevation / np.pi) * rows - 0.5
    maps = column.astype(np.float32), np.clip(row, 0, rows - 1).astype(np.float32)
    return cv2.remap(panorama, *maps, cv2.INTER_CUBIC, None, cv2.BORDER_WRAP)


def random_place(rng, places, size):
    """A random piece of a random place, sharp or blurred: (height, width, 3) uint8. size: (width, height)."""
    panorama = places[list(places)[rng.integers(len(places))]]
    looking = rng.uniform(-180, 180), rng.uniform(-PITCH, PITCH), rng.uniform(*FIELDS_OF_VIEW)
    blur, sharp = rng.uniform(*BLUR), rng.random() < 0.5
    if sharp:
        return perspective(panorama, *looking, size)
    small = tuple(max(1, round(side / 4)) for side in size)  # a blurred picture loses nothing by that
    return cv2.resize(cv2.GaussianBlur(perspective(panorama, *looking, small), (0, 0), blur * max(small)), tuple(map(int, size)))
