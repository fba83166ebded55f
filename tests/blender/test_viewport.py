"""The render engine in a 3D viewport: its camera is the viewport's, its pictures come from a thread."""

import math
import threading
import time

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from .conftest import part, place  # noqa: E402


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

    view_perspective = "PERSP"

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
    found = part("operators.engine.scene").visible_portraits(depsgraph)
    return found, part("operators.engine.cameras").region_camera(Region, RegionData(ortho))


def test_camera_of_a_real_viewport(scene):
    """Against Blender's own projection of points into the region."""
    from bpy_extras.view3d_utils import location_3d_to_region_2d
    from mathutils import Vector

    region, data = view3d()
    camera = part("operators.engine.cameras").region_camera(region, data)
    points = np.random.default_rng(1).uniform(-0.5, 0.5, (20, 3))
    ours, _ = camera.project(points)
    for point, pixel in zip(points, ours):
        theirs = location_3d_to_region_2d(region, data, Vector(point))
        if theirs is not None:
            assert np.abs(np.array(theirs) - (pixel[0], region.height - pixel[1])).max() <= 0.05


def dear():
    """A schedule that takes rays for so dear that the first picture has a quarter of the region's resolution."""
    module = part("operators.engine.schedule")
    return module.Schedule(seconds_per_ray=module.COARSE_SECONDS / (40 * 30))


@pytest.mark.parametrize("ortho", [False, True])
def test_pictures_get_finer_and_end_at_the_engines_view(portrait, ortho):
    found, camera = portraits_and_camera(ortho)
    sizes = []

    def redraw():
        assert threading.current_thread() is not threading.main_thread()
        sizes.append(viewport._picture.shape[:2])

    viewport = part("operators.engine.viewport").Viewport(redraw, dear())
    viewport.want(camera, found, None)
    assert viewport.wait(30)
    assert sizes == [(30, 40), (60, 80), (120, 160)] and not viewport._message
    picture = viewport._picture
    assert 0.05 < picture[..., 3].mean() < 0.9
    viewport.want(camera, found, None)
    assert viewport.wait(1) and len(sizes) == 3, "the same view is not worked out again"


def test_the_last_picture_has_the_renders_samples(portrait):
    """Smooth edges, as F12 has them; the coarse pictures do not wait for that."""
    found, camera = portraits_and_camera()
    sizes = []
    viewport = part("operators.engine.viewport").Viewport(lambda: sizes.append(viewport._picture.shape[:2]), dear())
    viewport.want(camera, found, None)
    assert viewport.wait(30)
    sharp = viewport._picture[..., 3]
    viewport.want(camera, found, None, samples=3)
    assert viewport.wait(30)
    smooth = viewport._picture[..., 3]
    assert sizes[-2:] == [(120, 160), (120, 160)] and sizes[3] < sizes[4] < sizes[-1]
    assert np.mean((smooth > 0.1) & (smooth < 0.9)) > 1.5 * np.mean((sharp > 0.1) & (sharp < 0.9))


def test_an_inversion_that_ends_is_seen_at_once(portrait):
    """A viewport that shows the scene already is told of the portrait's new file, and finds it."""
    settings = portrait.portrait_manifolds
    path, settings.portrait_path = settings.portrait_path, ""
    bpy.context.view_layer.update()
    assert portraits_and_camera()[0] == []
    told = []
    bpy.app.handlers.depsgraph_update_post.append(
        lambda scene, depsgraph: told.extend(update.id.original for update in depsgraph.updates)
    )
    try:
        settings.portrait_path = path
        bpy.context.view_layer.update()
    finally:
        bpy.app.handlers.depsgraph_update_post.pop()
    assert portrait in told
    file_of = part("operators.state.portrait_files").file_of
    assert [shown.path for shown in portraits_and_camera()[0]] == [file_of(portrait)]


def test_the_background_is_shown_when_asked_for(portrait):
    """Turning it on makes another picture of the same view."""
    viewport = part("operators.engine.viewport").Viewport(lambda: None)
    pictures = []
    for shown in (False, True):
        portrait.portrait_manifolds.show_background = shown
        found, camera = portraits_and_camera()
        viewport.want(camera, found, None)
        assert viewport.wait(30)
        pictures.append(viewport._picture)
    without, with_background = pictures
    assert with_background[..., 3].mean() > without[..., 3].mean() + 0.2
    head = without[..., 3] > 0.999
    assert np.abs(with_background - without)[head].max() < 1e-2


class Space:
    """What region_border reads of a 3D viewport."""

    use_local_camera, use_render_border = False, False
    render_border_min_x, render_border_max_x, render_border_min_y, render_border_max_y = 0.25, 0.75, 0.5, 1.0


def border_of(camera, perspective, space=Space):
    from types import SimpleNamespace

    context = SimpleNamespace(space_data=space, region_data=SimpleNamespace(view_perspective=perspective))
    depsgraph = bpy.context.evaluated_depsgraph_get()
    return part("operators.engine.cameras").region_border(context, depsgraph, camera)


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
def test_render_border_in_the_viewport(portrait, kind):
    """In camera view the scene's border, zoomed and moved with the frame; else the viewport's own."""
    import dataclasses

    cameras = part("operators.engine.cameras")
    scene = bpy.context.scene
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    scene.camera.location, scene.camera.rotation_euler = (0.1, -1.5, 0.0), (np.pi / 2, 0, 0)
    scene.camera.data.type, scene.camera.data.shift_x = kind, 0.1
    scene.render.resolution_x, scene.render.resolution_y = 400, 300
    bpy.context.view_layer.update()
    full = cameras.world_camera(scene.camera, bpy.context.evaluated_depsgraph_get(), scene)
    frame = full.scaled(200, 150)  # shown at half its size, at (60, 25) of a larger region
    shown = frame.cropped(-60, -25, 260, 215)
    assert border_of(shown, "CAMERA") == (0, 0, 320, 240)
    scene.render.use_border = True
    scene.render.border_min_x, scene.render.border_max_x = 0.5, 0.75
    scene.render.border_min_y, scene.render.border_max_y = 0.2, 1.0
    assert border_of(shown, "CAMERA") == (60 + 100, 25, 60 + 150, 25 + 120)
    moved = dataclasses.replace(shown, cx=shown.cx + 130)  # partly out of the region
    assert border_of(moved, "CAMERA") == (290, 25, 320, 145)
    assert border_of(shown, "PERSP") == (0, 0, 320, 240)

    class Bordered(Space):
        use_render_border = True

    assert border_of(shown, "PERSP", Bordered) == (80, 0, 240, 120)


def test_a_new_view_replaces_the_old_one(portrait):
    found, camera = portraits_and_camera()
    viewport = part("operators.engine.viewport").Viewport(lambda: None)
    for size in (64, 96, 128, 80):
        viewport.want(camera.scaled(size, size), found, (0.1, 0.2, 0.3))
        time.sleep(0.005)
    assert viewport.wait(30)
    assert viewport._picture.shape == (80, 80, 4) and viewport._picture[..., 3].min() == 1.0


def test_a_missing_portrait_is_a_message(portrait):
    """It is named, and the others are seen."""
    place("/nowhere.manifolds", "Gone")
    found, camera = portraits_and_camera()
    viewport = part("operators.engine.viewport").Viewport(lambda: None)
    viewport.want(camera, found, None)
    assert viewport.wait(30) and viewport._message.startswith("Gone is left out: ") and "missing" in viewport._message
    assert viewport._picture.shape[:2] == (120, 160) and viewport._picture[..., 3].max() > 0.99


def test_what_was_finished_is_shown(portrait, monkeypatch):
    """The view moves while its first picture is worked out: that is shown; a finer one is given up."""
    module, (found, camera) = part("operators.engine.viewport"), portraits_and_camera()
    shown, working, go_on, render = [], threading.Semaphore(0), threading.Semaphore(0), module.render_sampled

    def when_allowed(found, camera, samples, backdrop, stop):
        working.release()
        go_on.acquire()
        return render(found, camera, samples, backdrop, stop=stop)

    monkeypatch.setattr(module, "render_sampled", when_allowed)
    viewport = module.Viewport(lambda: shown.append(viewport._picture[0, 0, :3].copy()), dear())
    views = [(0.25 * number, 0.0, 0.0) for number in range(4)]  # told apart by their backdrop
    viewport.want(camera, found, views[0])
    for backdrop in views[1:]:
        assert working.acquire(timeout=30)
        viewport.want(camera, found, (0.9, 0.9, 0.9))  # in between, and never seen
        viewport.want(camera, found, backdrop)
        go_on.release()
    assert working.acquire(timeout=30)
    go_on.release()
    assert working.acquire(timeout=30), "a finer picture of the last view"
    viewport.want(camera.scaled(80, 60), found, (0.5, 0.5, 0.5))
    for _ in range(20):
        go_on.release()
    assert viewport.wait(30)
    firsts = [tuple(colour) for colour in shown]
    assert firsts[:4] == [pytest.approx(view) for view in views]
    assert all(colour == pytest.approx((0.5, 0.5, 0.5)) for colour in firsts[4:]) and len(firsts) > 5


def test_only_the_main_thread_asks_the_engine_to_draw():
    """The thread's wish is passed on by a timer, which ends with the engine."""
    drawn = []

    class Engine:
        gone = False

        @property
        def is_preview(self):
            if self.gone:
                raise ReferenceError("StructRNA of type RenderEngine has been removed")
            return False

        def tag_redraw(self):
            drawn.append(threading.current_thread())

    engine = Engine()
    redraw = part("operators.engine.viewport").Redraw(engine)
    timer = redraw._timer
    try:
        assert bpy.app.timers.is_registered(timer)
        thread = threading.Thread(target=redraw)
        thread.start()
        thread.join()
        assert drawn == []
        assert timer() > 0 and timer() > 0 and drawn == [threading.main_thread()], "once for one wish"
        engine.gone = True
        redraw()
        assert not redraw.gone()
        assert timer() is None and len(drawn) == 1 and redraw.gone()
        with pytest.raises(ReferenceError):
            redraw()
    finally:
        bpy.app.timers.unregister(timer)


def test_a_closed_viewport_ends_the_thread(portrait):
    found, camera = portraits_and_camera()

    def redraw():
        raise ReferenceError("StructRNA of type RenderEngine has been removed")

    viewport = part("operators.engine.viewport").Viewport(redraw)
    viewport.want(camera, found, None)
    assert viewport.wait(10)
    viewport = part("operators.engine.viewport").Viewport(lambda: pytest.fail("drawn"), gone=lambda: True)
    viewport.want(camera, found, None)
    assert viewport.wait(10) and viewport._picture is None, "it is not finished either"
    assert not [thread for thread in threading.enumerate() if thread.name == "portrait_manifolds_viewport"]


def shown_from(portrait, view, **options):
    """Press Show in Viewport; degrees between the view and the side from which the photo was taken, and the front."""
    area = next(area for area in bpy.context.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(area=area, region=region):
        assert bpy.ops.portrait_manifolds.show(**options) == {"FINISHED"}
    assert area.spaces.active.shading.type == "RENDERED"
    back = np.array(view.view_rotation.to_matrix().col[2])
    to_world = np.array(portrait.matrix_world.to_3x3().normalized())
    x, y, z = part("operators.state.loaded").load(portrait).camera.camera_to_world[:3, 2]
    sides = to_world @ (x, -z, y), to_world @ (0, -1, 0)
    return [math.degrees(math.acos(min(1.0, back @ side))) for side in sides]


def test_show_looks_from_the_photos_side_and_keeps_a_good_view(scene, tmp_path):
    """Blender's oblique view is turned; a view that shows the face is the user's, unless a side is asked for."""
    import dataclasses

    from mathutils import Euler, Quaternion

    from inference.geometry.cameras import orbit_camera
    from inference.portrait import save_portrait
    from tests.portraits import analytic_portrait

    save_portrait(dataclasses.replace(analytic_portrait(), camera=orbit_camera(15, -4)), tmp_path / "turned.manifolds")
    portrait = place(tmp_path / "turned.manifolds")
    portrait.rotation_euler, portrait.location = (0.1, 0.2, 1.2), (1.0, 2.0, 3.0)
    bpy.context.view_layer.update()
    _, view = view3d()
    view.view_perspective, oblique = "PERSP", Quaternion((0.7158, 0.4399, 0.2938, 0.4559))
    view.view_rotation = oblique
    assert shown_from(portrait, view)[0] < 0.1
    assert shown_from(portrait, view, side="front")[1] < 0.1
    users = portrait.rotation_euler.to_quaternion() @ Euler((math.radians(80), 0, math.radians(-5))).to_quaternion()
    view.view_rotation = users
    shown_from(portrait, view)
    assert view.view_rotation.rotation_difference(users).angle < 1e-3
    assert shown_from(portrait, view, side="photo")[0] < 0.1
    view.view_perspective, view.view_rotation = "CAMERA", oblique
    assert shown_from(portrait, view)[0] > 20 and view.view_perspective == "CAMERA"
    assert shown_from(portrait, view, side="photo")[0] < 0.1 and view.view_perspective == "PERSP"
