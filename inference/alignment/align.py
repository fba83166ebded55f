"""From a photo to the aligned crop and its camera.

The crop is a similarity of the photo: upright, centred on the head, at a fixed scale. It is chosen so that the mean
head, seen by :func:`inference.geometry.cameras.orbit_camera`, lands on the face landmarks; the camera of the crop is
then solved from the landmarks with all six degrees of freedom. GRAM (CVPR 2022, section 4.1) aligns by a template of
five landmarks without removing roll; with 468 landmarks and roll removed the networks see less variation.

Pixels: corners at integers, y down. Portrait space: see :mod:`inference.geometry.domes`.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from ..errors import FaceUnusable, PhotoUnusable, PortraitError
from ..geometry.cameras import CROP_DISTANCE, CROP_SIZE, Camera, orbit_angles, orbit_camera
from ..networks.model import Model
from ..photo.warp import beyond_photo, detail_side, invert_affine, rescaled, square_to_photo, warp_to_crop
from .detection import FACE_SCORE, Face, detect_faces
from .landmarks import find_landmarks, level_box

MIN_EYE_DISTANCE = 20.0  # pixels in the photo; the crop would be enlarged more than 2.5 times
MAX_TURN = 60.0  # degrees of yaw or pitch the networks are meant for
EYE_DISTANCE = 0.063  # metres between the eye centres of the mean head


@dataclasses.dataclass(frozen=True)
class Alignment:
    """The aligned crop of one face.

    crop: (256, 256, 3) uint8 sRGB.
    crop_to_photo: (2, 3) float64, photo pixel = crop_to_photo @ (crop x, crop y, 1).
    camera: the crop's camera, world = portrait space.
    landmarks: (468, 2) float32, crop pixels, MediaPipe FaceMesh numbering.
    yaw, pitch: degrees, where the camera stands: yaw to the image's right, pitch upwards.
    roll: degrees by which the head is tilted clockwise in the photo (removed in the crop).
    beyond: (256, 256) bool, pixels of the crop that lie outside of the photo; None where none does.
    detail: (s, s, 3) uint8 sRGB, the crop's square at the photo's own scale; None where the crop shows as much.
    """

    crop: np.ndarray
    crop_to_photo: np.ndarray
    camera: Camera
    landmarks: np.ndarray
    yaw: float
    pitch: float
    roll: float
    beyond: np.ndarray | None = None
    detail: np.ndarray | None = None


def find_faces(photo: np.ndarray, model: Model) -> list[Face]:
    """Faces of a photo (H, W, 3) uint8 as :class:`inference.alignment.detection.Face`, likeliest first; may be none."""
    return detect_faces(photo, model)


def align_as_set(
    photo: np.ndarray,
    face: Face | None,
    model: Model,
    crop: Sequence[float] | None = None,
    landmarks: np.ndarray | None = None,
    yaw: float | None = None,
    pitch: float | None = None,
) -> Alignment:
    """Align a photo (H, W, 3) uint8 by a face that was found, or by what is set by hand in its place.

    face: not needed with crop or landmarks. crop: (x, y, size) or (x, y, size, roll) as in :func:`align_manually`.
    landmarks: (468, 2) photo pixels. yaw, pitch: degrees.
    Returns an :class:`Alignment`; raises PortraitError when nothing can be made of it.
    """
    if any(angle is not None and not abs(angle) <= MAX_TURN for angle in (yaw, pitch)):
        raise FaceUnusable(f"a head may be turned by at most {MAX_TURN:.0f}°; set yaw and pitch within that")
    if landmarks is not None:
        landmarks, count = np.asarray(landmarks, np.float32), len(model.geometry["mean_landmarks"])
        if landmarks.shape != (count, 2) or not np.isfinite(landmarks).all():
            raise FaceUnusable(f"landmarks are {count} points in pixels of the photo; find them anew")
    try:
        if crop is None:
            return align(photo, face if landmarks is None else Face.at(landmarks, 1.0), model, yaw, pitch)
        if len(crop) not in (3, 4):
            raise FaceUnusable(
                "a crop is x, y, size and perhaps roll: the centre and side in pixels, the roll in degrees"
            )
        x, y, size, roll = (*(float(value) for value in crop), 0.0)[:4]
        return align_manually(photo, (x, y), size, roll, model, landmarks, yaw, pitch)
    except PortraitError:
        raise
    except ValueError as error:
        raise FaceUnusable(f"the face cannot be aligned ({error}); set the crop by hand") from None


def align(
    photo: np.ndarray, face: Face, model: Model, yaw: float | None = None, pitch: float | None = None
) -> Alignment:
    """Align a photo (H, W, 3) uint8 by one of its faces.

    yaw, pitch: degrees, set by hand instead of found.
    Returns an :class:`Alignment`; raises PortraitError when the face is too small or turned too far away.
    """
    alignment = align_landmarks(photo, face.landmarks, model.geometry["mean_landmarks"], yaw, pitch)
    check_alignment(alignment)
    return alignment


def align_manually(
    photo: np.ndarray,
    centre_xy: tuple[float, float],
    size_px: float,
    roll_degrees: float = 0.0,
    model: Model | None = None,
    landmarks: np.ndarray | None = None,
    yaw: float | None = None,
    pitch: float | None = None,
) -> Alignment:
    """Use the user's own square as the crop: the way out when no face is found, or another crop is wanted.

    photo: (H, W, 3) uint8. centre_xy: the square's centre in photo pixels; size_px: its side in photo pixels, about
    5.1 times the distance between the eyes. roll_degrees: how far the head is tilted clockwise in the photo.
    model: gives the mean head and the landmark network. The pose comes from the landmarks found within the square;
    when none are found there, the head is taken to look straight at the camera.
    landmarks: (468, 2) photo pixels, set by hand instead of found. yaw, pitch: degrees, set by hand instead of found.
    """
    numbers = np.array([*centre_xy, size_px, roll_degrees], np.float64)
    if numbers.shape != (4,) or not np.isfinite(numbers).all() or size_px < 16:
        raise FaceUnusable("the crop must be a centre, a side of at least 16 pixels and an angle; draw it again")
    height, width = photo.shape[:2]
    if not (0 <= numbers[0] <= width and 0 <= numbers[1] <= height) or size_px > 4 * max(width, height):
        raise FaceUnusable("the crop lies outside of the photo; move its centre onto the head")
    from .pose import solve_pose

    mean_landmarks = model.geometry["mean_landmarks"]
    crop_to_photo = square_to_photo(numbers[:2], size_px, math.radians(roll_degrees))
    if landmarks is None:
        points = landmarks_within(photo, crop_to_photo, math.radians(roll_degrees), model)
    else:
        fit_crop(landmarks, mean_landmarks)  # raises where they do not form a face
        points = _to_crop(landmarks, crop_to_photo)
    if points is not None:
        camera = solve_pose(points, mean_landmarks, orbit_camera(), yaw, pitch)
        alignment = _describe(photo, crop_to_photo, camera, points)
        if landmarks is not None:
            check_turn(alignment)
        if max(abs(alignment.yaw), abs(alignment.pitch)) <= MAX_TURN:
            return alignment
    camera = orbit_camera(yaw or 0.0, pitch or 0.0)
    return _describe(photo, crop_to_photo, camera, camera.project(mean_landmarks)[0].astype(np.float32))


def landmarks_within(photo: np.ndarray, crop_to_photo: np.ndarray, roll: float, model: Model) -> np.ndarray | None:
    """Landmarks (468, 2) float32 found in the middle of a crop, in its pixels; None where there is no face.

    photo: (H, W, 3) uint8. crop_to_photo: (2, 3) affine map of the crop's pixels. roll: radians, of the head.
    """
    expected = orbit_camera().project(model.geometry["mean_landmarks"])[0]
    centre, side, _ = level_box(expected @ crop_to_photo[:, :2].T + crop_to_photo[:, 2])
    landmarks, confidence = find_landmarks(photo, centre, side, roll, model)
    points = _to_crop(landmarks, crop_to_photo)
    inside = (points > -0.1 * CROP_SIZE).all() and (points < 1.1 * CROP_SIZE).all()
    return points if confidence >= FACE_SCORE and inside else None


def align_landmarks(
    photo: np.ndarray,
    landmarks: np.ndarray,
    mean_landmarks: np.ndarray,
    yaw: float | None = None,
    pitch: float | None = None,
) -> Alignment:
    """Align a photo by the landmarks of its face, without any network.

    photo: (H, W, 3) uint8. landmarks: (468, 2) photo pixels. mean_landmarks: (468, 3) metres, portrait space.
    yaw, pitch: degrees, where they are known better than from the landmarks.
    Returns an :class:`Alignment`. Raises ValueError when the landmarks are degenerate.
    """
    from .pose import solve_pose

    crop_to_photo = fit_crop(landmarks, mean_landmarks)
    for again in (True, True, False):
        points = _to_crop(landmarks, crop_to_photo)
        camera = solve_pose(points, mean_landmarks, orbit_camera(), yaw, pitch)
        if again:
            crop_to_photo = _recentre(crop_to_photo, camera)
    return _describe(photo, crop_to_photo, camera, points)


def fit_crop(landmarks: np.ndarray, mean_landmarks: np.ndarray) -> np.ndarray:
    """The similarity that carries crop pixels to photo pixels, (2, 3) float64.

    landmarks: (468, 2) photo pixels; mean_landmarks: (468, 3) metres. POSIT (DeMenthon and Davis, 1995) with the
    distance fixed to that of the crop's camera: pixel = t + s * R x * d / (d - (R x)_z). The origin's image t becomes
    the crop's centre, the scale s its nominal scale, and the image of the head's y axis points up.
    """
    from .pose import landmark_weights

    points = np.asarray(landmarks, np.float64) * (1.0, -1.0)
    model = np.asarray(mean_landmarks, np.float64)
    if points.shape != (len(model), 2) or not np.isfinite(points).all():
        raise ValueError(f"landmarks must be {len(model)} finite points, got shape {points.shape}")
    weights = landmark_weights(model)[:, None]
    depth = np.zeros(len(model))
    for _ in range(8):
        shrink = CROP_DISTANCE / (CROP_DISTANCE - depth)
        system = np.column_stack([model * shrink[:, None], np.ones(len(model))])
        solution = np.linalg.lstsq(system * weights, points * weights, rcond=None)[0]
        left, values, right = np.linalg.svd(solution[:3].T, full_matrices=False)
        rows = left @ right
        rotation = np.vstack([rows, np.cross(rows[0], rows[1])])
        depth = model @ rotation[2]
    # scale and translation once more, given the rotation
    seen = (model @ rotation[:2].T) * (CROP_DISTANCE / (CROP_DISTANCE - depth))[:, None]
    middle_seen, middle = (np.average(x, 0, weights[:, 0]) for x in (seen, points))
    scale = np.sum(weights * (seen - middle_seen) * (points - middle)) / np.sum(weights * (seen - middle_seen) ** 2)
    if not scale > 0:
        raise ValueError("the landmarks do not form a face")
    origin = (middle - scale * middle_seen) * (1.0, -1.0)
    return square_to_photo(origin, scale * CROP_SIZE / (orbit_camera().fx / CROP_DISTANCE), _tilt(rotation))


def _recentre(crop_to_photo, camera):
    """Improve the similarity so that a camera solved in its crop becomes an orbit camera in the new one."""
    local = -camera.camera_to_world[:3, :3].T @ camera.position  # the head's origin as the camera sees it
    origin = camera.cx - camera.fx * local[0] / local[2], camera.cy + camera.fy * local[1] / local[2]
    step = square_to_photo(origin, CROP_SIZE * CROP_DISTANCE / -local[2], _tilt(camera.camera_to_world[:3, :3].T))
    return np.column_stack(
        [crop_to_photo[:, :2] @ step[:, :2], crop_to_photo[:, :2] @ step[:, 2] + crop_to_photo[:, 2]]
    )


def _tilt(rotation):
    """Angle in radians, clockwise from upwards, of the image of the head's y axis; rotation: (3, 3) world to camera."""
    return math.atan2(rotation[0, 1], rotation[1, 1])


def photo_camera(alignment: Alignment, photo_size: tuple[int, int]) -> Camera:
    """The camera of the whole photo.

    photo_size: (width, height) in pixels. It has the crop camera's centre and includes the roll, so that a point
    projects to ``crop_to_photo @ (crop pixel, 1)``; the principal point is in general not the photo's centre.
    """
    affine = alignment.crop_to_photo
    crop = alignment.camera
    scale = math.hypot(affine[0, 0], affine[1, 0])
    cosine, sine = affine[0, 0] / scale, affine[1, 0] / scale
    turn = np.array([[cosine, -sine, 0.0, 0.0], [sine, cosine, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    cx, cy = affine @ (crop.cx, crop.cy, 1.0)
    width, height = photo_size
    return Camera(int(width), int(height), crop.fx * scale, crop.fy * scale, cx, cy, crop.camera_to_world @ turn)


def eye_distance(alignment: Alignment) -> float:
    """Distance between the eyes in photo pixels as the frontal view would show it."""
    affine = alignment.crop_to_photo
    frontal = EYE_DISTANCE * alignment.camera.fx / np.linalg.norm(alignment.camera.position)
    return frontal * math.hypot(affine[0, 0], affine[1, 0])


def check_alignment(alignment: Alignment) -> None:
    """Raise PortraitError when a face is too small or turned too far for the networks."""
    eyes = eye_distance(alignment)
    if eyes < MIN_EYE_DISTANCE:
        raise PhotoUnusable(
            f"the face is too small: about {eyes:.0f} px between the eyes, at least {MIN_EYE_DISTANCE:.0f} are needed; "
            "use a larger photo or a closer one"
        )
    check_turn(alignment)


def check_turn(alignment: Alignment) -> None:
    """Raise PortraitError when a face is turned too far for the networks."""
    if max(abs(alignment.yaw), abs(alignment.pitch)) > MAX_TURN:
        raise FaceUnusable(
            f"the face is turned too far away (yaw {alignment.yaw:.0f}°, pitch {alignment.pitch:.0f}°, "
            f"at most {MAX_TURN:.0f}° work); use a photo taken more from the front, or set the crop by hand"
        )


def _describe(photo, crop_to_photo, camera, landmarks):
    yaw, pitch = orbit_angles(camera.camera_to_world)
    beyond = beyond_photo(crop_to_photo, (photo.shape[1], photo.shape[0]))
    side = detail_side(crop_to_photo)
    return Alignment(
        crop=warp_to_crop(photo, crop_to_photo),
        crop_to_photo=crop_to_photo,
        camera=camera,
        landmarks=landmarks,
        yaw=yaw,
        pitch=pitch,
        roll=math.degrees(math.atan2(crop_to_photo[1, 0], crop_to_photo[0, 0])),
        beyond=beyond if beyond.any() else None,
        detail=None if side is None else warp_to_crop(photo, rescaled(crop_to_photo, side), side),
    )


def _to_crop(points, crop_to_photo):
    inverse = invert_affine(crop_to_photo)
    return (np.asarray(points, np.float64) @ inverse[:, :2].T + inverse[:, 2]).astype(np.float32)
