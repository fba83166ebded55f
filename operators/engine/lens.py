"""Depth of field: pictures through points of the aperture, which agree about the plane that is in focus.

The aperture's shape and size are those of Cycles.
"""

import dataclasses
import math

import numpy as np
from mathutils import Matrix

MILLIMETRE = 1e-3  # scene units per unit of focal length, whatever the scene's unit scale is; so in Cycles and EEVEE


@dataclasses.dataclass(frozen=True)
class Lens:
    """An aperture: its radius and the distance that is in focus, along the view axis, both in units of the scene.

    blades: corners of its shape, a disk with fewer than 3. rotation: radians. ratio: height over width.
    """

    radius: float
    focus: float
    blades: int = 0
    rotation: float = 0.0
    ratio: float = 1.0

    def point(self, u, v):
        """Point (x, y) of the aperture, units of the scene; u and v in [0, 1) cover it evenly."""
        if self.blades < 3:
            radius, angle = math.sqrt(u), 2.0 * math.pi * v
            x, y = radius * math.cos(angle), radius * math.sin(angle)
        else:  # u chooses one of the triangles from the middle, and with v the place in it
            corner, u = divmod(u * self.blades, 1.0)
            side, half = math.sqrt(u), math.pi / self.blades
            across, along = v * side, 1.0 - side
            x, y = (1.0 - along) * math.cos(half), (side - 2.0 * across) * math.sin(half)
            turn = self.rotation + 2.0 * half * corner
            x, y = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
        return self.radius * x / self.ratio, self.radius * y

    def through(self, camera, placed, x, y):
        """What is to be rendered for the point (x, y) of the aperture: camera and [`scene.Placed`].

        camera: of the aperture's middle, in world space.
        """
        if camera.ortho_width is None:  # from beside the middle, with the image shifted back
            pose = camera.camera_to_world.copy()
            pose[:3, 3] += pose[:3, 0] * x + pose[:3, 1] * y
            cx, cy = camera.cx + camera.fx * x / self.focus, camera.cy - camera.fy * y / self.focus
            return dataclasses.replace(camera, camera_to_world=pose, cx=cx, cy=cy), placed
        slant = np.eye(4)  # parallel rays cannot start elsewhere, but the scene can lean the other way
        slant[:2, 2] = -x / self.focus, -y / self.focus
        slant[:2, 3] = -x, -y
        in_world = Matrix((camera.camera_to_world @ slant @ np.linalg.inv(camera.camera_to_world)).tolist())
        return camera, [one._replace(matrix=in_world @ one.matrix) for one in placed]


def lens_of(camera_object, depsgraph):
    """The :class:`Lens` of a camera object with depth of field, else None."""
    evaluated = camera_object.evaluated_get(depsgraph)
    data = evaluated.data
    dof = data.dof
    if not dof.use_dof:
        return None
    length = data.lens * MILLIMETRE if data.type == "PERSP" else 1.0
    radius, focus = length / (2.0 * max(dof.aperture_fstop, 1e-5)), max(_focus(evaluated, depsgraph), 1e-5)
    return Lens(radius, focus, dof.aperture_blades, dof.aperture_rotation, dof.aperture_ratio)


def _focus(camera_object, depsgraph):
    """Distance that is in focus: to the plane through the focus object, or as it is set."""
    dof = camera_object.data.dof
    if dof.focus_object is None:
        return dof.focus_distance
    target = dof.focus_object.evaluated_get(depsgraph)
    matrix = target.matrix_world
    bone = target.pose.bones.get(dof.focus_subtarget) if target.pose else None
    if bone is not None:
        matrix = matrix @ bone.matrix
    pose = camera_object.matrix_world.normalized()
    return abs(pose.col[2].to_3d().dot(pose.translation - matrix.translation))
