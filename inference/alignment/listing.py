"""The faces of a photo as a list to choose from: how sure, how large and how turned each of them is."""

import dataclasses

import numpy as np

from ..errors import PortraitError
from .align import align_landmarks, check_alignment, eye_distance
from .detection import Face
from .doubts import doubts


@dataclasses.dataclass(frozen=True)
class ListedFace:
    """One face of a list.

    number: what ``face`` of :func:`inference.pipeline.invert_photo` calls it, 0 for the likeliest. score: 0..1.
    box: (x0, y0, x1, y1) photo pixels. eyes: photo pixels between the eyes as seen from in front.
    yaw, pitch, roll: degrees as in :class:`inference.alignment.align.Alignment`.
    doubts: codes of what would be warned of. problem: why it would be refused, "" where it is not.
    """

    number: int
    score: float
    box: tuple
    eyes: float
    yaw: float
    pitch: float
    roll: float
    doubts: tuple
    problem: str


def list_faces(photo: np.ndarray, faces: list[Face], mean_landmarks: np.ndarray) -> list[ListedFace]:
    """Describe the faces of a photo (H, W, 3) uint8 as they were found. mean_landmarks: (468, 3) metres.

    Raises ValueError when the landmarks of one are degenerate; what was found in a photo is not.
    """
    return [_listed(number, photo, face, mean_landmarks) for number, face in enumerate(faces)]


def _listed(number, photo, face, mean_landmarks):
    alignment = align_landmarks(photo, face.landmarks, mean_landmarks)
    try:
        check_alignment(alignment)
        problem = ""
    except PortraitError as error:
        problem = str(error)
    return ListedFace(
        number=number,
        score=round(float(face.score), 3),
        box=tuple(round(float(value), 1) for value in face.box),
        eyes=round(float(eye_distance(alignment)), 1),
        yaw=round(alignment.yaw, 1),
        pitch=round(alignment.pitch, 1),
        roll=round(alignment.roll, 1),
        doubts=tuple(doubt.code for doubt in doubts(alignment, face, (photo.shape[1], photo.shape[0]))),
        problem=problem,
    )
