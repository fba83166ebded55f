"""Splats: discs, the file, and views of it by a rasteriser of the tests' own beside the engine's."""

import dataclasses

import numpy as np
import pytest

from inference.__main__ import BAD_INPUT, main
from inference.errors import PortraitError
from inference.geometry import domes
from inference.geometry.cameras import orbit_camera
from inference.geometry.detail_maps import NO_DETAIL
from inference.geometry.rims import Rim
from inference.portrait import save_portrait
from inference.splats.discs import discs
from inference.splats.files import FRAMES, PROPERTIES, save_splats
from inference.splats.make import make_splats
from inference.view.render import render_view
from tests.portraits import analytic_portrait, surface_radius
from tests.splatting import psnr, read_splats, seen, turned, wanted

SIZE = 512  # pixels: viewers show a head as large as that, and larger


@pytest.fixture(scope="module")
def ball():
    return analytic_portrait()


def test_views_are_the_engine_s(golden, tmp_path):
    """By the photo's camera, and from 20 degrees to either side."""
    portrait = golden("turned").portrait
    splats = make_splats(portrait, 150_000)
    save_splats(splats, tmp_path / "head.ply")
    cameras = [turned(portrait.camera, yaw, SIZE) for yaw in (0.0, -20.0, 20.0)]
    reached = [psnr(seen(tmp_path / "head.ply", camera), wanted(portrait, camera)) for camera in cameras]
    assert min(reached) >= 30.0, reached


def test_a_disc_is_written_and_read(tmp_path):
    """What a file says of one disc, by formula, in the frame that it is said to have."""
    point, across, down = np.array([[0.01, 0.02, 0.03]]), np.array([[2e-3, 1e-3, 0.0]]), np.array([[5e-4, -1e-3, 1e-3]])
    colour = np.array([[0.2, 0.5, 0.9]])
    made = discs(point, across, down, np.array([0.6]), colour, 0.5)
    for frame, turn in FRAMES.items():
        save_splats(made, tmp_path / "disc.ply", frame)
        read = read_splats(tmp_path / "disc.ply")
        covariance = 0.25 * (across.T @ across + down.T @ down)
        thin = 0.05**2 * np.linalg.eigvalsh(covariance)[1]
        normal = np.cross(down, across)[0] / np.linalg.norm(np.cross(down, across))
        covariance = turn @ (covariance + thin * np.outer(normal, normal)) @ turn.T
        np.testing.assert_allclose(read.positions[0], turn @ point[0], atol=1e-7)
        np.testing.assert_allclose(read.covariances[0], covariance, atol=1e-11)
        np.testing.assert_allclose(read.colours, colour, atol=1e-6)
    body = (tmp_path / "disc.ply").read_bytes().partition(b"end_header\n")[2]
    values = dict(zip(PROPERTIES, np.frombuffer(body, "<f4"), strict=True))
    np.testing.assert_allclose([values["nx"], values["ny"], values["nz"]], FRAMES["z-up"] @ normal, atol=1e-6)
    assert np.isclose(values["scale_2"], np.log(np.sqrt(thin)), atol=1e-4)


def test_frames():
    """Neither mirrors; up is down in the one, and z in the other; the face looks at +z, and at -y."""
    up, face = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    for frame, where_up, where_face in (("y-down", [0, -1, 0], [0, 0, 1]), ("z-up", [0, 0, 1], [0, -1, 0])):
        assert np.linalg.det(FRAMES[frame]) == pytest.approx(1.0)
        assert (FRAMES[frame] @ up).tolist() == where_up and (FRAMES[frame] @ face).tolist() == where_face


@pytest.mark.parametrize("coverage", [0.2, 0.5, 0.8])
def test_a_lattice_covers_what_it_shall(coverage, tmp_path):
    """From in front and from aside, as the sheets' texels do."""
    step = 4e-3
    x, y = (plane.ravel() * step for plane in np.meshgrid(np.arange(-30, 31), np.arange(-30, 31)))
    points, one = np.stack([x, y, 0.0 * x], -1), np.ones((len(x), 1))
    made = discs(points, one * [step, 0, 0], one * [0, -step, 0], np.full(len(x), coverage), one * [1, 1, 1], 0.45)
    for yaw in (0.0, 50.0):
        save_splats(made, tmp_path / "wall.ply")
        picture = seen(tmp_path / "wall.ply", orbit_camera(yaw, width=SIZE, height=SIZE))
        assert picture[200:312, 200:312, 3].mean() == pytest.approx(coverage, abs=0.03)


def test_more_splats_where_the_photo_shows_more(ball, tmp_path):
    detail = np.full((640, 640, 3), NO_DETAIL, np.uint8)
    x, y = np.meshgrid(np.arange(640), np.arange(640))
    fine = (np.abs(x - 320) < 60) & (np.abs(y - 300) < 60)
    detail[fine & ((x // 2 + y // 2) % 2 == 0)] += 40
    fine_ball = dataclasses.replace(ball, detail=detail)
    plain, finer = make_splats(ball, 200_000), make_splats(fine_ball, 200_000)
    assert len(plain.positions) < len(finer.positions) <= 200_000
    camera = ball.camera.scaled(768, 768).cropped(324, 324, 444, 444)
    shown = wanted(fine_ball, camera)
    save_splats(finer, tmp_path / "finer.ply")
    save_splats(plain, tmp_path / "plain.ply")
    with_detail, without = (seen(tmp_path / name, camera) for name in ("finer.ply", "plain.ply"))
    assert psnr(with_detail, shown) > psnr(without, shown) + 3.0
    fewer = make_splats(fine_ball, 40_000)
    assert 20_000 < len(fewer.positions) <= 40_000


def test_a_strand_that_only_the_rim_shows(ball, tmp_path):
    camera = ball.camera
    picture = np.zeros((512, 512, 4), np.uint8)
    view = render_view(ball, camera)
    row = 120
    column = int(np.flatnonzero(view.alpha[row] > 0.5)[0])  # of the ball's left edge
    picture[2 * row - 1 : 2 * row + 3, 2 * column - 6 : 2 * column + 2] = [255, 0, 0, 255]
    places = np.zeros((2, 64, 64), np.float32)
    places[0], places[1, :, : column // 4 + 1] = view.depth[row, column], 1.0
    portrait = dataclasses.replace(ball, rim=Rim(picture, places, camera))
    splats = make_splats(portrait, 150_000)
    save_splats(splats, tmp_path / "ball.ply")
    shown = seen(tmp_path / "ball.ply", camera)
    assert view.alpha[row, column - 2] < 0.01 < 0.3 < shown[row, column - 2, 3]
    assert shown[row, column - 2, 0] > 5.0 * shown[row, column - 2, 1]
    assert shown[row + 8, column - 2, 3] < 0.1


def test_hidden_and_clear_texels_have_none(ball):
    """All splats lie on the ball's surface or just behind it, and where it is clear there are none."""
    splats = make_splats(ball, 150_000)
    u, v, radius = domes.dome_coordinates(splats.positions.astype(np.float64))
    behind = surface_radius("sphere", u, v) - radius
    assert np.percentile(behind, 1) > -1e-3 and np.percentile(behind, 99) < 8e-3  # the slab is 60 mm thick
    textures = ball.textures.copy()
    textures[:, :160, :, 3] = 0
    half = make_splats(dataclasses.replace(ball, textures=textures), 150_000)
    assert half.positions[:, 1].max() < splats.positions[:, 1].max() - 0.05


def test_command(ball, tmp_path, capsys):
    save_portrait(ball, tmp_path / "ball.manifolds")
    out = tmp_path / "ball.ply"
    arguments = ["splats", str(tmp_path / "ball.manifolds"), "--out", str(out), "--count", "30000", "--quiet"]
    assert main([*arguments, "--frame", "z-up"]) == 0
    before = out.read_bytes()
    read = read_splats(out)
    assert 20_000 < len(read.positions) <= 30_000
    assert read.positions[:, 2].max() > 0.1 and read.positions[:, 1].min() < -0.05  # upright, looking along -y
    assert main(["splats", str(tmp_path / "ball.manifolds"), "--out", str(tmp_path / "ball.splat")]) == BAD_INPUT
    assert "name it .ply" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ball.manifolds", "ball.ply"]


def test_refusals(ball):
    with pytest.raises(PortraitError, match="must lie between"):
        make_splats(ball, 100)
    with pytest.raises(PortraitError, match="no solid surface"):
        make_splats(analytic_portrait("empty"))
