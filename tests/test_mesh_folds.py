"""Meshes lie one to one over the directions from inside the head: nothing cuts through anything, nor in the texture.

Judged by Blender's trees of triangles, which know nothing of how the meshes are made.
"""

import numpy as np
import pytest

from inference.mesh.directions import directions, rays
from inference.mesh.extract import extract_mesh
from inference.mesh.field import Field, facing_outwards
from inference.mesh.remesh import collapsed, moved, unfolded
from inference.mesh.whole import HEIGHT, WIDTH
from tests.portraits import analytic_portrait

bpy = pytest.importorskip("bpy")  # noqa: F841  brings mathutils
BVHTree = pytest.importorskip("mathutils.bvhtree").BVHTree


def crossings(vertices, faces):
    """Pairs of triangles without a common vertex that intersect."""
    tree = BVHTree.FromPolygons(vertices.tolist(), faces.tolist(), epsilon=0.0)
    pairs = np.array(tree.overlap(tree), int).reshape(-1, 2)
    one, other = faces[pairs[:, 0]], faces[pairs[:, 1]]
    return pairs[~(one[:, :, None] == other[:, None, :]).any((1, 2))]


def crumpled(vertices):
    """Vertices after a move that makes triangles cut through each other."""
    return np.where(vertices[:, :1] > 0.03, vertices * (-1.0, 1.0, 1.0), vertices)


@pytest.fixture(scope="module")
def real(astronaut):
    return astronaut.portrait


@pytest.mark.parametrize(
    "faces", [2000, 20_000, pytest.param(80_000, marks=pytest.mark.slow), pytest.param(None, marks=pytest.mark.slow)]
)
def test_closed_meshes_do_not_intersect_themselves(real, faces):
    mesh = extract_mesh(real, faces=faces, closed=True, texture=64)
    assert len(crossings(mesh.vertices, mesh.faces)) == 0
    assert len(crossings(crumpled(mesh.vertices), mesh.faces)) > 10, "the judge sees nothing"


@pytest.mark.parametrize("faces", [2000, 20_000])
def test_nothing_lies_over_anything_else_in_the_atlas(real, faces):
    mesh = extract_mesh(real, faces=faces, closed=True, texture=64)
    corners = mesh.uv[mesh.face_uv].astype(np.float64)
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = 0.5 * (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    assert (area > 0.0).all(), "triangles are turned over or without area"
    # of random places each lies in one triangle at most; those in none are as many as the areas leave
    places = np.random.default_rng(0).random((4000, 2))
    inside = np.zeros(len(places), int)
    for (p, q, r), twice in zip(corners, 2.0 * area):
        near = np.flatnonzero((np.abs(places - (p + q + r) / 3) < np.ptp([p, q, r], axis=0)).all(1))
        x = places[near]
        first = (q[0] - p[0]) * (x[:, 1] - p[1]) - (q[1] - p[1]) * (x[:, 0] - p[0])
        second = (r[0] - q[0]) * (x[:, 1] - q[1]) - (r[1] - q[1]) * (x[:, 0] - q[0])
        third = twice - first - second
        inside[near[(first > 0) & (second > 0) & (third > 0)]] += 1
    assert inside.max() == 1
    assert inside.mean() == pytest.approx(area.sum(), abs=0.03) and area.sum() > 0.6


@pytest.mark.parametrize("closed", [False, True])
def test_triangles_are_even(real, closed):
    mesh = extract_mesh(real, closed=closed, texture=64)
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1)
    assert 19_000 < len(mesh.faces) <= 20_000
    assert np.quantile(sides, 0.001) > np.median(sides) / 4
    # twice the ratio of the circles' radii: 1 for equal sides, 0 for a sliver
    half = sides.sum(1) / 2
    square = np.maximum(half * np.prod(half[:, None] - sides, axis=1), 0.0)
    evenness = 8.0 * square / (half * np.prod(sides, axis=1))
    assert np.median(evenness) > 0.9 and np.quantile(evenness, 0.01) > 0.4


def test_directions_and_rays_are_inverse():
    start, towards = rays(40, 72)
    radius = np.linspace(0.05, 0.2, 72, dtype=np.float32)
    s, t, found = directions(*np.moveaxis(start + radius[:, None] * towards, -1, 0))
    assert np.abs(s - (np.arange(72) + 0.5) / 72).max() < 1e-4
    assert np.abs(t - (np.arange(40)[:, None] + 0.5) / 40).max() < 1e-4
    assert np.abs(found - radius).max() < 1e-6


def tent():
    """A field of constant radius, and a patch of it in which one vertex was drawn over its neighbours."""
    field = Field(np.full((HEIGHT, WIDTH), 0.1, np.float32), closed=False)
    x, y = np.meshgrid(np.linspace(-0.02, 0.02, 9), np.linspace(-0.08, -0.04, 9))
    vertices = field.nearest(np.stack([x, y, np.full_like(x, 0.05)], -1).reshape(-1, 3))
    at = np.arange(81).reshape(9, 9)
    a, b, c, d = at[:-1, :-1].ravel(), at[:-1, 1:].ravel(), at[1:, 1:].ravel(), at[1:, :-1].ravel()
    return field, vertices, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


def test_folds_are_taken_out():
    field, vertices, triangles = tent()
    assert facing_outwards(vertices[triangles]).all()
    folded = vertices.copy()
    folded[40] = vertices[43]
    assert not facing_outwards(folded[triangles]).all()
    unfold = unfolded(folded, triangles, field.nearest, facing_outwards)
    assert facing_outwards(unfold[triangles]).all()
    _, _, radius = (part[:, 0] for part in directions(*unfold.astype(np.float32).T[..., None]))
    assert np.abs(radius - 0.1).max() < 1e-5, "vertices left the surface"


def test_no_step_turns_a_triangle_over():
    field, vertices, triangles = tent()
    rng = np.random.default_rng(0)
    vertices = field.nearest(vertices + 0.002 * rng.normal(size=vertices.shape))
    before = facing_outwards(vertices[triangles])
    moved_to = moved(vertices, triangles, field.nearest, facing_outwards)
    assert facing_outwards(moved_to[triangles])[before].all()
    for _ in range(20):
        vertices, triangles, _ = collapsed(moved_to, triangles, np.inf, 100, 1.0, field.nearest, facing_outwards, rng)
        moved_to = vertices
    assert len(triangles) < 60 and facing_outwards(vertices[triangles]).all()


def test_quadriflow_takes_the_closed_mesh():
    mesh = extract_mesh(analytic_portrait("sphere"), 64, faces=3000, closed=True, texture=64)
    data = bpy.data.meshes.new("closed")
    data.from_pydata(mesh.vertices.tolist(), [], mesh.faces.tolist())
    made = bpy.data.objects.new("closed", data)
    bpy.context.scene.collection.objects.link(made)
    bpy.context.view_layer.objects.active = made
    made.select_set(True)
    try:
        assert bpy.ops.object.quadriflow_remesh(target_faces=800) == {"FINISHED"}
        sides = np.array([len(polygon.vertices) for polygon in data.polygons])
        assert (sides == 4).mean() > 0.99 and 400 < len(sides) < 1600
    finally:
        bpy.data.objects.remove(made)
        bpy.data.meshes.remove(data)
