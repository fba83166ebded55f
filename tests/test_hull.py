"""The sheets of one subject against closed forms: a ball, a disc-shaped matte, cameras that look straight at it."""

import dataclasses
import math

import cv2
import numpy as np
import pytest

from inference.geometry import cameras, domes, filling
from inference.geometry.grids import at_texels
from inference.inversion import hull, sheets, visibility
from inference.inversion.columns import SOFTNESS, Columns

CENTRE = np.array([0.0, domes.EQUATOR_Y, domes.AXIS_Z])


def ball(size, radius=0.09):
    """Dome radius (size, size) of a ball around the equator's middle, 0 where a column misses it."""
    origin, direction = domes.column_rays(size, size)
    offset = origin - CENTRE
    along = (offset * direction).sum(-1)
    inside = along**2 - (offset**2).sum(-1) + radius**2
    return np.where(inside > 0, -along + np.sqrt(np.maximum(inside, 0)), 0).astype(np.float32)


def test_levels_and_radii_are_inverse():
    bounds = np.array([0.2, 0.15, 0.05])[:, None]
    level = np.linspace(-2, 24, 53)
    radius = sheets.level_to_radius(bounds, level)
    np.testing.assert_allclose(sheets.radius_to_level(bounds, radius), level, atol=1e-9)
    np.testing.assert_allclose(sheets.level_to_radius(bounds, np.array([0.0, sheets.KNEE, 22.0])), bounds[:, 0])
    assert (np.diff(radius) < 0).all()


def test_sheets_hug_the_surface():
    radius = ball(160)
    known = radius > 0.03
    radii = sheets.place_sheets(radius, known)
    assert radii.shape == (23, 161, 161) and radii.dtype == np.float32
    steps = -np.diff(radii, axis=0)
    assert (steps > 0).all() and np.allclose(steps, steps.mean(0))
    outer, inner = (at_texels(radii[k], 160, 160) for k in (0, -1))
    middle = known & (np.hypot(*np.meshgrid(np.linspace(-1, 1, 160), np.linspace(-1, 1, 160))) < 0.6)
    assert (outer > radius)[middle].all() and (inner < radius)[middle].all()
    assert np.median((outer - radius)[middle]) == pytest.approx(sheets.ROOM_OUTSIDE, abs=2e-4)
    assert np.median((radius - inner)[middle]) == pytest.approx(sheets.ROOM_INSIDE, abs=2e-4)


def test_carving_moves_columns_to_the_visual_hull():
    """A matte that is a disc: carved points lie inside it, points inside it stay, and what moved lies on its rim."""
    camera = cameras.orbit_camera(yaw=10.0)
    y, x = np.mgrid[0:256, 0:256] + 0.5
    distance = np.hypot(x - 128, y - 120)
    matte = np.clip(60.5 - distance, 0, 1).astype(np.float32)
    radius = ball(160, 0.14)
    carved, kept = hull.carve(radius, matte, camera)
    origin, direction = domes.column_rays(160, 160)

    def rim(value):
        pixel, _ = camera.project(origin + direction * value[..., None])
        return np.hypot(pixel[..., 0] - 128, pixel[..., 1] - 120)

    before, after = rim(radius), rim(carved)
    stayed = before < 59
    assert (kept & stayed).sum() > 1000 and np.array_equal(carved[stayed], radius[stayed])
    moved = kept & (before > 62)
    assert moved.sum() > 1000 and np.abs(after[moved] - 60).max() < 1.6
    assert (carved <= radius + 1e-6).all() and not kept[before > 62][after[before > 62] > 62].any()


def test_a_subject_that_is_nowhere_leaves_no_column():
    _, kept = hull.carve(ball(40, 0.14), np.zeros((256, 256), np.float32), cameras.orbit_camera())
    assert not kept.any()


def test_columns_that_the_networks_leave_empty_have_no_surface():
    radii = np.linspace(0.2, 0.1, 23, dtype=np.float32)[:, None, None] * np.ones((9, 9), np.float32)
    occupancy = np.where(np.arange(40) < 20, -1.0, 1.0)[None].repeat(40, 0)
    level, camera = np.full((40, 40), 11.0, np.float32), cameras.orbit_camera(yaw=20.0)
    matte = photographed(np.full((40, 40), np.float32(0.15)), occupancy > 0, camera)
    _, valid = hull.fit_surface(sheets.surface_radius(radii, level), hull.occupied(occupancy), matte, camera)
    assert not (valid & (occupancy < 0)).any()
    assert (valid & (occupancy > 0)).sum() > 500


def photographed(radius, known, camera):
    """The matte (256, 256) in [0, 1] of known columns."""
    seen = (visibility.visible_depth(radius, known, camera, 256, np.inf) < np.inf).astype(np.float32)
    return cv2.morphologyEx(seen, cv2.MORPH_CLOSE, np.ones((9, 9)))


@pytest.fixture
def neck():
    """A wall without columns in a gap at its side, turned so that the gap's columns stand alone in their pixels."""
    radius, known = np.full((160, 160), np.float32(0.1)), np.ones((160, 160), bool)
    known[100:130, 140:] = False
    camera = cameras.orbit_camera(yaw=25.0)
    return radius, known, camera


def test_a_gap_that_the_photo_shows_is_filled(neck):
    radius, known, camera = neck
    matte = photographed(radius, np.ones_like(known), camera)
    np.testing.assert_array_equal(hull.shown(radius, known, matte, camera), ~known)


def test_a_fitted_surface_has_what_the_photo_shows_in_a_gap(neck):
    _, known, camera = neck
    radius = np.full((160, 160), np.float32(0.15))
    matte = photographed(radius, np.ones_like(known), camera)
    _, valid = hull.fit_surface(radius, known, matte, camera)
    assert valid[105:125, 145:155].all()


def test_a_gap_where_the_photo_shows_the_backdrop_stays_one(neck):
    radius, known, camera = neck
    assert not hull.shown(radius, known, photographed(radius, known, camera), camera).any()


def test_stray_pixels_of_a_matte_fill_no_gap(neck):
    radius, known, camera = neck
    matte = photographed(radius, known, camera)
    rows, columns = np.nonzero(photographed(radius, np.ones_like(known), camera) > matte)
    row, column = int(np.median(rows)), int(np.median(columns))
    matte[row - 1 : row + 2, column - 1 : column + 2] = 1.0
    assert not hull.shown(radius, known, matte, camera).any()


def test_a_fitted_surface_is_smooth():
    """Ripples of a millimetre from column to column, which no photo can know, go."""
    ripples = 0.001 * np.where(np.indices((160, 160)).sum(0) % 2, 1.0, -1.0).astype(np.float32)
    matte, camera = np.zeros((256, 256), np.float32), cameras.orbit_camera()
    matte[60:190, 70:186] = 1.0
    fitted, _ = hull.fit_to_hull(np.float32(0.12) + ripples, matte, camera)
    x, y = camera.project(domes.column_points(np.full((160, 160), np.float32(0.12))))[0].transpose(2, 0, 1)
    inside = (x > 90) & (x < 166) & (y > 80) & (y < 170)
    assert inside.sum() > 1000 and np.abs(fitted - 0.12)[inside].max() < 1e-4


def test_visible_depth_is_that_of_a_ball():
    radius = ball(160)
    camera = cameras.orbit_camera()
    depth = visibility.visible_depth(radius, radius > 0, camera, 64, 9.0)
    step = camera.width / 64
    x, y = np.meshgrid((np.arange(64) + 0.5) * step, (np.arange(64) + 0.5) * step)
    origins, directions = camera.rays(x, y)
    offset = origins - CENTRE
    along = (offset * directions).sum(-1)
    inside = along**2 - (offset**2).sum(-1) + 0.09**2
    truth = (-along - np.sqrt(np.maximum(inside, 0))) * (directions @ -camera.camera_to_world[:3, 2])
    middle = inside > 0.3 * 0.09**2
    assert middle.sum() > 100 and np.abs(depth - truth)[middle].max() < 0.004
    assert (depth[inside < -0.004] == 9.0).all()


@pytest.mark.parametrize("yaw", (0.0, 70.0))
def test_what_is_covered_is_where_there_is_depth(yaw):
    radius = np.random.default_rng(6).uniform(0.05, 0.12, (60, 60)).astype(np.float32)
    camera = dataclasses.replace(cameras.orbit_camera(yaw), cx=90.0)  # some of it lies outside of the picture
    depth = visibility.visible_depth(radius, np.ones(radius.shape, bool), camera, 128, np.inf)
    found = visibility.covered(radius, np.ones(radius.shape, bool), camera, 128)
    assert 200 < found.sum() < 3600
    np.testing.assert_array_equal(found, depth < np.inf)


@pytest.mark.parametrize("ortho", (None, 0.4))
def test_the_projection_matrix_projects(ortho):
    camera = dataclasses.replace(cameras.orbit_camera(25.0, -8.0, width=300, height=200), cx=140.0, ortho_width=ortho)
    points = np.random.default_rng(7).uniform(-0.1, 0.1, (50, 3))
    x, y, scale = camera.projection() @ np.column_stack([points, np.ones(50)]).T
    np.testing.assert_allclose(np.stack([x / scale, y / scale], -1), camera.project(points)[0], atol=1e-9)


def test_facing_is_the_cosine_to_the_camera():
    radius, camera = ball(160), cameras.orbit_camera()
    origin, direction = domes.column_rays(160, 160)
    points = origin + direction * radius[..., None]
    normal, towards = points - CENTRE, camera.position - points
    truth = (normal * towards).sum(-1) / np.linalg.norm(normal, axis=-1) / np.linalg.norm(towards, axis=-1)
    whole = np.zeros((160, 160), bool)
    whole[20:140, 10:-10] = True
    whole &= (radius > 0.04) & (np.abs(points[..., 1] - domes.EQUATOR_Y) > 0.01)  # the domes' own kink
    gap = np.abs(visibility.facing_camera(radius, dataclasses.replace(camera)) - truth)[whole]
    assert whole.sum() > 2000 and np.quantile(gap, 0.95) < 0.06


def test_behind_is_the_depth_beyond_what_is_seen():
    """A ball is seen where it faces the camera; a wall four centimetres in front of it hides it by as much."""
    radius, camera = ball(160), cameras.orbit_camera()
    depth = visibility.visible_depth(radius, radius > 0, camera, 64, 9.0)
    facing = visibility.facing_camera(radius, camera)
    front = (radius > 0.04) & (facing > 0.6)
    assert front.sum() > 2000
    seen = visibility.occluded_by(radius, depth, camera)
    assert np.abs(seen[front]).max() < 0.5
    hidden = visibility.occluded_by(radius, depth - np.float32(0.04), camera)
    np.testing.assert_allclose((hidden - seen)[front], 4.0, atol=0.05)


def test_trust_rises_from_grazing_to_facing():
    assert (visibility.grazing_weight(np.array([-1.0, visibility.GRAZING[0]])) == 0).all()
    assert (visibility.grazing_weight(np.array([visibility.GRAZING[1], 1.0])) == 1).all()
    assert (np.diff(visibility.grazing_weight(np.linspace(*visibility.GRAZING, 20))) > 0).all()


def test_growing_brings_the_rim_to_the_silhouette():
    """A ball whose photo shows a disc that is a centimetre larger: the rim grows towards it, the front stays."""
    camera = cameras.orbit_camera()
    radius = ball(160, 0.08)
    surface = filling.continued(radius, radius > 0.03)
    origin, direction = domes.column_rays(160, 160)
    edge = camera.fx * 0.088 / np.linalg.norm(camera.position - CENTRE)
    centre = camera.project(CENTRE)[0]
    y, x = np.mgrid[0:256, 0:256] + 0.5
    matte = np.clip(edge + 0.5 - np.hypot(x - centre[0], y - centre[1]), 0, 1).astype(np.float32)
    fitted, kept = hull.fit_to_hull(surface, matte, camera)

    def reach(value):
        pixel, _ = camera.project((origin + direction * value[..., None])[radius > 0.03])
        return np.quantile(np.hypot(*(pixel - centre).T), 0.995)

    assert kept[radius > 0.03].all()
    assert reach(fitted) - reach(surface) > 0.5 * (edge - reach(surface)) > 1.0
    assert reach(fitted) < edge + 1.0
    front = (radius > 0.04) & (visibility.facing_camera(surface, camera) > 0.7)
    assert np.abs(fitted - surface)[front].max() < 0.001


def ball_in_view():
    """A camera, a ball's radius and that continued; pixels right of and below its middle (256, 256), and by metre."""
    camera = cameras.orbit_camera()
    radius = ball(160, 0.08)
    y, x = np.mgrid[0:256, 0:256] + 0.5
    across, down = camera.project(CENTRE)[0]
    to_pixels = camera.fx / np.linalg.norm(camera.position - CENTRE)
    return camera, radius, filling.continued(radius, radius > 0.03), x - across, y - down, to_pixels


def test_no_subject_beside_a_border_that_shows_none():
    """A ball that networks find twice as wide, down to where there is no photo: it ends where the photo says."""
    camera, radius, surface, x, y, to_pixels = ball_in_view()
    edge = 0.08 * to_pixels
    matte = np.clip(edge + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    beyond = np.abs(x) > edge + 6
    fitted, kept = hull.fit_to_hull(2.0 * surface, matte, camera, beyond)
    (across, down), middle = camera.project(domes.column_points(fitted))[0][kept].T, camera.project(CENTRE)[0]
    within = np.abs(down - middle[1]) < edge
    assert within.any() and np.hypot(across - middle[0], down - middle[1])[within].max() < edge + 6.0


def test_a_cut_subject_goes_on_beyond_the_border():
    """It may widen by 45 degrees there, and no more: against the same rule, pixel by pixel."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:64, 0:64]
    beyond = (x > 50) | (y < 6)
    matte = np.float32((np.abs(x - 30) < 12) | (np.abs(y - 40) < 5)) * np.float32(rng.uniform(0.5, 1.0, (64, 64)))
    found = hull.goes_on(matte, beyond)
    border = ((x > 48) | (y < 8)) & ~beyond
    cut, photo = np.argwhere((matte >= hull.INSIDE) & border), np.argwhere(~beyond)
    for place in np.argwhere(beyond):
        to_cut, to_photo = (np.hypot(*(there - place).T).min() for there in (cut, photo))
        reach = to_cut - math.sqrt(2.0) * to_photo
        if abs(reach - 1.0) > 1.0:  # distances of pixels are known to about one of them
            assert found[tuple(place)] == (reach < 1.0)
    assert found[40, 63] and found[0, 30] and not found[60, 52] and not found[20, 62]


def test_a_ray_raises_the_surface_by_a_share_of_its_gap():
    """A tuft stands out two centimetres from a ball that has none: what lies before it does not become the tuft."""
    camera, radius, surface, x, y, to_pixels = ball_in_view()
    head = 0.08 * to_pixels - np.hypot(x, y)
    tuft = 0.012 * to_pixels - np.hypot(x - 0.04 * to_pixels, y + 0.08 * to_pixels)
    matte = np.clip(np.maximum(head, tuft) + 0.5, 0, 1).astype(np.float32)
    assert 0.002 < (hull.grow(surface, matte, camera) - surface).max() < 0.5 * 0.02


def test_what_is_missing_of_one_part_raises_no_other():
    """A ball that is clothes below and a head above, whose photo shows wider clothes: they grow, the head stays."""
    camera, radius, surface, x, y, to_pixels = ball_in_view()
    collar = y > 0.03 * to_pixels
    edge = np.where(collar, 0.095, 0.08) * to_pixels
    matte = np.clip(edge + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    height = (domes.column_points(surface) - CENTRE)[..., 1]
    below = height < -0.03
    parts = [np.stack([~cloth, cloth]).astype(np.float32) for cloth in (below, collar)]
    lift, lift_at_random = (
        hull.fit_to_hull(surface, matte, camera, None, kinds)[0] - surface for kinds in (parts, None)
    )
    side = (radius > 0.03) & (np.abs(np.linspace(-1, 1, 160)) > 0.4)
    head, clothes = side & (height > -0.024) & (height < 0.0), side & (height < -0.04)
    assert lift[clothes].max() > 0.006
    assert np.abs(lift[head]).max() < 0.001 < 0.0015 < lift_at_random[head].max()
    smoothed = hull.fit_to_hull(surface, matte, camera, None, parts, reach=0.0)[0]
    assert (smoothed - surface)[clothes].max() < 0.002  # no ray passes by so near
    for reach, most in (((0.04, 0.0), 0.002), ((0.0, 0.04), lift[clothes].max())):
        each = hull.fit_to_hull(surface, matte, camera, None, parts, reach=reach)[0] - surface
        assert each[clothes].max() == pytest.approx(most, abs=0.002) and np.abs(each[head]).max() < 0.001


def test_closest_approach_to_a_ball():
    """Rays at several distances from a ball's middle pass it by their distance less its radius."""
    camera, radius = cameras.orbit_camera(yaw=-50.0), filling.continued(ball(160), ball(160) > 0.03)
    aside = np.array([0.095, 0.10, 0.11])  # metres to the camera's right of the ball's middle
    targets = CENTRE + aside[:, None] * camera.camera_to_world[:3, 0]
    directions = targets - camera.position
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    origins = np.broadcast_to(camera.position, (3, 3))
    away = np.linalg.norm(np.cross(CENTRE - origins, directions), axis=1)
    gap, u, v = hull.closest_approach(radius, origins, directions, np.zeros_like(radius))
    np.testing.assert_allclose(gap, away - 0.09, atol=3e-4)
    assert (np.abs(u - 0.8) < 0.05).all() and np.abs(v - (1 - domes.EQUATOR_V)).max() < 0.02  # 40 degrees to the side
    missed = hull.closest_approach(radius, origins[:1], np.array([[0.0, 1.0, 0.0]]), np.zeros_like(radius))
    assert missed[0][0] > hull.HILLS[-1]  # no hill is that high


def test_softness_is_that_of_the_parts():
    parts = np.array([[1.0, 0.0, 0.0, 0.5], [0.0, 1.0, 0.0, 0.5], [0.0, 0.0, 1.0, 0.0]], np.float32)[:, None]
    skin, hair, cloth = SOFTNESS
    plane = np.zeros((1, 4), np.float32)
    columns = Columns(plane, plane > 0, plane, plane, np.zeros((3, 1, 4), np.float32), parts)
    np.testing.assert_allclose(columns.softness, [[skin, hair, cloth, (skin + hair) / 2]], rtol=1e-6)


@pytest.mark.parametrize("softness", [0.0002, 0.0025, 0.004])
def test_rays_end_at_the_surface_on_average(softness):
    """Soft sheets end some rays in front of the surface and some behind it; composited, they show it where it is, and
    a ray that turns back at the surface's own height is half ended."""
    radius, count = np.float32(0.1) + np.linspace(0.0, 6e-4, 40, dtype=np.float32), 23
    outer, inner = np.float32(0.1 + sheets.ROOM_OUTSIDE), np.float32(0.1 - sheets.ROOM_INSIDE)
    level, width = sheets.in_levels(radius, softness, outer, inner, count)
    through, found, grazing = np.ones(40), np.zeros(40), np.ones(40)
    places = np.linspace(outer, inner, count)
    for opacity, place in zip(sheets.sheet_opacities(level, width, count), places, strict=True):
        found += through * opacity * place
        through *= 1.0 - opacity
        grazing = np.where(place > radius, through, grazing)
    assert through.max() == 0.0
    step = places[0] - places[1]
    np.testing.assert_allclose(found, radius, atol=0.5 * step if softness < step else 0.02 * step)
    if softness > step:  # between -1/2 and 1/2 step from the middle, and evenly so
        assert abs(grazing.mean() - 0.5) < 0.05


def test_no_ray_passes_the_last_sheet():
    """Also where the surface lies beneath all sheets."""
    level, width = sheets.in_levels(np.float32(0.05), np.float32(0.004), 0.1, 0.09, 23)
    assert list(sheets.sheet_opacities(level, width, 23))[-1] == 1.0


def test_a_subject_has_no_holes_but_a_border():
    """Columns that miss the subject reach the textures' border; what lies within it is an error of the networks."""
    occupancy = np.full((160, 160), 4.0, np.float32)
    beside, within = np.s_[80:110, :30], np.s_[96:108, 60:75]
    occupancy[beside] = occupancy[within] = -4.0
    found = hull.occupied(occupancy)
    assert found[within].all() and not found[84:106, :26].any()
    assert found[occupancy > 0].mean() > 0.995
    assert not hull.occupied(np.full((9, 9), -1.0, np.float32)).any()
