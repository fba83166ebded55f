"""The subject's own colours at its edge, against mixtures whose parts are known."""

import cv2
import numpy as np
import pytest

from inference.inversion.matting import foreground, unmixed


def mixture(backdrop, hair=(0.2, 0.15, 0.1)):
    """A disc of hair with darker and lighter streaks before a plain backdrop, its edge ten pixels wide.

    Returns the photo and the hair's colours (3, 256, 256) and the matte (256, 256).
    """
    y, x = np.mgrid[:256, :256].astype(np.float32)
    matte = np.clip((90.0 - np.hypot(x - 128, y - 128)) / 10.0 + 0.5, 0.0, 1.0)
    streaks = 0.05 * np.sin(0.9 * np.arctan2(y - 128, x - 128) * 20)
    colours = np.float32(hair)[:, None, None] + streaks
    photo = matte * colours + (1.0 - matte) * np.float32(backdrop)[:, None, None]
    return photo.astype(np.float32), colours.astype(np.float32), matte


@pytest.mark.parametrize("backdrop", [(0.95, 0.95, 0.95), (0.1, 0.8, 0.2), (0.0, 0.0, 0.0)])
def test_mixed_pixels_give_the_backdrop_back(backdrop):
    """An error of half the range shrinks to a twentieth of it; unmixing alone leaves two fifths at most."""
    photo, colours, matte = mixture(backdrop)
    for low, high in ((0.1, 0.5), (0.5, 0.9), (0.9, 0.99)):
        where = (matte >= low) & (matte < high)
        found = (photo, unmixed(photo, matte)[0], foreground(photo, matte)[0])
        before, apart, freed = (np.abs((image - colours)[:, where]).mean() for image in found)
        assert freed < 0.05 and freed <= apart < max(0.4 * before, 0.05), (low, high)


def test_streaks_in_front_of_the_backdrop_are_kept():
    """Up to where the matte is sure: what is brighter than the rest of the hair is no backdrop."""
    photo, colours, matte = mixture((0.95, 0.95, 0.95))
    inside = cv2.erode((matte > 0.99).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    near = inside & (cv2.erode(inside.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0)
    freed, _ = foreground(photo, matte)
    assert near.sum() > 1000
    np.testing.assert_allclose(freed[:, near], colours[:, near], atol=0.01)


def test_a_photo_without_a_subject_stays_finite():
    for matte in (np.zeros((256, 256), np.float32), np.ones((256, 256), np.float32)):
        photo = np.random.default_rng(0).random((3, 256, 256), np.float32)
        freed, _ = foreground(photo, matte)
        assert freed.dtype == np.float32 and np.isfinite(freed).all() and 0.0 <= freed.min() and freed.max() <= 1.0
        if matte.all():
            np.testing.assert_allclose(freed, photo, atol=1e-3)
