"""What the photo sees of a surface, in batched torch, against the engine's numpy, head by head."""

import cv2
import numpy as np
import pytest

from inference.geometry import cameras
from inference.geometry.domes import texel_centres
from inference.inversion import ears as engine_ears
from inference.inversion import visibility as engine
from inference.inversion.lifting import landmark_offsets
from inference.inversion.sheets import surface_radius

torch = pytest.importorskip("torch")
from training.model import ears, visibility  # noqa: E402
from training.model.geometry import GEOMETRY, plain_geometry  # noqa: E402
from training.model.manifolds import Manifolds, orbit_cameras, project  # noqa: E402
from training.model.model import PortraitModel  # noqa: E402

VIEWS = [cameras.orbit_camera(yaw, pitch) for yaw, pitch in ((0.0, 0.0), (25.0, -8.0), (-60.0, 12.0))]


def poses(views=VIEWS):
    return torch.tensor(np.stack([view.camera_to_world for view in views]), dtype=torch.float32)


def bumpy(size, seed=0):
    """Radii (3, size, size) float32 metres of three heads with bumps of a centimetre and steps between them."""
    rng, (u, v) = np.random.default_rng(seed), texel_centres(size, size)
    waves = [np.sin(rng.uniform(5, 20) * u + rng.uniform(0, 6)) * np.cos(rng.uniform(5, 20) * v) for _ in VIEWS]
    return np.float32([0.1 + 0.01 * wave + 0.008 * (wave > 0.5) for wave in waves])


@pytest.mark.parametrize("size", [80, 160])
def test_the_angle_to_the_camera_agrees(size):
    radii, manifolds = bumpy(size), Manifolds(plain_geometry(80)["radii"], 80, (1, 4))
    points = manifolds.column_points(torch.tensor(radii)[:, None])
    found = visibility.facing_camera(points, manifolds.columns(size)[1], poses())[:, 0]
    wanted = np.stack([engine.facing_camera(radius, view) for radius, view in zip(radii, VIEWS)])
    assert wanted.min() < 0.2 and wanted.max() > 0.9
    np.testing.assert_allclose(found, wanted, atol=5e-5)  # measured: 2e-5, and 8e-5 of the weight
    weight = visibility.grazing_weight(found)
    np.testing.assert_allclose(weight, engine.grazing_weight(wanted), atol=2e-4)


@pytest.mark.parametrize("bfloat16", [False, True])
def test_the_photos_weight_on_coarse_surfaces_agrees(bfloat16):
    """From levels of the model's sheets on; mixed precision must not reach it."""
    geometry = plain_geometry(80)
    model = PortraitModel(*(geometry[name] for name in GEOMETRY))
    level = np.float32(11.0) + 300.0 * (bumpy(80) - 0.1)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
        found = model.grazing_weight(torch.tensor(level)[:, None], poses())
    for ours, theirs, view in zip(found, level, VIEWS):
        facing = engine.facing_camera(surface_radius(geometry["radii"], theirs), view)
        np.testing.assert_allclose(ours[0], engine.grazing_weight(facing), atol=2e-4)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 1.6, 3.2])
@pytest.mark.parametrize("border", ["replicate", "reflect"])
def test_blurs_are_opencvs(sigma, border):
    image = np.random.default_rng(1).random((2, 3, 40, 50), np.float32)
    how = {"replicate": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT_101}[border]
    wanted = [[cv2.GaussianBlur(plane, (0, 0), sigma, borderType=how) for plane in planes] for planes in image]
    np.testing.assert_allclose(visibility.blurred(torch.tensor(image), sigma, border), wanted, atol=2e-6)


def test_orbits_agree():
    turns = np.radians([[0.0, 0.0], [40.0, 15.0], [-25.0, -8.0]])
    found = orbit_cameras(*torch.tensor(turns, dtype=torch.float32).unbind(1))
    wanted = [cameras.orbit_camera(*np.degrees(turn)).camera_to_world for turn in turns]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("bfloat16", [False, True])
def test_projections_agree(bfloat16):
    """In mixed precision too: a matrix product would move points by pixels."""
    points = np.random.default_rng(2).uniform(-0.15, 0.15, (1, 500, 3))
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
        pixel, depth = project(torch.tensor(points, dtype=torch.float32).expand(3, -1, -1), poses())
    for ours, distance, view in zip(pixel, depth, VIEWS):
        wanted = view.project(points[0])
        np.testing.assert_allclose(ours * cameras.CROP_SIZE, wanted[0], atol=1e-3)
        np.testing.assert_allclose(distance, wanted[1], atol=1e-6)


def test_columns_before_ears_are_the_engines():
    """By the ears that landmarks tell, of three heads in three poses; the surfaces reach before and behind them."""
    geometry = plain_geometry(80)
    model = PortraitModel(*(geometry[name] for name in GEOMETRY))
    rng = np.random.default_rng(5)
    seen = np.stack([view.project(geometry["mean_landmarks"])[0] for view in VIEWS]) + rng.normal(0, 4, (3, 468, 2))
    found = model.ears(torch.tensor(seen, dtype=torch.float32), poses())
    offsets = [landmark_offsets(marks, view, geometry["mean_landmarks"]) for marks, view in zip(seen, VIEWS)]
    wanted = np.stack([engine_ears.ear_points(offset) for offset in offsets])
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    points = model.manifolds.column_points(torch.tensor(bumpy(160) + 0.01)[:, None])
    pixel, depth = project(points, poses())
    found = ears.before_ears(found, pixel, depth, poses())[:, 0]
    wanted = [
        engine_ears.before_ears(of_head, *view.project(there.numpy()), view)
        for of_head, there, view in zip(wanted, points, VIEWS)
    ]
    assert (np.stack(wanted) > 0.5).sum() > 50
    np.testing.assert_allclose(found, np.stack(wanted), atol=2e-3)
