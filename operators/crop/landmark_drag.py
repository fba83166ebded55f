"""Proportional editing of landmarks: a point that is dragged takes its neighbours along. Pure geometry, no bpy."""

import numpy as np

RADIUS = 0.03  # metres on the face, at first: about a cheek
MIN_RADIUS, MAX_RADIUS = 0.002, 0.25  # metres: a single point, the whole face
SIGMAS = 2.5  # the Gaussian's standard deviations within the radius


def falloff(distances, radius):
    """How far points go along, 1 at no distance and 0 from the radius on: a Gaussian lowered to end there."""
    end = np.exp(-0.5 * SIGMAS**2)
    bell = np.exp(-0.5 * (SIGMAS * np.asarray(distances, np.float64) / radius) ** 2)
    return np.clip((bell - end) / (1.0 - end), 0.0, 1.0)


def weights_around(index, face_points, radius):
    """Falloff (n,) around one of the points of a face, (n, 3) metres: the far cheek is far in profile, too."""
    return falloff(np.linalg.norm(face_points - face_points[index], axis=-1), radius)


def dragged(landmarks, index, shift, face_points, radius):
    """Landmarks (n, 2) after the one at ``index`` was dragged by ``shift`` (2,), both in pixels of the photo.

    face_points: (n, 3) metres, the same landmarks on a face. radius: metres.
    """
    moves = weights_around(index, face_points, radius)[:, None] * np.asarray(shift, np.float64)
    return (landmarks + moves).astype(np.float32)


def nearest(landmarks, point, reach):
    """Index of the landmark nearest to a point, or None where none lies within reach; all in pixels of the photo."""
    if not len(landmarks):
        return None
    distances = np.linalg.norm(np.subtract(landmarks, point), axis=-1)
    index = int(distances.argmin())
    return index if distances[index] <= reach else None


def pixels_per_metre(landmarks, face_points):
    """About how large the face is in the photo."""
    return float(np.std(landmarks, 0).sum() / max(np.std(face_points[:, :2], 0).sum(), 1e-6))
