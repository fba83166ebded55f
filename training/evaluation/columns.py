"""How far a portrait's surface is from the exact one, column by column."""

import cv2
import numpy as np

from inference.geometry.cameras import Camera
from inference.inversion.ears import ear_points, with_ears
from inference.inversion.lifting import landmark_offsets
from inference.mesh.surface import find_surface
from inference.portrait import Portrait

FARTHEST = 0.03  # metres; an edge that lies in another column is off by no more


def measure_columns(portrait: Portrait, radius: np.ndarray, ears: np.ndarray) -> dict[str, float]:
    """Mean distance in mm along the columns that both have, of all and, where there are some, of the ears'.

    radius: (h, w) metres of the exact first surface, 0 where there is none; ears: (h, w) bool, the ears' columns.
    """
    surface = find_surface(portrait.textures, portrait.radii)
    ours, opacity = (cv2.resize(plane, radius.shape[::-1], interpolation=cv2.INTER_AREA) for plane in (surface.radius, surface.opacity))
    there = (radius > 0.0) & (opacity > 0.5)
    off = 1e3 * np.minimum(np.abs(ours - radius), FARTHEST)
    found = {"columns_mm": there, "ears_mm": there & ears}
    return {name: float(off[where].mean()) for name, where in found.items() if where.any()}


def ear_columns(label: np.ndarray, landmarks: np.ndarray, camera: Camera, mean_landmarks: np.ndarray) -> np.ndarray:
    """Columns (h, w) bool of bare ears: skin, by a head's exact label (h, w, 3) uint8, where its landmarks (468, 2) in
    camera's pixels, as the aligner finds them, say that ears are."""
    ears = ear_points(landmark_offsets(landmarks, camera, mean_landmarks))
    parts = np.float32(label.transpose(2, 0, 1)) / np.float32(255)
    own, _ = with_ears(parts, np.zeros((3, camera.height, camera.width), np.float32), ears, camera)
    return own[3] > 0.5
