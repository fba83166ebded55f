"""Textures of meshes: triangles drawn into them, the photo's view on the mesh, and what lies behind the head."""

import dataclasses
import functools

import cv2
import numpy as np
import pytest

from inference.errors import PortraitError
from inference.geometry import domes
from inference.geometry.cameras import orbit_camera
from inference.geometry.sampling import sample_image
from inference.mesh.around import AROUND, all_round, look_up
from inference.mesh.extract import extract_mesh
from inference.mesh.look import Look
from inference.mesh.surface import find_surface
from inference.mesh.texels import Texels, strips
from inference.mesh.texture import bake, texture_side
from inference.mesh.textured import TexturedMesh
from inference.view.render import render_view
from tests.pieces import barrel
from tests.portraits import analytic_portrait, surface_colour
from training.evaluation.rasteriser import picture, visible


@pytest.fixture(scope="module")
def ball():
    return analytic_portrait()


def psnr(a, b):
    return -10.0 * np.log10(np.square(a - b).mean())


def test_texels_lie_in_their_triangles():
    """Against plain half-plane tests of every texel with every triangle."""
    random = np.random.default_rng(4)
    corners = random.uniform(-0.1, 1.1, (40, 3, 2)).astype(np.float32)
    corners[5] = corners[5, 0]  # without area
    side = 150
    texels = Texels(corners, side)
    x, y = np.meshgrid((np.arange(side) + 0.5) / side, 1.0 - (np.arange(side) + 0.5) / side)
    wanted = np.full((side, side), -1)
    for number, triangle in enumerate(corners.astype(np.float64)):
        turns = []
        for a, b in zip(triangle, np.roll(triangle, -1, axis=0)):
            turns.append((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]))
        inside = (np.min(turns, 0) > 1e-6) | (np.max(turns, 0) < -1e-6)
        wanted[inside] = number
    assert (texels.index != wanted).mean() < 1e-3  # centres right on an edge
    values = np.concatenate([corners, corners[..., :1] ** 0], -1)
    for rows in strips(side):
        covered, found = texels.values(rows, values)
        np.testing.assert_allclose(found[:, 0], x[rows][covered], atol=2e-4)
        np.testing.assert_allclose(found[:, 1], y[rows][covered], atol=2e-4)
        np.testing.assert_allclose(found[:, 2], 1.0)


def test_the_rasteriser_sees_a_barrel():
    """What the pictures of these tests are made with, against the rays of a cylinder."""
    mesh = barrel()
    camera = orbit_camera(20.0, 0.0, width=60, height=60)
    _, _, depth = visible(mesh.vertices, np.concatenate([mesh.faces[:, :3], mesh.faces[:, [0, 2, 3]]]), camera)
    origin, way = camera.rays(*np.meshgrid(np.arange(60) + 0.5, np.arange(60) + 0.5))
    across = np.linalg.norm(way[..., [0, 2]], axis=-1)
    middle = -(origin * way)[..., [0, 2]].sum(-1) / across**2
    gap = 0.08**2 - np.square(origin[..., [0, 2]] + middle[..., None] * way[..., [0, 2]]).sum(-1)
    along = middle - np.sqrt(np.maximum(gap, 0.0)) / across
    height = origin[..., 1] + along * way[..., 1]
    sure = (gap > 0.03**2) & (np.abs(height) < 0.09)
    assert sure.sum() > 200
    wanted = along * (way @ -camera.camera_to_world[:3, 2])
    np.testing.assert_allclose(depth[sure], wanted[sure], atol=0.002)  # its 24 sides are flat


@pytest.fixture(scope="module")
def meshed(ball):
    return extract_mesh(ball, 96, texture=512)


def test_texels_have_the_colours_of_their_columns(ball, meshed):
    assert meshed.texture.shape == (512, 512, 3)
    u, v = domes.texel_centres(512, 512)
    inside = (np.abs(u - 0.5) < 0.35) & (np.abs(v - 0.5) < 0.25)
    error = np.abs(meshed.texture / 255.0 - surface_colour(u, v)).max(-1)
    assert np.quantile(error[inside], 0.95) < 0.03  # the view's sheets lie a little aside of the surface


def test_the_photo_s_camera_sees_the_same(ball, meshed):
    camera = ball.camera.resized(300, 300)
    seen, alpha = picture(meshed, camera)
    view = render_view(ball, camera)
    both = (alpha > 0.99) & (view.alpha > 0.99)
    assert both.sum() > 20000 and psnr(seen[both], view.color[both]) > 38.0


def test_any_mesh_is_painted_from_the_photo_s_camera(ball):
    """A board in front, with texture coordinates of its own: it shows the view, as a slide projector would."""
    camera = ball.camera.resized(512, 512)  # as fine as the photo
    corners = np.float32([[-0.05, -0.05, 0.09], [0.05, -0.05, 0.09], [0.05, 0.05, 0.09], [-0.05, 0.05, 0.09]])
    uv = np.float32([[0.1, 0.2], [0.9, 0.2], [0.9, 0.8], [0.1, 0.8]])
    board = TexturedMesh(corners, np.int32([[0, 1, 2, 3]]), uv, np.zeros((1, 1, 3), np.uint8))
    texture = bake(Look(ball, find_surface(ball.textures, ball.radii)), [board], 200)
    view = render_view(ball, camera)
    row, column = np.mgrid[60:140:5, 40:160:5]  # of the texture, all inside of the board
    share = (column + 0.5 - 20) / 160, 1.0 - (row + 0.5 - 40) / 120
    point = np.stack([share[0] * 0.1 - 0.05, share[1] * 0.1 - 0.05, np.full(row.shape, 0.09)], -1)
    pixel, depth = camera.project(point)
    x, y = pixel.transpose(2, 0, 1)
    near = np.abs(depth - view.depth[y.astype(int), x.astype(int)]) < 0.006
    assert near.sum() > 40
    assert np.abs(texture[row, column] / 255.0 - sample_image(view.color, x, y))[near].max() < 0.03
    # beyond the board its border goes on
    np.testing.assert_array_equal(texture[:40, 20:180], np.broadcast_to(texture[40, 20:180], (40, 160, 3)))
    np.testing.assert_array_equal(texture[40:160, 180:], np.broadcast_to(texture[40:160, 179:180], (120, 20, 3)))


def test_what_is_hidden_keeps_its_own_colour(ball):
    """A point far behind the face does not get the face's colours, nor does one that looks away."""
    surface = find_surface(ball.textures, ball.radii)
    columns = all_round(surface.color, surface.opacity)
    for z, towards in ((-0.05, 1), (0.09, -1)):
        corners = np.float32([[-0.02, -0.02, z], [0.02, -0.02, z], [0.02, 0.02, z], [-0.02, 0.02, z]])
        faces = np.int32([[0, 1, 2, 3][::towards]])
        uv = np.float32([[0, 0], [1, 0], [1, 1], [0, 1]])
        board = TexturedMesh(corners, faces, uv, np.zeros((1, 1, 3), np.uint8))
        texture = bake(Look(ball, surface), [board], 64)
        share = (np.arange(64) + 0.5) / 64 * 0.04 - 0.02
        x, y = np.meshgrid(share, -share)
        own = look_up(columns, np.stack([x, y, np.full(x.shape, z)], -1).reshape(-1, 3)).reshape(64, 64, 3)
        assert np.abs(texture.astype(int) - own).max() <= 1


def test_the_two_sides_meet_behind_the_head(ball):
    surface = find_surface(ball.textures, ball.radii)
    columns = all_round(surface.color, surface.opacity)
    heights = np.linspace(-0.15, 0.1, 40)
    left, right = (
        look_up(columns, np.stack([x + 0 * heights, heights, domes.AXIS_Z - 0.1 + 0 * heights], -1))
        for x in (-1e-5, 1e-5)
    )
    assert np.abs(left.astype(int) - right).max() <= 2
    angles = np.linspace(0.3, 2 * np.pi - 0.3, 2000)  # all round, in small steps: nowhere a jump
    ring = np.stack([np.sin(angles) * 0.1, 0 * angles, np.cos(angles) * 0.1 + domes.AXIS_Z], -1)
    assert np.abs(np.diff(look_up(columns, ring).astype(int), axis=0)).max() <= 6
    assert columns.shape[1] == pytest.approx((1 + 2 * AROUND) * 320, abs=1)


def test_the_nape_is_not_the_throat():
    """It lies before the axis from which the dome is seen, and is seen from behind all the same."""
    values = np.full((80, 80, 3), (0, 255, 0), np.uint8)
    values[:, 25:55] = (255, 0, 0)  # the front
    columns = all_round(values, np.ones((80, 80)))
    x = np.linspace(-0.02, 0.02, 9)
    nape, behind, throat = (look_up(columns, np.stack([x, 0 * x - 0.08, 0 * x + z], -1)) for z in (-0.075, -0.2, 0.0))
    assert (nape == (0, 255, 0)).all() and (behind == (0, 255, 0)).all() and (throat == (255, 0, 0)).all()


def test_few_columns_have_sides_too():
    values = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    opacity = np.zeros((16, 16))
    opacity[5, 7] = 0.5  # the least that a surface is of
    found = all_round(values, opacity)
    np.testing.assert_array_equal(found[12, 0], values[5, 7])
    assert all_round(values, np.ones((16, 16))).shape == (16, 16 + 2 * round(16 * AROUND), 3)


def test_sizes(ball):
    assert texture_side(ball) == 2048  # two pixels of the photo per pixel of the crop
    finer = dataclasses.replace(ball, crop_to_photo=ball.crop_to_photo * 2)
    coarse = dataclasses.replace(ball, crop_to_photo=ball.crop_to_photo / 4)
    assert (texture_side(finer), texture_side(coarse)) == (2048, 1024)
    assert extract_mesh(ball, 32, texture=1500).texture.shape == (1500, 1500, 3)
    for side in (63, 4097):
        with pytest.raises(PortraitError, match="texture"):
            extract_mesh(ball, 32, texture=side)


def test_threads_do_not_matter(ball, meshed):
    surface = find_surface(ball.textures, ball.radii)
    again = functools.partial(bake, Look(ball, surface), [meshed], 512)
    np.testing.assert_array_equal(again(threads=1), again(threads=3))


def test_a_real_face_is_as_sharp_as_the_portrait(astronaut):
    """In the face, at the photo's own scale: the mesh beside the engine's own view, both against the photo."""
    portrait, alignment = astronaut.portrait, astronaut.alignment
    crop = alignment.crop if alignment.detail is None else alignment.detail
    photo, side = crop / 255.0, len(crop)
    camera = portrait.camera.resized(side, side)
    view = render_view(portrait, camera)
    seen, alpha = picture(extract_mesh(portrait), camera)
    face = np.zeros((side, side), np.uint8)
    cv2.fillConvexPoly(face, np.int32(cv2.convexHull(np.float32(portrait.landmarks) * side / 256)), 1)
    face = (face > 0) & (alpha > 0.99) & (view.alpha > 0.98)
    engine, mesh = psnr(view.color[face], photo[face]), psnr(seen[face], photo[face])
    print(f"face at {side}: engine {engine:.2f} dB, mesh {mesh:.2f} dB")
    assert mesh > 33.5 and mesh > min(engine - 1.0, 42.0)  # 33.9, of a photo of 256 pixels
