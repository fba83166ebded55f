"""The photo's detail on the analytic head: a checker finer than the crop comes back where the photo shows it."""

import dataclasses
import functools

import cv2
import numpy as np
import pytest

from inference.geometry import detail_maps, domes
from inference.geometry.cameras import CROP_SIZE, orbit_camera
from inference.inversion.columns import GRID
from inference.inversion.detail import lift_detail
from inference.inversion.invert import see
from inference.mesh.extract import extract_mesh
from inference.mesh.surface import find_surface
from inference.view.render import render_view
from tests.portraits import analytic_portrait, surface_radius

NO_EARS = np.zeros((0, 1, 3), np.float32)
SIDE = 4 * CROP_SIZE  # four pixels of the photo for each of the crop
CELL = 2  # pixels of the photo, of the checker's cells: the crop averages them away
CONTRAST = 0.08  # of sRGB values, to either side
EVERYWHERE = np.ones((CROP_SIZE, CROP_SIZE), np.float32)  # a matte
NO_PARTS = np.zeros((3, CROP_SIZE, CROP_SIZE), np.float32)  # of a photo whose texture serves nobody else
CAMERA = orbit_camera()
CHECKER = CONTRAST * (2.0 * ((np.indices((SIDE, SIDE)) // CELL).sum(0) % 2) - 1.0)


@pytest.fixture(scope="module")
def ball():
    return analytic_portrait("sphere")


def columns_of(camera):
    """The analytic head's columns with what a camera sees of them; all skin."""
    radius = surface_radius("sphere", *domes.texel_centres(GRID, GRID)).astype(np.float32)
    skin = np.stack([np.full((GRID, GRID), share, np.float32) for share in (1, 0, 0)])
    photo = np.stack([np.full((CROP_SIZE, CROP_SIZE), share, np.float32) for share in (1, 0, 0)])
    return see(radius, np.ones((GRID, GRID), bool), skin, skin, photo, NO_EARS, camera)


@functools.cache
def plain_photo(yaw):
    """What a photo of the analytic head shows from a side, (SIDE, SIDE, 3) float32."""
    camera = orbit_camera(yaw, width=SIDE, height=SIDE)
    return render_view(analytic_portrait("sphere"), camera, (0.5, 0.5, 0.5)).color


def lifted(ball, yaw=0.0, matte=EVERYWHERE, pattern=CHECKER):
    """The map of a photo that shows the head from a side with a pattern (SIDE, SIDE) on it."""
    photo, camera = plain_photo(yaw) + pattern[..., None], orbit_camera(yaw)
    photo = np.rint(255 * np.clip(photo, 0, 1)).astype(np.uint8)
    colour = find_surface(ball.textures, ball.radii).color
    return lift_detail(photo, columns_of(camera), colour, matte, NO_PARTS, camera)


@pytest.fixture(scope="module")
def sharp(ball):
    return dataclasses.replace(ball, detail=lifted(ball))


def strength(view, plain, pattern, where):
    """How strongly a pattern stands in a view beyond another one: 1 is whole, and its correlation."""
    found, wanted = (view.color - plain.color).mean(-1)[where], pattern[where]
    return (found * wanted).sum() / np.square(wanted).sum(), np.corrcoef(found, wanted)[0, 1]


def test_a_checker_finer_than_the_crop_comes_back(ball, sharp):
    """Its cells are two texels of the map wide, of which the look-ups leave somewhat more than a half."""
    plain, view = (render_view(one, CAMERA.resized(SIDE, SIDE)) for one in (ball, sharp))
    face = np.zeros((SIDE, SIDE), bool)
    face[350:650, 350:674] = True
    share, correlation = strength(view, plain, CHECKER, face)
    assert 0.55 < share < 0.9 and correlation > 0.92
    np.testing.assert_array_equal(view.alpha, plain.alpha)
    np.testing.assert_array_equal(view.depth, plain.depth)


def test_a_view_of_the_crop_does_not_change(ball, sharp):
    plain, view = (render_view(one, CAMERA) for one in (ball, sharp))
    assert np.abs(view.color - plain.color).mean() < 0.5 / 255
    thumbnail = [render_view(one, CAMERA.resized(64, 64)).color for one in (ball, sharp)]
    assert np.abs(np.subtract(*thumbnail)).mean() < 0.1 / 255


def test_tones_stay_with_the_textures(ball):
    """A photo that is brighter than the textures by an even amount, or by a slow wave, has no detail."""
    slow = 0.05 + 0.05 * np.sin(np.arange(SIDE) * 2 * np.pi / SIDE)[:, None].repeat(SIDE, 1)
    found = detail_maps.decode(lifted(ball, pattern=slow)) - detail_maps.decode(lifted(ball, pattern=0 * CHECKER))
    assert np.abs(found).max() < 0.025 and np.abs(found).mean() < 1e-3


def test_what_the_photo_hides_gets_no_detail(ball):
    columns = columns_of(orbit_camera(45.0))
    hidden = (columns.facing < 0.1) | (columns.occlusion_depth > 1.5)
    shown = (columns.facing > 0.6) & (columns.occlusion_depth < 0.1)
    detail = cv2.resize(np.abs(detail_maps.decode(lifted(ball, 45.0))).max(-1), (GRID, GRID))
    assert hidden.sum() > 3000 and shown.sum() > 3000
    hidden, shown = (cv2.erode(where.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0 for where in (hidden, shown))
    assert detail[hidden].max() == 0.0 and detail[shown].mean() > 0.02


def test_beyond_the_matte_there_is_no_detail(ball):
    matte = EVERYWHERE.copy()
    matte[:, 128:] = 0.0
    detail = lifted(ball, matte=matte)
    middle = len(detail) // 2
    assert (detail[:, middle:] == detail_maps.NO_DETAIL).all()
    assert (detail[:, :middle] != detail_maps.NO_DETAIL).mean() > 0.2


def test_the_map_is_as_fine_as_the_photo_needs(ball):
    sides = []
    for side in (320, 512, SIDE):
        photo = np.full((side, side, 3), 128, np.uint8)
        colour = find_surface(ball.textures, ball.radii).color
        sides.append(len(lift_detail(photo, columns_of(CAMERA), colour, EVERYWHERE, NO_PARTS, CAMERA)))
    assert sides[0] < sides[1] < sides[2] == detail_maps.MAX_SIDE


def test_residuals_survive_their_eight_bits():
    residual = np.linspace(-0.7, 0.7, 300, dtype=np.float32).reshape(10, 10, 3)
    found = detail_maps.decode(detail_maps.encode(residual))
    assert np.abs(found - np.clip(residual, -0.5, 0.5)).max() < 0.005
    assert (detail_maps.encode(np.zeros((2, 2, 3), np.float32)) == detail_maps.NO_DETAIL).all()


def test_colours_stay_within_what_is_covered(sharp):
    strong = dataclasses.replace(sharp, detail=np.where(sharp.detail > 128, 255, 0).astype(np.uint8))
    view = render_view(strong, orbit_camera(30.0, width=200, height=150))
    assert view.color.min() >= 0.0 and view.color.max() <= 1.0


@pytest.mark.parametrize("camera", [orbit_camera(25.0, 5.0, width=300, height=260), "orthographic"])
def test_a_view_depends_neither_on_threads_nor_on_how_it_is_cut(sharp, camera):
    if camera == "orthographic":
        camera = dataclasses.replace(orbit_camera(-20.0, width=300, height=260), ortho_width=0.35)
    one, four = (render_view(sharp, camera, threads=threads).color for threads in (1, 4))
    assert np.array_equal(one, four)
    part = render_view(sharp, camera.cropped(90, 70, 211, 201), threads=1).color
    assert np.array_equal(one[70:201, 90:211], part)


def test_a_mesh_wears_the_detail(ball, sharp):
    scale = ball.crop_to_photo * (SIDE / CROP_SIZE / 2.0)
    plain, fine = (extract_mesh(dataclasses.replace(one, crop_to_photo=scale), 40) for one in (ball, sharp))
    assert fine.texture.shape == plain.texture.shape and np.array_equal(plain.faces, fine.faces)
    assert np.abs(plain.vertices - fine.vertices).max() < 0.0025  # outlines reach their views', which differ in size
    side = len(sharp.detail)
    added = cv2.resize(fine.texture.astype(np.float32) - plain.texture, (side, side), interpolation=cv2.INTER_AREA)
    middle = slice(side // 4, 3 * side // 4)
    added, wanted = added[middle, middle].ravel(), 255.0 * detail_maps.decode(sharp.detail)[middle, middle].ravel()
    assert np.corrcoef(added, wanted)[0, 1] > 0.85  # of cells of two pixels, looked up twice
    assert 0.4 < np.dot(added, wanted) / np.dot(wanted, wanted) < 1.1
