"""Blender's cameras for the engine, and the engine's cameras for Blender.

The projection is read from Blender (`calc_matrix_camera`), never derived again, so lens, sensor fit, shift,
pixel aspect, drivers and animation all count.
"""

import dataclasses

import bpy
import numpy as np
from mathutils import Matrix

from ...inference.errors import PortraitError
from ...inference.geometry.cameras import Camera
from ..state.portrait import PORTRAIT_TO_OBJECT, portrait_size

SENSOR = 36.0  # mm, width of the sensor of cameras made here
CLIP_START, CLIP_END, DISPLAY_SIZE = 0.01, 1000.0, 0.1  # metres, of cameras made here


def render_size(scene):
    """Full render size (width, height) in pixels; Blender truncates."""
    render = scene.render
    scale = render.resolution_percentage
    return max(1, render.resolution_x * scale // 100), max(1, render.resolution_y * scale // 100)


def render_border(scene):
    """Rendered rectangle (left, top, right, bottom) in pixels of the full size, y down; whole image if no border."""
    width, height = render_size(scene)
    render = scene.render
    if not render.use_border:
        return 0, 0, width, height
    left, right = (int(np.float32(x) * np.float32(width)) for x in (render.border_min_x, render.border_max_x))
    low, high = (int(np.float32(y) * np.float32(height)) for y in (render.border_min_y, render.border_max_y))
    if right <= left or high <= low:
        raise PortraitError("the render border is empty; draw a larger one or turn it off")
    return left, height - high, right, height - low


def world_camera(camera_object, depsgraph, scene, border=True):
    """Camera in Blender's world, units of the scene, for the scene's render settings.

    border: cut the image to the scene's render border (when one is on).
    """
    evaluated = camera_object.evaluated_get(depsgraph)
    kind = evaluated.data.type
    if kind not in ("PERSP", "ORTHO"):
        raise PortraitError(
            f"camera {camera_object.name} is of type {kind.lower()}; portraits need a perspective or orthographic one"
        )
    width, height = render_size(scene)
    projection = evaluated.calc_matrix_camera(
        depsgraph, x=width, y=height, scale_x=scene.render.pixel_aspect_x, scale_y=scene.render.pixel_aspect_y
    )
    matrix = np.array(evaluated.matrix_world.normalized(), dtype=np.float64)
    camera = camera_from_projection(np.array(projection, dtype=np.float64), width, height, matrix)
    return camera.cropped(*render_border(scene)) if border else camera


def camera_from_projection(projection, width, height, camera_to_world):
    """Camera from a 4x4 OpenGL projection matrix, image size in pixels and a 4x4 pose."""
    if projection[3, 3] == 1.0:  # orthographic
        return Camera(
            width,
            height,
            1.0,
            1.0,
            width / 2 * (1 + projection[0, 3]),
            height / 2 * (1 - projection[1, 3]),
            camera_to_world,
            ortho_width=2.0 / projection[0, 0],
            ortho_height=2.0 / projection[1, 1],
        )
    return Camera(
        width,
        height,
        projection[0, 0] * width / 2,
        projection[1, 1] * height / 2,
        width / 2 * (1 - projection[0, 2]),
        height / 2 * (1 + projection[1, 2]),
        camera_to_world,
    )


def region_camera(region, region_data):
    """Camera of a 3D viewport in Blender's world; in camera view with its zoom and offset."""
    projection = np.array(region_data.window_matrix, dtype=np.float64)
    pose = np.array(region_data.view_matrix.inverted().normalized(), dtype=np.float64)
    return camera_from_projection(projection, region.width, region.height, pose)


def region_border(context, depsgraph, camera):
    """Rectangle (left, top, right, bottom) of a 3D viewport that is to be rendered, in its pixels, y down.

    camera: of the region. All of it, unless the viewport or, in camera view, the scene has a render border.
    """
    width, height = camera.width, camera.height
    space, scene = context.space_data, depsgraph.scene
    if context.region_data.view_perspective != "CAMERA":
        if not space.use_render_border:
            return 0, 0, width, height
        x = np.array([space.render_border_min_x, space.render_border_max_x]) * width
        y = (1.0 - np.array([space.render_border_max_y, space.render_border_min_y])) * height
    else:
        camera_object = space.camera if space.use_local_camera else scene.camera
        if not scene.render.use_border or camera_object is None or camera_object.type != "CAMERA":
            return 0, 0, width, height
        full = world_camera(camera_object, depsgraph, scene, border=False)
        left, top, right, bottom = render_border(scene)
        (full_x, full_y), (region_x, region_y) = full.pixels_per_unit(), camera.pixels_per_unit()
        x = camera.cx + (np.array([left, right]) - full.cx) * (region_x / full_x)
        y = camera.cy + (np.array([top, bottom]) - full.cy) * (region_y / full_y)
    left, right = np.clip(np.rint(x), 0, width).astype(int).tolist()
    top, bottom = np.clip(np.rint(y), 0, height).astype(int).tolist()
    return left, top, right, bottom


def step_back(camera, metres):
    """An orthographic camera moved back along its axis, which changes nothing but what is behind it."""
    pose = camera.camera_to_world.copy()
    pose[:3, 3] += pose[:3, 2] * metres
    return dataclasses.replace(camera, camera_to_world=pose)


def new_camera_data(name, portrait):
    """Blender camera for a portrait object: what it sees and how it is drawn are as large as the portrait."""
    data = bpy.data.cameras.new(name)
    metre = portrait_size(portrait.matrix_world)
    data.clip_start, data.clip_end, data.display_size = CLIP_START * metre, CLIP_END * metre, DISPLAY_SIZE * metre
    return data


def new_camera_object(name, camera, portrait):
    """Blender camera object that equals `camera` (portrait space) when parented to a portrait object.

    Square pixels assumed; use it with a render size of the same aspect. Not linked to any collection, and no child yet.
    """
    obj = bpy.data.objects.new(name, new_camera_data(name, portrait))
    set_camera_object(obj, camera)
    return obj


def set_camera_object(obj, camera):
    """Make a Blender camera object under a portrait object equal to `camera`, as :func:`new_camera_object` does."""
    data = obj.data
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = SENSOR
    if camera.ortho_width is None:
        data.type = "PERSP"
        data.lens_unit = "MILLIMETERS"
        data.lens = camera.fx / camera.width * SENSOR
    else:
        data.type = "ORTHO"
        data.ortho_scale = camera.ortho_width
    data.shift_x = (camera.width / 2 - camera.cx) / camera.width
    data.shift_y = (camera.cy - camera.height / 2) / camera.width
    obj.matrix_basis = PORTRAIT_TO_OBJECT @ Matrix(camera.camera_to_world.tolist())
