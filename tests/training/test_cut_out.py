"""Sitters cut out of plain backdrops: opacity and colours against a mixture that is known."""

import cv2
import numpy as np
import pytest

from training.evaluation import sitters

pytest.importorskip("pymatting")

BACKDROP, SITTER = np.array([70, 110, 160.0]), np.array([190, 140, 90.0])


def _photo():
    """A soft-edged disk of one colour, a little textured, before another; the photo and its true opacity."""
    y, x = np.mgrid[:120, :100] + 0.5
    alpha = np.clip((36 - np.hypot(x - 50, y - 60)) / 4 + 0.5, 0, 1)
    texture = np.random.default_rng(0).normal(0, 3, (120, 100, 1))
    photo = alpha[..., None] * (SITTER + texture) + (1 - alpha[..., None]) * BACKDROP
    return np.round(photo).clip(0, 255).astype(np.uint8), alpha


def test_a_rough_matte_becomes_opacity_and_clean_colours():
    photo, alpha = _photo()
    rough = cv2.GaussianBlur(np.roll(alpha > 0.5, 1, 1).astype(np.float32), (0, 0), 2)
    cutout = sitters.cut_out(photo, rough)
    found = cutout[..., 3] / 255
    assert np.abs(found - alpha).mean() < 0.01
    assert np.abs(found - alpha)[(alpha > 0.1) & (alpha < 0.9)].mean() < 0.12
    edge = (alpha > 0.3) & (alpha < 0.95)
    mixed = np.abs(photo[edge] - SITTER).mean()
    assert np.abs(cutout[edge][:, :3] - SITTER).mean() < 0.25 * mixed  # the backdrop's share is gone
    assert found[alpha == 0].max() < 0.05 and found[alpha == 1].min() > 0.95


def test_cut_outs_are_kept_and_taken_again(tmp_path, monkeypatch):
    photo, alpha = _photo()
    cv2.imwrite(str(tmp_path / "matte.png"), np.round(255 * alpha).astype(np.uint8))
    first = sitters.kept_cutout(photo, tmp_path / "matte.png", tmp_path / "kept.png")
    monkeypatch.setattr(sitters, "cut_out", None)  # would fail
    np.testing.assert_array_equal(sitters.kept_cutout(photo, tmp_path / "matte.png", tmp_path / "kept.png"), first)
    with pytest.raises(sitters.TrainingError, match="no matte"):
        sitters.kept_cutout(photo[:50], tmp_path / "matte.png", tmp_path / "kept.png")
