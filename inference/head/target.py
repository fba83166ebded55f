"""What a portrait shows, as something to fit a head to: its surface over dome coordinates, and its landmarks."""

import dataclasses

import cv2
import numpy as np

from ..geometry import domes
from ..geometry.cameras import Camera
from ..geometry.curves import linear_step
from ..geometry.sampling import sample_image
from ..mesh.directions import directions
from ..mesh.field import outwards
from ..mesh.skin import skin_share
from ..mesh.surface import find_surface
from ..mesh.trim import subject_mask
from ..mesh.whole import bare_skull
from ..portrait import Portrait

SMOOTHING = 1.5  # texels, standard deviation before normals are taken: the surface is no finer
SOLID = 0.5, 0.95  # opacities of a column that says nothing, and of one that is a subject
STEEP = 0.15, 0.4  # cosines between normal and column: the surface jumps there, it is what it seems to be


@dataclasses.dataclass(frozen=True, eq=False)
class Target:
    """maps: (h, w, 8) float32 over the texels: the surface's point and outward normal, portrait space in metres, how
    surely it is skin, and how far it is a surface at all and no jump between two, both in [0, 1].

    skull: (n, m) float32 metres, the likeliest skull and neck, as of :func:`inference.mesh.whole.bare_skull`.
    landmarks: (468, 2) float64 pixels of the camera's picture, or None.
    """

    maps: np.ndarray
    skull: np.ndarray
    camera: Camera
    landmarks: np.ndarray | None

    def near(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The surface in the columns of points (n, 3): its points and normals (n, 3), its shares of skin and of the
        subject (n,), 0 beside the textures."""
        u, v, _ = domes.dome_coordinates(points)
        height, width = self.maps.shape[:2]
        found = sample_image(self.maps, u * width, v * height).astype(np.float64)
        beside = (np.abs(u - 0.5) > 0.5) | (np.abs(v - 0.5) > 0.5)
        normals = found[:, 3:6] / np.maximum(np.linalg.norm(found[:, 3:6], axis=1, keepdims=True), 1e-6)
        return found[:, :3], normals, np.where(beside, 0.0, found[:, 6]), np.where(beside, 0.0, found[:, 7])

    def surface_errors(self, points: np.ndarray, under: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How far points (n, 3) lie outside of the skin in their columns, (n,) metres along its normals (n, 3), and how
        much that is worth, (n,) in [0, 1].

        under: metres; where there is hair or cloth, only points count that lie less than this below it.
        """
        surface, normals, skin, solid = self.near(points)
        error = ((points - surface) * normals).sum(1)
        bare = skin > 0.5
        error = np.where(bare, error, error + under)
        return error, normals, solid * np.where(bare, skin, (1.0 - skin) * (error > 0.0))

    def skull_errors(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How far points (n, 3) lie outside of the skull, (n,) metres along directions (n, 3) from the spine, and how
        much that is worth, (n,) in [0, 1]: nothing where the surface shows skin."""
        s, t, radius = (part[:, 0] for part in directions(*points.astype(np.float32).T[..., None]))
        height, width = self.skull.shape
        around = cv2.copyMakeBorder(self.skull, 0, 0, 1, 1, cv2.BORDER_WRAP)
        error = radius - sample_image(around, s * width + 1.0, t * height)
        _, _, skin, solid = self.near(points)
        out = outwards(points)
        out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
        return error.astype(np.float64), out, (1.0 - solid * skin) * (t < 1.0)

    def landmark_errors(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points (468, 3) against the landmarks: errors (468, 2), metres in the photo's plane at the points' depth, and
        the directions (468, 2, 3) in which a point moves to change each by as much."""
        camera = self.camera
        pixels, depth = camera.project(points)
        error = (pixels - self.landmarks) * (depth / camera.fx)[:, None]
        right, up, back = camera.camera_to_world[:3, :3].T
        local = (points - camera.position) @ camera.camera_to_world[:3, :3]
        across, above = (local[:, k : k + 1] / depth[:, None] for k in (0, 1))
        return error, np.stack([right + across * back, -up - above * back], 1)


def target_of(portrait: Portrait) -> Target:
    """The :class:`Target` of a portrait. Raises ValueError when it has no surface at all."""
    surface = find_surface(portrait.textures, portrait.radii)
    radius = cv2.GaussianBlur(surface.radius, (0, 0), SMOOTHING, borderType=cv2.BORDER_REPLICATE)
    down, right = np.gradient(domes.column_points(radius), axis=(0, 1))
    normals = np.cross(down, right)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    facing = (normals * domes.column_rays(*radius.shape)[1]).sum(-1)
    skin = skin_share(portrait.textures, portrait.radii)
    solid = linear_step(*SOLID, surface.opacity) * linear_step(*STEEP, facing)
    maps = np.dstack([domes.column_points(surface.radius), normals, skin, solid]).astype(np.float32)
    landmarks = None if portrait.landmarks is None else np.asarray(portrait.landmarks, np.float64)
    skull = bare_skull(radius, subject_mask(surface.opacity), skin)
    return Target(maps, skull, portrait.camera, landmarks)
