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


def _ball(rng):
    """A head that is a ball, for hair and hats to grow from."""
    hood = pytest.importorskip("training.synthetic.hood")
    direction = rng.normal(size=(4000, 3))
    ball = hood.CENTRE + 0.09 * direction / np.linalg.norm(direction, axis=1, keepdims=True)
    return hood, hood.Skull(ball, np.arange(len(ball)), ball)


def test_sideburns_bring_hair_down_before_the_ears():
    rng = np.random.default_rng(4)
    hood, skull = _ball(rng)
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


def test_hair_behind_the_ears_leaves_them_free_on_its_side_alone():
    rng = np.random.default_rng(4)
    hood, skull = _ball(rng)
    hanging = dataclasses.replace(hood.under_hat(rng, hanging=True), side=1.0, opening=60.0, tuck=110.0, other_tuck=0.0)
    points, _, cover = hood.build_hood(hanging, skull, 0.0)[0]
    x, y, z = (points - hood.CENTRE).T
    ear = (np.abs(y + hood.CENTRE[1]) < 0.02) & (np.abs(np.rad2deg(np.arctan2(np.abs(x), z)) - 92.0) < 8.0)
    assert cover[ear & (x > 0)].max() < 0 < cover[ear & (x < 0)].min()


@pytest.mark.parametrize("tail", [0.0, 0.2])
def test_tied_hair_stands_off_the_back_of_the_head(tail):
    rng = np.random.default_rng(4)
    hood, skull = _ball(rng)
    points = hood.build_knot(dataclasses.replace(hood.under_hat(rng), knot=0.03, knot_place=80.0, tail=tail), skull)[0]
    assert len(points) == len(hood.knot_part().source)
    assert np.linalg.norm(points - hood.CENTRE, axis=1).max() > 0.11 and points[:, 2].max() < hood.CENTRE[2]
    assert (np.ptp(points[:, 1]) > 0.15) == bool(tail)


def test_headwear_goes_round_the_head_and_ends_at_its_edge():
    headwear = pytest.importorskip("training.synthetic.headwear")
    rng = np.random.default_rng(4)
    hood, skull = _ball(rng)
    parts = headwear.headwear_parts()
    for seed in range(12):
        style = headwear.sample_headwear(np.random.default_rng(seed), male=False)
        layers = headwear.grow_headwear(style, skull, parts)
        assert len(layers) == (2 if style.kind == "cap" else 1)
        for part, points, uv, cover in layers:
            assert len(points) == len(uv) == len(cover) == len(part.source) > part.triangles.max()
        points = layers[0][1].reshape(headwear.ROWS, headwear.COLUMNS, 3)
        np.testing.assert_allclose(points[:, 0], points[:, -1], atol=2e-3)
        if style.kind == "headscarf":
            face = (np.abs(points[..., 1]) < 0.05) & (np.abs(points[..., 0]) < 0.03) & (points[..., 2] > 0)
            assert layers[0][3].reshape(face.shape)[face].max() < 0
        else:
            assert np.linalg.norm(points[:-2] - hood.CENTRE, axis=-1).min() > 0.09
            assert points[..., 1].min() > style.edge.min() - 0.02


def test_landmarks_that_the_camera_does_not_see_are_less_certain():
    generate = pytest.importorskip("training.synthetic.generate")
    points, camera = _face(), orbit_camera(50)
    seen = camera.project(points)[0]
    noisy = [generate.noisy_landmarks(np.random.default_rng(i), seen, points, camera) - seen for i in range(200)]
    spread = np.std(noisy, axis=0).mean(1)
    side = points[:, 0] * np.sign(camera.position[0])
    assert spread[side < -0.04].mean() > 1.4 * spread[side > 0.04].mean()


def test_ages_mix_the_two_stages_around_them():
    heads = pytest.importorskip("training.synthetic.heads")
    expected = {4.0: {"baby", "child"}, 11.0: {"child"}, 16.0: {"child", "young"}, 60.0: {"young", "old"}}
    for age, around in expected.items():
        weights = heads._stages(age)
        assert {stage for stage, weight in weights.items() if weight} == around
        np.testing.assert_allclose(sum(weights.values()), 1.0)
        np.testing.assert_allclose(sum(w * heads.STAGES[stage] for stage, w in weights.items()), age)
