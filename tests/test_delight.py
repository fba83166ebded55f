"""Light taken off textures: of a lamp in closed form on the analytic head, and what stays as it is."""

import dataclasses

import cv2
import numpy as np
import pytest

from inference.errors import PortraitError
from inference.geometry import domes
from inference.mesh import delight
from inference.mesh.delight import LUMINANCE, RANGE, Light, without
from inference.mesh.extract import extract_mesh
from inference.mesh.surface import find_surface
from inference.photo.srgb import to_linear, to_srgb
from tests.portraits import HEAD_CENTRE, analytic_portrait, surface_radius

ALBEDO = np.array([0.5, 0.32, 0.25])
LEFT, RIGHT = (0.7, 0.3, 0.65), (-0.7, 0.3, 0.65)


def lamp(normals, direction, strength=0.7):
    """Lambert's light of a lamp and the same from all sides, (...)."""
    direction = np.array(direction) / np.linalg.norm(direction)
    return 1.0 - strength + strength * np.maximum(normals @ direction, 0.0)


def lit_head(direction):
    """The analytic head with one albedo in a lamp's light, None for even light; its texels' points and that light."""
    head = analytic_portrait()
    u, v = domes.texel_centres(320, 320)
    points = domes.dome_points(u, v, surface_radius("sphere", u, v))
    normals = points - HEAD_CENTRE
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    light = np.ones(u.shape) if direction is None else lamp(normals, direction)
    textures = head.textures.copy()
    textures[:-1, ..., :3] = np.rint(255 * to_srgb(ALBEDO * light[..., None]))
    parts = np.zeros((40, 40, 3), np.uint8)
    parts[..., 0] = 255
    return dataclasses.replace(head, textures=textures, parts=parts), points.astype(np.float32), light


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


def test_a_missing_network_is_named(monkeypatch):
    monkeypatch.setattr(delight, "NETWORK", "none")
    head, _, _ = lit_head(None)
    with pytest.raises(PortraitError, match="none.onnx cannot be read .*install the program again"):
        Light(head, find_surface(head.textures, head.radii))
