"""Meshes against the closed form they come from."""

import dataclasses

import numpy as np
import pytest

from inference.errors import Cancelled, PortraitError
from inference.geometry import domes
from inference.geometry.cameras import orbit_camera
from inference.geometry.grids import sample_grid
from inference.geometry.sampling import sample_image
from inference.mesh.extract import extract_mesh
from inference.mesh.surface import find_surface
from inference.mesh.trim import clip_mesh
from inference.view.render import render_view
from tests.portraits import analytic_portrait, surface_level, surface_radius

RESOLUTION = 80


@pytest.fixture(scope="module")
def ball():
    return analytic_portrait("sphere")


@pytest.fixture(scope="module")
def open_mesh(ball):
    return extract_mesh(ball, RESOLUTION)


@pytest.fixture(scope="module")
def closed_mesh(ball):
    return extract_mesh(ball, RESOLUTION, closed=True)


def test_surface_is_the_closed_form(ball):
    surface = find_surface(ball.textures, ball.radii)
    u, v = domes.texel_centres(320, 320)
    level = surface_level("sphere", u, v)
    sheet = np.floor(level).astype(int)
    at_sheets = sample_grid(ball.radii.astype(np.float64), u, v)
    front, behind = (np.take_along_axis(at_sheets, (sheet + step)[None], 0)[0] for step in (0, 1))
    error = surface.radius - (front + (level - sheet) * (behind - front))
    assert np.abs(error).max() < 2e-5  # 8 bits of opacity over 2.7 mm between sheets
    assert surface.opacity.min() > 0.99


@pytest.mark.parametrize("kind", ["sphere", "dome"])
def test_within_one_voxel(kind):
    mesh = extract_mesh(analytic_portrait(kind), RESOLUTION, smoothing=0)
    voxel = np.ptp(mesh.vertices, axis=0).max() / RESOLUTION
    u, v, radius = domes.dome_coordinates(mesh.vertices.astype(np.float64))
    inside = np.flatnonzero((np.abs(u - 0.5) < 0.45) & (v > 0.1) & (v < 0.95))
    some = np.random.default_rng(0).choice(inside, 150, replace=False)
    # nearest point of the closed form, on a fine patch around the vertex's own ray
    near_u, near_v = np.meshgrid(np.linspace(-0.03, 0.03, 41), np.linspace(-0.03, 0.03, 41))
    patch_u, patch_v = u[some, None, None] + near_u, v[some, None, None] + near_v
    patch = domes.dome_points(patch_u, patch_v, surface_radius(kind, patch_u, patch_v))
    distance = np.linalg.norm(patch - mesh.vertices[some, None, None], axis=-1).min((1, 2))
    assert distance.max() < voxel
    assert np.median(np.abs(radius - surface_radius(kind, u, v))[inside]) < 0.1 * voxel


def test_smoothing_takes_noise_off_the_surface():
    """Every other column lies a sheet deeper, at random; a Gaussian of two texels leaves less than a third of that."""
    dome = analytic_portrait("dome")
    textures = dome.textures.copy()
    deeper = np.random.default_rng(0).random((320, 320)) < 0.5
    textures[1:-1, deeper] = dome.textures[:-2, deeper]
    textures[0, deeper, 3] = 0
    noisy = dataclasses.replace(dome, textures=textures)

    def roughness(smoothing):
        mesh = extract_mesh(noisy, RESOLUTION, smoothing=smoothing)
        u, v, radius = domes.dome_coordinates(mesh.vertices.astype(np.float64))
        inside = (np.abs(u - 0.5) < 0.4) & (v > 0.15) & (v < 0.85)
        return radius[inside].std()

    assert roughness(2.0) < roughness(0.0) / 3


def test_faces_look_outwards(open_mesh, closed_mesh):
    for mesh in (open_mesh, closed_mesh):
        a, b, c = mesh.vertices[mesh.faces].transpose(1, 0, 2).astype(np.float64)
        normals = np.cross(b - a, c - a)
        outward = (a + b + c) / 3 - [0.0, 0.0, -0.06]
        outward[:, 1] *= 0.2
        assert np.mean((normals * outward).sum(1) > 0) > 0.95


def test_closed_is_watertight(closed_mesh, open_mesh):
    import trimesh

    closed = trimesh.Trimesh(closed_mesh.vertices, closed_mesh.faces, process=False)
    assert closed.is_watertight and closed.is_winding_consistent and closed.volume > 2e-3
    assert not trimesh.Trimesh(open_mesh.vertices, open_mesh.faces, process=False).is_watertight
    # the back is a rounded skull, behind the open one and not far behind
    assert -0.2 < closed_mesh.vertices[:, 2].min() < open_mesh.vertices[:, 2].min() + 1e-3


def test_texture_coordinates(open_mesh, closed_mesh):
    for mesh in (open_mesh, closed_mesh):
        assert mesh.uv.min() >= 0.0 and mesh.uv.max() <= 1.0
    u, v, _ = domes.dome_coordinates(open_mesh.vertices.astype(np.float64))
    np.testing.assert_allclose(open_mesh.uv, np.clip(np.stack([u, 1 - v], 1), 0, 1), atol=2e-3)
    # no triangle of the closed head runs across the atlas, behind and where all directions meet neither
    assert np.ptp(closed_mesh.uv[closed_mesh.face_uv], axis=1).max() < 0.15


def test_colours_match_the_view(ball, open_mesh):
    camera = orbit_camera(15.0, width=256, height=256)
    view = render_view(ball, camera)
    pixels, depth = camera.project(open_mesh.vertices)
    u, v = open_mesh.uv.T
    side = len(open_mesh.texture)
    colour = sample_image(open_mesh.texture, u * side, (1 - v) * side) / 255.0
    seen = sample_image(view.color, *pixels.T)
    visible = np.abs(sample_image(np.nan_to_num(view.depth, posinf=9.0), *pixels.T) - depth) < 1e-3
    visible &= (np.abs(u - 0.5) < 0.4) & (np.abs(v - 0.5) < 0.4)
    assert visible.mean() > 0.2
    error = np.abs(colour - seen)[visible].max(1)
    assert np.median(error) < 0.01 and np.quantile(error, 0.97) < 0.1


def test_holes_and_islands(ball):
    """Columns without opacity are cut out along a clean line; what hangs loose is dropped."""
    textures = ball.textures.copy()
    u, v = domes.texel_centres(320, 320)
    gone = np.hypot(u - 0.5, v - 0.5) > 0.3
    island = np.hypot(u - 0.95, v - 0.95) < 0.03
    textures[:, gone & ~island, 3] = 0
    mesh = extract_mesh(dataclasses.replace(ball, textures=textures), RESOLUTION)
    distance = np.hypot(mesh.uv[:, 0] - 0.5, mesh.uv[:, 1] - 0.5)
    assert distance.max() < 0.31
    edges = np.sort(mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    edges, count = np.unique(edges, axis=0, return_counts=True)
    rim = distance[np.unique(edges[count == 1])]
    assert rim.min() > 0.285  # the border is smoothed, and the last millimetres lead to what lies behind


def test_fewer_faces_are_as_exact(ball):
    mesh = extract_mesh(ball, RESOLUTION, faces=4000)
    assert 3800 < len(mesh.faces) <= 4000
    u, v, radius = domes.dome_coordinates(mesh.vertices.astype(np.float64))
    inside = (np.abs(u - 0.5) < 0.45) & (v > 0.1) & (v < 0.75)
    assert np.abs(radius - surface_radius("sphere", u, v))[inside].mean() < 1e-3


def test_refusals(ball):
    with pytest.raises(PortraitError, match="resolution"):
        extract_mesh(ball, 4)
    with pytest.raises(PortraitError, match="faces"):
        extract_mesh(ball, faces=3)
    with pytest.raises(PortraitError, match="no solid surface"):
        extract_mesh(analytic_portrait("empty"))


def test_cancel(ball):
    def stop(fraction, text):
        if fraction > 0.05:
            raise Cancelled

    with pytest.raises(Cancelled):
        extract_mesh(ball, 32, progress=stop)


def test_clip_keeps_the_positive_part():
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    triangles = np.array([[0, 1, 2], [0, 2, 3]])
    clipped, faces = clip_mesh(vertices, triangles, 0.25 - vertices[:, 0])
    a, b, c = clipped[faces].transpose(1, 0, 2)
    areas = 0.5 * np.cross(b - a, c - a)[:, 2]
    assert areas.min() > 0 and areas.sum() == pytest.approx(0.25)
    assert clipped[:, 0].max() == pytest.approx(0.25)
