"""Measures of the evaluation against closed forms, its peers against known shapes, and its table."""

import dataclasses
import json
import sys
import types

import numpy as np
import pytest

from inference.geometry import cameras, domes
from inference.geometry.reach import REACH
from inference.view.render import View, render_view
from tests.portraits import analytic_portrait, sheet_radii, surface_radius
from training.evaluation import columns, heads, metrics, report
from training.peers import eos_fit, mediapipe_mesh, meshes


def _plane(camera, z=0.0):
    """A picture (h, w, 3) painted on the plane at z as a camera sees it, and its depth map."""
    y, x = np.mgrid[0 : camera.height, 0 : camera.width] + 0.5
    origins, directions = camera.rays(x, y)
    t = (z - origins[..., 2]) / directions[..., 2]
    points = origins + directions * t[..., None]
    waves = [np.sin(60 * points[..., 0] + i) * np.cos(50 * points[..., 1] - i) for i in range(3)]
    return 0.5 + 0.4 * np.stack(waves, -1), t * (directions @ -camera.camera_to_world[:3, 2])


def test_psnr_and_iou_of_known_differences():
    a, mask = np.full((8, 8, 3), 0.5), np.zeros((8, 8), bool)
    mask[:, :4] = True
    b = a + np.where(mask[..., None], 0.1, 0.5)
    assert metrics.psnr(a, b, mask) == pytest.approx(20.0)
    assert np.isnan(metrics.psnr(a, b, np.zeros_like(mask)))
    assert metrics.iou(mask, np.roll(mask, 2, 1)) == pytest.approx(2 / 6)
    assert metrics.iou(~mask & mask, ~mask & mask) == 1.0


def test_lifted_pixels_lie_on_the_surface_and_give_the_eye_distance():
    camera = cameras.orbit_camera(yaw=20, pitch=-5)
    corners = np.array([[-0.045, 0.02, 0.06], [-0.018, 0.02, 0.07], [0.045, 0.02, 0.06], [0.018, 0.02, 0.07]])
    pixels, depth = camera.project(corners)
    np.testing.assert_allclose(metrics.unproject(camera, pixels, depth), corners, atol=1e-9)
    assert metrics.eye_distance(corners) == pytest.approx(0.063)
    landmarks = np.full((468, 2), 1000.0)
    landmarks[np.ravel(metrics.EYE_CORNERS)] = pixels
    plane = _plane(camera, 0.065)[1]
    assert metrics.eye_distance_in_depth(plane, landmarks, camera) == pytest.approx(0.063, rel=0.02)
    half = metrics.eye_distance_in_depth(0.5 * plane, landmarks, camera)
    assert half == pytest.approx(0.5 * metrics.eye_distance_in_depth(plane, landmarks, camera))


def test_depth_errors_forgive_scale_and_distance_only():
    rng = np.random.default_rng(0)
    truth, use = 1.5 + 0.05 * rng.random((40, 40)), np.ones((40, 40), bool)
    assert metrics.depth_errors(truth / 1.03 + 0.02, truth, 1.03, use)[0] == pytest.approx(0.0, abs=1e-6)
    assert metrics.depth_errors(truth + 0.02, truth, 1.0, use)[1] == pytest.approx(20.0)
    bumps = np.where(np.arange(1600).reshape(40, 40) % 2, 0.004, -0.004)
    assert metrics.depth_errors(truth + bumps, truth, 1.0, use)[0] == pytest.approx(4.0, abs=0.01)


def test_turned_camera_stands_where_an_orbit_camera_stands():
    found = metrics.turned(cameras.orbit_camera(yaw=-7, pitch=4), 20.0)
    np.testing.assert_allclose(found.camera_to_world, cameras.orbit_camera(yaw=13, pitch=4).camera_to_world, atol=1e-12)


@pytest.fixture(scope="module")
def two_views():
    """A painted plane from two cameras 20 degrees apart: camera, picture and depth of each."""
    pair = [cameras.orbit_camera(yaw=yaw) for yaw in (-10, 10)]
    return [(camera, *_plane(camera)) for camera in pair]


def _as_view(picture, depth):
    return View(picture.astype(np.float32), np.ones(depth.shape, np.float32), depth.astype(np.float32))


def test_consistency_of_a_painted_plane_is_limited_by_interpolation_alone(two_views):
    (camera, picture, depth), (other_camera, other, other_depth) = two_views
    view = _as_view(picture, depth)
    decibels, share = metrics.consistency(picture, view, camera, _as_view(other, other_depth), other_camera)
    assert decibels > 50 and share > 0.9
    wrong = other_depth + 0.004  # shifts the picture by 20 degrees' worth of 4 mm
    decibels, _ = metrics.consistency(picture, view, camera, _as_view(other, wrong), other_camera)
    shift = 0.004 * np.sin(np.deg2rad(20))
    expected = -10 * np.log10(np.mean((0.4 * 60 * shift) ** 2) / 4)  # mean square of the waves' slope along x
    assert decibels == pytest.approx(expected, abs=1.5)


def test_what_stands_behind_is_not_compared(two_views):
    (camera, picture, depth), (other_camera, _, other_depth) = two_views
    wall = _plane(camera, 0.05)[1]  # a nearer plane over the left half of the first picture
    blocked = np.where(np.arange(256) < 128, wall, depth)
    _, visible = metrics.reprojected(picture, blocked, camera, other_depth, other_camera)
    _, free = metrics.reprojected(picture, depth, camera, other_depth, other_camera)
    x, y = np.meshgrid(np.arange(256) + 0.5, np.arange(256) + 0.5)
    points = metrics.unproject(other_camera, np.stack([x, y], -1).reshape(-1, 2), other_depth.ravel())
    seen_at = camera.project(points)[0]
    left = (seen_at[:, 0] < 127).reshape(256, 256)
    assert not visible[left].any()
    assert (visible == free)[(seen_at[:, 0] > 130).reshape(256, 256)].all()


def test_a_portrait_of_one_solid_sheet_is_consistent():
    portrait = analytic_portrait("dome")
    textures = portrait.textures.copy()
    textures[:23, ..., 3] = 0
    textures[10, ..., 3] = 255
    portrait = dataclasses.replace(portrait, textures=textures)
    camera = metrics.turned(portrait.camera, 20.0)
    view, other = render_view(portrait, portrait.camera), render_view(portrait, camera)
    decibels, share = metrics.consistency(view.color, view, portrait.camera, other, camera)
    assert decibels > 32 and share > 0.6


def test_rasterised_triangle_interpolates_and_keeps_the_nearest():
    points = np.array([[0.0, 0, 1.0], [8, 0, 3.0], [0, 8, 2.0], [0, 0, 9.0], [8, 0, 9.0], [0, 8, 9.0]])
    depth = meshes.rasterised(points, np.array([[3, 4, 5], [0, 1, 2]]), (10, 10))
    assert depth[2, 1] == pytest.approx(1.0 + 1.5 / 8 * 2 + 2.5 / 8 * 1)
    assert np.isinf(depth[7, 7]) and np.isfinite(depth).sum() == 36


def test_mesh_depth_takes_its_scale_from_the_eyes():
    points = np.zeros((1, 7, 3))
    points[0, :, :2] = [[2, 2], [4, 2], [12, 2], [10, 2], [0, 0], [15, 0], [0, 15]]
    points[0, 4:, 2] = [0, 30, 0]  # pixels of depth
    faces = meshes.FaceMeshes(points, np.array([[4, 5, 6]]), np.array([0, 1, 2, 3]))
    depth = faces.depth(0, (16, 16), 0.064)  # eyes are 8 px apart, so 8 mm a pixel
    assert depth[0, 10] - depth[0, 0] == pytest.approx(10 * 2 * 0.008)
    assert meshes.FaceMeshes(points * np.nan, faces.triangles, faces.corners).depth(0, (16, 16), 0.064) is None


def test_triangles_of_a_grid_of_edges():
    edges = [(0, 1), (1, 2), (2, 0), (1, 3), (3, 2)]
    assert mediapipe_mesh.mesh_triangles(edges).tolist() == [[0, 1, 2], [1, 2, 3]]


def test_a_peer_that_cannot_run_says_why(tmp_path):
    script = tmp_path / "peer.py"
    script.write_text("import sys\nsys.exit('the moon is missing')\n")
    with pytest.raises(meshes.PeerError, match="the moon is missing"):
        meshes.run_peer(script, sys.executable, {"photos": np.zeros(1)})
    with pytest.raises(meshes.PeerError, match="does not run"):
        meshes.run_peer(script, tmp_path / "no-python", {"photos": np.zeros(1)})
    with pytest.raises(meshes.PeerError, match="sfm_shape_3448.bin"):
        eos_fit.face_meshes(np.zeros((1, 68, 2)), (256, 256), tmp_path)


def test_orthographic_matrices_give_pixels_with_depth_away_from_the_viewer():
    projection = np.diag([2 / 100, 2 / 100, -1, 1.0])  # 100 units wide over 256 pixels
    modelview = np.eye(4)
    modelview[:3, 3] = 0, 10, 0
    points = eos_fit.to_pixels(np.array([[0.0, -10, 0], [25, 15, 5]]), modelview, projection, 256, 256)
    np.testing.assert_allclose(points, [[128, 128, 0], [192, 64, -5 * 2.56]])


def _stand_in_model(eos, folder):
    """A folder like eos's ``share`` with a made-up face: a paraboloid with one mode that bends it."""
    x, y = (a.ravel() for a in np.meshgrid(np.linspace(-60, 60, 25), np.linspace(-80, 80, 25)))
    mean = np.stack([x, y, 40 - 40 * ((x / 60) ** 2 + (y / 80) ** 2)], -1).astype(np.float32)
    bend = np.stack([0 * x, 0 * y, np.cos(np.pi * y / 80) * np.exp(-((x / 30) ** 2))], -1)
    bend = (bend / np.linalg.norm(bend)).astype(np.float32)
    grid = np.arange(625).reshape(25, 25)
    quads = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], -1).reshape(-1, 4)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).tolist()
    shape = eos.morphablemodel.PcaModel(mean.reshape(-1, 1), bend.reshape(-1, 1), np.full((1, 1), 10000.0), triangles)
    model = eos.morphablemodel.MorphableModel(shape, eos.morphablemodel.PcaModel())
    eos.morphablemodel.save_model(model, str(folder / eos_fit.MODEL))
    still = eos.morphablemodel.Blendshape("still", np.full(3 * 625, 1e-3, np.float32))
    eos.morphablemodel.save_blendshapes([still], str(folder / eos_fit.EXPRESSIONS))
    vertices = np.random.default_rng(1).choice(np.flatnonzero((np.abs(x) < 55) & (np.abs(y) < 70)), 68, replace=False)
    lines = [f"{i + 1} = {v}" for i, v in enumerate(vertices)]
    contour = "[contour_landmarks]\nright = [1, 2]\nleft = [16, 17]\n"
    (folder / eos_fit.MAPPING).write_text("[landmark_mappings]\n" + "\n".join(lines) + "\n" + contour)
    empty = eos.morphablemodel.EdgeTopology([[1, 2]], [[1, 2]])
    eos.morphablemodel.save_edge_topology(empty, str(folder / eos_fit.EDGES))
    sides = {"right_contour": [int(v) for v in vertices[:2]], "left_contour": [int(v) for v in vertices[15:17]]}
    (folder / eos_fit.CONTOURS).write_text(json.dumps({"model_contour": sides}))
    return (mean + 70 * bend).astype(np.float64), vertices


def test_eos_finds_a_known_shape_in_its_landmarks(tmp_path):
    """Runs where eos-py is installed. The share folder is made up; the fit and its depth are real."""
    eos = pytest.importorskip("eos")
    shape, vertices = _stand_in_model(eos, tmp_path)
    turn = np.deg2rad(10)
    seen = shape @ np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]).T
    pixels = np.stack([128 + 1.2 * seen[:, 0], 128 - 1.2 * seen[:, 1]], -1)
    faces = eos_fit.face_meshes(pixels[vertices][None], (256, 256), tmp_path)
    wanted = -1.2 * seen[:, 2]
    error = faces.points[0, :, 2] - wanted
    assert np.abs(error - np.median(error)).mean() < 0.15 * np.abs(wanted - np.median(wanted)).mean()
    assert np.linalg.norm(faces.points[0, vertices, :2] - pixels[vertices], axis=1).mean() < 2


def test_mean_head_lies_on_its_level_and_shows_the_photo():
    pytest.importorskip("torch")
    from training.peers.mean_head import MeanHead, surface

    radii, camera = sheet_radii("dome"), cameras.orbit_camera(yaw=10)
    u, v = domes.texel_centres(20, 20)
    np.testing.assert_allclose(surface(np.full((80, 80), 4.0), radii, u, v), 0.15 + 0.03 - 4 * 0.06 / 22, atol=1e-6)
    level = np.full((80, 80), 11.25, np.float32)
    level[:6] = 11.5  # nothing was ever seen at the crown
    geometry = {"radii": radii, "mean_level": level, "mean_colour": np.full((3, 160, 160), 0.5, np.float32)}
    model = types.SimpleNamespace(geometry=geometry, reach=REACH, id="mean", sha256="0" * 64)
    crop = np.round(255 * _plane(camera)[0]).astype(np.uint8)
    matte = np.repeat((np.arange(256) > 100).astype(np.float32)[None], 256, 0)
    portrait = MeanHead(model)(types.SimpleNamespace(crop=crop, camera=camera), matte)
    view = render_view(portrait, camera)
    seen = (view.alpha > 0.99) & (np.arange(256) > 110) & (np.arange(256)[:, None] > 100)
    assert seen.sum() > 5000 and view.alpha[:, :95].max() < 0.05  # the matte carves
    assert metrics.psnr(view.color, crop / 255, seen) > 33
    assert not portrait.textures[0, :20, ..., 3].any()


def test_table_tells_ours_from_peers_and_bars():
    rows = {"real": {"ours": [{"a": 1.0}, {"a": 3.0}, {"a": None}], "peer": [{"a": 1.5}]}}
    lines = (
        report.Line("median", "real photos", report.median("a", digits=1), 2.0, False, "≤ 2", strict=True),
        report.Line("share", "real photos", report.share(lambda x: x < 2, "a"), 0.3, True, "≥ 30 %"),
        report.Line("absent", "heads", report.median("a"), 2.0),
        report.Line("plain", "real photos", report.median("a")),
        report.Line("by eye", "real photos", elsewhere="the sheet"),
    )
    table = report.fill_in(lines, rows, "ours", ["peer"])
    assert [row["ours"] for row in table] == [2.0, pytest.approx(1 / 3), None, 2.0, None]
    assert [row["passed"] for row in table] == [False, True, None, None, None]  # the bar is met, but a peer is better
    cells = report.cells(table, "ours", ["peer"])
    assert cells[1] == ["median", "real photos", "≤ 2", "2.0", "no", "1.5"]
    assert cells[2][3] == "33.3 % (1 of 3)"
    assert cells[5][3] == "see the sheet"
    assert report.as_markdown(cells).splitlines()[3].startswith("| share | real photos | ≥ 30 % |")
    assert len({line.index("ours") for line in report.as_text(cells).splitlines()[:1]}) == 1
    assert report.statistics(rows["real"]["ours"])["a"] == {
        "median": 2.0, "mean": 2.0, "tenth": pytest.approx(1.2), "ninetieth": pytest.approx(2.8), "count": 2,
    }  # fmt: skip


def test_a_surface_is_measured_along_its_columns():
    """A capsule whose exact surface lies two millimetres further out, at the ears four, and nowhere in one corner."""
    portrait = analytic_portrait("dome")
    u, v = domes.texel_centres(160, 160)
    radius = surface_radius("dome", u, v).astype(np.float32) + np.float32(0.002)
    ears = np.zeros(radius.shape, bool)
    ears[70:80, 10:20] = True
    radius[ears] += np.float32(0.002)
    radius[:40, :40] = 0.0
    found = columns.measure_columns(portrait, radius, ears)
    assert found["ears_mm"] == pytest.approx(4.0, abs=0.15)
    assert found["columns_mm"] == pytest.approx(2.0, abs=0.15)
    assert "ears_mm" not in columns.measure_columns(portrait, radius, np.zeros_like(ears))


def test_ears_are_where_skin_is_at_both_sides(shipped_model):
    mean = shipped_model.geometry["mean_landmarks"]
    camera = cameras.orbit_camera()
    skin = np.zeros((160, 160, 3), np.uint8)
    skin[..., 0] = 255
    found = columns.ear_columns(skin, camera.project(mean)[0], camera, mean)
    points = domes.dome_points(*domes.texel_centres(160, 160), 0.09)
    eyes = mean[np.ravel(metrics.EYE_CORNERS)].mean(0)
    for side in (-1, 1):
        ear = points[found & (side * points[..., 0] > 0)]
        assert 20 < len(ear) < 600
        assert (np.abs(ear[:, 0]) > 0.04).all() and (ear[:, 2] < eyes[2]).all()
    assert not columns.ear_columns(skin[..., ::-1], camera.project(mean)[0], camera, mean).any()  # all cloth


@pytest.mark.parametrize("yaw", [0, 30, -30])
def test_turned_heads_count_by_their_worse_side(yaw):
    """Descriptors that are pictures' mean colours: the ball is painted in other colours at either side."""
    portrait = analytic_portrait()
    head = types.SimpleNamespace(crop=portrait.crop, camera=cameras.orbit_camera(yaw=yaw))
    row = heads.measure_turned(portrait, head, lambda picture: picture.reshape(-1, 3).mean(0))
    assert bool(row) == (yaw != 0)
    if row:
        assert row["identity_left"] != row["identity_right"]
        assert row["identity_worse"] == max(row["identity_left"], row["identity_right"])
        nobody = heads.measure_turned(portrait, head, lambda picture: np.zeros(3) if picture is portrait.crop else None)
        assert nobody["identity_worse"] is None
