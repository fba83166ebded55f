"""Find faces in a photo: MediaPipe's detector says where one may be, its landmark network whether one is.

The detector is BlazeFace (Bazarevsky et al., 2019) in its full-range variant: one map of cells over the letterboxed
photo, in every cell a score, a box and six points. :mod:`inference.alignment.landmarks` does the rest.
"""

import dataclasses
import math

import numpy as np

from ..geometry.curves import sigmoid
from ..networks.model import Model
from .landmarks import LEFT_EYE, RIGHT_EYE, find_landmarks, within_half_turn

DETECTOR = "face_detector"
DETECTOR_SIZE = 192  # pixels, side of the letterboxed photo
DETECTOR_STRIDE = 4  # pixels per cell
DETECTOR_SCORE = 0.3  # lowest score of the first face of the whole photo; half faces reach 0.4
FURTHER_SCORE = 0.5  # the same for more faces
TILE_SCORE = 0.55  # the same in tiles, where there are more chances to be wrong
# Chosen on 216 look-alikes (training.wild, the half that is not reported), looked at from four sides:
CONVINCING = 0.72  # score from which on no other look is taken; upright faces have 0.87, 95 % of them 0.74
LEANING = math.radians(45.0)  # roll from which on a face lies more than it stands, and another look sees it better
STANDING = 0.15  # what standing upright is worth, as nearly all photos do
AGREED = 0.3  # what a second look that sees the same is worth
SEEN = 0.4  # lowest score of a look at the turned photo that counts at all
ALONE = 0.65  # lowest score of a look at the turned photo that no other look agrees with
SAME_TURN = math.radians(12.0)  # how near the turns of two looks are that agree
FACE_SCORE = 0.8  # lowest confidence of the landmark network, in each of its passes
SAME_FACE = 0.45  # faces nearer than this part of the larger box side are one
MAX_CANDIDATES = 12  # per pass over the photo
TILE_GRIDS = (1, 2, 4)  # the photo is searched whole, then in overlapping tiles of half and a quarter of its side
TILE_MIN_FACE = 40.0  # pixels of the photo, box side; tiles serve to find faces that can be used
TILE_MIN_SIDE = 384  # pixels of the photo; smaller tiles cannot hold a face large enough to be used

FOREHEAD, CHIN = 10, 152  # FaceMesh points on the vertical line


@dataclasses.dataclass(frozen=True)
class Face:
    """One face. box: (x0, y0, x1, y1) photo pixels; score 0..1; landmarks: (468, 2) float32 photo pixels."""

    box: tuple
    score: float
    landmarks: np.ndarray

    @classmethod
    def at(cls, landmarks: np.ndarray, score: float) -> "Face":
        """The face of these landmarks, its box around them."""
        (ax, ay), (bx, by) = landmarks.min(0), landmarks.max(0)
        return cls((float(ax), float(ay), float(bx), float(by)), score, landmarks)


def face_square(landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The upright square of a face: centre (..., 2), side (...) in pixels and roll (...) in radians, clockwise.

    landmarks: (..., 468, 2). The side is about the height of the face from the chin to the upper forehead.
    """
    centre = landmarks.mean(-2)
    side = 3.4 * np.sqrt(((landmarks - centre[..., None, :]) ** 2).sum(-1).mean(-1))
    across = landmarks[..., LEFT_EYE, :] - landmarks[..., RIGHT_EYE, :]
    down = landmarks[..., CHIN, :] - landmarks[..., FOREHEAD, :]
    roll = np.arctan2(across[..., 1] - 0.5 * down[..., 0], across[..., 0] + 0.5 * down[..., 1])
    return centre, side, roll


def detect_faces(photo: np.ndarray, model: Model) -> list[Face]:
    """Faces of a photo (H, W, 3) uint8, by score times size; an empty list when there is none.

    Where nothing convincing is seen to stand the photo is looked at from its sides and upside down as well: many lie on
    their side and do not say so. A face that two of these looks see the same way is believed before one that a single
    look scores higher: upside-down faces are seen, too, but not twice alike. Its landmarks come from the look in which
    it stands. They are in pixels of the photo as it is, whatever way the face stands in it.
    """
    standing = _detect_standing(photo, model)
    if standing and standing[0].score >= CONVINCING and _lean(standing, 0) < LEANING:
        return standing
    looks = [(standing, 0)] if standing else []
    for quarters in (1, 3, 2):
        found = _detect_standing(np.ascontiguousarray(np.rot90(photo, quarters)), model)
        faces = [Face.at(_turned_back(face.landmarks, quarters, photo.shape), face.score) for face in found]
        looks += [(faces, quarters)] if faces and faces[0].score >= SEEN else []

    def agree(look, other):
        return look is other or _same_turn(look[0][0], other[0][0])

    def agreed(look):
        return any(agree(look, other) for other in looks if other is not look)

    def belief(look):
        return look[0][0].score + AGREED * agreed(look) + STANDING * (look[1] == 0)

    believable = [look for look in looks if look[1] == 0 or look[0][0].score >= ALONE or agreed(look)]
    if not believable:
        return []
    best = max(believable, key=belief)
    return min((look for look in believable if agree(look, best)), key=lambda look: _lean(*look))[0]


def _lean(faces, quarters):
    """Radians by which the first face leans to a side in np.rot90(photo, quarters)."""
    return abs(within_half_turn(face_square(faces[0].landmarks)[2] - quarters * math.pi / 2))


def _same_turn(face, other):
    """Whether two looks see one face, and turned the same way."""
    (centre, side, roll), (place, size, turn) = face_square(face.landmarks), face_square(other.landmarks)
    return _same(centre, side, (place, size)) and abs(within_half_turn(roll - turn)) < SAME_TURN


def _turned_back(points, quarters, shape):
    """Points (n, 2) of np.rot90(photo, quarters) as pixels of the photo, whose shape is (H, W, 3)."""
    (x, y), (height, width) = points.T, shape[:2]
    return np.stack({1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}[quarters], -1)


def _detect_standing(photo, model):
    """Faces that stand more or less upright, as :func:`detect_faces` gives them."""
    height, width = photo.shape[:2]
    for grid in TILE_GRIDS:
        tile = max(height, width) * (1.0 if grid == 1 else 1.25 / grid)
        if grid > 1 and tile < TILE_MIN_SIDE:
            break
        candidates = []
        for x0, y0, x1, y1 in _tiles(width, height, grid, tile):
            part = photo[y0:y1, x0:x1]
            for score, centre, side, roll in detect_boxes(part, model):
                candidates.append((score, centre + (x0, y0), side, roll))
        candidates.sort(key=lambda candidate: -candidate[0])
        faces = []
        for score, centre, side, roll in candidates[:MAX_CANDIDATES]:
            if score < (TILE_SCORE if grid > 1 else FURTHER_SCORE if faces else DETECTOR_SCORE):
                break
            if any(_same(centre, side, face_square(face.landmarks)) for face in faces):
                continue
            if grid > 1 and side < TILE_MIN_FACE:
                continue
            landmarks, confidence = find_landmarks(photo, centre, side, roll, model)
            known = [face_square(face.landmarks) for face in faces]
            found = face_square(landmarks)
            if confidence < FACE_SCORE or any(_same(found[0], found[1], other) for other in known):
                continue
            faces.append(Face.at(landmarks, score * confidence))
        if faces:
            return sorted(faces, key=lambda face: -face.score * face_square(face.landmarks)[1])
    return []


def detect_boxes(photo: np.ndarray, model: Model) -> list[tuple[float, np.ndarray, float, float]]:
    """Candidates of one pass: a list of (score, centre (2,), side, roll in radians) in pixels of the photo."""
    import cv2

    height, width = photo.shape[:2]
    scale = DETECTOR_SIZE / max(height, width)
    target = max(1, round(width * scale)), max(1, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    board = np.zeros((DETECTOR_SIZE, DETECTOR_SIZE, 3), np.uint8)
    left, top = (DETECTOR_SIZE - target[0]) // 2, (DETECTOR_SIZE - target[1]) // 2
    board[top : top + target[1], left : left + target[0]] = cv2.resize(photo, target, interpolation=method)
    image = board.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(127.5) - 1
    boxes, logits = (rows[0] for rows in model.companion(DETECTOR).run(None, {"photo": image}))
    scores = sigmoid(logits[:, 0].astype(np.float64))
    found = []
    for index in np.argsort(-scores, kind="stable"):
        if scores[index] <= DETECTOR_SCORE:
            break
        row, column = divmod(int(index), DETECTOR_SIZE // DETECTOR_STRIDE)
        # pairs of x and y: the box's centre, its size, then from the same cell six points, first the eyes
        centre, size, right_eye, left_eye = boxes[index].reshape(-1, 2)[:4].astype(np.float64)
        centre = (centre + (np.array([column, row]) + 0.5) * DETECTOR_STRIDE - (left, top)) / scale
        side, across = float(size.max()) / scale, left_eye - right_eye
        if side > 0 and not any(_same(centre, side, other[1:]) for other in found):
            found.append((float(scores[index]), centre, side, math.atan2(across[1], across[0])))
    return found


def _same(centre, side, other):
    return np.linalg.norm(np.subtract(centre, other[0])) < SAME_FACE * max(side, other[1])


def _tiles(width, height, grid, tile):
    if grid == 1:
        return [(0, 0, width, height)]

    def starts(length):
        if length <= tile:
            return [0]
        count = math.ceil((length - tile) / (0.75 * tile)) + 1
        return [round(i * (length - tile) / (count - 1)) for i in range(count)]

    side = math.ceil(tile)
    return [(x, y, min(x + side, width), min(y + side, height)) for y in starts(height) for x in starts(width)]
