"""Triangles that cut each other, in closed form and beside Blender's tree; and meshes that stop doing so."""

import numpy as np
import pytest

from inference.head.base import head_base
from inference.head.crossings import Untangler, crossing_triangles, skin_untangler

BELOW = np.array([[0.0, 0.0, 0.0], [0.01, 0.0, 0.0], [0.0, 0.01, 0.0]])


@pytest.mark.parametrize(
    ("shift", "cut"), [((0.0, 0.0, 0.0), True), ((0.0, 0.0, 0.0051), False), ((0.02, 0.0, 0.0), False)]
)
def test_a_triangle_through_another_is_found(shift, cut):
    through = np.array([[0.002, 0.002, -0.005], [0.003, 0.002, 0.005], [0.002, 0.003, 0.005]]) + shift
    pairs = crossing_triangles(np.concatenate([BELOW, through]), np.arange(6).reshape(2, 3))
    assert np.sort(pairs).tolist() == ([[0, 1]] if cut else [])


def test_neighbours_do_not_count():
    points = np.concatenate([BELOW, [[0.003, 0.003, 0.002]]])
    assert len(crossing_triangles(points, np.array([[0, 1, 2], [0, 1, 3], [2, 1, 3]]))) == 0


@pytest.fixture(scope="module")
def shut():
    """The base with a jaw that is pushed through the upper lip: vertices (m, 3) of the skin."""
    base = head_base()
    skin = base.parts["skin"]
    return base, base.vertices[skin].astype(np.float64) - 0.3 * base.shapes["jawOpen"][skin]


def test_blenders_tree_finds_the_same(shut):
    pytest.importorskip("bpy")
    from mathutils.bvhtree import BVHTree as tree

    base, vertices = shut
    triangles = np.concatenate([base.faces[:, [0, 1, 2]], base.faces[:, [0, 2, 3]]])
    found = tree.FromPolygons(vertices.tolist(), triangles.tolist())
    pairs = np.unique(np.sort(found.overlap(found), 1), axis=0)
    apart = (triangles[pairs[:, 0], :, None] != triangles[pairs[:, 1], None, :]).all((1, 2))
    assert np.array_equal(np.unique(np.sort(crossing_triangles(vertices, triangles), 1), axis=0), pairs[apart])
    assert apart.sum() > 20


def test_lips_come_apart_and_the_rest_stays(shut):
    base, vertices = shut
    rest = base.vertices[base.parts["skin"]].astype(np.float64)
    triangles = np.concatenate([base.faces[:, [0, 1, 2]], base.faces[:, [0, 2, 3]]])
    loose = vertices.copy()
    assert skin_untangler(base).untangle(loose) == 0
    assert len(crossing_triangles(loose, triangles)) == 0
    moved = np.linalg.norm(loose - vertices, axis=1)
    eyes = rest[:, 1] > 0.0
    assert moved.max() < 0.012 and moved[eyes].max() == 0.0


def test_a_mesh_that_does_not_cut_itself_is_left_alone():
    base = head_base()
    rest = base.vertices[base.parts["skin"]].astype(np.float64)
    bent = rest * (1.05, 0.97, 1.0)
    kept = bent.copy()
    assert skin_untangler(base).untangle(bent) == 0 and np.array_equal(bent, kept)


def test_quads_that_cut_are_found_along_any_diagonals(shut):
    """All triangles of all quads together, against each other, but for those of one quad."""
    base, vertices = shut
    ways = [(0, 1, 2), (0, 2, 3), (1, 2, 3), (1, 3, 0)]
    pairs = crossing_triangles(vertices, np.concatenate([base.faces[:, way] for way in ways])) % len(base.faces)
    untangler = skin_untangler(base)
    assert np.array_equal(untangler.crossed(vertices), np.unique(pairs)) and len(pairs) > 20
    moved = (vertices != untangler.rest).any(1)
    assert not moved.all() and np.array_equal(untangler.crossed(vertices, moved), np.unique(pairs))


def test_a_quad_folded_onto_its_neighbour_cuts_it():
    """Two quads with an edge in common, one with a corner pushed through the other."""
    rest = 0.01 * np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0, 0.2], [2, 1, -0.2]], float)
    untangler = Untangler(rest, np.array([[0, 1, 2, 3], [1, 4, 5, 2]]))
    assert not len(untangler.crossed(rest))
    folded = rest.copy()
    folded[4:] = 0.01 * np.array([[0.3, 0.5, 0.2], [0.3, 0.6, -0.2]])
    assert untangler.crossed(folded).tolist() == [0, 1]
