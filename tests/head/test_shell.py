"""The shell of hair and clothes has no holes where hair is thin, or where a back is thicker than the clothes on it."""

import numpy as np
import pytest

from inference.head.base import head_base
from inference.head.shell import enclosed, heights_over, shell
from inference.mesh.corners import triangulated, vertex_normals
from inference.mesh.surface import find_surface
from inference.mesh.textured import TexturedMesh
from tests.portraits import analytic_portrait


def test_holes_on_the_scalp_are_the_shells():
    """A square of 20 x 20 cells with two holes and a strip at its edge; one hole lies on the scalp."""
    row, column = (part.ravel() for part in np.mgrid[:20, :20])
    corner = 21 * row + column
    triangles = np.concatenate(
        [np.stack([corner, corner + 1, corner + 21], 1), np.stack([corner + 1, corner + 22, corner + 21], 1)]
    )
    row, column = np.tile(row, 2), np.tile(column, 2)
    left = (abs(row - 10) < 3) & (abs(column - 5) < 3)
    right = (abs(row - 10) < 3) & (abs(column - 14) < 3)
    chosen = ~left & ~right & (row > 1)
    scalp = np.tile(np.arange(21) < 10, 21)
    np.testing.assert_array_equal(enclosed(triangles, chosen, scalp), left)


def worn(part, mask, offset, known=True, outer=True):
    """The shell over the base's skin of what lies ``offset`` metres over it and is of a part where a mask (n,) says;
    which vertices it covers; the skin's vertices and normals. outer: faces look outwards."""
    base, portrait = head_base(), analytic_portrait("sphere")
    skin = base.vertices[base.parts["skin"]]
    faces = triangulated(base.faces, skin)
    normals = vertex_normals(skin, base.faces)
    groups = {name: np.zeros(len(skin), np.float32) for name in ("skin", "hair", "cloth")}
    groups[part][mask], groups["skin"][~mask] = 1.0, 1.0
    vertices = (skin + offset * normals).astype(np.float32)
    uv = np.zeros((len(skin), 2), np.float32)
    whole = TexturedMesh(vertices, faces if outer else faces[:, ::-1], uv, None, groups=groups if known else {})
    surface = find_surface(portrait.textures, portrait.radii)
    return *shell(portrait, whole, surface, base, skin, texture=64), skin, normals


@pytest.mark.parametrize("known", [True, False])
def test_short_hair_is_the_shells_where_the_portrait_knows_it_for_hair(known):
    """All that is seen lies a millimetre over the skin, nearer than a fit is exact: on the scalp it is hair."""
    groups = head_base().groups
    found, covered, skin, normals = worn("hair", groups["scalp"] > 0.5, 0.001, known=known)
    if not known:
        assert found is None and not covered.any()
        return
    assert covered[groups["scalp"] > 0.9].mean() > 0.97
    assert not covered[groups["face"] > 0.9].any()
    _, height = heights_over(found.vertices, skin, normals)
    assert np.median(height) > 0.002  # lifted off the skin, so that neither shines through the other


@pytest.mark.parametrize("outer", [True, False])
def test_clothes_go_round_a_bust_that_is_thicker_than_they_show(outer):
    """The portrait's cloth lies a centimetre below the fitted skin, as at backs, which no photo shows: it is raised
    over it. What faces the other way, as the closed bottom below a bust does, is none."""
    groups = head_base().groups
    found, covered, skin, normals = worn("cloth", groups["bust"] > 0.5, -0.01, outer=outer)
    if not outer:
        assert found is None and not covered.any()
        return
    assert covered[groups["bust"] > 0.9].mean() > 0.97
    assert not covered[groups["face"] > 0.9].any()
    _, height = heights_over(found.vertices, skin, normals)
    assert np.median(height) > 0.002
