"""What the photo sees of a surface: how squarely, how far behind what hides it, and where it shows something else.

Constants without another source were chosen on unseen heads (the first half of seed 90210 in docs/results.md) and by
looking at twelve test portraits.
"""

import math

import cv2
import numpy as np

from ..geometry.cameras import Camera
from ..geometry.curves import linear_step, smooth_step
from ..geometry.domes import column_points, column_rays, texel_centres
from ..geometry.reach import REACH
from ..geometry.sampling import sample_image
from .columns import CLOTH, GRID, HAIR, SKIN
from .ears import before_ears
from .sheets import surface_radius

VISIBLE_SIZE = 64  # pixels per side of the depth map that says what the photo sees
BEHIND_HEAD = 0.16  # metres from the head's centre to the depth where the photo sees no subject
SAME_SURFACE = 0.008  # metres behind a pixel's nearest point within which points are of the same surface
DEEPEST = 6.0  # centimetres behind the visible surface from which on depth makes no difference
GRAZING = 0.15, 0.45  # cosines to the photo's camera between which its colours come to be trusted
HIDDEN_FROM, HIDDEN_AT = 0.3, 1.1  # centimetres behind the visible surface between which a column stops being seen
GLIMPSED = 0.2, 0.5  # cosines to the camera between which a column's colour comes to serve hidden ones
SURE = 0.9  # matte, eroded, from which on a pixel shows nothing but the subject
ALIKE = 0.35  # chance that a column and its pixel are the same part, below which they are taken for different ones
GRAZED = 0.4, 0.6  # cosines to the camera between which that stops mattering
EAR_GRAZED = 0.5, 0.8  # likewise where an ear is beside the column
ELSEWHERE = 3.0  # centimetres by which such a column counts as hidden
CHIN_Y = -0.095  # metres, of the usual head
NECK = 0.065, 0.03  # metres to either side and below the chin to which a neck goes on where there is no photo
BUST = math.radians(75.0)  # to either side; heads go on, which are widest there
USUAL = 11.0  # level of the usual head among the model's sheets; chosen on eight cuts of four portraits


def covered(radius: np.ndarray, valid: np.ndarray, camera: Camera, size: int) -> np.ndarray:
    """Pixels (size, size) bool of a camera into which a point of the valid columns falls.

    radius (h, w) metres, valid (h, w) bool.
    """
    place = np.floor(camera.project(column_points(radius)[valid])[0] * (size / camera.width)).astype(np.int64)
    column, row = place[((place >= 0) & (place < size)).all(-1)].T
    found = np.zeros((size, size), bool)
    found[row, column] = True
    return found


def visible_depth(radius: np.ndarray, valid: np.ndarray, camera: Camera, size: int, far: float) -> np.ndarray:
    """Depth (size, size) float32 metres of the surface that a camera sees, ``far`` where it sees none.

    radius (h, w) metres, valid (h, w) bool. The mean of the points of a pixel that lie within SAME_SURFACE of its
    nearest.
    """
    pixel, depth = camera.project(column_points(radius)[valid])
    place = np.floor(pixel * (size / camera.width)).astype(np.int64)
    seen = ((place >= 0) & (place < size)).all(1)
    index, depth = place[seen, 1] * size + place[seen, 0], depth[seen].astype(np.float32)
    nearest = np.full(size * size, np.float32(far))
    np.minimum.at(nearest, index, depth)
    front = depth <= nearest[index] + SAME_SURFACE
    count = np.bincount(index[front], minlength=size * size)
    total = np.bincount(index[front], depth[front], minlength=size * size)
    found = np.where(count > 0, total / np.maximum(count, 1), far)
    return found.reshape(size, size).astype(np.float32)


def usual_silhouette(radii: np.ndarray, camera: Camera) -> np.ndarray:
    """Where the usual head of the population stands in a crop, (256, 256) float32 in [0, 1].

    radii (23, n, n) metres of the model's sheets.
    """
    radius = surface_radius(radii, np.full((2 * GRID, 2 * GRID), USUAL, np.float32))
    seen = covered(radius, np.ones(radius.shape, bool), camera, camera.width)
    seen = cv2.morphologyEx(seen.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))  # between the points
    return cv2.GaussianBlur(seen.astype(np.float32), (0, 0), 3.0)


def far_depth(camera: Camera) -> float:
    """Depth in metres that stands for the backdrop in the depth map of what a photo's camera sees."""
    return float(np.linalg.norm(camera.position)) + BEHIND_HEAD


def facing_camera(radius: np.ndarray, camera: Camera) -> np.ndarray:
    """Cosine between the surface's normal and the direction to a camera, (h, w) float32; radius (h, w) metres.

    Smoothed over about a centimetre, so that what depends on it has no hard edges.
    """
    sigma = 2.0 * radius.shape[0] / GRID
    points, direction = blurred(column_points(radius), sigma), column_rays(*radius.shape)[1]
    normal = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    normal *= np.sign((normal * direction).sum(-1, keepdims=True))
    towards = camera.position.astype(np.float32) - points
    length = np.linalg.norm(normal, axis=-1) * np.linalg.norm(towards, axis=-1)
    return blurred(((normal * towards).sum(-1) / np.maximum(length, 1e-12)).astype(np.float32), sigma)


def occluded_by(radius: np.ndarray, depth: np.ndarray, camera: Camera) -> np.ndarray:
    """Occlusion depth: how far the surface lies behind what a camera sees, (h, w) float32 centimetres, smoothed.

    radius (h, w) metres; depth as of :func:`visible_depth` of the same camera.
    """
    pixel, distance = camera.project(column_points(radius))
    scale = depth.shape[0] / camera.width
    seen = sample_image(depth, pixel[..., 0] * scale, pixel[..., 1] * scale)
    gap = np.clip((distance - seen) * 100.0, -DEEPEST, DEEPEST).astype(np.float32)
    return blurred(gap, radius.shape[0] / GRID)


def shows_elsewhere(
    radius: np.ndarray,
    facing: np.ndarray,
    parts: np.ndarray,
    photo_parts: np.ndarray,
    ears: np.ndarray,
    camera: Camera,
) -> np.ndarray:
    """How much further behind what the photo sees a column counts, (h, w) float32 centimetres, because its pixel shows
    something else: hair beside a cheek, an ear beside it, a collar beside a neck. Where the surface grazes the photo's
    rays, an error of millimetres would paint it over the side of the head.

    radius, facing: (h, w); parts (3, h, w) of the columns and photo_parts (3, 256, 256) of the photo, chances; ears:
    (n, k, 3) of :func:`.ears.ear_points`.
    """
    pixel, depth = camera.project(column_points(radius))
    shown = sample_image(np.ascontiguousarray(photo_parts.transpose(1, 2, 0)), pixel[..., 0], pixel[..., 1])
    alike = (shown * parts.transpose(1, 2, 0)).sum(-1)
    other = np.clip(1.0 - alike / ALIKE, 0.0, 1.0) * linear_step(*GRAZED[::-1], facing)
    ear = before_ears(ears, pixel, depth, camera) * linear_step(*EAR_GRAZED[::-1], facing)
    other = np.maximum(other, ear * parts[SKIN] * shown[..., SKIN])  # of skin both: hair hides ears
    return ELSEWHERE * cv2.GaussianBlur(other.astype(np.float32), (0, 0), radius.shape[0] / GRID)


def outside_photo(radius: np.ndarray, beyond: np.ndarray, camera: Camera) -> np.ndarray:
    """How far columns project to where there is no photo, (h, w) float32 in [0, 1], smoothed like :func:`occluded_by`.

    radius (h, w) metres; beyond (256, 256) bool, of the camera's crop; what lies outside of the crop is not.
    """
    pixel, _ = camera.project(column_points(radius))
    inside = ((pixel >= 0.0) & (pixel <= camera.width)).all(-1)
    found = sample_image(beyond.astype(np.float32), pixel[..., 0], pixel[..., 1])
    return blurred((found * inside).astype(np.float32), radius.shape[0] / GRID)


def cut_off(radius: np.ndarray, beyond: np.ndarray, camera: Camera) -> np.ndarray:
    """Columns (h, w) bool below the chin that lie where there is no photo: a bust ends with the photo, since nobody
    knows what clothes look like there; but a short neck goes on.

    radius (h, w) metres; beyond (256, 256) bool, of the camera's crop, whose border goes on outside.
    """
    points = column_points(radius)
    below = CHIN_Y - points[..., 1]
    neck = (points[..., 0] / NECK[0]) ** 2 + (below / NECK[1]) ** 2 < 1.0
    pixel = np.clip(camera.project(points)[0], 0.5, camera.width - 0.5)
    near = cv2.dilate(beyond.astype(np.float32), np.ones((5, 5)))  # its blurred colours reach in by a column
    return (below > 0.0) & ~neck & (sample_image(near, pixel[..., 0], pixel[..., 1]) > 0.5)


def aside(parts: np.ndarray) -> np.ndarray:
    """Columns (h, w) bool of clothes so far aside that a bust ends before them: from elsewhere than the front, what a
    crop does not show of shoulders stands out as a flap. parts (3, h, w): chances of skin, hair and cloth."""
    u, _ = texel_centres(*parts.shape[1:])
    return (np.abs(REACH.direction(u)) > BUST) & (parts[CLOTH] > parts[SKIN]) & (parts[CLOTH] > parts[HAIR])


def grazing_weight(facing: np.ndarray) -> np.ndarray:
    """How far colours of the photo serve a surface, 0 to 1, by :func:`facing_camera`: grazing angles smear pixels."""
    return smooth_step(*GRAZING, facing)


def seen_by_photo(
    radius: np.ndarray, facing: np.ndarray, occlusion_depth: np.ndarray, matte: np.ndarray, camera: Camera
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far the photo shows each column (h, w), how far its colour there serves others (h, w), and where it shows it,
    pixels (h, w, 2). Arguments as in :class:`.columns.Columns`; matte (256, 256) in [0, 1] of the camera's photo."""
    pixel, _ = camera.project(column_points(radius))
    sure = cv2.erode(matte, np.ones((5, 5), np.uint8))
    there = linear_step(SURE, 1.0, sample_image(sure, pixel[..., 0], pixel[..., 1]))
    there *= linear_step(HIDDEN_AT, HIDDEN_FROM, occlusion_depth)
    return there * grazing_weight(facing), there * linear_step(*GLIMPSED, facing), pixel


def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """An image over texels (h, w[, C]) float32, blurred by a Gaussian of sigma texels; borders are continued."""
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
