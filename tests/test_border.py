"""A head cut by the photo's border: what the photo does not show is unknown, not stretched."""

import dataclasses

import cv2
import numpy as np
import pytest

from inference.geometry import domes
from inference.geometry.cameras import CROP_SIZE, orbit_camera
from inference.geometry.domes import column_points
from inference.inversion import invert
from inference.inversion.columns import GRID
from inference.inversion.invert import invert_crop, see
from inference.inversion.visibility import BUST, CHIN_Y, HIDDEN_AT, NECK, aside, cut_off
from inference.photo.warp import beyond_photo, warp_to_crop
from inference.view.render import render_view
from tests.golden.heads import read_head
from tests.test_hull import ball

NO_EARS = np.zeros((0, 1, 3), np.float32)
CUT = 75  # rows of the crop: through the forehead


def test_pixels_beyond_the_photo():
    """A crop turned by a right angle that reaches ten pixels beyond one side."""
    crop_to_photo = np.array([[0.0, -1.0, 246.0], [1.0, 0.0, 0.0]])
    beyond = beyond_photo(crop_to_photo, (400, 300))
    assert beyond[-10:].all() and not beyond[:-10].any()


def cut(alignment, top, bottom):
    """An alignment as if the photo showed the crop's rows from top to bottom alone."""
    affine = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, -top]])
    photo = np.ascontiguousarray(alignment.crop[top:bottom])
    crop, beyond = warp_to_crop(photo, affine), beyond_photo(affine, (CROP_SIZE, bottom - top))
    return dataclasses.replace(alignment, crop=crop, crop_to_photo=affine, beyond=beyond)


@pytest.fixture(scope="module")
def whole(shipped_model):
    return read_head("bald", shipped_model.geometry).alignment


@pytest.fixture(scope="module")
def own_view(shipped_model):
    """Function from an alignment to the own view of its portrait."""

    def seen(alignment):
        textures, radii, detail, rim, _ = invert_crop(alignment, shipped_model)
        portrait = type("P", (), {"textures": textures, "radii": radii, "detail": detail, "rim": rim})
        return render_view(portrait, alignment.camera)

    return seen


@pytest.fixture(scope="module")
def views(whole, own_view):
    """Own views of a bald head, and of the same head cut by the border."""
    return own_view(whole), own_view(cut(whole, CUT, CROP_SIZE))


def test_the_prior_completes_the_head(views):
    """No tower of stretched pixels: above the cut the head ends near where the whole photo shows that it does."""
    shown, less = views
    expected, found = shown.alpha[:CUT] > 0.5, less.alpha[:CUT] > 0.5
    assert (found & ~expected).sum() < 0.35 * expected.sum()  # measured: 0.27, with stretched pixels 0.81
    assert (expected & ~found).sum() < 0.05 * expected.sum()


def test_the_border_cuts_no_hole(whole, own_view, views, monkeypatch):
    """Where a shoulder curves, columns beyond the border may lie among others that are not."""
    beyond = np.zeros((GRID, GRID), bool)
    beyond[70:90, 70:90] = True
    monkeypatch.setattr(invert, "cut_off", lambda *_: beyond)
    found = own_view(cut(whole, 10, CROP_SIZE)).alpha
    inside = cv2.erode(np.uint8(views[0].alpha > 0.5), np.ones((31, 31))) > 0
    assert inside.sum() > 1000 and found[inside].min() > 0.9


@pytest.mark.parametrize("below", [0.02, 0.08, 0.2])
def test_a_bust_ends_with_the_photo(whole, own_view, views, below):
    """Below the chin, by a share of the crop. A short neck goes on; no shoulders of smeared pixels do."""
    end = int(whole.landmarks[152, 1]) + round(below * CROP_SIZE)
    found, shown = own_view(cut(whole, 0, end)).alpha, views[0].alpha
    y, x = np.mgrid[:CROP_SIZE, :CROP_SIZE] + 0.5
    heart = np.array([0.0, CHIN_Y, 0.05])
    (middle, chin), (left, _), (_, low) = whole.camera.project(heart - [(0, 0, 0), (NECK[0], 0, 0), (0, NECK[1], 0)])[0]
    neck = ((x - middle) / (middle - left)) ** 2 + ((y - chin) / (low - chin)) ** 2
    past = (y > end + 8) & (y > chin + 8) & (neck > 1.6)
    assert (shown[past] > 0.5).mean() > 0.3 and (found[past] > 0.05).mean() < 0.005, (found[past] > 0.05).mean()
    above = slice(40, end - 6)
    same = ((found[above] > 0.5) & (shown[above] > 0.5)).sum() / ((found[above] > 0.5) | (shown[above] > 0.5)).sum()
    assert same > 0.97, same
    kept = (y > end) & (y > chin) & (neck < 0.4)
    assert found[kept].min(initial=1.0) > 0.5, "a gap below the chin"


def test_what_a_turned_photo_cuts_off():
    """Its border runs aslant; columns whose pixels lie beside the crop follow the nearest ones in it."""
    camera, radius = orbit_camera(), ball(160)
    y, x = np.mgrid[:CROP_SIZE, :CROP_SIZE]
    ends = cut_off(radius, x + y > 360, camera)  # the lower right corner
    points = column_points(radius)
    past = camera.project(points)[0].clip(0.5, CROP_SIZE - 0.5).sum(-1) - 361.0
    low, (aside, down) = points[..., 1] < CHIN_Y, (np.abs(points[..., 0]), CHIN_Y - points[..., 1])
    assert not ends[~low].any() and not ends[low & (aside < 0.02) & (down < 0.02)].any()
    sure = low & ((aside > NECK[0]) | (down > NECK[1])) & (np.abs(past + 2) > 5)
    assert (past[sure] > 0).any() and (past[sure] < 0).any()
    np.testing.assert_array_equal(ends[sure], past[sure] > 0)


def test_shoulders_end_before_heads_do(whole, shipped_model):
    """Columns of clothes, and no others, are empty so far to either side; a head goes on to a quarter turn."""
    points = column_points(np.full((GRID, GRID), 0.1, np.float32)) - np.float32([0.0, 0.0, domes.AXIS_Z])
    far = np.abs(np.arctan2(points[..., 0], points[..., 2])) > BUST
    assert 0.05 < far.mean() < 0.15
    parts = np.zeros((3, GRID, GRID), np.float32)
    for part in range(3):
        parts[:] = 0.0
        parts[part] = 1.0
        np.testing.assert_array_equal(aside(parts), far & (part == 2))
    textures, *_, parts = invert_crop(whole, shipped_model)
    solid = cv2.resize(textures[:-1, ..., 3].max(0), (GRID, GRID), interpolation=cv2.INTER_AREA) > 128
    farther = np.abs(np.arctan2(points[..., 0], points[..., 2])) > BUST + np.radians(4.0)
    cloth = parts.argmax(-1) == 2
    assert (farther & cloth).sum() > 100 and (solid & farther & cloth).mean() < 0.02 * (farther & cloth).mean()
    assert (solid & farther).sum() > 100


def test_columns_beyond_the_photo_are_hidden():
    """A ball whose left half the photo does not show: its columns there are as unseen as the back of a head."""
    camera, radius = orbit_camera(), ball(160)
    valid, parts = radius > 0.03, np.full((3, 160, 160), 1 / 3, np.float32)
    colour, photo_parts = np.zeros((3, 160, 160), np.float32), np.full((3, CROP_SIZE, CROP_SIZE), 1 / 3, np.float32)
    beyond = np.zeros((CROP_SIZE, CROP_SIZE), bool)
    beyond[:, : CROP_SIZE // 2] = True
    whole = see(radius, valid, colour, parts, photo_parts, NO_EARS, camera)
    half = see(radius, valid, colour, parts, photo_parts, NO_EARS, camera, beyond)
    left, right = np.zeros_like(valid), np.zeros_like(valid)
    left[:, :70], right[:, 90:] = valid[:, :70], valid[:, 90:]
    assert np.abs(half.facing[left]).max() < 0.01 and half.occlusion_depth[left].min() > HIDDEN_AT
    np.testing.assert_allclose(half.facing[right], whole.facing[right], atol=1e-6)
    np.testing.assert_allclose(half.occlusion_depth[right], whole.occlusion_depth[right], atol=1e-6)


def test_what_the_photo_shows_stays(views):
    shown, less = views
    below = slice(CUT + 6, 200)
    inside = (shown.alpha[below] > 0.98) & (less.alpha[below] > 0.98)
    assert np.abs(shown.color[below][inside] - less.color[below][inside]).mean() < 0.004  # measured: 0.0013
