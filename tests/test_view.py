"""Views against closed forms and against a slow twin."""

import dataclasses

import cv2
import numpy as np
import pytest

from inference.geometry import domes
from inference.geometry.background import BACKGROUND_HALF, BACKGROUND_Z
from inference.geometry.cameras import Camera, orbit_camera
from inference.inversion import sheets
from inference.view.render import render_layers, render_plane, render_view
from inference.view.shells import Place
from tests import reference
from tests.portraits import analytic_portrait, surface_radius

SQUARE = dict(width=96, height=96)


@pytest.fixture(scope="module")
def ball():
    return analytic_portrait("sphere")


@pytest.fixture(scope="module")
def capsule():
    return analytic_portrait("dome")


def ortho(yaw, width=0.4, **size):
    camera = orbit_camera(yaw, **(SQUARE | size))
    return dataclasses.replace(camera, ortho_width=width, cx=camera.width / 2, cy=camera.height / 2)


def off_axis(yaw):
    camera = orbit_camera(yaw, 10.0, width=120, height=80)
    return dataclasses.replace(camera, cx=35.5, cy=61.25, fx=camera.fx * 1.5)


CAMERAS = {
    "frontal": orbit_camera(**SQUARE),
    "left": orbit_camera(-30.0, 5.0, **SQUARE),
    "profile": orbit_camera(75.0, **SQUARE),
    "other profile": orbit_camera(-75.0, -10.0, **SQUARE),
    "above": orbit_camera(20.0, 45.0, **SQUARE),
    "below": orbit_camera(-15.0, -40.0, **SQUARE),
    "close": orbit_camera(10.0, distance=0.35, fov=70.0, **SQUARE),
    "tele": orbit_camera(25.0, 8.0, distance=5.0, fov=2.0, **SQUARE),
    "wide image": orbit_camera(15.0, width=160, height=60),
    "tall image": orbit_camera(-20.0, width=50, height=130),
    "off axis": off_axis(-25.0),
    "ortho": ortho(20.0),
    "ortho, tall pixels": dataclasses.replace(ortho(-40.0, width=120, height=60), ortho_height=0.5),
    "behind": orbit_camera(180.0, **SQUARE),
    "steep": orbit_camera(40.0, 70.0, **SQUARE),
}


@pytest.mark.parametrize("name", CAMERAS)
def test_twin(ball, name):
    """A few hundred pixels, most of them where the subject is, agree with bisection in double precision."""
    camera = CAMERAS[name]
    view = render_view(ball, camera, threads=1)
    random = np.random.default_rng(0)
    rows, columns = random.integers(0, camera.height, 220), random.integers(0, camera.width, 220)
    seen = np.argwhere(view.alpha > 0)
    if len(seen):
        rows[:160], columns[:160] = seen[random.integers(0, len(seen), 160)].T
    origins, directions = camera.rays(columns + 0.5, rows + 0.5)
    t, u, v = reference.entries(ball.radii, origins, directions)
    towards = -directions @ camera.camera_to_world[:3, 2]
    colour, alpha, depth = reference.colours(ball.textures[:23], t, u, v, towards)
    got = np.concatenate([view.color * view.alpha[..., None], view.alpha[..., None]], -1)[rows, columns]
    wanted = np.concatenate([np.nan_to_num(colour * alpha[:, None]), alpha[:, None]], -1)
    error = np.abs(got - wanted).max(-1)
    # rays that graze a silhouette may land on either side of it; from behind little else is left to see
    assert np.mean(error > 0.02) <= (0.1 if name == "behind" else 0.02), np.sort(error)[-12:]
    assert np.median(error) < 2e-3
    solid = (alpha > 0.55) & (error < 0.02)
    if solid.any() and name != "behind":
        depth_error = np.abs(view.depth[rows, columns] - depth)[solid]
        assert np.quantile(depth_error, 0.98) < 5e-4


@pytest.mark.parametrize("yaw", [0, 30, -45])
def test_sheets_that_follow_ears(ball, yaw):
    """Sheets parallel to a surface with ears, 15 mm high and steep, as portraits have them: views still agree with
    bisection, and at the silhouette there are no gaps between single sheets."""
    u, v = domes.texel_centres(160, 160)
    surface = surface_radius("sphere", u, v)
    for middle in (0.16, 0.84):
        surface += 0.015 * np.exp(-(((u - middle) / 0.025) ** 2 + ((v - 0.5) / 0.05) ** 2) ** 2)
    radii = sheets.place_sheets(surface.astype(np.float32), np.ones_like(u, bool))
    textures = np.array(ball.textures)
    textures[:-1, ..., 3] = 255 * (np.arange(23) >= 5)[:, None, None]
    portrait, camera = dataclasses.replace(ball, textures=textures, radii=radii), orbit_camera(yaw, 4.0, **SQUARE)
    view = render_view(portrait, camera)
    columns, rows = (axis.ravel() for axis in np.meshgrid(np.arange(96), np.arange(96)))
    origins, directions = camera.rays(columns + 0.5, rows + 0.5)
    t, u, v = reference.entries(radii, origins, directions)
    colour, alpha, _ = reference.colours(textures[:23], t, u, v, -directions @ camera.camera_to_world[:3, 2])
    error = np.abs(view.alpha[rows, columns] - alpha)
    assert (alpha > 0.5).sum() > 1500 and np.mean(error > 0.02) < 0.01
    solid = (view.alpha > 0.5).astype(np.uint8)
    closed = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    assert (closed != solid).sum() < 30  # a comb would fill, not just a few concave corners


SIZES = [(126, 126), (125, 127), (127, 131), (640, 90), (1000, 81), (1024, 70), (1080, 67), (33, 640)]


@pytest.mark.parametrize("count", [1, 7, 9, 17, 125 * 127, 126 * 126, 127 * 131, 999])
def test_dome_coordinates_at_every_place_of_an_array(count):
    """Libraries treat the ends of arrays apart that do not suit their vectors; every single value must be right."""
    random, place = np.random.default_rng(1), Place(count)
    start, way = random.uniform(-0.2, 0.2, (2, 3, count)).astype(np.float32)
    depth = random.uniform(0.0, 0.5, count).astype(np.float32)
    place.move(start, way, depth)
    points = [origin + depth * direction for origin, direction in zip(start, way, strict=True)]
    points = np.stack(points, -1) * [-1.0, 1.0, -1.0] + [0.0, domes.EQUATOR_Y, domes.AXIS_Z]
    for got, wanted in zip((place.u[0], place.v[0], place.radius[0]), domes.dome_coordinates(points), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1.5e-4)


@pytest.mark.parametrize("yaw, pitch", [(0, 0), (25, 5), (-60, 0), (0, 30)])
def test_capsule(capsule, yaw, pitch):
    """Sheets of constant dome radius are a sphere on a cylinder; depth and colour follow by formula."""
    check_capsule(capsule, orbit_camera(yaw, pitch, width=128, height=128))


@pytest.mark.parametrize("size", SIZES)
def test_no_size_has_wrong_pixels(capsule, size):
    """Dashes and pin-holes of a few pixels would show at sizes that do not suit the vectors of the libraries."""
    square = orbit_camera(8.0, 3.0, fov=5.0, width=max(size), height=max(size))
    check_capsule(capsule, dataclasses.replace(square, width=size[0], height=size[1], cx=size[0] / 2, cy=size[1] / 2))


def check_capsule(capsule, camera):
    view = render_view(capsule, camera)
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    origins, directions = camera.rays(x, y)
    # expected depth of the two sheets that share the surface
    radii = capsule.radii[:, 0, 0].astype(float)
    alphas = capsule.textures[:23, 0, 0, 3] / 255.0
    depth, transmittance = np.zeros(x.shape), np.ones(x.shape)
    whole = np.ones(x.shape, bool)
    for radius, alpha in zip(radii, alphas, strict=True):
        t = capsule_entry(origins, directions, radius)
        u, v, _ = domes.dome_coordinates(origins + np.nan_to_num(t)[..., None] * directions)
        whole &= np.isfinite(t) & (np.abs(u - 0.5) < 0.49) & (np.abs(v - 0.5) < 0.49)
        depth += transmittance * alpha * np.nan_to_num(t) * -(directions @ camera.camera_to_world[:3, 2])
        transmittance *= 1.0 - alpha
    assert whole.mean() > 0.1
    assert np.abs(view.depth - depth)[whole].max() < 3e-4
    assert view.alpha[whole].min() > 0.999


def capsule_entry(origins, directions, radius):
    """Depth of the first entry into a cylinder (below) and sphere (above) of one radius, nan if there is none."""
    origin = origins - [0.0, domes.EQUATOR_Y, domes.AXIS_Z]
    best = np.full(origin.shape[:-1], np.nan)
    for flat in (np.array([1.0, 0.0, 1.0]), np.ones(3)):
        a = (directions**2 * flat).sum(-1)
        b = (origin * directions * flat).sum(-1)
        c = (origin**2 * flat).sum(-1) - radius**2
        with np.errstate(invalid="ignore"):
            t = (-b - np.sqrt(b * b - a * c)) / a
        above = origin[..., 1] + t * directions[..., 1] > 0.0
        valid = (t > 0) & (above if flat.all() else ~above)
        best = np.where(valid & ~(best <= t), t, best)
    return best


def test_plane_behind(ball):
    """The background plane alone: colour is the texture's ramp at the plane's closed-form intersection."""
    empty = analytic_portrait("empty")
    camera = orbit_camera(12.0, -7.0, width=64, height=48)
    view = render_view(empty, camera, "source")
    x, y = np.meshgrid(np.arange(64) + 0.5, np.arange(48) + 0.5)
    origins, directions = camera.rays(x, y)
    t = (BACKGROUND_Z - origins[..., 2]) / directions[..., 2]
    points = origins + t[..., None] * directions
    u, v = (points[..., 0] / BACKGROUND_HALF + 1) / 2, (1 - points[..., 1] / BACKGROUND_HALF) / 2
    inside = (np.abs(u - 0.5) < 0.49) & (np.abs(v - 0.5) < 0.49)
    assert inside.mean() > 0.5
    np.testing.assert_allclose(view.color[..., 0][inside], (0.3 + 0.3 * u)[inside], atol=4e-3)
    np.testing.assert_allclose(view.color[..., 1][inside], (0.4 + 0.3 * v)[inside], atol=4e-3)
    expected = t * -(directions @ camera.camera_to_world[:3, 2])
    np.testing.assert_allclose(view.depth[inside], expected[inside], atol=1e-4)
    assert not render_view(empty, camera).alpha.any()


@pytest.mark.parametrize("size", [(96, 96), (192, 108)])
def test_the_background_covers_the_frame(size):
    """From every side to 35 degrees, without strips: beyond the photo it goes on, ever softer."""
    texture = np.random.default_rng(3).integers(0, 256, (64, 64, 4), np.uint8)
    texture[..., 3] = 255
    frames = {}
    for yaw in (-35, 0, 35):
        for pitch in (-35, 0, 35):
            camera = orbit_camera(yaw, pitch, width=size[0], height=size[1])
            frames[yaw, pitch] = *plane, alpha, _ = render_plane(texture, camera)
            assert alpha.min() > 0.999, (yaw, pitch)
            assert np.min(plane) >= 0.0 and np.max(plane) <= 1.001
    wide = orbit_camera(0, 0, fov=40.0, width=512, height=512)
    plane = render_plane(texture, wide)[0]
    half = 256 * np.tan(np.radians(6)) / np.tan(np.radians(20)) * 1.6 / 1.76 * BACKGROUND_HALF / 0.1682
    x, y = np.abs(np.mgrid[:512, :512] + 0.5 - 256) / half
    away = np.maximum(x, y)
    contrast = [plane[(away > low) & (away < high)].std() for low, high in ((0, 0.9), (1.1, 1.4), (1.5, 2.0))]
    assert contrast[0] > 2 * contrast[1] > 4 * contrast[2]
    seam = [plane[(away > 0.97) & (away < 1.0)].mean(), plane[(away > 1.0) & (away < 1.03)].mean()]
    assert abs(seam[0] - seam[1]) < 0.05


def test_the_plane_stays_behind_the_subject(ball):
    camera = CAMERAS["left"]
    clear, whole = render_view(ball, camera), render_view(ball, camera, "source")
    *plane, plane_alpha, _ = render_plane(ball.textures[-1], camera)
    through = 1.0 - clear.alpha
    np.testing.assert_allclose(whole.alpha, clear.alpha + through * plane_alpha, atol=1e-5)
    wanted = clear.color * clear.alpha[..., None] + through[..., None] * np.stack(plane, -1)
    np.testing.assert_allclose(whole.color * whole.alpha[..., None], wanted, atol=1e-5)
    assert (clear.alpha > 0.99).sum() > 500 and (plane_alpha > 0.99).sum() > 500


def test_backgrounds(ball):
    camera = CAMERAS["left"]
    clear, filled = render_view(ball, camera), render_view(ball, camera, (0.25, 0.5, 1.0))
    assert (filled.alpha == 1.0).all()
    alpha = clear.alpha[..., None]
    np.testing.assert_allclose(filled.color, clear.color * alpha + (1 - alpha) * [0.25, 0.5, 1.0], atol=1e-5)
    np.testing.assert_array_equal(np.isfinite(clear.depth), clear.alpha >= 0.5)
    np.testing.assert_array_equal(filled.depth, clear.depth)
    with pytest.raises(ValueError, match="background"):
        render_view(ball, camera, "green")


def test_nothing_in_view(ball):
    away = orbit_camera(0.0, width=32, height=32)
    matrix = away.camera_to_world.copy()
    matrix[:3, :3] = matrix[:3, :3] @ np.diag([-1.0, 1.0, -1.0])
    view = render_view(ball, dataclasses.replace(away, camera_to_world=matrix), (1.0, 0.0, 0.0))
    assert (view.color == [1.0, 0.0, 0.0]).all() and np.isinf(view.depth).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (2, 500), (1000, 3)])
def test_odd_sizes(ball, size):
    view = render_view(ball, orbit_camera().resized(*size))
    assert view.color.shape == (size[1], size[0], 3)
    assert np.isfinite(view.color).all() and np.isfinite(view.alpha).all()


def test_camera_inside_the_head(ball):
    """Nothing in front of the camera is entered any more from within, and nothing becomes nan."""
    view = render_view(ball, orbit_camera(0.0, distance=0.02, fov=90.0, **SQUARE))
    assert np.isfinite(view.color).all() and view.alpha.max() <= 1.0


def test_resized_camera_sees_the_same():
    camera = Camera(100, 80, 90.0, 95.0, 40.0, 45.0, np.eye(4))
    point = np.array([[0.1, -0.05, -1.0]])
    pixel = camera.project(point)[0]
    double = camera.resized(200, 160).project(point)[0]
    np.testing.assert_allclose(double, 2 * pixel)
    wide = camera.resized(300, 160).project(point)[0]
    np.testing.assert_allclose(wide - double, [[50.0, 0.0]])


def test_layers_add_up(ball):
    """Alpha is one minus the product of transmittances: between 0 and 1, and 1 inside the head."""
    from inference.view.render import intersections

    frame = render_layers(ball.textures, intersections(ball.radii, CAMERAS["frontal"]))
    assert frame[3].min() >= 0.0 and frame[3].max() <= 1.0 + 1e-5
    assert frame[3, 48, 48] > 0.999


@pytest.mark.parametrize("with_plane", (False, True))
def test_pixels_where_they_are_wanted(ball, with_plane):
    from inference.view.render import intersections

    sheets = intersections(ball.radii, orbit_camera(35.0, 6.0, width=150, height=130))
    detail = np.random.default_rng(3).integers(90, 160, (64, 64, 3)).astype(np.uint8)
    whole = render_layers(ball.textures, sheets, 1, with_plane, detail)
    where = np.random.default_rng(2).random((130, 150)) < 0.1
    where[:, :40] = False
    found = render_layers(ball.textures, sheets, 1, with_plane, detail, where=where)
    np.testing.assert_allclose(found[:, where], whole[:, where], atol=1e-4)
    assert not found[:, ~where].any() and found[3, where].mean() > 0.3
