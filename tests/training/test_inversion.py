"""Training's torch model and the engine's numpy and ONNX Runtime twin agree, network by network and as a whole."""

import dataclasses
import types

import numpy as np
import pytest

from inference.geometry import cameras, domes
from inference.geometry.grids import at_corners, sample_grid
from inference.geometry.reach import REACH
from inference.inversion import columns, decoding, hull, matting, sheets, visibility
from inference.inversion import invert as inversion
from inference.inversion.sheets import KNEE
from tests import reference

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
from training.model import manifolds as mf  # noqa: E402
from training.model import networks as nets  # noqa: E402
from training.model.geometry import SHEETS  # noqa: E402
from training.model.model import PortraitModel  # noqa: E402
from training.weights.to_onnx import export_network, networks  # noqa: E402


def sheet_radii():
    """Sheets as training.population places them: even between three bounds, wavy over (u, v)."""
    v, u = np.meshgrid(np.linspace(0, 1, 81), np.linspace(0, 1, 81), indexing="ij")
    outer, bulk, inner = 0.24 + 0.01 * np.sin(3 * u), 0.20 + 0.01 * np.cos(2 * v), 0.13 + 0.01 * u
    index = np.arange(SHEETS)[:, None, None]
    outside = outer + (bulk - outer) * index / KNEE
    inside = bulk + (inner - bulk) * (index - KNEE) / (SHEETS - 1 - KNEE)
    return np.where(index < KNEE, outside, inside).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    rng = np.random.default_rng(3)
    landmarks = np.stack([rng.uniform(-0.07, 0.07, 468), rng.uniform(-0.1, 0.08, 468), rng.uniform(0.03, 0.1, 468)], -1)
    parts = rng.uniform(0.2, 0.8, (3, 3, 1, 1)) * np.ones((160, 160))
    model = (
        PortraitModel(sheet_radii(), np.full((80, 80), 11.0), np.full((3, 160, 160), 0.5), landmarks, parts)
        .eval()
        .requires_grad_(False)
    )
    for layer in (model.detail.sheets, model.detail.geometry, model.detail.correction, model.generator.sheets):
        torch.nn.init.normal_(layer.weight, std=0.05)  # as training leaves them: no output is constant
    torch.nn.init.normal_(model.decoder.third.weight, std=0.3)
    torch.nn.init.constant_(model.detail_encoder.maps.bias[:4], 6.0)  # a matte that keeps most of the photo
    return model


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    """The model as the engine loads it."""
    import onnxruntime

    folder = tmp_path_factory.mktemp("model")
    sessions = {}
    for name, module, inputs, outputs, axes in networks(model):
        export_network(name, module, inputs, outputs, axes, folder)
        sessions[name] = onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), providers=["CPUExecutionProvider"])
    geometry = {
        "radii": sheet_radii(), "mean_landmarks": model.mean_landmarks.numpy(),
        "lift_sheets": np.array(model.config.lift_sheets), "grid": np.array(model.config.grid),
    }  # fmt: skip
    # The matte is the model's own and nothing is completed, as in training.
    alone = {"companion": lambda name, optional: None, "has": lambda name: False, "reach": REACH}
    return types.SimpleNamespace(geometry=geometry, sha256="test", threads=1, session=sessions.__getitem__, **alone)


def test_dome_coordinates_agree():
    points = np.random.default_rng(0).uniform((-0.2, -0.16, -0.09), (0.2, 0.2, 0.2), (5000, 3))
    wanted = domes.dome_coordinates(points)
    found = mf.dome_coordinates(torch.tensor(points))
    for a, b in zip(wanted, found):
        np.testing.assert_allclose(b.numpy(), a, atol=1e-6)


@pytest.mark.parametrize("yaw", [0.0, 25.0, -50.0])
def test_ray_hits_agree(yaw):
    """The training's ray marcher against the tests' own bisection, ray by ray, on sheets close together."""
    camera = cameras.orbit_camera(yaw=yaw, pitch=5.0)
    geometry = mf.Manifolds(sheet_radii(), 80, (1, 4))
    outer, inner = sheet_radii()[[8, 14]]
    radii = (outer + (inner - outer) * np.linspace(0, 1, SHEETS)[:, None, None]).astype(np.float32)
    pixels = np.random.default_rng(2).uniform(0.15, 0.85, (600, 2))
    pose = torch.tensor(camera.camera_to_world, dtype=torch.float32)[None]
    _, uv, valid = geometry.hits(pose, torch.tensor(pixels, dtype=torch.float32)[None],
                                  torch.tensor(radii[[0, -1]])[None])  # fmt: skip
    origins, directions = camera.rays(*(pixels * cameras.CROP_SIZE).T)
    t, u, v = reference.entries(radii, origins, directions)
    inside = np.isfinite(t) & (u > 0) & (u < 1) & (v > 0) & (v < 1)
    both = inside & valid[0].numpy()
    assert both.sum() > 0.97 * max(inside.sum(), valid.sum())  # only grazing rays may differ
    gap = np.hypot(uv[0, ..., 0].numpy() - u, uv[0, ..., 1].numpy() - v)[both]
    assert np.median(gap) < 2e-4 and np.quantile(gap, 0.95) < 4e-3


def test_opacities_of_soft_surfaces_agree():
    rng = np.random.default_rng(1)
    radius, softness = (
        rng.uniform(0.05, 0.11, (30, 30)).astype(np.float32),
        rng.uniform(1e-3, 5e-3, (30, 30)).astype(np.float32),
    )
    ours = sheets.in_levels(radius, softness, 0.1, 0.085, 23)
    theirs = nets.in_levels(torch.tensor(radius), torch.tensor(softness), 0.1, 0.085, 23)
    for mine, other in zip(ours, theirs):
        np.testing.assert_allclose(mine, other.numpy(), rtol=1e-5, atol=1e-5)
    for index, opacity in enumerate(sheets.sheet_opacities(*ours, 23)):
        np.testing.assert_allclose(opacity, nets.ending(*theirs, index).numpy(), atol=1e-4)


def test_opacity_is_the_chance_of_both_events():
    rng = np.random.default_rng(1)
    level, occupancy = rng.uniform(-2, 25, (2, 30, 30)).astype(np.float32)
    found = torch.sigmoid(nets.opacity_logits(torch.tensor(level), torch.tensor(occupancy * 2 - 20), torch.tensor(9.0)))
    behind, occupied = (
        1 / (1 + np.exp(-np.clip(x, -20, 20))) for x in (nets.SHARPNESS * (9.5 - level), occupancy * 2 - 20)
    )
    np.testing.assert_allclose(found.numpy(), behind * occupied, atol=1e-4)


@pytest.mark.parametrize("distance", [1.3, 1.6, 2.2])
def test_the_backdrop_lies_behind_what_any_camera_sees(distance):
    """Depths of a ball by the closed form, in front of the depth that stands for the backdrop."""
    camera = cameras.orbit_camera(yaw=20.0, distance=distance)
    radius, known = np.full((160, 160), 0.12, np.float32), np.ones((160, 160), bool)
    far = visibility.far_depth(camera)
    depth = visibility.visible_depth(radius, known, camera, visibility.VISIBLE_SIZE, far)
    seen = depth < far
    assert seen.mean() > 0.1 * (1.6 / distance) ** 2
    towards = camera.position / distance
    centre = np.array([0.0, domes.EQUATOR_Y, domes.AXIS_Z])  # the nearest point of the dome's spherical part
    assert depth.min() == pytest.approx(distance - centre @ towards - 0.12, abs=4e-3)


def test_inversion_is_the_trained_model(model, exported):
    """Textures and sheets of invert_crop equal the torch model's, decoded at every texel of some sheets."""
    rng = np.random.default_rng(5)
    crop = np.kron(rng.integers(0, 255, (16, 16, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    camera = cameras.orbit_camera(yaw=8.0, pitch=-4.0)
    landmarks = camera.project(model.mean_landmarks.numpy())[0] + rng.normal(0, 2, (468, 2))
    alignment = types.SimpleNamespace(
        crop=crop, camera=camera, landmarks=landmarks.astype(np.float32), beyond=None, detail=None
    )
    textures, radii, *_ = inversion.invert_crop(alignment, exported)
    assert textures.shape == (24, 320, 320, 4) and textures.dtype == np.uint8
    assert radii.shape == (SHEETS, 161, 161) and (np.diff(radii, axis=0) < 0).all()
    photo = torch.tensor(crop.transpose(2, 0, 1)[None] / 255, dtype=torch.float32)
    pose = torch.tensor(camera.camera_to_world, dtype=torch.float32)[None]
    output = model(photo, torch.tensor(alignment.landmarks)[None], pose)
    matte = torch.sigmoid(output["maps"][0, 0]).numpy()
    photo = torch.tensor(matting.foreground(photo[0].numpy(), matte)[0])[None]  # the engine's colours

    parts = tuple(logits.softmax(1)[0].detach().numpy() for logits in (output["fused"][4], output["parts"]))

    def fit_to_hull(radius, matte, *_):  # the engine's, which grows the surface too
        fitted = hull.fit_to_hull(radius[0, 0].numpy(), matte[0, 0].numpy(), camera, None, parts)
        return (torch.tensor(plane)[None, None] for plane in fitted)

    level, occupancy, *others = output["fused"]
    found = sheets.surface_radius(exported.geometry["radii"], level[0, 0].numpy())
    _, met = hull.fit_surface(found, hull.occupied(occupancy[0, 0].numpy()), matte, camera, None, parts)
    met = torch.tensor(met)[None, None]  # the engine's, without holes and with the gaps that the photo shows
    output = output | {"fused": (level, torch.where(met, 1.0, -1.0), *others)}
    surface = model.surface(output, photo, pose, fit_to_hull)
    gap = np.abs(surface.band[0].numpy() - radii[[0, -1]])  # a pixel at the silhouette may fall to either side
    met = at_corners((surface.occupancy[0, 0] > 0).float().numpy(), columns.GRID) == 1.0
    assert met.mean() > 0.03
    assert np.quantile(gap[:, met], 0.98) < 3e-4 and gap[:, met].max() < 5e-3
    assert (gap > 3e-4).mean() < 0.1  # the rest goes on from the nearest column, of which there may be two
    u, v = domes.texel_centres(320, 320)
    for sheet in (4, 5, 7):
        points = domes.dome_points(u, v, surface_radius(radii[sheet], 320))
        points = torch.tensor(points, dtype=torch.float32).view(1, 1, -1, 3).expand(1, SHEETS, -1, 3)
        uv = torch.tensor(np.stack([u, v], -1), dtype=torch.float32).view(1, 1, -1, 2).expand(1, SHEETS, -1, 2)
        rgb, opacity, _ = model.decode(points, uv, output["fused"], surface, photo, output["maps"], pose)
        through = np.prod(1 - textures[:sheet, ..., 3] / 255, axis=0)  # what matters little does not go through the MLP
        decoded = textures[sheet, ..., 3] / 255 * through > 1.1 * decoding.SLIGHT
        hem = int(max(decoding.HEM)) + 1
        decoded[:, :hem] = decoded[:, -hem:] = decoded[-hem:] = False  # fades out in the engine alone
        assert decoded.sum() > 500
        gap = np.abs(opacity[0, sheet].view(320, 320).numpy() * 255 - textures[sheet, ..., 3])[decoded]
        assert np.median(gap) < 1.5 and np.quantile(gap, 0.9) < 12
        gap = np.abs(rgb[0, sheet].view(3, 320, 320).permute(1, 2, 0).numpy() * 255 - textures[sheet, ..., :3])[decoded]
        assert np.median(gap) < 1.5


def surface_radius(table, size):
    """Radius table (81, 81) at the centres of size x size texels."""
    u, v = domes.texel_centres(size, size)
    return sample_grid(table, u, v)


def test_same_photo_gives_the_same_bytes(model, exported):
    camera = cameras.orbit_camera()
    crop = np.full((256, 256, 3), 127, np.uint8)
    landmarks = camera.project(model.mean_landmarks.numpy())[0].astype(np.float32)
    alignment = types.SimpleNamespace(
        crop=crop, camera=dataclasses.replace(camera), landmarks=landmarks, beyond=None, detail=None
    )
    one, again = (inversion.invert_crop(alignment, exported)[:2] for _ in range(2))
    for first, second in zip(one, again, strict=True):
        assert np.array_equal(first, second)


def test_cancel_stops_between_stages(exported, model):
    from inference.errors import Cancelled

    seen = []

    def progress(fraction, stage):
        seen.append((fraction, stage))
        if fraction > 0.3:
            raise Cancelled

    camera = cameras.orbit_camera()
    landmarks = camera.project(model.mean_landmarks.numpy())[0].astype(np.float32)
    alignment = types.SimpleNamespace(
        crop=np.zeros((256, 256, 3), np.uint8), camera=camera, landmarks=landmarks, beyond=None, detail=None
    )
    with pytest.raises(Cancelled):
        inversion.invert_crop(alignment, exported, progress)
    assert [f for f, _ in seen] == sorted(f for f, _ in seen) and seen[-1][0] < 0.5
