"""Measures of pictures, silhouettes, depth and consistency: pure functions of arrays, each with a closed-form test.

Images are float in [0, 1], depths in metres along the view axis, pixels as in :mod:`inference.geometry.cameras`.
"""

import dataclasses
import importlib.util
import pathlib

import cv2
import numpy as np

EYE_CORNERS = ((33, 133), (263, 362))  # FaceMesh landmarks of the right and the left eye
OCCLUDED = 0.005  # metres behind the source's surface from which on a point counts as hidden there
CONSISTENCY_ANGLE = 20.0  # degrees between the two views of the consistency measure


def psnr(a, b, mask):
    """Peak signal-to-noise ratio in dB of (h, w, 3) images over a (h, w) bool mask; nan where the mask is empty."""
    if not mask.any():
        return float("nan")
    return float(-10 * np.log10(np.mean((a[mask].astype(np.float64) - b[mask]) ** 2) + 1e-12))


def ssim(a, b, mask):
    """Mean structural similarity of (h, w, 3) images over a (h, w) bool mask, windows of 7 pixels."""
    from skimage.metrics import structural_similarity

    similarity = structural_similarity(a, b, channel_axis=2, data_range=1.0, full=True)[1].mean(-1)
    return float(similarity[mask].mean())


def iou(a, b):
    """Intersection over union of two bool masks; 1 when both are empty."""
    union = (a | b).sum()
    return float((a & b).sum() / union) if union else 1.0


def unproject(camera, pixels, depth):
    """Points (n, 3) metres in portrait space of pixels (n, 2) with depths (n,) along a camera's view axis."""
    origins, directions = camera.rays(pixels[:, 0], pixels[:, 1])
    along = directions @ -camera.camera_to_world[:3, 2]
    return origins + directions * (np.asarray(depth) / along)[:, None]


def depth_at(depth, pixels, reach=2):
    """Median of the finite depths in a square of 2 reach + 1 pixels around each of pixels (n, 2); nan where none is."""
    out = np.full(len(pixels), np.nan)
    for i, (column, row) in enumerate(np.floor(pixels).astype(int)):
        patch = depth[max(row - reach, 0) : max(row + reach + 1, 0), max(column - reach, 0) : max(column + reach + 1, 0)]
        if np.isfinite(patch).any():
            out[i] = np.median(patch[np.isfinite(patch)])
    return out


def eye_distance(corners):
    """Distance between the eyes' centres. corners: (4, 2 or 3), the right eye's two corners, then the left eye's."""
    return float(np.linalg.norm(corners[:2].mean(0) - corners[2:].mean(0)))


def eye_distance_in_depth(depth, landmarks, camera):
    """Distance between the eyes in metres by a depth map: its eye corners lifted off landmarks (468, 2)."""
    pixels = landmarks[np.ravel(EYE_CORNERS)]
    return eye_distance(unproject(camera, pixels, depth_at(depth, pixels)))


def depth_errors(depth, truth, scale, use):
    """Median absolute depth errors in millimetres over a bool mask.

    depth, truth: (h, w) metres. scale: the true eye distance divided by that of ``depth``; it scales about the camera.
    Returns (shape, place): scaled and with the median difference taken off, as one photo hardly tells the distance;
    and as it stands.
    """
    depth, truth = 1000.0 * depth[use].astype(np.float64), 1000.0 * truth[use]
    error = scale * depth - truth
    return float(np.median(np.abs(error - np.median(error)))), float(np.median(np.abs(depth - truth)))


def turned(camera, degrees):
    """The camera moved around the head's vertical axis; positive to the image's right."""
    angle = np.deg2rad(degrees)
    turn = np.eye(4)
    turn[0, 0] = turn[2, 2] = np.cos(angle)
    turn[0, 2], turn[2, 0] = np.sin(angle), -np.sin(angle)
    return dataclasses.replace(camera, camera_to_world=turn @ camera.camera_to_world)


def reprojected(image, depth, camera, other_depth, other_camera):
    """See an image from another view: every pixel there fetches its colour through its depth.

    image (h, w, 3) and depth (h, w) of ``camera``; other_depth (H, W) of ``other_camera``; inf where there is nothing.
    Returns the picture (H, W, 3) and visible (H, W) bool: the point lies in the image and nothing stands in front of it.
    """
    height, width = other_depth.shape
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    solid = np.isfinite(other_depth)
    points = unproject(other_camera, np.stack([x, y], -1).reshape(-1, 2), np.where(solid, other_depth, 1.0).ravel())
    pixels, distance = camera.project(points)
    map_x, map_y = (pixels[:, axis].reshape(height, width).astype(np.float32) - 0.5 for axis in (0, 1))
    picture = cv2.remap(image.astype(np.float32), map_x, map_y, cv2.INTER_CUBIC, None, cv2.BORDER_REPLICATE)
    known = np.isfinite(depth)
    # one pixel inside the silhouette: beyond, the interpolated pixel is not the subject's alone
    inside = cv2.remap(cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8)), map_x, map_y, cv2.INTER_NEAREST) > 0
    surface = cv2.remap(np.where(known, depth, 0.0).astype(np.float32), map_x, map_y, cv2.INTER_LINEAR)
    open_ahead = distance.reshape(height, width) < surface + OCCLUDED
    return np.clip(picture, 0.0, 1.0), solid & inside & open_ahead


def consistency(image, view, camera, other, other_camera):
    """PSNR in dB of an image seen from another view by the depths, against that view, where visible.

    image (h, w, 3): what ``camera`` sees. view, other: :class:`inference.view.render.View` of both cameras.
    Returns dB and the share of the other view's solid pixels that are compared.
    """
    solid = other.alpha > 0.98
    picture, visible = reprojected(image, np.where(view.alpha > 0.98, view.depth, np.inf), camera,
                                   np.where(solid, other.depth, np.inf), other_camera)  # fmt: skip
    return psnr(picture, other.color, visible), float(visible.sum() / max(solid.sum(), 1))


class Identity:
    """128-dimensional face descriptors; distance 0.6 is dlib's same-person threshold.

    Needs dlib (or dlib-bin) and face_recognition_models, both public domain.
    """

    def __init__(self):
        import dlib

        # The package's own functions need pkg_resources, which setuptools no longer brings.
        package = importlib.util.find_spec("face_recognition_models")
        if package is None:
            raise ModuleNotFoundError("No module named 'face_recognition_models'", name="face_recognition_models")
        models = pathlib.Path(package.origin).parent / "models"
        self.net = dlib.face_recognition_model_v1(str(models / "dlib_face_recognition_resnet_model_v1.dat"))
        self.shape = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
        self.detector = dlib.get_frontal_face_detector()

    def __call__(self, image):
        """image (h, w, 3) uint8. Returns (128,) or None when no face is found."""
        image = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        found = self.detector(image, 0)
        if not found:
            return None
        box = max(found, key=lambda r: r.area())
        return np.array(self.net.compute_face_descriptor(image, self.shape(image, box), 1, 0.25))
