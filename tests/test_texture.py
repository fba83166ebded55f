"""Texture goes on beyond what the photo shows, where it is of the same kind."""

import cv2
import numpy as np
import pytest

from inference.inversion.columns import CLOTH, GRID, HAIR, SKIN, Columns
from inference.inversion.texture import APART, carried_on

SIDE = 2 * GRID
BORDER = 100  # column of GRID from which on the photo shows nothing, unless a test says otherwise
NOISE = cv2.GaussianBlur(np.random.default_rng(7).normal(0.0, 20.0, (SIDE, SIDE, 3)).astype(np.float32), (0, 0), 0.8)
ROWS = slice(20, -20)


def seen_to(border=BORDER, first=0):
    """Columns (GRID, GRID) that the photo shows, softly at the border."""
    columns = np.arange(GRID, dtype=np.float32)
    seen = np.clip((border - columns) / 4.0 + 0.5, 0.0, 1.0) * (columns >= first)
    return np.tile(seen.astype(np.float32), (GRID, 1))


def found(kind, seen, valid=True, detail=NOISE, shown=None):
    """What comes of a head of one kind, or of an array (GRID, GRID) of kinds, where the photo shows the same."""
    parts = np.eye(3, dtype=np.float32)[np.broadcast_to(kind, (GRID, GRID))]
    shown_parts = parts if shown is None else np.eye(3, dtype=np.float32)[np.broadcast_to(shown, (GRID, GRID))]
    plane = np.zeros((GRID, GRID), np.float32)
    valid = np.broadcast_to(valid, (GRID, GRID))
    columns = Columns(plane, valid, plane, plane, np.zeros((3, GRID, GRID), np.float32), parts.transpose(2, 0, 1))
    return carried_on(detail, seen, shown_parts, columns)


def across(texture):
    """Mean strength of every column of GRID."""
    return np.abs(texture[ROWS]).mean((0, 2)).reshape(GRID, -1).mean(1)


@pytest.mark.parametrize("kind", [SKIN, HAIR, CLOTH])
def test_what_the_photo_shows_is_kept(kind):
    texture, shown = found(kind, seen_to()), slice(0, 2 * BORDER - 8)
    np.testing.assert_allclose(texture[:, shown], NOISE[:, shown], atol=1e-3)


@pytest.mark.parametrize("kind", [SKIN, HAIR, CLOTH])
def test_what_is_hidden_has_the_other_side_s_texture(kind):
    hidden = slice(2 * BORDER + 8, SIDE)
    np.testing.assert_allclose(found(kind, seen_to())[:, hidden], NOISE[:, ::-1][:, hidden], atol=0.5)


def test_hair_and_cloth_go_on_where_the_other_side_is_hidden_too():
    """Mirrored at the border of what is seen, as strongly as before it and without a seam, and not for ever."""
    first, border = GRID - 110, 110
    for kind in (HAIR, CLOTH):
        texture = found(kind, seen_to(border, first))
        strength = across(texture) / across(NOISE)[BORDER - 20 : BORDER].mean()
        assert strength[border - 12 : border + int(APART[0]) - 2].min() > 0.5
        assert np.abs(np.diff(strength[border - 12 : border + 12])).max() < 0.3
        mirrored = texture[ROWS, 2 * border + 10 : 2 * border + 24]
        before = texture[ROWS, 2 * border - 24 : 2 * border - 10][:, ::-1]
        alike = [np.corrcoef(mirrored.ravel(), np.roll(before, shift, 1).ravel())[0, 1] for shift in range(-3, 4)]
        assert max(alike) > 0.6
        assert (texture[:, 2 * (border + int(APART[1])) + 8 :] == 0.0).all()


def test_skin_does_not_go_on_by_itself():
    """An eye's corner would stand before the ear."""
    texture = found(SKIN, seen_to(110, GRID - 110))
    assert (texture[:, 2 * 110 + 8 :] == 0.0).all()


def test_nothing_takes_another_part_s_texture():
    kinds = np.where(np.arange(GRID) < BORDER, HAIR, SKIN)
    hidden = slice(2 * BORDER + 8, SIDE)
    assert (found(kinds, seen_to())[:, hidden] == 0.0).all()
    assert (found(1 + kinds * 0, seen_to(), shown=SKIN)[:, hidden] == 0.0).all()


def test_things_are_no_texture():
    """Glasses, a collar's edge: far stronger than what is around them."""
    detail = NOISE.copy()
    detail[140:180, 60:80] *= 8.0
    texture = found(HAIR, seen_to(), detail=detail)
    np.testing.assert_array_equal(texture[140:180, 60:80], detail[140:180, 60:80])
    assert (texture[145:175, SIDE - 75 : SIDE - 65] == 0.0).all()
    assert np.abs(texture[60:120, SIDE - 75 : SIDE - 65]).mean() > 5.0


def test_where_there_is_no_surface_there_is_no_texture():
    valid = np.arange(GRID) < 130
    assert (found(HAIR, seen_to(), valid)[:, 2 * 130 + 2 :] == 0.0).all()
