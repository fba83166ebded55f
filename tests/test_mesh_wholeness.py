"""Meshes are one manifold piece: without crumbs and holes, at every resolution and number of faces."""

import dataclasses

import cv2
import numpy as np
import pytest

from inference.errors import PortraitError
from inference.geometry import domes
from inference.mesh.extract import extract_mesh
from inference.mesh.topology import is_manifold
from inference.mesh.trim import subject_mask
from tests.portraits import analytic_portrait

trimesh = pytest.importorskip("trimesh")
TETRAHEDRON = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])


def assert_whole(mesh, borders):
    """By trimesh: one piece of sphere's or disc's topology, no edge with three faces, simple borders."""
    solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    edges, uses = np.unique(solid.edges_sorted, axis=0, return_counts=True)
    assert uses.max() == 2
    assert len(np.unique(solid.edges, axis=0)) == len(solid.edges), "neighbours are wound differently"
    pieces = trimesh.graph.connected_components(solid.face_adjacency, nodes=np.arange(len(mesh.faces)), min_len=1)
    assert len(pieces) == 1
    rim = edges[uses == 1]
    assert set(np.bincount(rim.ravel(), minlength=1)) <= {0, 2}
    assert len(trimesh.graph.connected_components(rim)) == borders
    # with one piece and these borders there is no handle and no pinched vertex left
    assert len(mesh.vertices) - len(edges) + len(mesh.faces) == 2 - borders
    assert len(np.unique(mesh.faces)) == len(mesh.vertices)


def cut_out(portrait, kept):
    textures = portrait.textures.copy()
    textures[:-1, ..., 3] = textures[:-1, ..., 3] * np.asarray(kept, bool)
    return dataclasses.replace(portrait, textures=textures)


def torn(seed=0):
    """A ball with a ragged border, holes of one texel to a third of its size, an island in a hole, crumbs beside it."""
    u, v = domes.texel_centres(320, 320)
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=u.shape), (0, 0), 2.0)
    distance = np.hypot(u - 0.5, v - 0.5)
    kept = (0.36 - distance) * 40.0 + 0.5 + 12.0 * noise  # holes and crumbs near the border
    hole, island = np.hypot(u - 0.4, v - 0.55) < 0.1, np.hypot(u - 0.4, v - 0.55) < 0.05
    kept[hole & ~island] = 0.0
    kept[100, 170] = kept[140:142, 200] = 0.0
    kept[:, 158:160] = np.where(v[:, 158:160] > 0.8, 1.0, kept[:, 158:160])  # a thread to the lower border
    return cut_out(analytic_portrait("sphere"), kept > 0.5)


def rough():
    """A ball so rough that edges of it are glued together when they collapse."""
    ball = analytic_portrait("sphere")
    noise = cv2.GaussianBlur(np.random.default_rng(0).normal(size=ball.radii.shape[1:]), (0, 0), 3.0)
    radii = np.maximum(ball.radii + 0.02 / noise.std() * noise, 0.01)
    return dataclasses.replace(ball, radii=radii.astype(np.float32))


@pytest.fixture(scope="module")
def torn_ball():
    return torn()


@pytest.fixture(scope="module")
def rough_ball():
    return rough()


@pytest.mark.parametrize("resolution, faces", [(16, None), (40, 300), (97, None), (97, 3000), (160, None)])
def test_open_mesh_has_one_border_and_no_crumbs(torn_ball, resolution, faces):
    mesh = extract_mesh(torn_ball, resolution, faces, smoothing=0)
    assert_whole(mesh, borders=1)
    # the large hole and its island are part of the surface
    assert np.hypot(mesh.uv[:, 0] - 0.4, 1 - mesh.uv[:, 1] - 0.55).min() < 0.05


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_tears(seed):
    assert_whole(extract_mesh(torn(seed), 64), borders=1)


@pytest.mark.parametrize("resolution, faces", [(40, None), (97, 2000)])
def test_closed_mesh_of_a_torn_subject(torn_ball, resolution, faces):
    assert_whole(extract_mesh(torn_ball, resolution, faces, closed=True), borders=0)


@pytest.mark.parametrize("resolution, faces", [(64, 542), (64, 7795), (97, 14094)])
def test_open_reduced_mesh_is_whole(rough_ball, resolution, faces):
    mesh = extract_mesh(rough_ball, resolution, faces)
    assert_whole(mesh, borders=1)
    assert 0.95 * faces < len(mesh.faces) <= faces


@pytest.mark.parametrize("resolution, faces", [(96, 2012), (96, 19765), (160, 42325)])
def test_closed_reduced_mesh_is_whole(rough_ball, resolution, faces):
    mesh = extract_mesh(rough_ball, resolution, faces, closed=True)
    assert_whole(mesh, borders=0)
    assert 0.95 * faces < len(mesh.faces) <= faces


def test_mask_is_one_region_without_holes():
    opacity = np.zeros((40, 50), np.float32)
    opacity[10:30, 10:40] = 0.8
    opacity[9, 10:40] = 0.3  # the soft border of the region stays
    opacity[15:20, 15:20] = 0.4
    opacity[17, 17] = 0.9
    opacity[31:33, 41:43] = 0.7  # touches no side of the region
    opacity[10:30, 25] = np.where(np.arange(20) < 5, 0.1, 0.8)  # a bay, open above
    opacity[9, 25] = 0.1
    mask = subject_mask(opacity)
    wanted = np.zeros((40, 50), bool)
    wanted[10:30, 10:40] = True
    wanted[10:15, 25] = False
    np.testing.assert_array_equal(mask > 0.5, wanted)
    np.testing.assert_array_equal(mask[9, 10:40], opacity[9, 10:40])
    assert (mask[10:30, 10:15] == np.float32(0.8)).all() and (mask[31:33, 41:43] <= 0.5).all()


def test_a_subject_of_few_texels_is_refused():
    ball = analytic_portrait("sphere")
    kept = np.zeros((320, 320))
    kept[160, 160] = 1.0
    with pytest.raises(PortraitError, match="too small"):
        extract_mesh(cut_out(ball, kept), 16)


def test_manifold_check():
    assert is_manifold(TETRAHEDRON) and is_manifold(TETRAHEDRON[:3])
    assert not is_manifold(np.concatenate([TETRAHEDRON[:3], TETRAHEDRON[3:, ::-1]])), "a face turned round"
    assert not is_manifold(np.concatenate([TETRAHEDRON, TETRAHEDRON + 4])), "two pieces"
    at_a_corner = np.where(TETRAHEDRON == 0, 0, TETRAHEDRON + 3)
    assert not is_manifold(np.concatenate([TETRAHEDRON, at_a_corner])), "two pieces that meet in a vertex"
    on_an_edge = np.where(TETRAHEDRON > 1, TETRAHEDRON + 2, TETRAHEDRON)
    assert not is_manifold(np.concatenate([TETRAHEDRON, on_an_edge])), "two pieces that meet in an edge"
    fold = np.array([[0, 1, 9], [1, 0, 9]])
    assert not is_manifold(np.concatenate([TETRAHEDRON, fold]))
