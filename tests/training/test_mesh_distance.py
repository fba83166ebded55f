"""Distances between surfaces that are known in closed form."""

import numpy as np
import pytest

from training.evaluation.mesh_distance import Samples, distances, nearest

pytest.importorskip("scipy")


def grid(size, count=40):
    """A flat square of triangles in the plane z = 0, `size` metres long, about the origin."""
    axis = np.linspace(-size / 2, size / 2, count + 1)
    x, y = np.meshgrid(axis, axis)
    corner = np.arange((count + 1) ** 2).reshape(count + 1, count + 1)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]
    triangles = np.concatenate([np.stack(three, -1).reshape(-1, 3) for three in ((a, b, c), (a, c, d))])
    return np.stack([x, y, np.zeros_like(x)], -1).reshape(-1, 3), triangles


def test_distance_and_angle_of_a_tilted_plane():
    """Above a plane a point's distance is its height, whatever the triangles, and the angle is the tilt."""
    vertices, triangles = grid(0.2)
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.uniform(-0.08, 0.08, (500, 2)), rng.uniform(0.001, 0.02, (500, 1))], 1)
    distance, _ = nearest(vertices, triangles, points)
    np.testing.assert_allclose(distance, points[:, 2], atol=1e-6)
    tilt = np.radians(12.0)
    normals = np.tile([np.sin(tilt), 0.0, np.cos(tilt)], (500, 1))
    row = distances(vertices, triangles, {"face": Samples(points, normals, np.ones(500))})["face"]
    assert row["covered"] == 1.0
    assert row["mm"] == pytest.approx(1e3 * points[:, 2].mean(), rel=1e-4) and row["degrees"] == pytest.approx(12.0)


def test_what_lies_beside_an_open_mesh_is_left_out_and_counted():
    vertices, triangles = grid(0.1)
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.uniform(-0.1, 0.1, (4000, 2)), np.full((4000, 1), 0.003)], 1)
    inside = (np.abs(points[:, :2]) < 0.05).all(1)
    row = distances(vertices, triangles, {"face": Samples(points, None, np.ones(len(points)))})["face"]
    assert row["covered"] == pytest.approx(inside.mean(), abs=0.02)
    assert row["mm"] == pytest.approx(3.0, abs=0.05)
    far = Samples(points + [1.0, 0.0, 0.0], None, np.ones(len(points)))
    assert distances(vertices, triangles, {"face": far}) == {}
