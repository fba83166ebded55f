"""Light taken off textures: of a lamp in closed form on the analytic head, and what stays as it is."""

import dataclasses

import cv2
import numpy as np
import pytest

from inference.errors import PortraitError
from inference.mesh import delight
from inference.mesh.delight import LUMINANCE, RANGE, Light, without
from inference.mesh.extract import extract_mesh
from inference.mesh.layers import delit_detail, delit_sheets, with_detail
from inference.mesh.surface import find_surface
from inference.photo.srgb import to_linear, to_srgb
from tests.portraits import ALBEDO, lit_head

LEFT, RIGHT = (0.7, 0.3, 0.65), (-0.7, 0.3, 0.65)


def found_light(direction):
    """Light of the front of the head as found, and as it is, both relative to their means."""
    head, points, light = lit_head(direction)
    front = points[..., 2] > 0.03
    found = Light(head, find_surface(head.textures, head.radii)).shading(points[front])
    assert found.min() >= RANGE[0] * 0.99 and found.max() <= RANGE[1] * 1.01
    return found / found.mean(), light[front] / light[front].mean()


@pytest.mark.parametrize("direction", [LEFT, RIGHT])
def test_a_lamp_is_found(direction):
    found, light = found_light(direction)
    print(np.corrcoef(found, light)[0, 1], np.abs(found / light - 1).mean(), np.abs(1 / light - 1).mean())
    assert np.corrcoef(found, light)[0, 1] > 0.9
    assert np.abs(found / light - 1.0).mean() < 0.5 * np.abs(1.0 / light - 1.0).mean()


@pytest.mark.parametrize("part", [0, 2])
def test_a_texture_stays_as_bright(part):
    """Where the photo shows skin, and where it shows none: light is relative to what there is."""
    head, points, _ = lit_head(LEFT)
    parts = np.zeros_like(head.parts)
    parts[..., part] = 255
    found = Light(dataclasses.replace(head, parts=parts), find_surface(head.textures, head.radii))
    assert found.shading(points[points[..., 2] > 0.03]).mean() == pytest.approx(1.0, abs=0.25)


def test_even_light_is_found_more_even():
    found, _ = found_light(None)
    print(found.std())
    assert found.std() < 0.15


def test_srgb_is_the_standard_s():
    value = np.array([0.0, 0.04045, 0.5, 1.0])
    np.testing.assert_allclose(to_linear(value), [0.0, 0.04045 / 12.92, 0.21404114, 1.0], rtol=1e-5)
    np.testing.assert_allclose(to_srgb(to_linear(np.linspace(0, 1, 256))), np.linspace(0, 1, 256), atol=1e-5)


def test_shading_is_divided_out():
    shade = np.linspace(*RANGE, 40).astype(np.float32)
    lit = np.rint(255 * to_srgb(0.4 * ALBEDO * shade[:, None])).astype(np.uint8)
    np.testing.assert_allclose(to_linear(without(lit, shade) / 255.0), 0.4 * ALBEDO * np.ones((40, 1)), rtol=0.05)
    assert (without(np.full((1, 3), 250, np.uint8), np.full(1, 0.5, np.float32)) == 255).all()


def test_a_mesh_loses_its_light():
    head, _, _ = lit_head(LEFT)
    lit, delit = (extract_mesh(head, 96, texture=256, delit=delit) for delit in (False, True))
    np.testing.assert_array_equal(lit.vertices, delit.vertices)
    middle = slice(100, 150), slice(80, 176)  # the ball's front; its sides were looked at aslant
    bright = [cv2.blur(to_linear(mesh.texture / 255.0) @ LUMINANCE, (5, 5))[middle] for mesh in (lit, delit)]
    print([values.std() / values.mean() for values in bright], [values.mean() for values in bright])
    assert bright[1].std() / bright[1].mean() < 0.5 * bright[0].std() / bright[0].mean()


def test_layers_lose_the_light_a_mesh_loses():
    """Every sheet's texel as :meth:`Light.shading` at its column's surface says; opacities stay."""
    head, points, _ = lit_head(LEFT)
    light = Light(head, find_surface(head.textures, head.radii))
    delit = delit_sheets(head.textures[:-1], light)
    np.testing.assert_array_equal(delit[..., 3], head.textures[:-1, ..., 3])
    rows, columns = np.nonzero(points[..., 2] > 0.03)
    shade = light.shading(points[rows, columns])
    for before, after in zip(head.textures[:-1], delit, strict=True):
        wanted = to_linear(before[rows, columns, :3] / 255.0) / shade[:, None]
        whole = wanted.max(-1) < 0.95
        np.testing.assert_allclose(to_linear(after[rows, columns, :3] / 255.0)[whole], wanted[whole], atol=0.03)


def test_detail_of_layers_is_what_it_adds_without_light():
    head, _, _ = lit_head(LEFT)
    surface = find_surface(head.textures, head.radii)
    light = Light(head, surface)
    detail = np.random.default_rng(4).integers(118, 139, (640, 640, 3)).astype(np.uint8)
    sheet = np.dstack([surface.color, np.full(surface.color.shape[:2], 255, np.uint8)])
    wanted = without(with_detail(sheet, detail)[..., :3], light.of_columns(640, 640))
    got = with_detail(delit_sheets(sheet[None], light)[0], delit_detail(detail, surface.color, light))[..., :3]
    difference = np.abs(got.astype(int) - wanted)
    print(difference.mean(), np.percentile(difference, 99))
    assert difference.mean() < 1.0 and np.percentile(difference, 99) <= 3
    plain = delit_detail(np.full_like(detail, 128), surface.color, light)
    assert (plain == 128).all()


def test_a_missing_network_is_named(monkeypatch):
    monkeypatch.setattr(delight, "NETWORK", "none")
    head, _, _ = lit_head(None)
    with pytest.raises(PortraitError, match="none.onnx cannot be read .*install the program again"):
        Light(head, find_surface(head.textures, head.radii))
