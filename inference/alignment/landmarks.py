"""The 468 landmarks of a face by MediaPipe's FaceMesh, used the way MediaPipe does.

The network sees an upright square around the face, 192 x 192, and answers with its points in pixels of that square and
the logit that it shows a face at all (Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on
Mobile GPUs", 2019). Its third coordinate, a relative depth, is not used.
"""

import math

import numpy as np

from ..geometry.curves import sigmoid
from ..networks.model import Model
from ..photo.warp import square_to_photo, warp_to_crop

NETWORK = "face_landmarks"
SIZE = 192  # pixels, side of what the network sees
MARGIN = 1.5  # side of the square over the longer side of the box about the landmarks, as in MediaPipe
PASSES = 2, 5  # fewest and most; the first sees the detector's square, each further one that of the landmarks before
SETTLED = 0.03  # the part of the square, or radians, that a pass moves it by when no other is needed
RIGHT_EYE, LEFT_EYE = 33, 263  # outer corners: the line through them is level in the square


def find_landmarks(
    photo: np.ndarray, centre: np.ndarray, side: float, roll: float, model: Model
) -> tuple[np.ndarray, float]:
    """Landmarks of the face that fills a square of the photo.

    photo: (H, W, 3) uint8. centre (2,) and side: pixels of the photo, about the box of the landmarks; roll: radians,
    clockwise. Returns (468, 2) float32 photo pixels and the confidence 0..1, that of the least sure pass.
    """
    session, confidence = model.companion(NETWORK), 1.0
    for done in range(PASSES[1]):
        affine = square_to_photo(centre, MARGIN * side, roll, SIZE)
        crop = warp_to_crop(photo, affine, SIZE).transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255)
        points, logit = session.run(None, {"crop": crop})
        landmarks = points[0, :, :2].astype(np.float64) @ affine[:, :2].T + affine[:, 2]
        confidence = min(confidence, float(sigmoid(np.float64(logit[0]))))
        before, (centre, side, roll) = (centre, side, roll), level_box(landmarks)
        moved = np.linalg.norm(centre - before[0]) / side, side / before[1] - 1, within_half_turn(roll - before[2])
        if done + 1 >= PASSES[0] and np.abs(moved).max() < SETTLED:
            break
    return landmarks.astype(np.float32), confidence


def level_box(landmarks: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Centre (2,), longer side and roll in radians, clockwise, of the box about landmarks (468, 2) with level eyes."""
    across = landmarks[LEFT_EYE] - landmarks[RIGHT_EYE]
    roll = math.atan2(across[1], across[0])
    turn = np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
    level = landmarks @ turn
    low, high = level.min(0), level.max(0)
    return turn @ (0.5 * (low + high)), float((high - low).max()), roll


def within_half_turn(angle: float) -> float:
    """An angle in radians as one of -pi to pi."""
    return (angle + math.pi) % (2.0 * math.pi) - math.pi
