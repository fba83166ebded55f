"""Who is the subject: MediaPipe's selfie segmentation tells person from place, the model's own matte draws the edge.

The model's networks learned their matte on plain backdrops. Before a street or a tree they are as sure as ever and
often wrong, so their logit is clipped: it settles what the segmentation leaves open. A guided filter then moves the
edge to the photo's. models/README.md describes the segmentation; it serves every model, and where it is missing the
model's own matte is used.

Constants were chosen on 43 look-alikes (docs/results.md, the half that is not reported) and 48 synthetic heads, before
plain backdrops and before places.
"""

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..geometry.cameras import CROP_SIZE
from ..geometry.curves import sigmoid
from ..networks.model import Model
from ..photo.guided_filter import guided_filter

if TYPE_CHECKING:
    import onnxruntime

NETWORK = "selfie_segmentation"
TRUST = 3.0  # logit up to which the model's own matte counts
CERTAIN = 1e-4  # the segmentation's chances are read no nearer to 0 and 1 than this
EDGE_RADIUS, EDGE_VARIANCE = 6, 3e-4  # pixels and squared intensity of the guided filter
EDGE_GAIN = 1.5  # it softens; this makes inside 1 and outside 0 again
EDGE = 4  # pixels beyond the subject where its soft edge may still lie


def subject_matte(matte_logits: np.ndarray, crop: np.ndarray, landmarks: np.ndarray, model: Model) -> np.ndarray:
    """The matte of the person whose face the crop shows, (256, 256) float32 in [0, 1].

    matte_logits: (256, 256), the model's own. crop: (256, 256, 3) uint8 sRGB. landmarks: (468, 2) crop pixels.
    A segmentation that misses most of the face (of a statue, a painting) is not believed.
    """
    own = sigmoid(matte_logits)
    session = model.companion(NETWORK, optional=True)
    face = face_pixels(landmarks)
    if session is None:
        return one_subject(own, face)
    mask = subject_mask(crop, session)
    if not (mask[face] > 0.5).mean() > 0.5:  # also without any face pixel
        return one_subject(own, face)
    return one_subject(to_edges(combined(matte_logits, mask), crop), face)


def face_pixels(landmarks: np.ndarray) -> np.ndarray:
    """The pixels of a crop (256, 256) bool within the hull of its landmarks (468, 2)."""
    face = np.zeros((CROP_SIZE, CROP_SIZE), np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(np.asarray(landmarks, np.float32)).astype(np.int32), 1)
    return face > 0


def subject_mask(crop: np.ndarray, session: "onnxruntime.InferenceSession") -> np.ndarray:
    """Where the crop (256, 256, 3) uint8 shows a person: (256, 256) float32 in [0, 1]. session: of NETWORK."""
    photo = np.float32(crop.transpose(2, 0, 1)[None]) / 255.0
    return session.run(None, {"photo": photo})[0][0, 0]


def combined(matte_logits: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The own matte (h, w), logits, and the segmentation (h, w) in [0, 1] as one matte (h, w) float32 in [0, 1].

    Their log-odds are added (a product of experts: Hinton, "Training products of experts", 2002), the own ones clipped.
    """
    mask = np.clip(mask, CERTAIN, 1.0 - CERTAIN)
    return sigmoid(np.clip(matte_logits, -TRUST, TRUST) + np.log(mask / (1.0 - mask))).astype(np.float32)


def to_edges(matte: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """The matte (h, w) float32 in [0, 1] with its edge where the crop (h, w, 3) uint8 has one; float32 in [0, 1]."""
    filtered = guided_filter(np.float32(crop) / 255.0, matte, EDGE_RADIUS, EDGE_VARIANCE)
    return np.clip(EDGE_GAIN * (filtered - 0.5) + 0.5, 0.0, 1.0)


def one_subject(matte: np.ndarray, face: np.ndarray) -> np.ndarray:
    """The matte (h, w) in [0, 1] without what is not joined to the face (h, w) bool, and without holes; float32."""
    _, labels = cv2.connectedComponents((matte > 0.5).astype(np.uint8), connectivity=4)
    joined = np.isin(labels, np.setdiff1d(labels[face], 0))
    if not joined.any():
        return matte.astype(np.float32)
    near = cv2.dilate(joined.astype(np.uint8), np.ones((2 * EDGE + 1,) * 2, np.uint8))
    _, labels = cv2.connectedComponents((~joined).astype(np.uint8), connectivity=4)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    hole = ~joined & ~np.isin(labels, border)
    return np.where(hole, 1.0, matte * near).astype(np.float32)
