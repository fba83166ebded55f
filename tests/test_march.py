"""Rays marched through all sheets: a pixel is a function of its ray, however the picture is cut."""

import dataclasses
import functools

import numpy as np
import pytest

from inference.geometry import domes
from inference.geometry.cameras import orbit_camera
from inference.view import shells
from inference.view.render import render_view
from tests import reference
from tests.portraits import analytic_portrait

SIDE = 96
SQUARE = dict(width=SIDE, height=SIDE)


@functools.cache
def portrait(kind):
    """The analytic subject on sheets that need two, three or all of them to tell a level."""
    ball = analytic_portrait()
    outer, inner = ball.radii[0], ball.radii[-1]
    share = np.linspace(0.0, 1.0, 23, dtype=np.float32)
    if kind == "three bounds":  # every second sheet in the outer quarter
        share = np.where(share < share[6], 0.6 * share, 0.6 * share[6] + (share - share[6]) * 0.8363636 / 0.7272727)
    radii = outer + (inner - outer) * share[:, None, None].astype(np.float32)
    if kind == "free":
        u = np.linspace(0.0, 1.0, outer.shape[1])
        bend = np.sin(np.pi * share)[:, None, None] * 0.004 * np.sin(9 * u)
        radii = (radii + bend).astype(np.float32)
    return dataclasses.replace(ball, radii=radii)


def orthographic(yaw, width):
    return dataclasses.replace(orbit_camera(yaw, **SQUARE), ortho_width=width)


CAMERAS = {
    "profile": orbit_camera(90.0, 3.0, **SQUARE),
    "other profile": orbit_camera(-90.0, **SQUARE),
    "past the nose": orbit_camera(62.0, -4.0, **SQUARE),
    "from below": orbit_camera(12.0, -55.0, **SQUARE),
    "orthographic": orthographic(33.0, 0.35),
    "very near": orbit_camera(20.0, distance=0.2, fov=75.0, **SQUARE),
    "very far": orbit_camera(-25.0, distance=120.0, fov=0.16, **SQUARE),
    "wide lens": orbit_camera(-15.0, 10.0, distance=0.27, fov=110.0, **SQUARE),
    "behind": orbit_camera(165.0, **SQUARE),
}


@pytest.mark.parametrize("name", CAMERAS)
@pytest.mark.parametrize("kind", ["even", "three bounds", "free"])
def test_twin(kind, name):
    """Where the picture has edges and where it has none, rays agree with bisection in double precision."""
    subject, camera = portrait(kind), CAMERAS[name]
    view = render_view(subject, camera)
    random = np.random.default_rng(5)
    step = np.abs(np.diff(view.alpha, axis=0, append=0.0)) + np.abs(np.diff(view.alpha, axis=1, append=0.0))
    seen, edges = np.argwhere(view.alpha > 0.0), np.argwhere(step > 0.1)
    assert len(seen) > 400
    rows, columns = np.concatenate([random.permutation(seen)[:150], random.permutation(edges)[:100]]).T
    origins, directions = camera.rays(columns + 0.5, rows + 0.5)
    t, u, v = reference.entries(subject.radii, origins, directions)
    towards = -directions @ camera.camera_to_world[:3, 2]
    colour, alpha, _ = reference.colours(subject.textures[:23], t, u, v, towards)
    error = np.abs(
        view.color[rows, columns] * view.alpha[rows, columns][:, None] - np.nan_to_num(colour * alpha[:, None])
    )
    error = np.maximum(error.max(-1), np.abs(view.alpha[rows, columns] - alpha))
    # rays that graze may land on either side; from behind the sheets end where their textures do
    assert np.mean(error[:150] > 0.02) <= (0.1 if name == "behind" else 0.02), np.sort(error[:150])[-8:]
    assert np.mean(error[150:] > 0.02) <= (0.3 if name == "behind" else 0.06), np.sort(error[150:])[-12:]
    assert np.median(error) < 2e-3


def test_grazing_rays_meet_what_they_cross():
    """All around the silhouette of every sheet of a capsule: whether a ray enters it follows by formula."""
    capsule = analytic_portrait("dome")
    textures = np.array(capsule.textures)
    textures[..., 3] = 40
    camera = orbit_camera(20.0, 10.0, fov=14.0, width=160, height=160)
    view = render_view(dataclasses.replace(capsule, textures=textures), camera)
    x, y = np.meshgrid(np.arange(160) + 0.5, np.arange(160) + 0.5)
    origins, directions = camera.rays(x, y)
    origins = origins - [0.0, domes.EQUATOR_Y, domes.AXIS_Z]
    entered, inside = np.zeros(x.shape, int), np.ones(x.shape, bool)
    for radius in capsule.radii[:, 0, 0].astype(float):
        best = np.full(x.shape, np.inf)
        for flat in (np.array([1.0, 0.0, 1.0]), np.ones(3)):
            a, b = (directions**2 * flat).sum(-1), (origins * directions * flat).sum(-1)
            with np.errstate(invalid="ignore"):
                t = (-b - np.sqrt(b * b - a * ((origins**2 * flat).sum(-1) - radius**2))) / a
            part = (origins[..., 1] + t * directions[..., 1] > 0.0) == flat.all()
            best = np.where(part & (t < best), t, best)
        points = origins + np.where(np.isfinite(best), best, 0.0)[..., None] * directions
        u, v, _ = domes.dome_coordinates(points + [0.0, domes.EQUATOR_Y, domes.AXIS_Z])
        inside &= ~np.isfinite(best) | ((np.abs(u - 0.5) < 0.49) & (np.abs(v - 0.5) < 0.49))
        entered += np.isfinite(best)
    wanted = 1.0 - (1.0 - 40 / 255) ** entered
    some = inside & (entered > 0) & (entered < 23)
    assert some.sum() > 1500
    assert np.mean(np.abs(view.alpha - wanted)[some] > 1e-3) < 0.005
    assert np.abs(view.alpha - wanted)[inside].max() < 0.14, "one sheet at most"


PARTS = [(0, 0, 149, 37), (13, 77, 101, 63), (83, 41, 61, 60), (20, 19, 129, 131), (57, 0, 1, 151), (3, 3, 131, 127)]


def cut(camera, x, y, width, height):
    """The camera of a part of an image."""
    part = dataclasses.replace(camera, width=width, height=height, cx=camera.cx - x, cy=camera.cy - y)
    if camera.ortho_width is None:
        return part
    pixel = camera.ortho_width / camera.width
    return dataclasses.replace(part, ortho_width=width * pixel, ortho_height=height * pixel)


def planes(view):
    """(H, W, 5): premultiplied colour, alpha, and depth where there is one."""
    depth = np.where(np.isfinite(view.depth), view.depth, 0.0)
    return np.concatenate([view.color * view.alpha[..., None], view.alpha[..., None], depth[..., None]], -1)


@pytest.mark.parametrize("name", ["profile", "from below", "orthographic", "wide lens", "very near", "behind"])
def test_a_picture_does_not_depend_on_how_it_is_cut(name):
    """Borders, crops, bands and single columns at odd places show the pixels of the whole picture."""
    camera = dataclasses.replace(CAMERAS[name], width=149, height=151, cx=77.0, cy=70.5)
    if camera.ortho_width is not None:
        camera = dataclasses.replace(camera, ortho_width=0.5)
    whole = planes(render_view(portrait("even"), camera))
    assert (whole[..., 3] > 0.0).sum() > 400
    for x, y, width, height in PARTS:
        part = planes(render_view(portrait("even"), cut(camera, x, y, width, height)))
        assert np.abs(part - whole[y : y + height, x : x + width]).max() <= 1 / 255, (x, y)


@pytest.mark.parametrize("size", [(126, 126), (333, 201), (512, 130)])
def test_threads_and_tiles_change_nothing(size, monkeypatch):
    from inference.view import rays

    camera = orbit_camera(33.0, 12.0, width=size[0], height=size[1])
    one = planes(render_view(portrait("even"), camera, threads=1))
    assert np.array_equal(one, planes(render_view(portrait("even"), camera, threads=4)))
    monkeypatch.setattr(rays, "TILE", 61)
    assert np.abs(planes(render_view(portrait("even"), camera)) - one).max() <= 1 / 255


def test_textures_too_large_for_one_image(monkeypatch):
    """OpenCV looks up so many rows at once; sheets beyond them come from another image."""
    from inference.view import render

    camera = orbit_camera(-20.0, **SQUARE)
    one = planes(render_view(portrait("even"), camera))
    monkeypatch.setattr(render, "ROWS_AT_ONCE", 7 * 320 + 5)
    assert np.abs(planes(render_view(portrait("even"), camera)) - one).max() <= 1 / 255


def test_bounds():
    """As few sheets as tell where all lie; a level is the place among them."""
    for kind, wanted in (("even", [0, 22]), ("three bounds", [0, 6, 22]), ("free", list(range(23)))):
        radii = portrait(kind).radii
        assert shells.bounds(radii) == wanted
        random, place = np.random.default_rng(2), shells.Place(400)
        u, v, level = *random.uniform(0.05, 0.95, (2, 400)), random.uniform(-2.0, 24.0, 400)
        stack = np.stack([reference.sample_grid(sheet, u, v) for sheet in radii.astype(float)])
        first = np.clip(level.astype(int), 0, 21)
        ray = np.arange(400)
        radius = stack[first, ray] + (level - first) * (stack[first + 1, ray] - stack[first, ray])
        points = (domes.dome_points(u, v, radius) - [0.0, domes.EQUATOR_Y, domes.AXIS_Z]) * [-1.0, 1.0, -1.0]
        place.move(np.zeros((3, 400), np.float32), points.T.astype(np.float32), np.ones(400, np.float32))
        found = shells.Shells(radii).level(place, np.empty((1, 400), np.float32))[0]
        # cartToPolar's angles are right to 2e-4
        np.testing.assert_allclose(found, level, atol=0.05)


def test_one_sheet():
    """A single sheet is its own outermost and innermost."""
    ball = portrait("even")
    alone = dataclasses.replace(ball, radii=ball.radii[12:13], textures=ball.textures[[12, 23]])
    view = render_view(alone, orbit_camera(**SQUARE))
    assert view.alpha[SIDE // 2, SIDE // 2] > 0.9 and view.alpha[0, 0] == 0.0
