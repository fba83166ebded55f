"""Vertices know whether they are skin, hair or cloth."""

import dataclasses

import numpy as np
import pytest

from inference.mesh.extract import extract_mesh
from inference.portrait import PARTS
from tests.portraits import analytic_portrait


@pytest.fixture(scope="module")
def striped():
    """The analytic head with a dome's right half of skin, a left half of hair, and cloth below."""
    parts = np.zeros((40, 60, 3), np.uint8)
    parts[:, 30:, 0] = parts[:, :30, 1] = 255
    parts[30:] = (0, 0, 255)
    return dataclasses.replace(analytic_portrait(), parts=parts)


@pytest.mark.parametrize("closed", [False, True])
def test_groups_are_the_columns(striped, closed):
    mesh = extract_mesh(striped, 48, closed=closed, texture=64)
    assert tuple(mesh.groups) == PARTS
    weights = np.stack(list(mesh.groups.values()), -1)
    assert weights.dtype == np.float32 and weights.shape == (len(mesh.vertices), 3)
    np.testing.assert_allclose(weights.sum(1), 1.0, atol=0.01)
    x, y, z = mesh.vertices.T
    front = (z > 0.0) & (np.abs(x) > 0.015)
    for part, chosen in enumerate((front & (x > 0) & (y > 0), front & (x < 0) & (y > 0), y < -0.13)):
        assert chosen.sum() > 20 and weights[chosen, part].min() > 0.9, PARTS[part]
    if closed:  # behind, each side goes on to the middle
        behind = (z < -0.09) & (y > 0.0) & (y < 0.06)
        assert behind.sum() > 20 and weights[behind, 2].max() < 0.05
        for part, side in ((0, x > 0.03), (1, x < -0.03)):
            assert (weights[behind & side, part] > 0.5).all()


def test_portraits_without_parts_have_no_groups():
    assert extract_mesh(analytic_portrait(), 32, texture=64).groups == {}


def test_a_real_head(astronaut):
    """NASA's portrait of Eileen Collins: a face, curly hair round it, a suit."""
    portrait = astronaut.portrait
    assert portrait.parts.shape == (160, 160, 3)
    mesh = extract_mesh(portrait, 96, texture=64)
    skin, hair, cloth = mesh.groups.values()
    x, y, z = mesh.vertices.T
    nose = (np.abs(x) < 0.012) & (np.abs(y + 0.015) < 0.015) & (z > 0.04)
    crown = (y > y.max() - 0.03) & (z > -0.1)
    chest = (y < -0.15) & (np.abs(x) < 0.06)
    wanted = (("nose", skin, nose, 0.9), ("crown", hair, crown, 0.9), ("chest", cloth, chest, 0.75))  # the chest 0.79
    for name, weight, chosen, least in wanted:
        assert chosen.sum() > 10 and np.median(weight[chosen]) > least, name
