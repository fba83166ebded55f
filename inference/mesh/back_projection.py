"""What a camera sees of a texture, and what it lacks.

A picture that is looked up for every texel, and seen again on the mesh, was resampled twice: it is blurred, and where
the mesh turns away from the camera little of it is left. Back-projection (Irani and Peleg, Improving Resolution by
Image Registration, CVGIP 1991) draws the texture as the camera sees it, and adds what it lacks to the texels that are
seen there. One step brings four fifths of the way in the finest waves, and more in all others.
"""

import cv2
import numpy as np

from ..geometry.cameras import Camera
from ..geometry.curves import linear_step, smooth_step
from ..geometry.rims import LEAST_DEPTH
from ..geometry.sampling import sample_image
from .raster import rasterise

HIDDEN = 0.004, 0.002  # metres behind what is seen between which a point comes to be seen itself
ASIDE = 8.0, (0.2, 0.45)  # levels of 255 by which most is added at low cosines to the camera, and where more may be
NEAR = 3  # pixels across that count as one where something stands before something else


class Seen:
    """Which places of a texture a camera sees. Planes (h, w) float32 of its pixels:

    depth: metres along the view axis, infinite where there is no mesh. facing: the cosine to the camera. skin: how far
    it is skin, in [0, 1].
    """

    def __init__(
        self, camera: Camera, points: np.ndarray, uv: np.ndarray, facing: np.ndarray, skin: np.ndarray
    ) -> None:
        """Of the triangles' corners, float32: points (m, 3, 3) metres, uv (m, 3, 2) in [0, 1], v up, facing and skin
        (m, 3, 1)."""
        shape = camera.height, camera.width
        place, depth = camera.project(points)
        (a, b), (c, d) = (np.moveaxis(place[:, corner] - place[:, 0], -1, 0) for corner in (1, 2))
        front = a * d < b * c  # counter-clockwise, as y is down
        front &= (depth > LEAST_DEPTH).all(1) | (camera.ortho_width is not None)
        drawn = rasterise(place[front], *shape[::-1], depth[front], camera.ortho_width is None)
        values = np.concatenate([uv, facing, depth[..., None], skin], -1)[front]
        values = drawn.interpolated(values.reshape(-1, 5), np.arange(3 * len(values)).reshape(-1, 3))
        self.pixel, self.uv = drawn.pixel, values[:, :2]
        self.facing, self.depth, self.skin = np.zeros((3, *shape), np.float32)
        self.depth[:] = np.inf
        for plane, found in zip((self.facing, self.depth, self.skin), values.T[2:], strict=True):
            plane.ravel()[self.pixel] = found
        self._farthest = cv2.dilate(np.where(np.isinf(self.depth), 0.0, self.depth), np.ones((NEAR, NEAR)))

    def shows(self, place: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """How far points are seen, (n,) float32 in [0, 1]. place (n, 2) and depth (n,) of :meth:`Camera.project`."""
        return linear_step(*HIDDEN, depth - sample_image(self._farthest, place[:, 0], place[:, 1]))

    def lacking(self, texture: np.ndarray, picture: np.ndarray, trust: np.ndarray) -> np.ndarray:
        """What a picture (h, w, 3) uint8 has more than is seen of a texture (side, side, 3) uint8, (h, w, 3) float32.

        trust (h, w) float32 in [0, 1]: how much of it is told. Right beside where any is, it is the same as there. A
        pixel is stretched far over what turns away from the camera: there no more than a shade is told.
        """
        pixel, side = self.pixel, len(texture)
        lacks = np.zeros((trust.size, 4), np.float32)
        lacks[pixel, :3] = picture.reshape(-1, 3)[pixel]
        lacks[pixel, :3] -= sample_image(texture, self.uv[:, 0] * side, (1.0 - self.uv[:, 1]) * side)
        lacks = lacks.reshape(*trust.shape, 4)
        most = ASIDE[0] + 255.0 * smooth_step(*ASIDE[1], self.facing)[..., None]
        lacks = np.clip(lacks, -most, most) * trust[..., None]
        lacks[..., 3] = trust > 0.0
        near = cv2.boxFilter(lacks, -1, (NEAR, NEAR), normalize=False)
        near[..., :3] /= np.maximum(near[..., 3:], 1.0)
        return np.where(lacks[..., 3:] > 0.0, lacks, near)[..., :3]
