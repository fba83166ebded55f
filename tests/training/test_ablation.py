"""Ablations: sheets and layouts against geometry, switches at the networks' doors, equal budgets of training runs."""

import types

import numpy as np
import pytest

from inference.geometry import domes
from tests.portraits import sheet_radii
from training.evaluation.switches import PIXELS, VOXEL, Switched


@pytest.fixture(scope="module")
def representation():
    pytest.importorskip("scipy")
    return pytest.importorskip("training.evaluation.representation")


def test_other_numbers_of_sheets_fill_the_same_space(representation):
    radii = sheet_radii()
    for count in (11, 23, 47):
        found = representation.resampled(radii, count)
        assert found.shape == (count, *radii.shape[1:])
        np.testing.assert_allclose(found[[0, -1]], radii[[0, -1]], rtol=1e-6)
        assert (np.diff(found, axis=0) < 0).all()
    np.testing.assert_allclose(representation.resampled(radii, 45)[::2], radii, rtol=1e-6)


def test_flat_coordinates_find_the_sheet_in_front(representation):
    radii = sheet_radii("sphere")
    size = 48
    u, v, found = representation.flat_to_dome(radii.tobytes(), radii.shape, 12, size)
    low, high = representation.extent(radii.tobytes(), radii.shape)
    x, y = np.meshgrid((np.arange(size) + 0.5) / size, 1 - (np.arange(size) + 0.5) / size)
    points = domes.dome_points(u, v, representation.sample_grid(radii[12].astype(float), u, v))
    wanted = low + (high - low) * np.stack([x, y], -1)
    error = np.linalg.norm(points[..., :2] - wanted, axis=-1)[found]
    assert found.mean() > 0.5 and np.percentile(error, 95) < 5e-4
    assert (points[..., 2][found] > domes.AXIS_Z).all()


@pytest.mark.parametrize("layout", ["dome", "flat"])
def test_layouts_keep_a_smooth_picture(representation, layout):
    radii = sheet_radii("dome")[11:13]
    u, v = domes.texel_centres(160, 160)
    picture = np.stack([u, v, 0.5 + 0 * u, 1 + 0 * u], -1).astype(np.float32)
    found = representation.LAYOUTS[layout](np.stack([picture, picture]), radii, 80)
    u, v = domes.texel_centres(representation.DENSE, representation.DENSE)
    middle = (np.abs(u - 0.5) < 0.25) & (np.abs(v - 0.5) < 0.25)
    assert np.abs(found[1][..., 0] - u)[middle].max() < 0.01
    assert np.abs(found[1][..., 1] - v)[middle].max() < 0.01


def test_flat_textures_lose_the_sides(representation):
    """Stripes of 7 degrees survive at the front and not at the side, where the flat layout has few texels."""
    radii = sheet_radii("dome")[11:12]
    u, v = domes.texel_centres(320, 320)
    azimuth = np.arctan2(*(domes.dome_points(u, v, 0.15) - [0, 0, domes.AXIS_Z])[..., [0, 2]].transpose(2, 0, 1))
    stripes = 0.5 + 0.5 * np.sin(azimuth * 50)
    picture = np.stack([stripes, stripes, stripes, np.ones_like(u)], -1).astype(np.float32)[None]
    below = v > 0.6
    front, side = below & (np.abs(azimuth) < 0.3), below & (azimuth > 1.25) & (azimuth < 1.5)
    spread = {name: [layout(picture, radii, 80)[0][..., 0][where].std() for where in (front, side)]
              for name, layout in representation.LAYOUTS.items()}  # fmt: skip
    assert min(spread["dome"]) > 0.1 and spread["flat"][0] > 0.2
    assert spread["flat"][1] < 0.5 * spread["dome"][1]


class _Network:
    """A session that records what it was given."""

    def __init__(self, **outputs):
        self.outputs = [types.SimpleNamespace(name=name, shape=shape) for name, shape in outputs.items()]

    def get_outputs(self):
        return self.outputs

    def run(self, names, inputs):
        self.given = inputs
        return ["the network's"]


def test_switched_off_parts_do_not_reach_the_networks():
    networks = {
        "decoder": _Network(),
        "detail_encoder": _Network(voxel=[1, 64, 64, 64], maps=[1, 5, 8, 8]),
        "detail_manifolds": _Network(features=[1, 3, 2, 4, 4]),
    }
    model = types.SimpleNamespace(session=networks.get, id="whole")
    points = np.random.default_rng(0).random((1, 15, 1, 6)).astype(np.float32)  # two sheet and four pixel features
    switched = Switched(model, (PIXELS,))
    assert switched.id == "whole" and switched.session("detail_manifolds") is networks["detail_manifolds"]
    assert switched.session("decoder").run(None, {"points": points}) == ["the network's"]
    given = networks["decoder"].given["points"]
    np.testing.assert_array_equal(given[:, 3:6], points[:, :3])
    np.testing.assert_array_equal(given[:, 6:9], points[:, 6:9])  # matte and sheet features stay
    assert not given[:, 9:13].any()
    np.testing.assert_array_equal(given[:, 13:], points[:, 13:])

    coarse = {"level": np.full((1, 1, 4, 4), 7.0, np.float32), "occupancy": np.full((1, 1, 4, 4), 2.0, np.float32),
              "colour": np.ones((1, 3, 8, 8), np.float32), "sheets": np.arange(96.0).reshape(1, 6, 4, 4)}  # fmt: skip
    level, occupancy, colour, features, parts = Switched(model, (VOXEL,)).session("detail_manifolds").run(None, coarse)
    assert level.shape == (1, 1, 8, 8) and (level == 7).all() and (occupancy == 2).all()
    assert colour is coarse["colour"] and features.shape == (1, 3, 2, 4, 4) and features[0, 1, 0, 0, 0] == 32
    assert parts == "the network's"  # what a column is made of is no detail


def test_variants_of_training_differ_in_one_setting_alone(monkeypatch, tmp_path):
    pytest.importorskip("torch")
    from training import ablate

    commands = []

    def run(module, *arguments):
        commands.append([module, *map(str, arguments)])
        if module == "training.export":
            folder = tmp_path / str(arguments[-1]) / "model"
            folder.mkdir(parents=True)
            (folder / "card.json").write_text("{}")

    monkeypatch.setattr(ablate, "run", run)
    variants = ablate.training_variants("cpu")
    assert variants["whole"] == [] and variants["− level"] == ["weights.level=0"]
    options = types.SimpleNamespace(out=tmp_path, preset="cpu", heads=["heads"], real=None, geometry="geometry.npz",
                                    minutes=1.0, samples=None, seed=0, threads=1, start=None,
                                    settings=["batch=8"])  # fmt: skip
    for name in ("whole", "− level", "whole"):
        ablate.train_variant(options, name, variants[name])
    trained = [c for c in commands if c[0] == "training.train"]
    assert len(trained) == 2  # a finished variant is not trained again
    without_folder = [[a for a in c if str(tmp_path) not in a] for c in trained]
    assert without_folder[0][-2:] == ["--set", "batch=8"]
    assert without_folder[1] == without_folder[0] + ["weights.level=0"]


def test_exact_answers_take_the_networks_place():
    """A dome's surface, colours and parts as the detail manifolds would give them; other outputs stay the network's."""
    pytest.importorskip("torch")
    from inference.geometry.grids import at_texels
    from inference.inversion.sheets import level_bounds, level_to_radius
    from training.evaluation.switches import Told, exact_answers

    radii = np.linspace(0.16, 0.06, 23)[:, None, None].repeat(81, 1).repeat(81, 2).astype(np.float32)
    rgba = np.full((1, 160, 160, 4), (255, 0, 51, 255), np.uint8)
    rgba[:, :, :40, 3] = 0
    label = np.zeros((1, 160, 160, 3), np.uint8)
    label[..., 1] = 255
    shard = {"dome_radius": np.full((1, 160, 160), 0.1, np.float16), "dome_rgba": rgba, "dome_label": label}
    exact = exact_answers(shard, 0, radii)
    tables = np.stack([at_texels(table, 160, 160) for table in level_bounds(radii)])
    found = level_to_radius(tables, exact["fused_level"][0, 0])
    np.testing.assert_allclose(found[:, 40:], 0.1, atol=1e-4)
    assert (exact["fused_occupancy"][0, 0] > 0).mean() == 0.75
    np.testing.assert_allclose(exact["fused_colour"][0, :, 0, 0], (1.0, 0.0, 0.2), atol=1e-6)
    assert (exact["fused_parts"][0].argmax(0) == 1).all()

    network = types.SimpleNamespace(
        run=lambda outputs, inputs: ["level", "features"],
        get_outputs=lambda: [types.SimpleNamespace(name=name) for name in ("fused_level", "features")],
    )
    model = types.SimpleNamespace(session=lambda name: network, id="whole")
    told = Told(model, {"fused_level": exact["fused_level"]})
    level, features = told.session("detail_manifolds").run(None, {})
    assert level is exact["fused_level"] and features == "features"
    assert told.session("decoder") is network and told.id == "whole"


def test_limits_tell_what_lies_behind_a_surface_and_what_lies_outside_of_all_columns():
    limits = pytest.importorskip("training.evaluation.limits")
    from inference.geometry.cameras import orbit_camera
    from inference.view.render import render_view
    from tests import portraits
    from training.evaluation.metrics import unproject

    portrait, camera = portraits.analytic_portrait("sphere", texture=160), orbit_camera(20.0, 0.0)
    u, v = domes.texel_centres(160, 160)
    radius = portraits.surface_radius("sphere", u, v).astype(np.float32)
    view = render_view(portrait, camera)
    truth = np.concatenate([view.color, view.alpha[..., None]], -1)
    depth = np.where(truth[..., 3] > 0.98, view.depth, 0.0)
    kinds = limits.unshown(radius, truth, depth, camera, view.depth)
    assert kinds["second"].mean() < 0.005 and not kinds["outside"].any()

    before = radius + 0.01 * (np.hypot(u - 0.5, v - 0.5) < 0.1)  # something hangs in front of the face
    behind = limits.unshown(before.astype(np.float32), truth, depth, camera, view.depth)["second"]
    y, x = np.nonzero(depth)
    place = domes.dome_coordinates(unproject(camera, np.stack([x, y], -1) + 0.5, depth[y, x]))
    distance = np.hypot(place[0] - 0.5, place[1] - 0.5)
    assert behind[y, x][distance < 0.08].all() and behind[y, x][distance > 0.11].mean() < 0.01

    closed = limits.unshown(radius, truth, depth, camera, view.depth - 0.01)["second"]
    assert closed[depth > 0].mean() > 0.995  # all but corners of the outline
    drawn = limits.unshown(radius, np.zeros_like(truth), np.zeros_like(depth), camera, view.depth)
    assert (drawn["second"] == np.isfinite(view.depth)).mean() > 0.995 and not drawn["outside"].any()
    further = np.where(depth > 0, 1.75, 0.0)  # metres, behind the axis of the domes
    far = limits.unshown(radius, truth, further, camera, view.depth)
    assert (far["outside"] == (depth > 0)).all()


def test_what_mended_pixels_gain():
    limits = pytest.importorskip("training.evaluation.limits")
    error, region, where = np.full((10, 10), 0.01), np.ones((10, 10), bool), np.zeros((10, 10), bool)
    where[0], error[0], region[9] = True, 0.09, False
    assert limits.gain(error, region, where) == pytest.approx(10 * np.log10((8 * 0.01 + 0.09) / 9 / 0.01))
    error[0] = 0.001  # nothing is made worse
    assert limits.gain(error, region, where) == 0.0
