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
UNCERTAIN = 0.065  # softness of a matte; of 135 look-alikes 6 of 8 mattes below IoU 0.95 have more, 3 of 127 others
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
    outside = _unknown_share(alignment)
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


def matte_doubts(matte: np.ndarray, landmarks: np.ndarray) -> list[Doubt]:
    """What is doubtful about a matte (256, 256) in [0, 1] that the networks found; landmarks: (468, 2) crop pixels."""
    if softness(matte, landmarks) <= UNCERTAIN:
        return []
    return [Doubt("uncertain-matte", "it is not sure where the subject ends; give a matte, or use a plainer backdrop")]


def softness(matte: np.ndarray, landmarks: np.ndarray) -> float:
    """How much of a matte (256, 256) is neither subject nor backdrop, over the subject's area above the chin.

    The sum of 4 m (1 - m), which is 1 where it is undecided. landmarks: (468, 2) crop pixels.
    """
    head = matte[: max(1, round(float(landmarks[CHIN, 1])))]
    return float((4.0 * head * (1.0 - head)).sum() / max(head.sum(), 1.0))


def several_faces(count: int) -> Doubt:
    """The doubt about which of ``count`` faces is meant."""
    return Doubt("several-faces", f"{count} faces were found; face 0 was taken, choose another by its number")


def device_failed(device: str) -> Doubt:
    """A network could not be run where it should have been."""
    return Doubt("device-failed", f"the device {device} failed and the CPU took its place; check its driver and memory")


def _unknown_share(alignment):
    """How much of where the head stands in the crop is not in the photo, in [0, 1]."""
    if alignment.beyond is None:
        return 0.0
    left, right = (round(CROP_SIZE * (0.5 + side * HEAD_WIDTH / 2)) for side in (-1, 1))
    top = round(CROP_SIZE * HEAD_TOP)
    chin = int(np.clip(alignment.landmarks[CHIN, 1], top + 1, CROP_SIZE))
    return float(alignment.beyond[top:chin, left:right].mean())


def _share_outside(points, photo_size):
    return float(((points < 0.0) | (points > photo_size)).any(-1).mean())
