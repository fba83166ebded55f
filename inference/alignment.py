"""From a photo to the aligned crop and its camera.

The crop is a similarity of the photo: upright, centred on the head, at a fixed scale. It is chosen so that the mean
head, seen by :func:`inference.cameras.orbit_camera`, lands on the face landmarks; the camera of the crop is then
solved from the landmarks with all six degrees of freedom. GRAM (CVPR 2022, section 4.1) aligns by a template of five
landmarks without removing roll; with 468 landmarks and roll removed the networks see less variation.

Pixels: corners at integers, y down. Portrait space: see :mod:`inference.domes`.
"""

import dataclasses
import math

import numpy as np

from .cameras import CROP_DISTANCE, CROP_SIZE, Camera, orbit_camera
from .errors import PortraitError

MIN_EYE_DISTANCE = 20.0  # pixels in the photo; the crop would be enlarged more than 2.5 times
MAX_TURN = 60.0  # degrees of yaw or pitch the networks are meant for
EYE_DISTANCE = 0.063  # metres between the eye centres of the mean head
BORDER_BLUR = 0.03  # of the crop's side; smooths what is invented beyond the photo's border


@dataclasses.dataclass(frozen=True)
class Alignment:
    """The aligned crop of one face.

    crop: (256, 256, 3) uint8 sRGB.
    crop_to_photo: (2, 3) float64, photo pixel = crop_to_photo @ (crop x, crop y, 1).
    camera: the crop's camera, world = portrait space.
    landmarks: (468, 2) float32, crop pixels, MediaPipe FaceMesh numbering.
    yaw, pitch: degrees, where the camera stands: yaw to the image's right, pitch upwards.
    roll: degrees by which the head is tilted clockwise in the photo (removed in the crop).
    """

    crop: np.ndarray
    crop_to_photo: np.ndarray
    camera: Camera
    landmarks: np.ndarray
    yaw: float
    pitch: float
    roll: float


def align_landmarks(photo, landmarks, mean_landmarks):
    """Align a photo by the landmarks of its face, without any network.

    photo: (H, W, 3) uint8. landmarks: (468, 2) photo pixels. mean_landmarks: (468, 3) metres, portrait space.
    Returns an :class:`Alignment`. Raises ValueError when the landmarks are degenerate.
    """
    from .pose import solve_pose

    crop_to_photo = fit_crop(landmarks, mean_landmarks)
    for again in (True, True, False):
        inverse = invert_affine(crop_to_photo)
        points = (np.asarray(landmarks, np.float64) @ inverse[:, :2].T + inverse[:, 2]).astype(np.float32)
        camera = solve_pose(points, mean_landmarks, orbit_camera())
        if again:
            crop_to_photo = _recentre(crop_to_photo, camera)
    return describe(warp_to_crop(photo, crop_to_photo), crop_to_photo, camera, points)


def fit_crop(landmarks, mean_landmarks):
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
    return _similarity(origin, scale / (orbit_camera().fx / CROP_DISTANCE), _tilt(rotation))


def _recentre(crop_to_photo, camera):
    """Improve the similarity so that a camera solved in its crop becomes an orbit camera in the new one."""
    local = -camera.camera_to_world[:3, :3].T @ camera.position  # the head's origin as the camera sees it
    origin = camera.cx - camera.fx * local[0] / local[2], camera.cy + camera.fy * local[1] / local[2]
    step = _similarity(origin, CROP_DISTANCE / -local[2], _tilt(camera.camera_to_world[:3, :3].T))
    return np.column_stack([crop_to_photo[:, :2] @ step[:, :2], crop_to_photo[:, :2] @ step[:, 2] + crop_to_photo[:, 2]])


def _tilt(rotation):
    """Angle in radians, clockwise from upwards, of the image of the head's y axis; rotation: (3, 3) world to camera."""
    return math.atan2(rotation[0, 1], rotation[1, 1])


def photo_camera(alignment, photo_size):
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


def warp_to_crop(image, crop_to_photo, size=CROP_SIZE):
    """Resample an image (H, W) or (H, W, C), uint8 or float32, into a crop (size, size[, C]) of the same type.

    Area-averaged when the crop is smaller than what it shows, cubic otherwise. Beyond the image's border its edge is
    continued and blurred, so that no black enters.
    """
    import cv2

    height, width = image.shape[:2]
    linear, offset = crop_to_photo[:, :2], crop_to_photo[:, 2]
    corners = np.array([(0, 0), (size, 0), (0, size), (size, size)]) @ linear.T + offset
    scale = math.sqrt(abs(np.linalg.det(linear)))
    margin = 4 * max(scale, 1.0)
    x0, y0 = (int(np.clip(v, 0, n - 1)) for v, n in zip(np.floor(corners.min(0) - margin), (width, height), strict=True))
    x1, y1 = (int(np.clip(v, 1, n)) for v, n in zip(np.ceil(corners.max(0) + margin), (width, height), strict=True))
    part = image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    shrink = np.ones(2)
    if scale > 1.0:
        target = [max(1, round(n / scale)) for n in (part.shape[1], part.shape[0])]
        shrink = np.array([target[0] / part.shape[1], target[1] / part.shape[0]])
        part = cv2.resize(part, target, interpolation=cv2.INTER_AREA)
    matrix = np.empty((2, 3))
    matrix[:, :2] = shrink[:, None] * linear
    matrix[:, 2] = shrink * (linear @ (0.5, 0.5) + offset - (x0, y0)) - 0.5  # pixel centres at integers for OpenCV
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(np.ascontiguousarray(part), matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    if (corners.min(0) >= 0).all() and (corners.max(0) <= (width, height)).all():
        return crop
    known = np.full(part.shape[:2], 255, np.uint8)
    known = cv2.warpAffine(known, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    sigma = BORDER_BLUR * size
    outside = cv2.GaussianBlur(255 - known, (0, 0), sigma / 2).astype(np.float32)
    outside = np.where(known == 255, 0, np.maximum(outside, 255 - known.astype(np.float32))) / 255
    outside = outside[..., None] if crop.ndim == 3 else outside
    blurred = cv2.GaussianBlur(crop, (0, 0), sigma).astype(np.float32)
    mixed = crop + outside * (blurred - crop)
    return mixed if crop.dtype == np.float32 else np.clip(mixed + 0.5, 0, 255).astype(crop.dtype)


def eye_distance(alignment):
    """Distance between the eyes in photo pixels as the frontal view would show it."""
    affine = alignment.crop_to_photo
    frontal = EYE_DISTANCE * alignment.camera.fx / np.linalg.norm(alignment.camera.position)
    return frontal * math.hypot(affine[0, 0], affine[1, 0])


def check_alignment(alignment):
    """Raise PortraitError when a face is too small or turned too far for the networks."""
    eyes = eye_distance(alignment)
    if eyes < MIN_EYE_DISTANCE:
        raise PortraitError(
            f"the face is too small: about {eyes:.0f} px between the eyes, at least {MIN_EYE_DISTANCE:.0f} are needed; "
            "use a larger photo or a closer one"
        )
    if max(abs(alignment.yaw), abs(alignment.pitch)) > MAX_TURN:
        raise PortraitError(
            f"the face is turned too far away (yaw {alignment.yaw:.0f}°, pitch {alignment.pitch:.0f}°, "
            f"at most {MAX_TURN:.0f}° work); use a photo taken more from the front, or set the crop by hand"
        )


def describe(crop, crop_to_photo, camera, landmarks):
    """An :class:`Alignment` with the angles of its camera and crop filled in."""
    back = camera.camera_to_world[:3, 2]
    return Alignment(
        crop=crop,
        crop_to_photo=crop_to_photo,
        camera=camera,
        landmarks=landmarks,
        yaw=math.degrees(math.atan2(back[0], back[2])),
        pitch=math.degrees(math.asin(np.clip(back[1], -1, 1))),
        roll=math.degrees(math.atan2(crop_to_photo[1, 0], crop_to_photo[0, 0])),
    )


def invert_affine(affine):
    """Inverse of a (2, 3) affine map of pixels."""
    linear = np.linalg.inv(affine[:, :2])
    return np.column_stack([linear, -linear @ affine[:, 2]])


def _similarity(centre, scale, angle):
    """(2, 3) map from crop to photo pixels: the crop's centre goes to centre, angle in radians clockwise."""
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, np.asarray(centre) - linear @ (CROP_SIZE / 2, CROP_SIZE / 2)])
