"""The photo's detail in Blender: F12, Render View and a mesh's texture show it."""

import dataclasses

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from inference.geometry import detail_maps  # noqa: E402
from inference.portrait import save_portrait  # noqa: E402
from tests.portraits import analytic_portrait  # noqa: E402

from .conftest import part, place, psnr  # noqa: E402
from .scenes import engine_view, premultiplied, render, side_camera, use_portrait_engine  # noqa: E402


@pytest.fixture
def striped(scene, tmp_path):
    """The closed-form ball with rows of stripes in its detail map."""
    stripes = 0.1 * np.sign(np.sin(np.arange(512) * np.pi / 16))[:, None, None] * np.ones((512, 512, 3))
    portrait = dataclasses.replace(analytic_portrait(), detail=detail_maps.encode(np.float32(stripes)))
    save_portrait(portrait, tmp_path / "striped.manifolds")
    return place(tmp_path / "striped.manifolds", "Striped")


def test_renders_show_the_detail(portrait, striped, tmp_path):
    use_portrait_engine()
    side_camera()
    portrait.hide_render = True
    found, wanted = render(tmp_path / "striped.png"), engine_view(striped)
    assert psnr(premultiplied(found), premultiplied(wanted.color, wanted.alpha)) >= 40
    plain = engine_view(portrait)
    change = np.abs(wanted.color - plain.color).mean(-1)[plain.alpha > 0.9]
    assert np.median(change) == pytest.approx(0.1, abs=0.01) and np.array_equal(wanted.alpha, plain.alpha)


def test_a_mesh_has_the_detail_in_its_texture(striped):
    assert bpy.ops.portrait_manifolds.extract_mesh(resolution=40) == {"FINISHED"}
    (image,) = (image for image in bpy.data.images if tuple(image.size) == (512, 512))
    pixels = part("operators.datablocks.images").get_pixels(image)[..., :3]
    rows = np.abs(np.diff(pixels[200:260, 256].mean(-1)))  # stripes lie sixteen rows apart
    assert np.sort(rows)[-3:] == pytest.approx(0.2, abs=0.03) and np.median(rows) < 0.02
