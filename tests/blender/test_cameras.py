"""Cameras read from Blender project as Blender does, in every case, and cameras made here come back the same."""

import itertools
import math
import random

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from .conftest import part, place  # noqa: E402
from .scenes import to_portrait_space  # noqa: E402

POINTS = np.random.default_rng(0).uniform(-0.12, 0.12, (40, 3))
TOLERANCE = 0.05  # pixels

FITS = ("AUTO", "HORIZONTAL", "VERTICAL")
SIZES = ((640, 480), (480, 640), (333, 333))
SHIFTS = ((0.0, 0.0), (0.13, -0.21))
ASPECTS = ((1.0, 1.0), (2.0, 1.0), (1.0, 1.5))
PERCENTAGES = (100, 37)
BORDERS = (None, (0.21, 0.83, 0.13, 0.71))
CASES = list(itertools.product(FITS, SIZES, SHIFTS, ASPECTS, PERCENTAGES, ("PERSP", "ORTHO"), BORDERS))


def set_up(scene, fit, size, shift, aspect, percentage, kind, border):
    rng = random.Random(f"{fit}{size}{shift}{aspect}{percentage}{kind}{border}")
    render = scene.render
    render.resolution_x, render.resolution_y = size
    render.resolution_percentage = percentage
    render.pixel_aspect_x, render.pixel_aspect_y = aspect
    render.use_border = border is not None
    if border:
        render.border_min_x, render.border_max_x, render.border_min_y, render.border_max_y = border
    data = scene.camera.data
    data.type, data.sensor_fit = kind, fit
    data.lens, data.sensor_width, data.sensor_height = rng.uniform(18, 200), 36.0, 24.0
    data.ortho_scale = rng.uniform(0.3, 0.8)
    data.shift_x, data.shift_y = shift
    scene.camera.location = (rng.uniform(-0.8, 0.8), -1.5, rng.uniform(-0.5, 0.5))
    scene.camera.rotation_euler = (
        math.radians(90 + rng.uniform(-9, 9)),
        rng.uniform(-0.4, 0.4),
        rng.uniform(-0.3, 0.3),
    )
    scene.camera.scale = (1.7, 1.7, 1.7)
    bpy.context.view_layer.update()


@pytest.fixture
def camera(portrait):
    scene = bpy.context.scene
    data = bpy.data.cameras.new("Camera")
    scene.camera = bpy.data.objects.new("Camera", data)
    scene.collection.objects.link(scene.camera)
    portrait.location, portrait.rotation_euler, portrait.scale = (0.1, 0.2, -0.1), (0.1, -0.2, 0.3), (1.3, 1.3, 1.3)
    return scene.camera


def test_projection_equals_blenders(camera, portrait):
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    cameras = part("operators.engine.cameras")
    scene = bpy.context.scene
    worst_view = worst_matrix = 0.0
    for case in CASES:
        set_up(scene, *case)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        seen, scale = to_portrait_space(
            cameras.world_camera(camera, depsgraph, scene), portrait.evaluated_get(depsgraph).matrix_world
        )
        pixels, depth = seen.project(POINTS)
        left, top, right, bottom = cameras.render_border(scene)
        assert (seen.width, seen.height) == (right - left, bottom - top)
        width, height = cameras.render_size(scene)

        in_object = np.stack([POINTS[:, 0], -POINTS[:, 2], POINTS[:, 1]], -1)
        world = [portrait.matrix_world @ Vector(point) for point in in_object]
        projection = camera.calc_matrix_camera(
            depsgraph,
            x=width,
            y=height,
            scale_x=scene.render.pixel_aspect_x,
            scale_y=scene.render.pixel_aspect_y,
        )
        to_clip = projection @ camera.matrix_world.normalized().inverted()
        clip = np.array([to_clip @ point.to_4d() for point in world])
        wanted = np.stack([(clip[:, 0] / clip[:, 3] + 1) * width / 2, (1 - clip[:, 1] / clip[:, 3]) * height / 2], -1)
        worst_matrix = max(worst_matrix, np.abs(pixels + (left, top) - wanted).max())

        views = np.array([world_to_camera_view(scene, camera, point) for point in world])
        assert np.allclose(views[:, 2], depth * scale, atol=1e-4)
        if world_to_camera_view_is_exact(case):
            wanted = np.stack([views[:, 0] * width, (1 - views[:, 1]) * height], -1)
            worst_view = max(worst_view, np.abs(pixels + (left, top) - wanted).max())
    print(f"worst of {len(CASES)} cases: {worst_matrix:.5f} px (matrix), {worst_view:.5f} px (world_to_camera_view)")
    assert worst_matrix <= TOLERANCE
    assert worst_view <= TOLERANCE


def world_to_camera_view_is_exact(case):
    """Blender's Python helper takes the render's proportions before the percentage is truncated to whole pixels."""
    _, size, _, _, percentage, _, _ = case
    return all(side * percentage % 100 == 0 for side in size)


def test_parents_constraints_and_drivers_count(camera, portrait):
    """The evaluated camera is read, not what its properties say."""
    cameras = part("operators.engine.cameras")
    scene = bpy.context.scene
    set_up(scene, "AUTO", (320, 240), (0, 0), (1, 1), 100, "PERSP", None)
    driver = camera.data.driver_add("lens").driver
    driver.expression = "85.0"
    copy = camera.constraints.new("COPY_LOCATION")
    copy.target = portrait
    bpy.context.view_layer.update()
    seen = cameras.world_camera(camera, bpy.context.evaluated_depsgraph_get(), scene)
    assert seen.fx == pytest.approx(85.0 / 36.0 * 320, rel=1e-5)
    assert np.allclose(seen.position, portrait.matrix_world.translation, atol=1e-6)


@pytest.mark.parametrize("ortho", [False, True])
def test_camera_made_here_reads_back(portrait, ortho):
    from inference.geometry.cameras import Camera, orbit_camera

    cameras = part("operators.engine.cameras")
    base = orbit_camera(23.0, -11.0, 1.4)
    given = Camera(700, 500, 1900.0, 1900.0, 300.0, 280.0, base.camera_to_world, ortho_width=0.4 if ortho else None)
    portrait.location, portrait.scale = (1.0, 2.0, 3.0), (2.0, 2.0, 2.0)
    made = cameras.new_camera_object("Made", given, portrait)
    made.parent = portrait
    scene = bpy.context.scene
    scene.collection.objects.link(made)
    scene.render.resolution_x, scene.render.resolution_y = 700, 500
    if ortho:
        made.data.ortho_scale *= 2.0  # a Blender camera ignores its scale, the portrait is twice as large
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    seen, scale = to_portrait_space(cameras.world_camera(made, depsgraph, scene), portrait.matrix_world)
    assert scale == pytest.approx(2.0)
    assert np.abs(seen.project(POINTS)[0] - given.project(POINTS)[0]).max() <= TOLERANCE


def test_unusable_cameras_say_what_to_do(camera, portrait):
    cameras, errors = part("operators.engine.cameras"), part("inference.errors")
    scene = bpy.context.scene
    camera.data.type = "PANO"
    bpy.context.view_layer.update()
    with pytest.raises(errors.PortraitError, match="perspective"):
        cameras.world_camera(camera, bpy.context.evaluated_depsgraph_get(), scene)


def test_scene_units_keep_portraits_life_size(scene, portrait_file):
    scene.unit_settings.scale_length = 0.01
    assert tuple(place(portrait_file).scale) == pytest.approx((100.0, 100.0, 100.0))


@pytest.mark.parametrize("operator", ["match_photo", "add_turntable", "add_dolly_zoom"])
def test_cameras_see_the_portrait_in_millimetres(scene, portrait_file, operator):
    """Clipping and drawn size are as large as the portrait: what Blender's other engines render is not cut off."""
    scene.unit_settings.scale_length = 0.001
    portrait = place(portrait_file)
    assert getattr(bpy.ops.portrait_manifolds, operator)() == {"FINISHED"}
    bpy.context.view_layer.update()
    camera = scene.camera
    away = (camera.matrix_world.translation - portrait.matrix_world.translation).length
    assert away > 400 and camera.data.clip_start < away - 400 and camera.data.clip_end > away + 400
    assert camera.data.display_size == pytest.approx(100.0)
    assert camera.parent in (portrait, *portrait.children)


def test_dolly_zoom_keeps_the_heads_size(portrait):
    assert bpy.ops.portrait_manifolds.add_dolly_zoom(frames=24) == {"FINISHED"}
    scene, cameras = bpy.context.scene, part("operators.engine.cameras")
    ears = np.array([(-0.08, 0.0, 0.0), (0.08, 0.0, 0.0)])
    widths, distances = [], []
    for frame in (1, 5, 12, 20, 24):
        scene.frame_set(frame)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        seen, _ = to_portrait_space(cameras.world_camera(scene.camera, depsgraph, scene), portrait.matrix_world)
        left, right = seen.project(ears)[0]
        widths.append(right[0] - left[0])
        distances.append(np.linalg.norm(seen.position))
    assert distances[0] == pytest.approx(4.0, abs=1e-3) and distances[-1] == pytest.approx(0.5, abs=1e-3)
    assert np.ptp(widths) < 0.05


def test_turntable_swings_around_the_head(portrait):
    portrait.location = (1.0, 0.0, 2.0)
    assert bpy.ops.portrait_manifolds.add_turntable(frames=40, swing=math.radians(30)) == {"FINISHED"}
    scene, cameras = bpy.context.scene, part("operators.engine.cameras")
    assert (scene.frame_start, scene.frame_end) == (1, 40)
    yaws = []
    for frame in (1, 11, 21, 31):
        scene.frame_set(frame)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        seen, _ = to_portrait_space(
            cameras.world_camera(scene.camera, depsgraph, scene), portrait.evaluated_get(depsgraph).matrix_world
        )
        yaws.append(math.degrees(math.atan2(seen.position[0], seen.position[2])))
        pixel, _ = seen.project((0.0, 0.0, 0.0))
        assert np.abs(pixel - (seen.width / 2, seen.height / 2)).max() < 0.05
    assert yaws == pytest.approx([-30, 0, 30, 0], abs=0.1)
