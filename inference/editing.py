"""Edits: pictures that somebody made of a portrait's photo, aligned as the photo was, so that they show in 3D.

As in the paper's 3D-consistent editing (GRAMInverter), the edited photo is inverted with the camera it had.
"""

import math

import numpy as np

from .alignment.align import Alignment, landmarks_within
from .errors import PhotoUnusable
from .geometry.cameras import CROP_SIZE, orbit_angles
from .networks.model import Model
from .photo.warp import beyond_photo, detail_side, rescaled, square_to_photo, warp_to_crop
from .portrait import Portrait


def crop_in(picture_size: tuple[int, int], portrait: Portrait) -> np.ndarray:
    """The (2, 3) affine map of a portrait's crop pixels to those of an edited picture, (width, height) pixels.

    The picture is as large as the portrait's photo, or else a square that shows its crop. Raises PhotoUnusable.
    """
    width, height = picture_size
    if (width, height) == tuple(portrait.photo_size):
        return portrait.crop_to_photo
    if width != height:
        other_width, other_height = portrait.photo_size
        raise PhotoUnusable(
            f"the edited picture has {width} x {height} pixels; it must be as large as the portrait's photo, "
            f"{other_width} x {other_height}, or a square that shows the crop"
        )
    return whole_square(width)


def whole_square(side: int) -> np.ndarray:
    """The (2, 3) affine map of crop pixels to those of a square picture of the crop."""
    return square_to_photo((side / 2, side / 2), side, 0.0)


def align_edit(picture: np.ndarray, crop_to_picture: np.ndarray, portrait: Portrait, model: Model) -> Alignment:
    """The alignment of a portrait's photo with an edited picture in its place: the same crop, camera and landmarks.

    picture: (H, W, 3) uint8. crop_to_picture: as of :func:`crop_in`. What the photo did not show stays unknown.
    """
    landmarks = portrait.landmarks
    if landmarks is None:  # a file of an earlier version
        landmarks = landmarks_within(portrait.crop, whole_square(CROP_SIZE), 0.0, model)
    if landmarks is None:
        landmarks = portrait.camera.project(model.geometry["mean_landmarks"])[0].astype(np.float32)
    yaw, pitch = orbit_angles(portrait.camera.camera_to_world)
    to_photo = portrait.crop_to_photo
    beyond = beyond_photo(to_photo, portrait.photo_size)
    side = detail_side(crop_to_picture)
    return Alignment(
        crop=warp_to_crop(picture, crop_to_picture),
        crop_to_photo=to_photo,
        camera=portrait.camera,
        landmarks=landmarks,
        yaw=yaw,
        pitch=pitch,
        roll=math.degrees(math.atan2(to_photo[1, 0], to_photo[0, 0])),
        beyond=beyond if beyond.any() else None,
        detail=None if side is None else warp_to_crop(picture, rescaled(crop_to_picture, side), side),
    )
