"""Colours of the columns on a ball in front of a painted photo: seen, mirrored and guessed columns, and their parts."""

import dataclasses

import numpy as np

from inference.geometry import cameras, domes, filling
from inference.inversion import colouring, visibility
from inference.inversion.columns import Columns
from inference.inversion.invert import see
from tests.test_hull import ball

NO_EARS = np.zeros((0, 1, 3), np.float32)
SIZE = 160
EVERYWHERE = np.ones((256, 256), np.float32)  # a matte
SKIN = np.zeros((3, SIZE, SIZE), np.float32)
SKIN[0] = 1.0
PHOTO_SKIN = np.zeros((3, 256, 256), np.float32)
PHOTO_SKIN[0] = 1.0


def scene(yaw):
    """A grey ball seen from the side; the photo is red where x < 128 and green elsewhere."""
    camera = cameras.orbit_camera(yaw=yaw)
    radius = ball(SIZE)
    radius = filling.continued(radius, radius > 0.03)
    depth = visibility.visible_depth(radius, np.ones_like(radius, bool), camera, 64, 9.0)
    facing, behind = visibility.facing_camera(radius, camera), visibility.occluded_by(radius, depth, camera)
    photo = np.zeros((3, 256, 256), np.float32)
    photo[0, :, :128] = photo[1, :, 128:] = 0.8
    return radius, facing, behind, photo, camera


def match(guess, radius, facing, behind, photo, matte, camera, parts=SKIN, photo_parts=PHOTO_SKIN):
    columns = Columns(radius, radius > 0, facing, behind, guess, parts)
    return colouring.match_colours(columns, photo, photo_parts, matte, camera)


def test_seen_columns_have_the_colour_of_the_photo():
    radius, facing, behind, photo, camera = scene(0.0)
    guess = np.full((3, SIZE, SIZE), 0.5, np.float32)
    found, share = match(guess, radius, facing, behind, photo, EVERYWHERE, camera)
    origin, direction = domes.column_rays(SIZE, SIZE)
    x = camera.project(origin + direction * radius[..., None])[0][..., 0]
    seen = (facing > 0.6) & (behind < 0.2)
    left, right = seen & (x < 120), seen & (x > 136)
    assert left.sum() > 1000 and right.sum() > 1000
    for side, wanted in ((left, (0.8, 0, 0)), (right, (0, 0.8, 0))):
        np.testing.assert_allclose(found[:, side].T - wanted, 0, atol=0.02)
        assert share[side].max() < 0.01


def test_columns_at_the_edge_of_the_matte_do_not_count_as_seen():
    """Two pixels inside of it, where the backdrop may shine through, they do not; further inside they do."""
    radius, facing, behind, _, camera = scene(0.0)
    matte = EVERYWHERE.copy()
    matte[:, 128:] = 0.0
    seen, glimpsed, pixel = visibility.seen_by_photo(radius, facing, behind, matte, camera)
    front = (facing > 0.6) & (behind < 0.2)
    edge, inside = (front & (pixel[..., 0] > low) & (pixel[..., 0] < high) for low, high in ((126.5, 128), (110, 125)))
    assert edge.sum() > 50 and inside.sum() > 500
    assert seen[edge].max() == glimpsed[edge].max() == 0.0
    assert seen[inside].min() == glimpsed[inside].min() == 1.0


def test_a_hidden_side_is_the_mirror_image_of_the_other():
    """The photo is blue; seen from the left of the head, the right side's columns repeat the left side's."""
    radius, facing, behind, photo, camera = scene(-50.0)
    photo[:] = np.array([0.1, 0.2, 0.7], np.float32)[:, None, None]
    guess = np.full((3, SIZE, SIZE), 0.5, np.float32)
    found, share = match(guess, radius, facing, behind, photo, EVERYWHERE, camera)
    hidden = (facing < 0.1) & (facing[:, ::-1] > 0.6) & (behind[:, ::-1] < 0.2)
    assert hidden.sum() > 500
    np.testing.assert_allclose(found[:, hidden].T - (0.1, 0.2, 0.7), 0, atol=0.02)
    assert share[hidden].max() < 0.01


def test_a_mirror_image_of_another_part_is_not_taken():
    """The same, but the right side is hair, which the photo, all skin, shows nowhere: it stays as guessed."""
    radius, facing, behind, photo, camera = scene(-50.0)
    photo[:] = np.array([0.1, 0.2, 0.7], np.float32)[:, None, None]
    hidden = (facing < 0.1) & (facing[:, ::-1] > 0.6) & (behind[:, ::-1] < 0.2)
    parts = np.where(hidden, np.roll(SKIN, 1, 0), SKIN)
    guess = np.full((3, SIZE, SIZE), 0.5, np.float32)
    found, share = match(guess, radius, facing, behind, photo, EVERYWHERE, camera, parts)
    np.testing.assert_allclose(found[:, hidden], 0.5, atol=0.02)
    assert share[hidden].min() > 0.99


def test_the_share_is_the_derivative_by_the_guess():
    """A change of the networks' guess arrives with the share it is said to have where no column is seen."""
    radius, facing, behind, photo, camera = scene(0.0)
    nothing = np.zeros((256, 256), np.float32)
    dark, bright = (np.full((3, SIZE, SIZE), value, np.float32) for value in (0.4, 0.6))
    low, share = match(dark, radius, facing, behind, photo, nothing, camera)
    high, _ = match(bright, radius, facing, behind, photo, nothing, camera)
    np.testing.assert_allclose(share, 1.0, atol=1e-6)
    np.testing.assert_allclose(high - low, 0.2, atol=1e-3)


def test_another_part_beside_a_grazed_surface_is_not_painted_on_it():
    """Skin whose pixels show hair counts as hidden at the ball's rim, but not in front, where hair may lie on skin."""
    radius, facing, _, _, camera = scene(0.0)
    hair_left = PHOTO_SKIN.copy()
    hair_left[:2, :, :128] = np.array([0, 1], np.float32)[:, None, None]
    further = visibility.shows_elsewhere(radius, facing, SKIN, hair_left, NO_EARS, camera)
    origin, direction = domes.column_rays(SIZE, SIZE)
    x = camera.project(origin + direction * radius[..., None])[0][..., 0]
    left, right = x < 120, x > 136
    assert (left & (facing < 0.3)).sum() > 500 and (left & (facing > 0.75)).sum() > 500
    assert further[left & (facing < 0.3)].min() > visibility.HIDDEN_AT
    assert further[left & (facing > 0.75)].max() < 0.1
    assert further[right].max() < 0.1


def test_inversion_counts_such_columns_as_hidden():
    radius, facing, _, _, camera = scene(0.0)
    hair_left = PHOTO_SKIN.copy()
    hair_left[:2, :, :128] = np.array([0, 1], np.float32)[:, None, None]
    guess, there = np.full((3, SIZE, SIZE), 0.5, np.float32), np.ones((SIZE, SIZE), bool)
    columns = see(radius, there, guess, SKIN, hair_left, NO_EARS, camera)
    beside = (camera.project(domes.column_points(radius))[0][..., 0] < 120) & (facing < 0.3) & (facing > 0.1)
    assert beside.sum() > 300 and columns.occlusion_depth[beside].min() > visibility.HIDDEN_AT


def halves():
    """Columns that are skin and hair in turns, of which a photo, red skin at its left and green hair at its right,
    shows the middle; the photo, and where they are hidden. What is hidden is guessed, in grey."""
    radius, facing, behind, photo, camera = scene(0.0)
    photo_parts = np.zeros((3, 256, 256), np.float32)
    photo_parts[0, :, :128] = photo_parts[1, :, 128:] = 1.0
    parts = np.zeros((3, SIZE, SIZE), np.float32)
    parts[0, ::2] = parts[1, 1::2] = 1.0  # row by row, also where the other half of the photo is nearer
    guess = np.full((3, SIZE, SIZE), 0.5, np.float32)
    guess[:, ::2, ::3] += 0.1  # structure that the photo does not show
    hidden = np.broadcast_to(np.abs(np.arange(SIZE) - SIZE / 2) > 50, (SIZE, SIZE))
    behind = np.where(hidden, 5.0, behind)  # as if something stood in front
    return Columns(radius, radius > 0, facing, behind, guess, parts), (photo, photo_parts, EVERYWHERE, camera), hidden


def test_hidden_columns_take_the_tones_of_their_own_part():
    columns, photo, hidden = halves()
    found, _ = colouring.match_colours(columns, *photo)
    guess, parts = columns.colour, columns.parts
    skin, hair = hidden & (parts[0] > 0), hidden & (parts[1] > 0)
    assert skin.sum() > 500 and hair.sum() > 500
    assert np.median(np.abs(found[:, hair].T - (0.0, 0.8, 0.0)).max(1)) < 0.05
    plain, raised = found[:, skin & (guess[0] == 0.5)], found[:, skin & (guess[0] > 0.55)]
    assert np.median(np.abs(plain.T - (0.8, 0.0, 0.0)).max(1)) < 0.05
    np.testing.assert_allclose(np.median(raised, 1) - np.median(plain, 1), 0.1, atol=0.01)


def test_completed_columns_take_them_beside_what_the_photo_shows():
    columns, photo, hidden = halves()
    found = colouring.with_photo(columns, *photo)
    away = np.broadcast_to(np.abs(np.arange(SIZE) - SIZE / 2) - 50, hidden.shape)
    for part, wanted in enumerate(((0.8, 0.0, 0.0), (0.0, 0.8, 0.0))):
        own = hidden & (columns.parts[part] > 0) & (columns.colour[0] == 0.5)
        assert np.median(np.abs(found[:, own & (away < 3)].T - wanted).max(1)) < 0.1
        np.testing.assert_allclose(found[:, own & (away > 25)], 0.5, atol=0.02)


def test_a_part_that_is_seen_nowhere_keeps_the_guess():
    error, weight = np.full((20, 20, 3), 0.3, np.float32), np.ones((20, 20), np.float32)
    seen, parts = np.zeros((20, 20, 2), np.float32), np.zeros((20, 20, 2), np.float32)
    seen[..., 0] = parts[:, :10, 0] = parts[:, 10:, 1] = 1.0
    found = colouring.part_tones(error, weight, seen, parts)
    np.testing.assert_allclose(found[:, :10], 0.3, atol=0.02)
    np.testing.assert_allclose(found[:, 10:], 0.0, atol=1e-3)


def test_texture_goes_on_mirrored_where_the_part_does():
    """Stripes of hair end at column 59 of 80; beyond, they are the same stripes backwards, and none on skin."""
    stripes = 0.5 + 0.2 * np.sign(np.sin(np.arange(80) * 1.3))
    shown = np.broadcast_to(stripes[None, :, None], (40, 80, 3)).astype(np.float32)
    seen, hair = np.zeros((40, 80), np.float32), np.ones((40, 80, 1), np.float32)
    seen[:, :60] = 1.0
    parts = hair.copy()
    parts[20:] = 0.0
    found = colouring.mirrored_texture(shown, seen, hair, parts)
    beyond, before = found[5:15, 61:75, 0], found[5:15, 44:58, 0][:, ::-1]
    assert np.abs(beyond).mean() > 0.1 and np.abs(beyond - before).mean() < 0.02
    assert np.abs(found[25:]).max() < 1e-6


def test_hidden_hair_has_the_texture_of_what_is_shown():
    """The photo is striped; columns beside those that it shows are as lively as those, whatever was guessed."""
    columns, (photo, photo_parts, *rest), hidden = halves()
    stripes = 0.5 + 0.2 * np.sign(np.sin(np.arange(256) * 0.5))
    photo = np.broadcast_to(stripes, (3, 256, 256)).astype(np.float32)
    hair = dataclasses.replace(columns, parts=np.roll(SKIN, 1, 0), colour=np.full((3, SIZE, SIZE), 0.5, np.float32))
    found, _ = colouring.match_colours(hair, photo, np.roll(PHOTO_SKIN, 1, 0), *rest)
    near = slice(60, 100), np.r_[14:29, 131:146]
    assert hidden[near].all() and found[0][near].std() > 0.5 * found[0, 60:100, 40:120].std() > 0.05


def test_spreading_keeps_what_is_known():
    rng = np.random.default_rng(0)
    values, weight = rng.uniform(size=(40, 40, 2)).astype(np.float32), np.zeros((40, 40), np.float32)
    weight[10:20, 10:20] = 1.0
    found = filling.push_pull(values, weight)
    np.testing.assert_allclose(found[10:20, 10:20], values[10:20, 10:20], atol=0.03)
    known = values[10:20, 10:20].reshape(-1, 2)
    assert (found >= known.min(0) - 1e-3).all() and (found <= known.max(0) + 1e-3).all()
