"""The photo carried to where the networks want it: landmarks against the mean head, pixels and voxel onto manifolds."""

import cv2
import numpy as np

from ..geometry.cameras import CROP_DISTANCE, CROP_SIZE, Camera
from ..geometry.sampling import sample_image, sample_volume

VOXEL_DEPTH = 0.16  # metres, half the depth of the frustum voxel
VOXEL_SLICES = 8  # slices of the voxel along the view axis
LIFTED_SIZE = 64  # pixels per side of the photo that is lifted beside the voxel
UNUSED_LANDMARKS = (288, 361, 397, 401, 435)  # FaceMesh points of the jaw without a twin on the training heads
OFFSET_UNIT = 10.0  # pixels
MAX_OFFSET = 3.0  # largest landmark offset, in that unit


def landmark_offsets(landmarks: np.ndarray, camera: Camera, mean_landmarks: np.ndarray) -> np.ndarray:
    """Offsets (1, 936) float32, in OFFSET_UNIT, of landmarks (468, 2) pixels from the mean head's in the same pose."""
    expected, _ = camera.project(mean_landmarks)
    offsets = np.clip((landmarks - expected) / OFFSET_UNIT, -MAX_OFFSET, MAX_OFFSET)
    offsets[list(UNUSED_LANDMARKS)] = 0.0
    return offsets.astype(np.float32).reshape(1, -1)


def lift(
    voxel: np.ndarray, photo: np.ndarray, matte: np.ndarray, weight: np.ndarray, camera: Camera, points: np.ndarray
) -> np.ndarray:
    """Carry the photo onto the manifolds' low-resolution texture grid.

    voxel: (C * D, S, S) float32, channel-major, a frustum of D slices around the head. photo: (3, 256, 256) in [0, 1].
    matte: (256, 256) in [0, 1]. weight: (grid, grid) in [0, 1], of the photo's colours in every column.
    points: (L * grid * grid, 3) metres. Returns (1, L * (C + 4), grid, grid) float32.
    """
    size, grid = voxel.shape[-1], weight.shape[-1]
    count = len(points) // (grid * grid)
    slices, channels = VOXEL_SLICES, voxel.shape[0] // VOXEL_SLICES
    pixel, depth = camera.project(points, np.float32)
    x, y = (pixel / CROP_SIZE).T
    z = ((depth - CROP_DISTANCE) / VOXEL_DEPTH + 1) * slices / 2
    volume = np.ascontiguousarray(voxel.reshape(channels, slices, size, size).transpose(1, 2, 3, 0))
    features = sample_volume(volume, x * size, y * size, z)
    sure = cv2.erode(matte, np.ones((5, 5), np.uint8))  # pixels at the edge mix in the backdrop
    small = cv2.resize(cv2.merge([*(photo * sure), sure]), (LIFTED_SIZE,) * 2, interpolation=cv2.INTER_AREA)
    colours = sample_image(small, x * LIFTED_SIZE, y * LIFTED_SIZE)
    lifted = np.empty((count, channels + 4, grid * grid), np.float32)
    lifted[:, :channels] = features.reshape(count, grid * grid, channels).transpose(0, 2, 1)
    lifted[:, channels:] = colours.reshape(count, grid * grid, 4).transpose(0, 2, 1)
    lifted[:, channels:] *= weight.ravel()
    return lifted.reshape(1, -1, grid, grid)
