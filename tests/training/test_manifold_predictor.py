"""GRAM's scalar field, fitted to the table of sheets."""

import numpy as np
import pytest
import torch

from inference.geometry import domes
from tests.portraits import sheet_radii
from training import manifold_predictor as mp
from training.model.manifolds import Manifolds


@pytest.fixture(scope="module")
def radii():
    return sheet_radii("sphere", 81)


def test_points_lie_on_the_levels_of_the_table(radii):
    u, v = torch.rand(2, 200, generator=torch.Generator().manual_seed(0)) * 0.9 + 0.05
    level = torch.rand(200) * 22
    points, spacing = mp.radial_points(Manifolds(radii, 8, (0,)), u, v, level)
    found, found_u, found_v = Manifolds(radii, 8, (0,)).level(points)
    assert torch.allclose(found, level, atol=2e-3)
    assert torch.allclose(found_u, u, atol=1e-4) and torch.allclose(found_v, v, atol=1e-4)
    assert torch.allclose(spacing * 22, torch.full_like(spacing, 0.06), atol=1e-3)


def test_level_sets_of_a_known_field_are_found():
    """A field that is linear in the dome radius has domes of constant radius as level sets."""

    def field(points):
        radius = domes.dome_coordinates(points.numpy())[2]
        return torch.from_numpy((0.15 - radius) / 0.004).float()

    found = mp.level_sets(field, np.full((9, 9), 0.16), np.full((9, 9), 0.05), corners=9)
    wanted = np.broadcast_to(0.15 - 0.004 * np.arange(23)[:, None, None], found.shape)
    np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_the_fitted_field_agrees_with_the_table(radii):
    """Level sets come within a fraction of the sheets' distance (2.7 mm); a field that was not fitted does not."""
    fitted = mp.error(mp.fit(radii, steps=500, batch=2048, quiet=True), radii)
    assert np.median(fitted) < 0.6 and np.percentile(fitted, 95) < 2.5
    assert np.median(mp.error(mp.ManifoldPredictor(), radii)) > 5
