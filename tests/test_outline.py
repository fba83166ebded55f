"""Outlines of meshes reach as far as the photo's camera sees the portrait."""

import numpy as np
import pytest

from inference.mesh.extract import extract_surface
from inference.mesh.field import facing_outwards, outwards
from inference.mesh.outline import MOST, REACH, SAME_DEPTH, reaching
from inference.view.render import render_view
from tests.portraits import analytic_portrait
from training.evaluation.rasteriser import visible


@pytest.fixture(scope="module")
def ball():
    portrait = analytic_portrait()
    camera = portrait.camera.resized(400, 400)
    mesh, _ = extract_surface(portrait, 96, 4000, smoothing=2, closed=True)
    return mesh, camera, render_view(portrait, camera).depth


def missing(vertices, mesh, camera, shown):
    """How many pixels beside the upper half of a mesh a view shows."""
    index, _, _ = visible(vertices, mesh.faces, camera)
    return (np.isfinite(shown) & (index < 0))[:200].sum()


def test_the_outline_reaches_the_view_s(ball):
    mesh, camera, shown = ball
    before = missing(mesh.vertices, mesh, camera, shown)
    vertices = reaching(mesh.vertices, mesh.faces, camera, shown)
    after = missing(vertices, mesh, camera, shown)
    assert before > 100 and after < 0.2 * before
    move = vertices - mesh.vertices
    far, out = np.linalg.norm(move, axis=1), outwards(mesh.vertices.astype(np.float64))
    assert 0 < (far > 1e-6).sum() < 0.3 * len(far) and far.max() <= MOST + 1e-9
    np.testing.assert_allclose((move * out).sum(1), far * np.linalg.norm(out, axis=1), atol=1e-9)
    assert facing_outwards(vertices[mesh.faces]).all()


def test_other_things_beside_it_are_let_be(ball):
    """Something far behind, and strands of hair beyond the outline."""
    mesh, camera, shown = ball
    unmoved = mesh.vertices.astype(np.float64)
    behind = shown + np.float32(10.0 * SAME_DEPTH)
    np.testing.assert_array_equal(reaching(mesh.vertices, mesh.faces, camera, behind), unmoved)
    index, _, depth = visible(mesh.vertices, mesh.faces, camera)
    strands = np.where(index < 0, np.float32(np.median(depth[index >= 0])), np.float32(np.inf))
    metres = camera.pixels_per_unit()[0] / np.median(depth[index >= 0])
    from_edge = int(np.ceil(REACH * metres)) + 1
    rows, columns = np.nonzero(index >= 0)
    near = np.zeros(index.shape, bool)
    near[max(0, rows.min() - from_edge) : rows.max() + from_edge, max(0, columns.min() - from_edge) :] = True
    strands[near] = np.inf
    np.testing.assert_array_equal(reaching(mesh.vertices, mesh.faces, camera, strands), unmoved)
