"""Golden heads: photos of synthetic people that come with exact answers. ``make.py`` beside it makes them."""

import dataclasses
from pathlib import Path

import numpy as np
from PIL import Image

from inference.alignment.align import Alignment
from inference.geometry.cameras import CROP_SIZE, Camera, orbit_camera

FOLDER = Path(__file__).resolve().parent
HEADS = ("locks", "glasses", "turned", "bald")
TRUTH = {  # arrays of truth.npz and their types, as training.synthetic.generate names them
    "camera": np.float64, "view_cameras": np.float64, "landmarks": np.float32,
    "photo_depth": np.float16, "view_depth": np.float16,
}  # fmt: skip
BACKDROP = np.array([[0.72, 0.80, 0.90], [0.93, 0.90, 0.84]])  # sRGB at the top and at the bottom
BEHIND = 0.012  # metres behind what the photo sees from which on a point is hidden from it


@dataclasses.dataclass(frozen=True)
class Picture:
    """What a camera truly sees. rgba: (256, 256, 4) float32 in [0, 1], straight alpha. depth: (256, 256) float64 metres
    along the view axis, inf where there is nothing."""

    rgba: np.ndarray
    depth: np.ndarray
    camera: Camera

    @property
    def colour(self):
        return self.rgba[..., :3]

    @property
    def alpha(self):
        return self.rgba[..., 3]

    def points(self):
        """(256, 256, 3) metres; where there is nothing, anywhere."""
        x, y = np.meshgrid(np.arange(CROP_SIZE) + 0.5, np.arange(CROP_SIZE) + 0.5)
        origins, directions = self.camera.rays(x, y)
        along = directions @ -self.camera.camera_to_world[:3, 2]
        return origins + directions * (np.where(np.isfinite(self.depth), self.depth, 1.0) / along)[..., None]

    def hides(self, points):
        """(...) bool: which of points (..., 3) metres lie behind what this camera sees."""
        pixel, depth = self.camera.project(points)
        inside = ((pixel >= 0) & (pixel < CROP_SIZE)).all(-1)
        column, row = np.clip(pixel, 0, CROP_SIZE - 1).astype(int).transpose(2, 0, 1)
        return inside & (depth > self.depth[row, column] + BEHIND)


@dataclasses.dataclass(frozen=True)
class Head:
    """alignment: of the photo, the subject before :func:`backdrop`, in the frame of the exact camera. photo: what it
    truly shows. views: what two other cameras would see, tens of degrees aside."""

    alignment: Alignment
    photo: Picture
    views: list


def read_head(name, geometry):
    """A :class:`Head` by the name of its folder.

    geometry: of the :class:`inference.networks.model.Model`, whose aligner finds landmarks beside the exact points by a
    known bias.
    """
    with np.load(FOLDER / name / "truth.npz") as stored:
        truth = dict(stored)
    poses = [truth["camera"], *truth["view_cameras"]]
    depths = [truth["photo_depth"], *truth["view_depth"]]
    photo, *views = (
        picture(FOLDER / name / f"{view}.webp", depth, pose)
        for view, depth, pose in zip(("photo", "view_0", "view_1"), depths, poses, strict=True)
    )
    camera, mean, bias = photo.camera, geometry["mean_landmarks"], geometry["landmark_bias"]
    shift = camera.project(mean)[0] - camera.project(mean - bias)[0]
    crop = np.round(255 * over(photo.rgba, backdrop())).astype(np.uint8)
    landmarks = (truth["landmarks"] + shift).astype(np.float32)
    return Head(Alignment(crop, np.eye(2, 3), camera, landmarks, 0.0, 0.0, 0.0), photo, views)


def picture(path, depth, pose):
    """A :class:`Picture` of the crop's camera. depth: (256, 256), 0 where there is nothing; pose: (4, 4)."""
    rgba = np.asarray(Image.open(path).convert("RGBA")).astype(np.float32) / 255
    standard, depth = orbit_camera(), depth.astype(np.float64)
    return Picture(rgba, np.where(depth > 0, depth, np.inf), dataclasses.replace(standard, camera_to_world=pose))


def backdrop():
    """What stands behind every golden head, (256, 256, 3) float32: a light wall, lit from below."""
    down = np.linspace(0.0, 1.0, CROP_SIZE)[:, None, None]
    colour = BACKDROP[0] + down * (BACKDROP[1] - BACKDROP[0])
    return np.broadcast_to(colour, (CROP_SIZE, CROP_SIZE, 3)).astype(np.float32)


def over(rgba, behind):
    """A picture (h, w, 4) with straight alpha over another (h, w, 3) or a colour."""
    return rgba[..., :3] * rgba[..., 3:] + behind * (1.0 - rgba[..., 3:])
