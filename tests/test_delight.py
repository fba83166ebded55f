"""Light taken off textures: of closed-form light on a ball, and what the estimate leaves as it is."""

import dataclasses

import cv2
import numpy as np
import pytest

from inference.geometry import domes
from inference.mesh.delight import RANGE, Light, without
from inference.mesh.extract import extract_mesh
from inference.photo.srgb import to_linear, to_srgb
from tests.portraits import HEAD_CENTRE, analytic_portrait, surface_radius


def lamp(normals, direction=(0.6, 0.3, 0.75), strength=0.7):
    """Lambert's light of a lamp and the same from all sides, (n,)."""
    direction = np.array(direction) / np.linalg.norm(direction)
    return 1.0 - strength + strength * np.maximum(normals @ direction, 0.0)


def ball_of_normals(count=20_000):
    normals = np.random.default_rng(3).normal(size=(count, 3))
    return (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)


def test_srgb_is_the_standard_s():
    value = np.array([0.0, 0.04045, 0.5, 1.0])
    np.testing.assert_allclose(to_linear(value), [0.0, 0.04045 / 12.92, 0.21404114, 1.0], rtol=1e-5)
    np.testing.assert_allclose(to_srgb(to_linear(np.linspace(0, 1, 256))), np.linspace(0, 1, 256), atol=1e-5)


def test_a_lamp_is_found():
    """On one albedo with brows and lips, 15 % of other albedo, in the way."""
    normals = ball_of_normals()
    normals = normals[normals[:, 2] > 0.2]
    light, random = lamp(normals), np.random.default_rng(5)
    albedo = np.where(random.uniform(size=len(normals)) < 0.15, 0.2, 1.0)[:, None] * np.array([0.5, 0.32, 0.25])
    colours = np.rint(255 * to_srgb(albedo * light[:, None])).astype(np.uint8)
    ones = np.ones(len(normals), np.float32)
    found = Light(colours, normals, ones).shading(normals, ones)
    wanted = np.clip(light / light.mean(), *RANGE)
    assert np.corrcoef(found, wanted)[0, 1] > 0.97
    assert np.abs(found / found.mean() / wanted * wanted.mean() - 1.0).mean() < 0.05
    flat = to_linear(without(colours, found) / 255.0)[albedo[:, 0] > 0.4]
    before = to_linear(colours / 255.0)[albedo[:, 0] > 0.4]
    assert (flat.std(0) / flat.mean(0) < 0.35 * before.std(0) / before.mean(0)).all()


def test_even_light_stays():
    normals = ball_of_normals()
    colours = np.full((len(normals), 3), (180, 140, 120), np.uint8)
    ones = np.ones(len(normals), np.float32)
    np.testing.assert_allclose(Light(colours, normals, ones).shading(normals, ones), 1.0, atol=0.01)
    unknown = Light(colours, normals, 0 * ones)  # nothing known of skin
    np.testing.assert_array_equal(unknown.shading(normals, ones), 1.0)
    lit = np.rint(255 * to_srgb(0.4 * lamp(normals)[:, None] * np.ones(3))).astype(np.uint8)
    unseen = Light(lit, normals, ones).shading(normals, -ones)  # what the photo does not see is left
    np.testing.assert_array_equal(unseen, 1.0)


@pytest.fixture(scope="module")
def lit_ball():
    """The analytic head with one albedo, in the light of a lamp."""
    ball = analytic_portrait()
    u, v = domes.texel_centres(320, 320)
    points = domes.dome_points(u, v, surface_radius("sphere", u, v))
    normals = points - HEAD_CENTRE
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    colour = to_srgb(np.array([0.5, 0.32, 0.25]) * lamp(normals)[..., None])
    textures = ball.textures.copy()
    textures[:-1, ..., :3] = np.rint(255 * colour)
    parts = np.zeros((40, 40, 3), np.uint8)
    parts[..., 0] = 255
    return dataclasses.replace(ball, textures=textures, parts=parts)


def test_a_mesh_loses_its_light(lit_ball):
    lit, delit = (extract_mesh(lit_ball, 96, texture=256, delit=delit) for delit in (False, True))
    np.testing.assert_array_equal(lit.vertices, delit.vertices)
    middle = slice(100, 150)  # the ball's front; its sides were looked at aslant
    spread = [to_linear(mesh.texture[middle, 80:176] / 255.0).std((0, 1)).mean() for mesh in (lit, delit)]
    assert spread[1] < 0.5 * spread[0]  # a lamp is more than nine numbers, and there is a nose
    means = [cv2.blur(mesh.texture, (5, 5))[middle, 80:176].mean() for mesh in (lit, delit)]
    assert means[1] == pytest.approx(means[0], rel=0.15)
