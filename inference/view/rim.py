"""The rim in a view: near the photo's camera the silhouette is the photo's, and further away, softly, the sheets'.

Where the sheets stop a ray its end is looked up in the rim's picture, and where it passes them, the place at the edge's
depth. A ray tells all of that by itself, so a picture does not depend on how it is cut into tiles.
"""

import cv2
import numpy as np

from ..geometry.curves import smooth_step
from ..geometry.detail_maps import SHARPER
from ..geometry.rims import DEPTH, LEAST_DEPTH, WEIGHT, Rim
from .rays import FLIP, CameraRays, to_sheets

# Degrees between a ray and the photo's up to which the rim is whole, and from which it is gone: what the photo hides
# comes round the edge then. Chosen by looking at views of eight portraits.
SAME, OTHER = 2.0, 8.0
ASIDE = 0.5  # cosine to the photo's axis below which a ray is not near, however it goes on
AROUND = 2  # cells of a rim's places about one within which the rim may lie, seen from so far aside


def seen_rim(rim: Rim | None, rays: CameraRays) -> "SeenRim | None":
    """A rim as rays see it, or None where there is none or no ray comes near the photo's."""
    return None if rim is None or _aside(rim, rays.camera) else SeenRim(rim, rays)


class SeenRim:
    """A rim as :class:`CameraRays` see it.

    rim: its picture is as fine as the view needs. about: (n, n, 2) float32, of its cells: depth of the edge in metres,
    and above 0 where the rim may lie. distance: mean depth of the edge, metres. origin: (3, 1) float32, the photo's
    camera in the sheets' frame. lens: (3, 3) float32, takes a point less the origin to x and y of the rim's square,
    [0, 1], times its depth for the photo, and to that depth.
    """

    def __init__(self, rim: Rim, rays: CameraRays) -> None:
        photo, view = rim.camera, rays.camera
        self._middle, self.distance = np.float32(rays.middle), float(rim.places[DEPTH].mean())
        closer = view.pixels_per_unit()[0] / photo.fx * self.distance
        if view.ortho_width is None:
            _, depth = view.project(photo.position - self.distance * photo.camera_to_world[:3, 2])
            closer /= max(float(depth), LEAST_DEPTH)
        self.rim = rim.reduced(SHARPER * closer * photo.width)
        about = cv2.dilate(rim.places[WEIGHT], np.ones((2 * AROUND + 1,) * 2, np.uint8))
        about[[0, -1]] = about[:, [0, -1]] = 0.0  # no look-up reaches beyond the table then
        self.about = np.dstack([rim.places[DEPTH], about])
        lens = [[photo.fx, 0.0, -photo.cx], [0.0, -photo.fy, -photo.cy], [0.0, 0.0, -1.0]]
        lens = lens / np.array([[photo.width], [photo.height], [1.0]])
        self.lens = (lens @ (photo.camera_to_world[:3, :3].T * FLIP)).astype(np.float32)
        self.origin = to_sheets(photo.position).astype(np.float32)[:, None]

    def add_to(self, frame: np.ndarray, start: np.ndarray, way: np.ndarray, index: np.ndarray) -> None:
        """Put the rim in some pixels of a frame.

        frame: (5, pixels) float32, premultiplied colours, alpha, and alpha times depth. start, way: (3, n) rays of
        its pixels index (n,), as of :meth:`inference.view.rays.CameraRays.tile`.
        """
        start = start - self.origin
        # A ray's place at t is base + t * slope, as of `lens`.
        base, slope = self.lens @ start, self.lens @ way
        along = (self.distance - base[2]) / np.maximum(slope[2], ASIDE)
        depth, about = _look_up(self.about, base + along * slope).T
        which = np.flatnonzero(about > 0.0)
        near = _nearness(start.take(which, 1), way.take(which, 1), along.take(which))
        chosen = np.flatnonzero(near > 0.0)
        which, near = which.take(chosen), near.take(chosen)
        base, slope = base.take(which, 1), slope.take(which, 1)
        depth, index = depth.take(which), index.take(which)
        alpha = frame[3].take(index)
        # Sheets stop the ray at its depth; as far as they let it pass, it goes to the depth of the edge.
        along = (1.0 - alpha) * (depth - base[2]) / slope[2]
        along += frame[4].take(index) - alpha * self._middle
        place = base + along * slope
        near *= _look_up(self.rim.places[WEIGHT], place)
        which = np.flatnonzero(near > 0.0)
        place, along, near, index = place.take(which, 1), along.take(which), near.take(which), index.take(which)
        seen = _look_up(self.rim.picture, place).T * np.float32(1 / 255)
        wanted = (*seen, seen[3] * (along + self._middle))
        for plane, value in zip(frame, wanted, strict=True):
            value -= plane.take(index)
            value *= near
            plane[index] += value


def _aside(rim, view):
    """Whether all rays of a camera are too far from the photo's wherever they may meet the rim."""
    photo, distance = rim.camera, float(rim.places[DEPTH].mean())
    middle = photo.position - distance * photo.camera_to_world[:3, 2]
    widest = max(photo.cx, photo.width - photo.cx) / photo.fx, max(photo.cy, photo.height - photo.cy) / photo.fy
    radius = distance * np.hypot(*widest)  # of the square there
    from_photo, from_view = middle - photo.position, middle - view.position
    spread = _half_angle(radius, from_photo)
    if view.ortho_width is None:
        spread += _half_angle(radius, from_view)
    else:
        from_view = -view.camera_to_world[:3, 2]
    lengths = np.linalg.norm(from_photo) * max(np.linalg.norm(from_view), LEAST_DEPTH)
    return np.arccos(np.clip(from_photo @ from_view / lengths, -1.0, 1.0)) - spread > np.deg2rad(OTHER)


def _half_angle(radius, away):
    """Radians around a vector (3,) to the middle of a ball in which all of the ball is seen."""
    length = np.linalg.norm(away)
    return np.pi if length <= radius else np.arcsin(radius / length)


def _nearness(start, way, along):
    """How far the rim serves rays (n,), [0, 1]: by the angle to the photo's rays to the same points.

    start, way: (3, n), from the photo's camera; along: (n,), how far the points lie along the rays.
    """
    point = start + along * way
    across, length, span = (np.einsum("ij,ij->j", *pair) for pair in ((point, way), (point, point), (way, way)))
    cosine = across / np.sqrt(length * span)
    return smooth_step(*np.cos(np.deg2rad(np.float32([OTHER, SAME]))), cosine)


def _look_up(image, place):
    """Values (n[, C]) of an image over the square at places (3, n); nothing beyond it."""
    if not place.size:
        return np.zeros((0, *image.shape[2:]), image.dtype)
    height, width = image.shape[:2]
    x, y = (place[axis] / place[2] * np.float32(size) - np.float32(0.5) for axis, size in enumerate((width, height)))
    return cv2.remap(image, x[None], y[None], cv2.INTER_LINEAR, None, cv2.BORDER_CONSTANT)[0]
