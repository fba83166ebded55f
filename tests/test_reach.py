"""Domes of another reach: networks and portrait files that know less of a head's sides."""

import dataclasses

import numpy as np
import pytest

from inference.geometry import domes
from inference.geometry.cameras import orbit_camera
from inference.geometry.reach import NARROW, REACH, Reach, respread
from inference.networks.model import DEFAULT_FOLDER
from inference.portrait import load_portrait, save_portrait
from inference.view.render import render_view
from tests.hostile.portraits import repack, setter
from tests.portraits import analytic_portrait


def wave(azimuth):
    """A smooth function of directions in radians."""
    return np.sin(2.3 * azimuth) + 0.4 * np.cos(5.1 * azimuth + 1.0)


@pytest.mark.parametrize("reach", [REACH, NARROW, Reach(1.2, 0.0)])
def test_directions_and_coordinates_are_inverse(reach):
    azimuth = np.linspace(-reach.azimuth, reach.azimuth, 501)
    u = reach.u(azimuth)
    assert u[0] == pytest.approx(0.0, abs=1e-12) and u[-1] == pytest.approx(1.0) and (np.diff(u) > 0).all()
    np.testing.assert_allclose(reach.direction(u), azimuth, atol=1e-9)


def test_portraits_reach_a_quarter_turn_and_faces_keep_their_texels():
    side = domes.dome_points([0.0, 1.0], 0.5, 0.1)
    np.testing.assert_allclose(side, [[-0.1, side[0, 1], domes.AXIS_Z], [0.1, side[0, 1], domes.AXIS_Z]], atol=1e-9)
    face = np.radians(np.linspace(-20, 20, 9))
    finer = np.gradient(REACH.u(face), face) / np.gradient(NARROW.u(face), face)
    assert (np.abs(finer - 1.0) < 0.05).all()


@pytest.mark.parametrize("corners", [False, True])
def test_planes_are_the_same_function_of_the_direction(corners):
    width = 160
    u = np.linspace(0, 1, width) if corners else (np.arange(width) + 0.5) / width
    planes = np.float32(np.arange(3)[:, None, None] + np.ones((1, 4, 1)) * wave(NARROW.direction(u)))
    found, azimuth = respread(planes, NARROW, corners=corners), REACH.direction(u)
    within = np.abs(azimuth) < NARROW.azimuth - 0.02
    assert found.shape == planes.shape and 10 < (~within).sum() < 30
    wanted = np.arange(3)[:, None, None] + np.ones((1, 4, 1)) * wave(azimuth)
    np.testing.assert_allclose(found[..., within], wanted[..., within], atol=2e-3)
    for beyond, edge in ((azimuth < -NARROW.azimuth, 0), (azimuth > NARROW.azimuth, -1)):
        np.testing.assert_array_equal(found[..., beyond], planes[..., [edge] * beyond.sum()])


def test_nothing_changes_within_the_same_reach():
    planes = np.random.default_rng(0).normal(size=(2, 8, 16)).astype(np.float32)
    assert respread(planes, REACH) is planes


def test_the_models_sheets_stand_where_they_stood(shipped_model):
    """Those of a model that does not say how far it reaches, at every direction within it, by the closed form of their
    own texture coordinates."""
    azimuth = np.linspace(-1.25, 1.25, 50)

    def rows(sheets, reach):
        corners = np.arange(sheets.shape[-1])
        return [np.interp(reach.u(azimuth) * corners[-1], corners, row) for row in sheets[::11, 40]]

    geometry = {name: array for name, array in shipped_model.geometry.items() if name != "reach"}
    narrow = type(shipped_model)(DEFAULT_FOLDER, shipped_model.card, geometry, ["cpu"], 1)
    wanted = rows(geometry["radii"], NARROW)
    assert narrow.reach == NARROW and np.abs(narrow.sheets - geometry["radii"]).max() > 0.01
    np.testing.assert_allclose(rows(narrow.sheets, REACH), wanted, atol=1e-3)


def test_the_shipped_model_answers_over_the_portraits_domes(shipped_model):
    np.testing.assert_allclose(shipped_model.reach, REACH, rtol=1e-6)
    np.testing.assert_allclose(shipped_model.sheets, shipped_model.geometry["radii"], atol=1e-6)


def narrow_file(portrait, path):
    """Write a portrait as the second version of the file did, with domes of 75 degrees."""

    def image(pixels):
        rows = respread(pixels.swapaxes(-1, -2).astype(np.float32), REACH, NARROW)
        return np.rint(rows).astype(np.uint8).swapaxes(-1, -2)

    textures = np.concatenate([image(portrait.textures[:-1]), portrait.textures[-1:]])
    radii = respread(portrait.radii, REACH, NARROW, corners=True)
    detail, parts = image(portrait.detail), image(portrait.parts)
    save_portrait(dataclasses.replace(portrait, textures=textures, radii=radii, detail=detail, parts=parts), path)
    path.write_bytes(repack(path.read_bytes(), setter("format_version", value=2)))


def test_files_of_before_look_as_they_did(tmp_path):
    ramp = np.rint(255 * (0.5 + 0.4 * wave(REACH.direction((np.arange(320) + 0.5) / 320)[:, None] * [1.0, 0.7, 0.4])))
    maps = np.uint8(np.clip(ramp, 0, 255))[None].repeat(320, 0)
    portrait = dataclasses.replace(analytic_portrait("sphere", texture=320), detail=maps, parts=maps[::2])
    narrow_file(portrait, path := tmp_path / "p.manifolds")
    loaded = load_portrait(path)
    azimuth = REACH.direction((np.arange(320) + 0.5) / 320)
    inside = np.abs(azimuth) < NARROW.azimuth - 0.03
    for name in ("detail", "parts"):
        gap = getattr(loaded, name)[:, inside].astype(int) - getattr(portrait, name)[:, inside]
        assert np.abs(gap).max() <= 3
    assert (loaded.textures[:-1, :, np.abs(azimuth) > NARROW.azimuth + 0.01, 3] == 0).all()
    np.testing.assert_array_equal(loaded.textures[-1], portrait.textures[-1])
    seen, wanted = (render_view(one, orbit_camera(20.0, 5.0)) for one in (loaded, portrait))
    face = (wanted.alpha > 0.99) & (wanted.depth < wanted.depth[wanted.alpha > 0.99].min() + 0.06)
    assert face.sum() > 5000
    assert np.abs(seen.color - wanted.color)[face].mean() < 0.01
    assert np.abs(seen.depth[face] - wanted.depth[face]).max() < 1e-3
