"""Synthetic portraits: the pose solver against known poses, the warp, and the agreement of all the arrays."""

import dataclasses

import numpy as np
import pytest

from inference.alignment.pose import solve_pose
from inference.geometry import domes
from inference.geometry.cameras import orbit_camera
from tests.data_pack import data_pack


def _face():
    """A made-up face: (90, 3) points on an ellipsoid in portrait space, metres, without symmetry planes to hide in."""
    rng = np.random.default_rng(3)
    direction = rng.normal(size=(90, 3)) * (0.8, 0.8, 0.4) + (0.0, 0.0, 1.0)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return direction * (0.07, 0.09, 0.1) + rng.normal(0.0, 0.004, (90, 3))


@pytest.mark.parametrize(("yaw", "pitch", "distance"), [(0, 0, 1.6), (25, -10, 1.4), (-60, 15, 1.8), (50, 20, 1.6)])
def test_pose_of_exact_landmarks_is_recovered(yaw, pitch, distance):
    points, camera = _face(), orbit_camera(yaw, pitch, distance)
    found = solve_pose(camera.project(points)[0], points)
    np.testing.assert_allclose(found.camera_to_world, camera.camera_to_world, atol=1e-7)


def test_pose_survives_noise_outliers_and_an_open_mouth():
    rng, points, camera = np.random.default_rng(0), _face(), orbit_camera(20, 5)
    moved = points + np.where(points[:, 1:2] < -0.04, (0.0, -0.006, 0.0), 0.0)
    seen = camera.project(moved)[0] + rng.normal(0, 1.0, (len(points), 2))
    seen[::15] += 25.0
    found = solve_pose(seen, points).camera_to_world
    turn = found[:3, :3].T @ camera.camera_to_world[:3, :3]
    assert np.rad2deg(np.arccos((np.trace(turn) - 1) / 2)) < 2.5
    again = solve_pose(seen, points).camera_to_world
    np.testing.assert_array_equal(found, again)


@pytest.fixture(scope="module")
def studio():
    pytest.importorskip("moderngl")
    generate = pytest.importorskip("training.synthetic.generate")
    return generate.Studio(data_pack())


@pytest.fixture(scope="module")
def rows(studio):
    return [studio.make((7, 0, i)) for i in range(2)]


def test_warp_keeps_every_pixel_and_is_the_identity_for_equal_cameras():
    generate = pytest.importorskip("training.synthetic.generate")
    points, true = _face(), dataclasses.replace(orbit_camera(10, 3, 0.8), cx=131.0)
    estimated = orbit_camera(8, 4)
    warped = generate.warp_points(points, true, estimated)
    np.testing.assert_allclose(estimated.project(warped)[0], true.project(points)[0], atol=1e-9)
    np.testing.assert_allclose(generate.warp_points(points, estimated, estimated), points, atol=1e-12)


def _surface(camera, depth, rgba):
    """Points (n, 3) of the opaque pixels of a depth map."""
    y, x = np.nonzero((depth > 0) & (rgba[..., 3] == 255))
    origin, direction = camera.rays(x + 0.5, y + 0.5)
    along = direction @ -camera.camera_to_world[:3, 2]
    return origin + direction * (depth[y, x] / along)[:, None]


def test_depth_maps_and_dome_describe_one_surface(rows):
    for row in rows:
        for pose, depth, rgba in [(row["camera"], row["photo_depth"], row["photo"])] + list(
            zip(row["view_cameras"], row["view_depth"], row["views"], strict=True)
        ):
            camera = dataclasses.replace(orbit_camera(), camera_to_world=pose)
            u, v, radius = domes.dome_coordinates(_surface(camera, depth, rgba))
            inside = (u > 0.02) & (u < 0.98) & (v > 0.02) & (v < 0.98)
            stored = row["dome_radius"][(v[inside] * 160).astype(int), (u[inside] * 160).astype(int)]
            error = np.abs(stored - radius[inside])[stored > 0]
            assert len(error) > 5000
            assert np.median(error) < 0.001


def test_inner_dome_lies_below_the_hair(rows):
    for row in rows:
        both = (row["dome_radius"] > 0) & (row["skin_radius"] > 0)
        assert (row["skin_radius"][both] <= row["dome_radius"][both] + 0.007).mean() > 0.99


def test_landmarks_lie_on_the_head_and_arrays_have_the_stated_layout(rows):
    from training.synthetic.generate import ARRAYS, PARAMETERS

    for row in rows:
        x, y = row["landmarks"].astype(int).T
        assert (row["photo"][y.clip(0, 255), x.clip(0, 255), 3] > 128).mean() > 0.97
        assert 30 < np.linalg.norm(row["landmarks68"][36] - row["landmarks68"][45]) < 130
        for name, (shape, _) in ARRAYS.items():
            assert row[name].shape == shape
        assert row["parameters"].shape == (sum(n for _, n in PARAMETERS),)
        assert np.isfinite(row["parameters"]).all()


def test_photos_are_neither_dark_nor_burnt_out(rows):
    for row in rows:
        opaque = row["photo"][..., 3] == 255
        assert 25 < row["photo"][opaque][:, :3].mean() < 215
        assert (row["photo"][opaque][:, :3].min(-1) > 250).mean() < 0.15


def test_a_head_depends_on_its_seed_alone(studio, rows):
    again = studio.make((7, 0, 1))
    for name, value in rows[1].items():
        np.testing.assert_array_equal(again[name], value, err_msg=name)


def test_mean_landmarks_have_the_stated_eye_distance(studio):
    eyes = studio.template[[33, 133]].mean(0), studio.template[[263, 362]].mean(0)
    assert abs(np.linalg.norm(eyes[0] - eyes[1]) - 0.063) < 0.006
    assert np.abs(studio.template).max() < 0.13


def test_sideburns_bring_hair_down_before_the_ears():
    hood = pytest.importorskip("training.synthetic.hood")
    rng = np.random.default_rng(4)
    direction = rng.normal(size=(4000, 3))
    ball = hood.CENTRE + 0.09 * direction / np.linalg.norm(direction, axis=1, keepdims=True)
    skull = hood.Skull(ball, np.arange(len(ball)), ball)
    plain = dataclasses.replace(hood.under_hat(rng), sideburns=0.0)
    covered = {}
    for length in (0.0, 0.04):
        points, _, cover = hood.build_hood(dataclasses.replace(plain, sideburns=length), skull, 0.0)[0]
        x, y, z = (points - hood.CENTRE).T
        azimuth, height = np.rad2deg(np.arctan2(np.abs(x), z)), y + hood.CENTRE[1]
        band = (height > -0.005) & (height < 0.015)  # below the ear's upper end
        places = {"before the ear": (75, 85), "cheek": (20, 60)}
        covered[length] = {name: cover[band & (azimuth > a) & (azimuth < b)].max() for name, (a, b) in places.items()}
    assert covered[0.0]["before the ear"] < 0 < covered[0.04]["before the ear"]
    assert covered[0.04]["cheek"] == covered[0.0]["cheek"] < 0
