"""What makes a result doubtful before it is made: said in the report, on the command line and in Blender."""

from dataclasses import dataclass

import numpy as np

from ..geometry.cameras import CROP_SIZE
from .align import Alignment, eye_distance
from .detection import CHIN, Face

SMALL = 33.0  # pixels between the eyes of the photo, half of what the crop has room for
HEAD_WIDTH, HEAD_TOP = 0.6, 0.1  # shares of the crop's side: where a head with its hair stands, down to the chin
BEYOND = 0.05  # share of that outside of the photo: of 132 look-alikes all 28 tight ones have more, 1 of the others
HALF = 0.05  # share of the face's landmarks outside of the photo; their contour touches the border of tight portraits
TURNED = 30.0  # degrees of yaw or pitch from which on half of the head is guessed
ROLLED = 60.0  # degrees of roll that no head is tilted by, so the photo itself lies on its side
UNSURE = 0.6  # score of a face; test portraits have 0.70 and more


@dataclass(frozen=True)
class Doubt:
    """code: a word for programs; text: one line for people that says what is likely wrong and what would help."""

    code: str
    text: str


def doubts(alignment: Alignment, face: Face | None, photo_size: tuple[int, int]) -> list[Doubt]:
    """What is doubtful about an aligned face.

    face: as it was found, None for a crop set by hand. photo_size: (width, height) in pixels.
    """
    found, eyes = [], eye_distance(alignment)
    if eyes < SMALL:
        found.append(
            Doubt("small-face", f"the face is small, {eyes:.0f} px between the eyes; a larger photo gives more detail")
        )
    outside = _share_outside(_head_grid(alignment.landmarks[CHIN, 1]) @ alignment.crop_to_photo.T, photo_size)
    if outside > BEYOND:
        found.append(
            Doubt("tight-crop", f"{100 * outside:.0f} % of the head lie outside of the photo and are guessed")
        )
    affine = alignment.crop_to_photo
    if _share_outside(alignment.landmarks @ affine[:, :2].T + affine[:, 2], photo_size) > HALF:
        found.append(Doubt("half-face", "a part of the face lies outside of the photo and is guessed; use a whole one"))
    angle = max(abs(alignment.yaw), abs(alignment.pitch))
    if angle > TURNED:
        found.append(Doubt("turned-face", f"the face is turned by {angle:.0f}°; what the photo hides of it is guessed"))
    if abs(alignment.roll) > ROLLED:
        found.append(Doubt("turned-photo", f"the photo lies on its side or upside down, by {alignment.roll:.0f}°"))
    if face is not None and face.score < UNSURE:
        found.append(
            Doubt("unsure-face", f"it is not sure that this is a face (score {face.score:.2f}); check the crop")
        )
    return found


def several_faces(count: int) -> Doubt:
    """The doubt about which of ``count`` faces is meant."""
    return Doubt("several-faces", f"{count} faces were found; face 0 was taken, choose another by its number")


def _head_grid(chin, count=24):
    """Places (count^2, 3) spread over where the head stands in the crop, homogeneous pixels; chin: its row."""
    across = CROP_SIZE * (0.5 + HEAD_WIDTH * np.linspace(-0.5, 0.5, count))
    x, y = np.meshgrid(across, np.linspace(CROP_SIZE * HEAD_TOP, chin, count))
    return np.stack([x.ravel(), y.ravel(), np.ones(count * count)], -1)


def _share_outside(points, photo_size):
    return float(((points < 0.0) | (points > photo_size)).any(-1).mean())
