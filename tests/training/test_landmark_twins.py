"""Mirror twins of the face landmarks against people's own landmarks."""

import numpy as np

from tests.data_pack import DATA_PACK, needs_data_pack
from training.model.landmark_twins import LANDMARK_TWINS

KNOWN = {33: 263, 133: 362, 159: 386, 61: 291, 62: 292, 78: 308, 95: 324, 93: 323, 234: 454, 98: 327}  # right: left
MIDDLE = (0, 1, 4, 10, 13, 14, 17, 152, 168)


def test_twins_of_twins_are_the_landmarks_themselves():
    assert (LANDMARK_TWINS[LANDMARK_TWINS] == np.arange(468)).all()
    assert all(LANDMARK_TWINS[right] == left for right, left in KNOWN.items())
    assert all(LANDMARK_TWINS[point] == point for point in MIDDLE)


@needs_data_pack
def test_faces_are_their_own_mirror_images():
    """The mean of people who look anywhere, reflected at the plane that suits it best."""
    with np.load(DATA_PACK / "portraits" / "expressions.npz") as data:
        faces = data["landmarks"][:, :468].astype(float)
    faces = faces[np.isfinite(faces).all((1, 2))]
    mean = _unit(faces[0])
    for _ in range(5):
        mean = _unit(np.median([_turned(_unit(face), mean) for face in faces], 0))
    mirrored = _turned((mean * (-1.0, 1.0, 1.0))[LANDMARK_TWINS], mean)
    off = np.linalg.norm(mirrored - mean, axis=1) / np.linalg.norm(mean[33] - mean[263])
    assert off.max() < 0.02  # 0.017; with the twins of the mean synthetic head 0.35


def _unit(points):
    points = points - points.mean(0)
    return points / np.linalg.norm(points)


def _turned(points, onto):
    """Points (n, 3) turned so that they lie as near as possible to others."""
    u, _, v = np.linalg.svd(points.T @ onto)
    return points @ u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ v))]) @ v


