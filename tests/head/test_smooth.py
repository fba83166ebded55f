"""Smooth displacements against the dense solution of the same energy."""

import numpy as np
import pytest

from inference.head.smooth import DETAIL, REACH, Pulls, Sheet, vertex_areas


@pytest.fixture
def plate():
    """A square of 12 x 12 quads, 6 cm wide, a little bent: points (169, 3) and quads (144, 4)."""
    x, y = (part.ravel() for part in np.meshgrid(np.linspace(0.0, 0.06, 13), np.linspace(0.0, 0.06, 13)))
    index = np.arange(169).reshape(13, 13)
    quads = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], -1).reshape(-1, 4)
    return np.stack([x, y, 5.0 * x * y], -1), quads


def random_pulls(rng, count, points):
    directions = rng.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    corners, shares = rng.integers(0, points, (count, 3)), rng.dirichlet((1.0, 1.0, 1.0), count)
    return Pulls(corners, shares, directions, rng.normal(0.0, 0.002, count), rng.uniform(0.2e-4, 1e-4, count))


def test_what_pulls_give_back_is_the_transpose_of_what_they_see():
    rng = np.random.default_rng(0)
    pulls = random_pulls(rng, 40, 30)
    moved, values = rng.normal(size=(30, 3)), rng.normal(size=40)
    assert (pulls.back(values, 30) * moved).sum() == pytest.approx((pulls.worth * values * pulls.along(moved)).sum())


def test_conjugate_gradients_find_the_dense_solution(plate, monkeypatch):
    points, quads = plate
    rng, count = np.random.default_rng(1), len(points)
    sheet, pulls = Sheet(points, quads, rng.uniform(0.0, 1.0, count)), [random_pulls(rng, 25, count) for _ in range(2)]
    units = np.eye(count)[..., None] * [1.0, 0.0, 0.0]
    laplacian = np.stack([sheet.laplacian(unit)[:, 0] for unit in units], -1)
    assert np.allclose(laplacian, laplacian.T) and np.allclose(laplacian.sum(1), 0.0, atol=1e-6 * laplacian.max())
    smooth = laplacian.T @ (sheet.bending[:, None] * laplacian) + np.diag(sheet.holding)
    normal, right = np.kron(smooth, np.eye(3)), np.zeros(3 * count)
    for pull in pulls:
        rows = np.zeros((len(pull.wanted), count, 3))
        for row, corners, shares, direction in zip(rows, pull.corners, pull.shares, pull.directions, strict=True):
            np.add.at(row, corners, shares[:, None] * direction)
        rows = rows.reshape(len(rows), -1)
        normal += (rows * pull.worth[:, None]).T @ rows
        right += rows.T @ (pull.worth * pull.wanted)
    exact = np.linalg.solve(normal, right).reshape(-1, 3)
    assert np.allclose(sheet.diagonal(), np.diag(smooth), rtol=1e-9)

    def energy(moved):
        flat = moved.ravel()
        return flat @ normal @ flat - 2.0 * right @ flat

    found = sheet.displaced(np.zeros_like(points), pulls)
    assert energy(exact) < energy(found) < 0.99 * energy(exact) < 0.0
    monkeypatch.setattr("inference.head.smooth.MOST_STEPS", 5000)
    monkeypatch.setattr("inference.head.smooth.SETTLED", 1e-7)
    assert np.allclose(sheet.displaced(np.zeros_like(points), pulls), exact, atol=1e-6)


def test_a_displacement_fades_over_the_reach_and_is_smooth_over_the_detail(plate):
    points, quads = plate
    sheet, count = Sheet(points, quads, np.zeros(len(points))), len(points)
    up = np.array([[0.0, 0.0, 1.0]])
    pulls = Pulls(np.array([[0]]), np.ones((1, 1)), up, np.array([0.003]), np.array([1e-4]))
    moved = sheet.displaced(np.zeros((count, 3)), [pulls])[:, 2]
    distance = np.linalg.norm(points, axis=1)
    assert moved[0] > 0.0015 and moved[np.abs(distance - DETAIL) < 0.002].min() > 0.6 * moved[0]
    assert np.abs(moved[distance > 2.0 * REACH]).max() < 0.35 * moved[0]  # about exp(-2 / sqrt(2))


def test_areas_of_vertices_sum_to_the_meshs(plate):
    points, quads = plate
    flat = points * (1.0, 1.0, 0.0)
    assert vertex_areas(flat, quads).sum() == pytest.approx(0.06**2)
