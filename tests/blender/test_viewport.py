"""The render engine in a 3D viewport: its camera is the viewport's, its pictures come from a thread."""

import threading
import time

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from .conftest import part  # noqa: E402


def view3d():
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                region = next(region for region in area.regions if region.type == "WINDOW")
                return region, area.spaces.active.region_3d
    pytest.skip("this Blender has no 3D viewport")


class Region:
    width, height = 160, 120


class RegionData:
    """A viewport looking along +Y from the front."""

    def __init__(self, ortho=False):
        from mathutils import Matrix

        self.view_matrix = Matrix.Translation((0, -1.2, 0)) @ Matrix.Rotation(np.pi / 2, 4, "X")
        self.view_matrix = self.view_matrix.inverted()
        near, far, focal = 0.1, 100.0, 3.0
        self.window_matrix = Matrix(
            (
                (focal, 0, 0, 0),
                (0, focal * 4 / 3, 0, 0),
                (0, 0, -(far + near) / (far - near), -2 * far * near / (far - near)),
                (0, 0, -1, 0),
            )
        )
        if ortho:
            self.window_matrix = Matrix(((4, 0, 0, 0), (0, 4 * 4 / 3, 0, 0), (0, 0, -0.01, 0), (0, 0, 0, 1)))


def portraits_and_camera(ortho=False):
    depsgraph = bpy.context.evaluated_depsgraph_get()
    found = part("operators.render_engine").visible_portraits(depsgraph)
    return found, part("operators.cameras").region_camera(Region, RegionData(ortho))


def test_camera_of_a_real_viewport(scene):
    """Against Blender's own projection of points into the region."""
    from bpy_extras.view3d_utils import location_3d_to_region_2d
    from mathutils import Vector

    region, data = view3d()
    camera = part("operators.cameras").region_camera(region, data)
    points = np.random.default_rng(1).uniform(-0.5, 0.5, (20, 3))
    ours, _ = camera.project(points)
    for point, pixel in zip(points, ours):
        theirs = location_3d_to_region_2d(region, data, Vector(point))
        if theirs is not None:
            assert np.abs(np.array(theirs) - (pixel[0], region.height - pixel[1])).max() <= 0.05


@pytest.mark.parametrize("ortho", [False, True])
def test_pictures_get_finer_and_end_at_the_engines_view(portrait, ortho):
    found, camera = portraits_and_camera(ortho)
    sizes = []

    def redraw():
        assert threading.current_thread() is not threading.main_thread()
        sizes.append(viewport._picture.shape[:2])

    viewport = part("operators.viewport").Viewport(redraw)
    viewport.want(camera, found, None)
    assert viewport.wait(30)
    assert sizes[0] == (30, 40) and sizes[-1] == (120, 160) and not viewport._message
    picture = viewport._picture
    assert 0.05 < picture[..., 3].mean() < 0.9
    viewport.want(camera, found, None)
    assert viewport.wait(1) and len(sizes) == 3, "the same view is not worked out again"


def test_a_new_view_replaces_the_old_one(portrait):
    found, camera = portraits_and_camera()
    cameras = part("operators.cameras")
    viewport = part("operators.viewport").Viewport(lambda: None)
    for size in (64, 96, 128, 80):
        viewport.want(cameras.resize(camera, size, size), found, (0.1, 0.2, 0.3))
        time.sleep(0.005)
    assert viewport.wait(30)
    assert viewport._picture.shape == (80, 80, 4) and viewport._picture[..., 3].min() == 1.0


def test_a_missing_portrait_is_a_message(portrait):
    portrait.portrait_manifolds.portrait_path = "/nowhere.manifolds"
    bpy.context.view_layer.update()
    found, camera = portraits_and_camera()
    viewport = part("operators.viewport").Viewport(lambda: None)
    viewport.want(camera, found, None)
    assert viewport.wait(10) and "missing" in viewport._message


def test_a_closed_viewport_ends_the_thread(portrait):
    found, camera = portraits_and_camera()

    def redraw():
        raise ReferenceError("StructRNA of type RenderEngine has been removed")

    viewport = part("operators.viewport").Viewport(redraw)
    viewport.want(camera, found, None)
    assert viewport.wait(10)
    assert not [thread for thread in threading.enumerate() if thread.name == "portrait_manifolds_viewport"]
