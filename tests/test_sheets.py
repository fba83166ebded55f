"""Sheets as geometry: grids, fewer sheets in place of many, and the normals of the surface they show."""

import numpy as np
import pytest

from inference.geometry import domes
from inference.mesh.layers import VisibleQuads, grid_resolution, merge_sheets, sheet_mesh, with_detail
from inference.mesh.surface import surface_normals
from tests.portraits import HEAD_CENTRE, HEAD_RADIUS, analytic_portrait, base_radius


@pytest.fixture(scope="module")
def ball():
    return analytic_portrait("sphere")


def test_sheet_meshes(ball):
    vertices, faces, uv = sheet_mesh(ball.radii, 11, 40)
    assert vertices.shape == (41 * 41, 3) and faces.shape == (1600, 4) and uv.shape == (41 * 41, 2)
    u, v, radius = domes.dome_coordinates(vertices.astype(np.float64))
    np.testing.assert_allclose(uv, np.stack([u, 1 - v], 1), atol=1e-5)
    np.testing.assert_allclose(radius, ball.radii[11, ::2, ::2].ravel(), atol=1e-6)
    a, b, c, _ = vertices[faces].transpose(1, 0, 2).astype(np.float64)
    outward = a - [0, 0, domes.AXIS_Z]
    assert ((np.cross(b - a, c - a) * outward).sum(1) > 0).mean() > 0.95
    plane, quad, corners = sheet_mesh(ball.radii, 23, 1)
    assert np.ptp(plane[:, 2]) == 0 and quad.shape == (1, 4)
    a, b, c, _ = plane[quad[0]].astype(np.float64)
    assert np.cross(b - a, c - a)[2] > 0
    for bad in (-1, 24):
        with pytest.raises(IndexError):
            sheet_mesh(ball.radii, bad, 4)


def along_columns(textures):
    """Every texel column composited front to back: premultiplied colour and alpha, (h, w, 4) in [0, 1]."""
    result = np.zeros((*textures.shape[1:3], 4))
    for texture in textures / 255.0:
        weight = (1 - result[..., 3:]) * texture[..., 3:]
        result += weight * np.concatenate([texture[..., :3], np.ones_like(weight)], -1)
    return result


@pytest.mark.parametrize("count", [1, 5, 12, 22])
def test_merged_sheets_keep_what_a_column_shows(ball, count):
    textures, radii = merge_sheets(ball.textures, ball.radii, count)
    assert len(textures) == len(radii) == count and textures.dtype == np.uint8 and radii.dtype == np.float32
    error = np.abs(along_columns(textures) - along_columns(ball.textures[:23]))
    assert error.max() < 2.5 / 255
    assert (np.diff(radii, axis=0) < 0).all(), "sheets still lie inside one another"
    assert radii.max() <= ball.radii.max() and radii.min() >= ball.radii.min()


def test_a_merged_sheet_lies_where_it_shows_something():
    """Left half: only the front sheet of a pair is solid; right half: only the back one."""
    textures = np.zeros((2, 32, 32, 4), np.uint8)
    textures[0, :, :16, 3] = textures[1, :, 16:, 3] = 255
    radii = np.stack([np.full((17, 17), 0.15), np.full((17, 17), 0.13)]).astype(np.float32)
    _, merged = merge_sheets(textures, radii, 1)
    np.testing.assert_allclose(merged[0, :, :6], 0.15, atol=1e-4)
    np.testing.assert_allclose(merged[0, :, -6:], 0.13, atol=1e-4)


def test_enough_sheets_stay_as_they_are(ball):
    textures, radii = merge_sheets(ball.textures, ball.radii, 24)
    assert np.array_equal(textures, ball.textures[:23]) and np.array_equal(radii, ball.radii)
    with pytest.raises(ValueError):
        merge_sheets(ball.textures, ball.radii, 0)


def test_visible_quads():
    """One opaque texel, which the bilinear look-ups of neighbouring texels read, too."""
    alpha = np.zeros((40, 40), np.uint8)
    alpha[9, 10] = 1  # the first texel of a quad in u, the last of one in v
    seen = VisibleQuads(alpha)(4)
    assert sorted(zip(*np.nonzero(seen), strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert not VisibleQuads(np.zeros((40, 40), np.uint8))(7).any()
    full = [VisibleQuads(np.full((40, 40), 255, np.uint8))] * 3
    assert grid_resolution(full, 3 * 2 * 20**2) == 20 and grid_resolution(full, 3 * 2 * 20**2 - 1) == 19
    assert grid_resolution(full, 1) == 4


def test_detail_is_added_to_colours_and_opacity_stays():
    texture = np.empty((8, 8, 4), np.uint8)
    texture[:] = (10, 100, 250, 77)
    detail = np.full((16, 16, 3), 128, np.uint8)
    detail[4, 5] = 108
    detail[6, 7] = 148
    fine = with_detail(texture, detail)
    assert fine.shape == (16, 16, 4) and (fine[..., 3] == 77).all() and tuple(texture[0, 0]) == (10, 100, 250, 77)
    assert tuple(fine[0, 0]) == (10, 100, 250, 77)
    assert tuple(fine[4, 5]) == (0, 80, 230, 77) and tuple(fine[6, 7]) == (30, 120, 255, 77)


def test_surface_normals_of_a_sphere():
    """Around a centre in front of the dome axis; the normals point away from it, and there is nothing finer."""
    quads = 40
    texels = base_radius("sphere", *domes.texel_centres(160, 160)).astype(np.float32)
    normals, finer = surface_normals(texels, quads, smoothing=0.0)
    normals = normals.reshape(quads + 1, quads + 1, 3)
    u, v = np.meshgrid(*[np.linspace(0, 1, quads + 1)] * 2)
    points = domes.dome_points(u, v, base_radius("sphere", u, v))
    away = points - HEAD_CENTRE
    on_head = np.abs(np.linalg.norm(away, axis=-1) - HEAD_RADIUS) < 1e-4
    on_head[:, :2] = on_head[:, -2:] = on_head[:2] = on_head[-2:] = False
    assert on_head.mean() > 0.3
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1.0, atol=1e-5)
    cosine = (normals * away).sum(-1)[on_head] / np.linalg.norm(away[on_head], axis=-1)
    assert np.quantile(cosine, 0.01) > np.cos(np.deg2rad(3.0)) and np.median(cosine) > np.cos(np.deg2rad(0.5))
    np.testing.assert_allclose(np.linalg.norm(finer, axis=-1), 1.0, atol=1e-5)
    assert np.median(finer[..., 2]) > np.cos(np.deg2rad(0.5))


@pytest.mark.parametrize("across", [True, False])
def test_finer_normals_lean_away_from_a_ridge(across):
    """Tangent space: x to greater u, y upwards; a ridge in the middle leans its sides outwards."""
    place = (np.arange(320) + 0.5) / 320 - 0.5
    ridge = np.float32(0.12 + 0.01 * np.exp(-0.5 * (place / 0.02) ** 2))
    radius = np.tile(ridge, (320, 1)) if across else np.tile(ridge[:, None], (1, 320))
    _, finer = surface_normals(radius, 8, smoothing=0.0)
    before, after = (finer[160, 153], finer[160, 167]) if across else (finer[167, 160], finer[153, 160])
    along, other = (0, 1) if across else (1, 0)
    assert before[along] < -0.2 and after[along] > 0.2 and max(abs(before[other]), abs(after[other])) < 0.05
