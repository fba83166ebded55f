"""Colours of the columns on a ball in front of a painted photo: seen, mirrored and guessed columns."""

import numpy as np

from inference import cameras, colouring, placement
from tests.test_placement import ball

SIZE = 160
EVERYWHERE = np.ones((256, 256), np.float32)  # a matte


def scene(yaw):
    """A grey ball seen from the side; the photo is red where x < 128 and green elsewhere."""
    camera = cameras.orbit_camera(yaw=yaw)
    radius = ball(SIZE)
    radius = placement.continued(radius, radius > 0.03)
    depth = placement.visible_depth(radius, np.ones_like(radius, bool), camera, 64, 9.0)
    facing, behind = placement.facing(radius, camera), placement.behind(radius, depth, camera)
    photo = np.zeros((3, 256, 256), np.float32)
    photo[0, :, :128] = photo[1, :, 128:] = 0.8
    return radius, facing, behind, photo, camera


def test_seen_columns_have_the_colour_of_the_photo():
    radius, facing, behind, photo, camera = scene(0.0)
    guess = np.full((3, SIZE, SIZE), 0.5, np.float32)
    found, share = colouring.match_colours(guess, radius, facing, behind, photo, EVERYWHERE, camera)
    origin, direction = placement.column_rays(SIZE, SIZE)
    x = camera.project(origin + direction * radius[..., None])[0][..., 0]
    seen = (facing > 0.6) & (behind < 0.2)
    left, right = seen & (x < 120), seen & (x > 136)
    assert left.sum() > 1000 and right.sum() > 1000
    for side, wanted in ((left, (0.8, 0, 0)), (right, (0, 0.8, 0))):
        np.testing.assert_allclose(found[:, side].T - wanted, 0, atol=0.02)
        assert share[side].max() < 0.01


def test_a_hidden_side_is_the_mirror_image_of_the_other():
    """The photo is blue; seen from the left of the head, the right side's columns repeat the left side's."""
    radius, facing, behind, photo, camera = scene(-50.0)
    photo[:] = np.array([0.1, 0.2, 0.7], np.float32)[:, None, None]
    guess = np.full((3, SIZE, SIZE), 0.5, np.float32)
    found, share = colouring.match_colours(guess, radius, facing, behind, photo, EVERYWHERE, camera)
    hidden = (facing < 0.1) & (facing[:, ::-1] > 0.6) & (behind[:, ::-1] < 0.2)
    assert hidden.sum() > 500
    np.testing.assert_allclose(found[:, hidden].T - (0.1, 0.2, 0.7), 0, atol=0.02)
    assert share[hidden].max() < 0.01


def test_the_share_is_the_derivative_by_the_guess():
    """A change of the networks' guess arrives with the share it is said to have where no column is seen."""
    radius, facing, behind, photo, camera = scene(0.0)
    nothing = np.zeros((256, 256), np.float32)
    dark, bright = (np.full((3, SIZE, SIZE), value, np.float32) for value in (0.4, 0.6))
    low, share = colouring.match_colours(dark, radius, facing, behind, photo, nothing, camera)
    high, _ = colouring.match_colours(bright, radius, facing, behind, photo, nothing, camera)
    np.testing.assert_allclose(share, colouring.GUESSED, atol=1e-6)
    np.testing.assert_allclose(high - low, 0.2 * colouring.GUESSED, atol=1e-3)


def test_rows_go_on_with_their_outermost_colour():
    values, weight = np.zeros((40, 80, 2), np.float32), np.zeros((40, 80), np.float32)
    weight[:, 20:60] = 1.0
    values[:, 20:30], values[:, 30:50], values[:, 50:60] = 0.2, 0.9, 0.4
    found = colouring.outwards(values, weight)
    assert np.abs(found[:, :20] - 0.2).max() < 0.06 and np.abs(found[:, 60:] - 0.4).max() < 0.06


def test_spreading_keeps_what_is_known():
    rng = np.random.default_rng(0)
    values, weight = rng.uniform(size=(40, 40, 2)).astype(np.float32), np.zeros((40, 40), np.float32)
    weight[10:20, 10:20] = 1.0
    found = colouring.spread(values, weight)
    np.testing.assert_allclose(found[10:20, 10:20], values[10:20, 10:20], atol=0.03)
    known = values[10:20, 10:20].reshape(-1, 2)
    assert (found >= known.min(0) - 1e-3).all() and (found <= known.max(0) + 1e-3).all()
