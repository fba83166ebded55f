"""What of a photo is neither skin nor lip though it lies in the face: the eyes between the lids, what the lips show."""

import cv2
import numpy as np

from ..portrait import Portrait

# FaceMesh's points round each eye's opening, the sitter's right one first, and round the mouth's between the lips
EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
MOUTH = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
EYE_MARGIN, MOUTH_MARGIN = 0.008, 0.008  # of the eyes' distance: lashes and wet rims belong to the openings, too


def outlines(portrait: Portrait, size: int) -> tuple[list[np.ndarray], np.ndarray]:
    """The eyes' openings, the sitter's right one first, and the mouth's, (n, 2) float32 each, pixels of a view of size
    squared from the portrait's camera. None of them where the portrait has no landmarks."""
    if portrait.landmarks is None or len(portrait.landmarks) < 468:
        return [], np.zeros((0, 2), np.float32)
    points = portrait.landmarks * np.float32(size / portrait.camera.width)
    return [points[list(eye)] for eye in EYES], points[list(MOUTH)]


def openings(portrait: Portrait, size: int) -> np.ndarray:
    """Where a view of size squared from the portrait's camera shows eyes, and where teeth and tongue: (size, size, 2)
    float32 [0, 1]."""
    eyes, mouth = outlines(portrait, size)
    found = np.zeros((size, size, 2), np.float32)
    if not eyes:
        return found
    apart = float(np.linalg.norm(eyes[0].mean(0) - eyes[1].mean(0)))
    for plane, (drawn, margin) in enumerate(((eyes, EYE_MARGIN), ([mouth], MOUTH_MARGIN))):
        one = np.zeros((size, size), np.uint8)
        for outline in drawn:
            cv2.fillPoly(one, [np.rint(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(margin * apart)) + 1,) * 2)
        soft = cv2.GaussianBlur(cv2.dilate(one, disc), (0, 0), max(0.5, 0.008 * apart))
        found[..., plane] = soft.astype(np.float32) / 255
    return found
