"""What a camera sees of a portrait, however that is moved, turned, scaled, mirrored or sheared.

In the portrait's own space the camera's rays are still those of a pinhole or of a parallel projection, but its image
may be mirrored, and its columns need not be perpendicular to its rows. So a rigid camera renders a picture whose rows
are then shifted into place. The parts are found by a QR decomposition of the camera's axes in portrait space.
"""

import dataclasses
import math

import numpy as np

from ...inference.geometry.cameras import Camera
from ..state.portrait import PORTRAIT_TO_OBJECT

FLAT = 1e-4  # of the largest extent; what is flatter is not seen
UNSHIFTED = 0.01  # pixels; rows that are nearer to their place stay, so that Blender's single precision does no harm


@dataclasses.dataclass(frozen=True)
class Placement:
    """A camera's view of a portrait that stands somewhere in the scene.

    camera: rigid, in portrait space, for pictures of the same size. shear: pixels by which each row of its pictures is
    further left than the row above it. mirrored: its pictures run from right to left. scale: units of the scene per
    metre of depth. tilt: (2,) units of the scene that are added to the depth per pixel to the right and up from the
    principal point; 0 in perspective. principal: (cx, cy) of the camera that was asked for.
    """

    camera: Camera
    shear: float
    mirrored: bool
    scale: float
    tilt: tuple[float, float]
    principal: tuple[float, float]

    def shifts(self):
        """(H,) pixels by which the rows of the camera's picture lie too far to the right."""
        shifts = self.shear * (self.principal[1] - np.arange(self.camera.height) - 0.5)
        return shifts if np.abs(shifts).max() >= UNSHIFTED else np.zeros_like(shifts)

    def planes(self, draw, where=None):
        """draw: function that gives planes (5, h, w), as of `render_layers`, for a camera and where (h, w) they are
        wanted, or None. Returns what is seen."""
        import cv2

        camera, shifts = self.camera, self.shifts()
        if not shifts.any():
            frame = draw(camera, where if where is None or not self.mirrored else where[:, ::-1])
        else:
            left, right = math.floor(shifts.min()) - 1, math.ceil(shifts.max()) + 1
            wide = draw(camera.cropped(left, 0, camera.width + right, camera.height), None)
            to_wide = np.array([[1.0, -self.shear, shifts[0] - left], [0.0, 1.0, 0.0]])
            size, how = (camera.width, camera.height), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            frame = np.stack([cv2.warpAffine(plane, to_wide, size, flags=how) for plane in wide])
        if self.mirrored:
            frame = np.ascontiguousarray(frame[..., ::-1])
        frame[4] *= np.float32(self.scale)
        if any(self.tilt):
            right = np.arange(camera.width) + 0.5 - self.principal[0]
            up = self.principal[1] - np.arange(camera.height) - 0.5
            frame[4] += frame[3] * (self.tilt[0] * right + self.tilt[1] * up[:, None]).astype(np.float32)
        return frame


def place(camera, matrix_world):
    """The :class:`Placement` of a portrait with a 4x4 world matrix, seen by a camera of Blender's world.

    None for a portrait that is scaled to nothing, or so flat that no camera sees it.
    """
    to_world = np.array(matrix_world @ PORTRAIT_TO_OBJECT, np.float64)
    extents = np.linalg.svd(to_world[:3, :3], compute_uv=False)
    if not extents[-1] > FLAT * extents[0]:
        return None
    to_portrait = np.linalg.inv(to_world[:3, :3])
    order = [0, 1, 2] if camera.ortho_width is None else [2, 0, 1]
    axes, mixed = np.linalg.qr((to_portrait @ camera.camera_to_world[:3, :3])[:, order])
    signs = np.sign(np.diag(mixed))
    pose, mix = np.eye(4), np.zeros((3, 3))  # the camera's axes are pose[:3, :3] @ mix
    pose[:3, order] = axes * signs
    mix[np.ix_(order, order)] = signs[:, None] * mixed
    pose[:3, 3] = to_portrait @ (camera.position - to_world[:3, 3])
    mirrored = np.linalg.det(pose[:3, :3]) < 0
    width, depth, (x_scale, y_scale) = mix[0, 0], mix[2, 2], camera.pixels_per_unit()
    skew, base = mix[0, 1], camera.cx
    if mirrored:
        pose[:3, 0] *= -1.0
        mix[0] *= -1.0
        skew, base = mix[0, 1], camera.width - camera.cx
    changes = {"camera_to_world": pose}
    tilt = 0.0, 0.0
    if camera.ortho_width is None:
        changes |= {"fx": camera.fx * depth / width, "fy": camera.fy * depth / mix[1, 1]}
        changes |= {"cx": base + camera.fx * mix[0, 2] / width, "cy": camera.cy - camera.fy * mix[1, 2] / mix[1, 1]}
    else:
        tall = camera.ortho_height or camera.ortho_width * camera.height / camera.width
        changes |= {"ortho_width": camera.ortho_width * width, "ortho_height": tall * mix[1, 1], "cx": base}
        tilt = mix[2, 0] / (depth * x_scale), mix[2, 1] / (depth * y_scale)
        tilt = tuple(value if abs(value) * max(camera.width, camera.height) > 1e-5 / depth else 0.0 for value in tilt)
    shear = x_scale * skew / (width * y_scale)
    placed = dataclasses.replace(camera, **changes)
    return Placement(placed, shear, mirrored, 1.0 / depth, tilt, (camera.cx, camera.cy))


def planes_through(camera, matrix_world, draw, where=None):
    """What a camera of Blender's world sees of a portrait: planes (5, H, W) as of `render_layers`, depth in its units.

    draw: function that gives such planes for a camera in portrait space and for where (h, w) they are wanted, or None.
    where: (H, W) bool, the pixels that are wanted. None for a portrait that is invisible.
    """
    placed = place(camera, matrix_world)
    if placed is None:
        return None
    if camera.height > 1 and np.ptp(placed.shifts()) > 2 * camera.width + 256:  # wider pictures, of fewer rows
        half = camera.height // 2
        parts = (0, half), (half, camera.height)
        parts = [camera.cropped(0, top, camera.width, bottom) for top, bottom in parts]
        return np.concatenate([planes_through(part, matrix_world, draw) for part in parts], axis=1)
    return placed.planes(draw, where)
