"""Ears by landmarks: where they lie on synthetic heads, and that no photo's ear is painted on a cheek."""

import cv2
import numpy as np
import pytest

from inference.geometry import domes
from inference.geometry.cameras import orbit_camera
from inference.inversion import ears, hull, visibility
from inference.inversion.columns import GRID
from tests.data_pack import data_pack
from tests.portraits import surface_radius

FRONT = orbit_camera()
NO_EARS = np.zeros((0, 1, 3), np.float32)


def mean_ears():
    return ears.ear_map()["points"]


def test_the_mean_ears_are_each_others_mirror_images_at_the_sides_of_the_head():
    points = mean_ears()
    left, right = points
    assert 0.06 < left[:, 0].min() and right[:, 0].max() < -0.06 and np.abs(points[..., 0]).max() < 0.11
    np.testing.assert_allclose(left.mean(0), right.mean(0) * (-1, 1, 1), atol=0.002)
    height = np.ptp(left[:, 1])
    assert 0.045 < height < 0.075  # of a human ear: 5.2 to 7.1 cm in nineteen of twenty adults


def test_the_usual_landmarks_have_the_usual_ears():
    offsets = ears.ear_map()["offsets"]
    np.testing.assert_allclose(ears.ear_points(offsets[None]), mean_ears(), atol=1e-6)


def test_drawn_heads_have_their_ears_where_they_are_said_to_be():
    """Heads that nothing was learnt from: the mean of each ear's points within millimetres of the exact one."""
    from training.ears import drawn_ears, ear_vertices
    from training.synthetic.assets import AssetPack
    from training.synthetic.sitters import Sitters

    sitters = Sitters(AssetPack(data_pack()))
    chosen = ear_vertices(sitters.pack)
    errors, spread = [], []
    for seed in range(24):
        offsets, exact = drawn_ears((977, seed), sitters, chosen)
        found = ears.ear_points(offsets[None])
        middles = [points.reshape(2, -1, 3).mean(1) for points in (found, exact, mean_ears())]
        errors += list(np.linalg.norm(middles[0] - middles[1], axis=-1))
        spread += list(np.linalg.norm(middles[2] - middles[1], axis=-1))
    assert np.median(errors) < 0.006 and np.median(errors) < 0.7 * np.median(spread)


@pytest.mark.parametrize("side", [-1, 1])
def test_columns_before_an_ear_that_the_photo_shows_in_its_place_count_as_hidden(side):
    """The analytic head's cheek is wide enough to stand in the ears' pixels: what is no ear there is not painted."""
    radius = surface_radius("sphere", *domes.texel_centres(GRID, GRID)).astype(np.float32)
    facing = visibility.facing_camera(radius, FRONT)
    skin = np.stack([np.full((GRID, GRID), share, np.float32) for share in (1, 0, 0)])
    photo = np.stack([np.full((256, 256), share, np.float32) for share in (1, 0, 0)])
    points = domes.column_points(radius)
    rim = np.abs(facing - 0.25) < 0.05
    there = rim & (side * points[..., 0] > 0) & (np.abs(points[..., 1]) < 0.02)
    middle = points[there].mean(0)
    ear = middle + np.random.default_rng(0).uniform(-0.02, 0.02, (60, 3)) * (0.5, 1.0, 0.1)
    ear = moved_along_the_ray(ear, 0.08)  # so in the same pixels
    there &= np.linalg.norm(points - middle, axis=-1) < 0.01
    further = visibility.shows_elsewhere(radius, facing, skin, photo, ear[None].astype(np.float32), FRONT)
    nothing = visibility.shows_elsewhere(radius, facing, skin, photo, NO_EARS, FRONT)
    assert nothing.max() == 0.0
    assert np.median(further[there]) > visibility.HIDDEN_AT
    assert further[(side * points[..., 0] < 0) | (facing > 0.85)].max() < 0.05


def moved_along_the_ray(points, metres):
    away = points - FRONT.position
    return points + metres * away / np.linalg.norm(away, axis=-1, keepdims=True)


def test_an_ear_keeps_what_the_photo_shows_of_it():
    """What lies in an ear's place, a centimetre before or behind, is not before it; what lies far before it is."""
    points = mean_ears()
    for metres, least, most in ((-0.01, 0.0, 0.01), (0.0, 0.0, 0.01), (0.01, 0.0, 0.01), (-0.05, 1.0, 1.0)):
        pixel, depth = FRONT.project(moved_along_the_ray(points.mean(1), metres))
        found = ears.before_ears(points, pixel[None], depth[None], FRONT)
        assert found.min() >= least and found.max() <= most
    pixel, depth = FRONT.project(moved_along_the_ray(np.array([[0.05, 0.0, 0.0]]), -0.05))
    assert ears.before_ears(points, pixel[None], depth[None], FRONT).max() == 0.0  # a cheek's pixel


def test_ears_are_parted_from_other_skin_and_nothing_is_lost():
    """Columns and pixels of both ears, also turned, are the fourth part; hair over an ear stays hair."""
    skin = np.stack([np.full((GRID, GRID), share, np.float32) for share in (1, 0, 0)])
    photo = np.stack([np.full((256, 256), share, np.float32) for share in (0.75, 0.25, 0)])
    points = mean_ears()
    for camera in (FRONT, orbit_camera(yaw=35.0)):
        parts, shown = ears.with_ears(skin, photo, points, camera)
        for apart, whole in ((parts, skin), (shown, photo)):
            np.testing.assert_array_equal(apart[1:3], whole[1:3])
            np.testing.assert_allclose(apart.sum(0), whole.sum(0), atol=1e-6)
        for ear in points:
            u, v = (place.mean() for place in domes.dome_coordinates(ear)[:2])
            x, y = camera.project(ear)[0].mean(0)
            assert parts[3, int(v * GRID), int(u * GRID)] == 1.0 and shown[3, int(y), int(x)] == 0.75
            # 4 cm before it is the cheek, and it covers no more than an ear does
            cheek = domes.dome_coordinates(ear.mean(0) + (-np.sign(ear[0, 0]) * 0.01, 0.0, 0.04))
            assert parts[3, int(cheek[1] * GRID), int(cheek[0] * GRID)] == 0.0
        assert 0.01 < (parts[3] > 0.5).mean() < 0.06
        assert parts[3, :, GRID // 2].max() == 0.0


def test_an_ear_that_stands_off_raises_the_ear_and_no_cheek():
    """An analytic head with no ears, and a photo whose ears stand 12 mm off it."""
    radius = surface_radius("sphere", *domes.texel_centres(GRID, GRID)).astype(np.float32)
    head = visibility.covered(radius, np.ones(radius.shape, bool), FRONT, 256)
    matte = cv2.morphologyEx(head.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5))).astype(np.float32)
    facing = visibility.facing_camera(radius, FRONT)
    points = domes.column_points(radius)
    outline = points[(np.abs(facing) < 0.1) & (points[..., 0] > 0) & (np.abs(points[..., 1]) < 0.01)].mean(0)
    ear = outline + np.random.default_rng(0).uniform(-1, 1, (400, 3)) * (0.012, 0.025, 0.015)
    x, y = np.rint(FRONT.project(ear)[0]).astype(int).T
    matte[y, x] = 1.0
    matte = cv2.morphologyEx(matte, cv2.MORPH_CLOSE, np.ones((5, 5)))
    skin = np.zeros((3, GRID, GRID), np.float32), np.zeros((3, 256, 256), np.float32)
    for part in skin:
        part[0] = 1.0
    apart = ears.with_ears(*skin, ear[None], FRONT)
    near = np.linalg.norm(points - outline, axis=-1)
    lift = hull.grow(radius, matte, FRONT, apart, reach=(0.0, 0.0, 0.0, 0.03)) - radius
    assert lift[near < 0.015].max() > 0.003 and lift[near > 0.05].max() < 5e-4
    assert np.abs(hull.grow(radius, matte, FRONT, apart, reach=0.0) - radius).max() < 1e-6
