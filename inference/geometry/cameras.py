"""Pinhole and orthographic cameras.

Pixels: corners at integers, so the centre of the first pixel is (0.5, 0.5); y goes down. The camera looks
along its own -Z with +Y up (OpenGL, Blender). World is portrait space (see :mod:`inference.geometry.domes`).
"""

import dataclasses
import json
import math

import numpy as np

CROP_SIZE = 256  # pixels, side of the aligned crop the networks see
CROP_FOV = 12.0  # degrees, of the crop's camera
CROP_DISTANCE = 1.6  # metres from the crop's camera to the head centre


@dataclasses.dataclass(frozen=True)
class Camera:
    """One view: image size, intrinsics and pose.

    fx, fy: focal lengths in pixels (ignored when ``ortho_width`` is set).
    cx, cy: principal point in pixels.
    camera_to_world: (4, 4) float64, rigid.
    ortho_width: world width of the image in metres for an orthographic camera, else None; pixels are square
        unless ``ortho_height`` is given too.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    camera_to_world: np.ndarray
    ortho_width: float | None = None
    ortho_height: float | None = None

    @property
    def position(self) -> np.ndarray:
        """(3,) camera centre in metres."""
        return self.camera_to_world[:3, 3]

    def rays(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rays through pixel positions x, y (...,). Returns origins and unit directions, (..., 3) metres."""
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        rotation = self.camera_to_world[:3, :3]
        if self.ortho_width is None:
            local = np.stack([(x - self.cx) / self.fx, (self.cy - y) / self.fy, -np.ones_like(x)], -1)
            directions = local @ rotation.T
            directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
            return np.broadcast_to(self.position, directions.shape), directions
        sx, sy = self.pixels_per_unit()
        local = np.stack([(x - self.cx) / sx, (self.cy - y) / sy, np.zeros_like(x)], -1)
        directions = np.broadcast_to(-rotation[:, 2], local.shape)
        return local @ rotation.T + self.position, directions

    def project(self, points: np.ndarray, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
        """Project points (..., 3) metres. Returns pixels (..., 2) and depth (...) along the view axis, metres.

        dtype: what is computed with; float32 is twice as fast and right to a thousandth of a pixel.
        """
        local = (np.asarray(points, dtype) - self.position.astype(dtype)) @ self.camera_to_world[:3, :3].astype(dtype)
        depth = -local[..., 2]
        if self.ortho_width is None:
            x = dtype(self.cx) + dtype(self.fx) * local[..., 0] / depth
            y = dtype(self.cy) - dtype(self.fy) * local[..., 1] / depth
        else:
            sx, sy = (dtype(scale) for scale in self.pixels_per_unit())
            x, y = dtype(self.cx) + sx * local[..., 0], dtype(self.cy) - sy * local[..., 1]
        return np.stack([x, y], -1), depth

    def projection(self) -> np.ndarray:
        """The (3, 4) float64 matrix from homogeneous points, metres, to homogeneous pixels (x w, y w, w)."""
        if self.ortho_width is None:
            intrinsics = np.array([[self.fx, 0.0, -self.cx], [0.0, -self.fy, -self.cy], [0.0, 0.0, -1.0]])
            last = np.zeros(3)
        else:
            sx, sy = self.pixels_per_unit()
            intrinsics, last = np.diag([sx, -sy, 0.0]), np.array([self.cx, self.cy, 1.0])
        rotation = self.camera_to_world[:3, :3].T
        return np.column_stack([intrinsics @ rotation, last - intrinsics @ rotation @ self.position])

    def pixels_per_unit(self) -> tuple[float, float]:
        """Pixels across and down that a metre covers, at a depth of one metre or wherever in an orthographic view."""
        if self.ortho_width is None:
            return self.fx, self.fy
        scale = self.width / self.ortho_width
        return scale, (scale if self.ortho_height is None else self.height / self.ortho_height)

    def resized(self, width: int, height: int) -> "Camera":
        """The same view with another image size; what does not fit the new aspect ratio is added, never cut off."""
        scale = min(width / self.width, height / self.height)
        changes = {
            "cx": 0.5 * width + scale * (self.cx - 0.5 * self.width),
            "cy": 0.5 * height + scale * (self.cy - 0.5 * self.height),
            "fx": self.fx * scale,
            "fy": self.fy * scale,
        }
        if self.ortho_width is not None:
            tall = self.ortho_height or self.ortho_width * self.height / self.width
            changes["ortho_width"] = self.ortho_width * width / (scale * self.width)
            changes["ortho_height"] = tall * height / (scale * self.height)
        return dataclasses.replace(self, width=width, height=height, **changes)

    def scaled(self, width: int, height: int) -> "Camera":
        """The same view in another number of pixels; they are stretched where the aspect ratio changes."""
        by_x, by_y = width / self.width, height / self.height
        changes = {"fx": self.fx * by_x, "fy": self.fy * by_y, "cx": self.cx * by_x, "cy": self.cy * by_y}
        if self.ortho_width is not None:
            changes["ortho_height"] = self.ortho_height or self.ortho_width * self.height / self.width
        return dataclasses.replace(self, width=width, height=height, **changes)

    def cropped(self, left: float, top: float, right: float, bottom: float) -> "Camera":
        """The same camera looking through a rectangle of its image; pixels, y down, also beyond its borders."""
        width, height = right - left, bottom - top
        changes = {"cx": self.cx - left, "cy": self.cy - top}
        if self.ortho_width is not None:
            tall = self.ortho_height or self.ortho_width * self.height / self.width
            changes |= {
                "ortho_width": self.ortho_width * width / self.width,
                "ortho_height": tall * height / self.height,
            }
        return dataclasses.replace(self, width=width, height=height, **changes)

    def to_json(self) -> dict:
        """The contract of CAMERA.json as a plain dictionary."""
        out = {"width": self.width, "height": self.height, "cx": self.cx, "cy": self.cy}
        if self.ortho_width is None:
            out |= {"fx": self.fx, "fy": self.fy}
        else:
            out |= {"ortho_width": self.ortho_width}
            if self.ortho_height is not None:
                out |= {"ortho_height": self.ortho_height}
        return out | {"camera_to_world": np.asarray(self.camera_to_world).tolist()}


def orbit_camera(
    yaw: float = 0.0,
    pitch: float = 0.0,
    distance: float = CROP_DISTANCE,
    fov: float = CROP_FOV,
    width: int = CROP_SIZE,
    height: int = CROP_SIZE,
) -> Camera:
    """Camera on a sphere around the head centre, looking at it, no roll.

    yaw, pitch: degrees; positive yaw moves the camera to the image's right, positive pitch up.
    distance: metres. fov: degrees over the smaller image side.
    """
    yaw, pitch = math.radians(yaw), math.radians(pitch)
    back = np.array([math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch)])
    right = np.array([math.cos(yaw), 0.0, -math.sin(yaw)])
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(back, right), back], axis=1)
    matrix[:3, 3] = back * distance
    focal = 0.5 * min(width, height) / math.tan(math.radians(fov) / 2)
    return Camera(width, height, focal, focal, width / 2, height / 2, matrix)


def orbit_angles(camera_to_world: np.ndarray) -> tuple[float, float]:
    """Yaw and pitch in degrees of a camera_to_world matrix (4, 4), as :func:`orbit_camera` takes them."""
    back = camera_to_world[:3, 2]
    return math.degrees(math.atan2(back[0], back[2])), math.degrees(math.asin(np.clip(back[1], -1, 1)))


def camera_from_json(data: dict | str | bytes) -> Camera:
    """Build a camera from the dictionary of CAMERA.json. Raises ValueError naming what is wrong."""
    if isinstance(data, (str, bytes)):
        try:
            data = json.loads(data)
        except ValueError as error:
            raise ValueError(f"the camera is not valid JSON ({error})") from None
    if not isinstance(data, dict):
        raise ValueError("the camera must be a JSON object")
    known = {"width", "height", "fx", "fy", "cx", "cy", "camera_to_world", "ortho_width", "ortho_height"}
    if unknown := sorted(set(data) - known):
        raise ValueError(f"unknown camera key {', '.join(unknown)}; known keys are {', '.join(sorted(known))}")
    ortho = "ortho_width" in data
    needed = {"width", "height", "cx", "cy", "camera_to_world"} | (set() if ortho else {"fx", "fy"})
    if missing := sorted(needed - set(data)):
        raise ValueError(f"the camera lacks {', '.join(missing)}")
    matrix = np.asarray(data["camera_to_world"], dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise ValueError("camera_to_world must be a 4x4 matrix of finite numbers")
    rotation = matrix[:3, :3]
    if np.abs(rotation.T @ rotation - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0:
        raise ValueError("camera_to_world must be a rigid transform (a rotation and a translation)")
    numbers = {key: data[key] for key in known - {"camera_to_world"} if key in data}
    for key, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f"camera {key} must be a finite number")
        if key not in ("cx", "cy") and value <= 0:
            raise ValueError(f"camera {key} must be positive")
    width, height = int(numbers.pop("width")), int(numbers.pop("height"))
    if max(width, height) > 16384 or min(width, height) < 1:
        raise ValueError("camera width and height must lie between 1 and 16384 pixels")
    numbers.setdefault("fx", 1.0)
    numbers.setdefault("fy", 1.0)
    return Camera(width, height, camera_to_world=matrix, **numbers)
