"""The torch renderer: against formulas, against the OpenGL renderer on a real head, and inside the training loop."""

import dataclasses
import types

import numpy as np
import pytest
import torch

from inference.geometry import domes
from inference.geometry.cameras import orbit_camera
from tests.data_pack import data_pack
from tests.training.conftest import command_line
from training import train
from training.data import batches, fresh_heads
from training.errors import TrainingError
from training.run.presets import PRESETS, override
from training.synthetic import passes, torch_raster, torch_shading, torch_textures
from training.synthetic.appearance import DEFAULT_MATERIAL
from training.synthetic.assets import Part
from training.synthetic.torch_renderer import TorchRenderer, reduce_color, reduce_depth

HEAD = (7, 0, 0)  # wears strands, brows and lashes, a suit and a tie


def drawn(corners, size):
    """Depth buffer (size, size) float, 1 where nothing is, and triangle (size, size) int, -1 there."""
    keys = torch_raster.new_keys(size, size, corners.device)
    for fragment in torch_raster.fragments(corners, size, size):
        torch_raster.draw(keys, *fragment)
    sample, triangle = torch_raster.covered(keys)
    numbers = torch.full((size * size,), -1)
    numbers[sample] = triangle
    return torch_raster.depths(keys).view(size, size), numbers.view(size, size)


def test_a_triangle_covers_the_samples_inside_it_with_its_plane():
    rng, size = np.random.default_rng(1), 40
    x, y = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5)
    for _ in range(30):
        corners = np.concatenate([np.round(rng.uniform(-10, 50, (3, 2)) * 256) / 256, rng.uniform(0.1, 0.9, (3, 1))], 1)
        a, b, c = corners[:, :2]
        plane = np.linalg.solve(np.c_[corners[:, :2], np.ones(3)], corners[:, 2])
        edges = [(q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0]) for p, q in ((a, b), (b, c), (c, a))]
        reach = 0.01 * max(np.hypot(*(q - p)) for p, q in ((a, b), (b, c), (c, a)))
        inside = np.all([e > reach for e in edges], 0) | np.all([e < -reach for e in edges], 0)
        outside = np.any([e < -reach for e in edges], 0) & np.any([e > reach for e in edges], 0)
        depth, triangle = drawn(torch.tensor(corners[None], dtype=torch.float32), size)
        assert (triangle.numpy()[inside] == 0).all() and (triangle.numpy()[outside] == -1).all()
        np.testing.assert_allclose(depth.numpy()[inside], (plane[0] * x + plane[1] * y + plane[2])[inside], atol=1e-5)


def test_a_mesh_has_no_holes_and_the_nearest_triangle_is_seen():
    """A jittered grid over the whole buffer, and a smaller one behind and in front of it."""
    rng, size, cells = np.random.default_rng(2), 64, 23
    grid = np.stack(np.meshgrid(*[np.linspace(-1, size + 1, cells + 1)] * 2), -1)
    grid += rng.uniform(-0.8, 0.8, grid.shape)
    point = np.concatenate([grid, np.full((cells + 1, cells + 1, 1), 0.5)], -1)
    a, b, c, d = point[:-1, :-1], point[:-1, 1:], point[1:, 1:], point[1:, :-1]
    sheet = np.concatenate([np.stack([a, b, c], 2), np.stack([a, c, d], 2)]).reshape(-1, 3, 3)
    big = np.array([[[10, 10, 0.7], [60, 10, 0.7], [10, 60, 0.7]], [[10, 10, 0.2], [30, 10, 0.2], [10, 30, 0.2]]])
    depth, triangle = drawn(torch.tensor(np.concatenate([sheet, big]), dtype=torch.float32), size)
    assert (triangle >= 0).all()
    assert not (triangle == len(sheet)).any()
    assert depth[12, 12] == pytest.approx(0.2, abs=1e-6) and depth[50, 50] == pytest.approx(0.5, abs=1e-6)


def test_weights_are_correct_in_perspective():
    """A point on a slanted triangle, projected: its weights are those in space, not those on the screen."""
    corners = np.array([[-0.3, -0.2, 1.0], [0.4, -0.3, 2.0], [0.0, 0.5, 3.0]])
    weights = np.array([0.2, 0.5, 0.3])
    project = lambda p: p[..., :2] / p[..., 2:] * 100 + 50  # noqa: E731
    x, y = project(weights @ corners) - 0.5
    found = torch_raster.barycentric(
        torch.tensor(project(corners)[None]), torch.tensor([x]), torch.tensor([y]), torch.tensor(corners[None, :, 2])
    )
    np.testing.assert_allclose(found[0], weights, atol=1e-9)


def test_samples_become_pixels_as_with_opengl():
    rng = np.random.default_rng(3)
    color = rng.integers(0, 256, (12, 12, 4), dtype=np.uint8)
    color[..., 3] = rng.choice([0, 255], (12, 12))
    color[color[..., 3] == 0] = 0
    depth = np.where(color[..., 3] > 0, 1.5 + rng.choice([0, 0.02], (12, 12)) + rng.uniform(0, 0.004, (12, 12)), 0)
    depth = depth.astype(np.float32)
    for factor in (1, 2, 3):
        np.testing.assert_array_equal(reduce_color(torch.tensor(color), factor), passes.reduce_color(color, factor))
        for nearest, farthest in ((np.minimum, False), (np.maximum, True)):
            theirs = passes.reduce_depth(depth, factor, nearest)
            np.testing.assert_allclose(reduce_depth(torch.tensor(depth), factor, farthest), theirs, atol=1e-6)


def test_textures_repeat_and_shrink():
    image = np.random.default_rng(4).integers(0, 256, (8, 16, 4), dtype=np.uint8)
    texture = torch_textures.Texture(image, "cpu")
    v, u = np.meshgrid((np.arange(8) + 0.5) / 8, (np.arange(16) + 0.5) / 16, indexing="ij")
    uv = torch.tensor(np.stack([u, 1 - v], -1).reshape(-1, 2), dtype=torch.float32)
    near, far = torch.zeros(len(uv), 2, 2), torch.eye(2).expand(len(uv), 2, 2)
    for shift in (0.0, 3.0, -2.0):
        values = texture.sample(uv + shift, near).view(8, 16, 4) * 255
        np.testing.assert_allclose(values, image, atol=0.02)
    np.testing.assert_allclose(texture.sample(uv, far)[0] * 255, image.mean((0, 1)), atol=2.0)
    between = texture.sample(torch.tensor([[0.0, 0.5 / 8]]), near[:1])[0] * 255  # first and last column meet there
    np.testing.assert_allclose(between, (image[7, 0].astype(float) + image[7, 15]) / 2, atol=0.02)


def test_dithered_layers_leave_out_their_share():
    row, column = (x.flatten() for x in torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij"))
    for alpha in (0.1, 0.5, 0.8):
        kept = torch.stack([alpha >= torch_shading.dither(torch.tensor(n), column, row) for n in range(20)])
        assert kept.float().mean().item() == pytest.approx(alpha, abs=0.04)


def sphere(radius, centre, steps=96):
    """A Part and its vertices (n, 3): a ball of longitudes and latitudes."""
    theta, phi = np.meshgrid(np.linspace(0, np.pi, steps + 1), np.linspace(0, 2 * np.pi, 2 * steps + 1), indexing="ij")
    points = np.stack([np.sin(theta) * np.sin(phi), np.cos(theta), np.sin(theta) * np.cos(phi)], -1).reshape(-1, 3)
    i, j = (x.ravel() for x in np.meshgrid(np.arange(steps), np.arange(2 * steps), indexing="ij"))
    a, below = i * (2 * steps + 1) + j, 2 * steps + 1
    triangles = np.concatenate([np.stack([a, a + below, a + 1], 1), np.stack([a + 1, a + below, a + below + 1], 1)])
    uv = np.stack([phi / (2 * np.pi), theta / np.pi], -1).reshape(-1, 2).astype(np.float32)
    part = Part("ball", "hat", np.arange(len(points)), uv, triangles.astype(np.int32), triangles.astype(np.int32))
    return part, points * radius + centre


def test_a_ball_has_the_silhouette_depth_and_colour_of_its_formula():
    centre, radius, camera = np.array([0.0, domes.EQUATOR_Y, domes.AXIS_Z]), 0.15, orbit_camera(20, 10)
    renderer = TorchRenderer(types.SimpleNamespace())
    part, points = sphere(radius, centre)
    renderer.set_positions(part, points)
    light = np.array([0.3, 0.5, 0.7])
    renderer.set_shading(part, (points - centre) / radius, np.tile(light, (len(points), 1)))
    noise = renderer.upload(np.full((4, 4, 4), 51, np.uint8))
    materials = {"ball": DEFAULT_MATERIAL | {"kind": "plain", "gain": (0.5, 0.6, 0.7)}}
    look = (np.zeros((2, 3)), np.zeros((2, 3)))
    color, depth = renderer.view(camera, [part], materials, noise, look)
    assert color.dtype == np.uint8 and color.shape == (256, 256, 4)
    y, x = np.mgrid[0:256, 0:256]
    origin, direction = camera.rays(x + 0.5, y + 0.5)
    toward = origin - centre
    b, c = (direction * toward).sum(-1), (toward * toward).sum(-1) - radius**2
    hit, far = b * b - c > 0, np.abs(np.sqrt(np.maximum(b * b - c, 0))) > 0.03
    along = direction @ -camera.camera_to_world[:3, 2]
    truth = (-b - np.sqrt(np.maximum(b * b - c, 0))) * along
    solid = color[..., 3] > 127
    assert (solid & hit).sum() / (solid | hit).sum() > 0.995
    assert np.abs(depth - truth)[hit & far].max() < 4e-4
    expected = 255 * (np.array([0.5, 0.6, 0.7]) * (0.9 + 0.2 * 0.2) * light) ** (1 / 2.2)
    assert np.abs(color[hit & far][:, :3] - expected).max() <= 1
    label = renderer.view(camera, [part], materials, noise, look, holds=passes.LABEL)[0]
    assert (label[hit & far] == (0, 0, 255, 255)).all()
    lit = renderer.view(camera, [part], materials, noise, look, holds=passes.LIGHT)[0]
    assert np.abs(lit[hit & far][:, :3] - 255 * (light / passes.BRIGHTEST) ** (1 / 2.2)).max() <= 1
    renderer.set_dome_positions(part, points)
    color, radii = renderer.dome([part], materials, noise, look, 80)
    above = domes.texel_centres(80, 80)[1] < 1 - domes.EQUATOR_V - 0.02
    assert (color[above][:, 3] == 255).all()
    assert np.abs(radii[above] - radius).max() < 4e-4


@pytest.fixture(scope="module")
def assets():
    return data_pack()


@pytest.fixture(scope="module")
def both(assets):
    """One head drawn through OpenGL and with torch."""
    pytest.importorskip("moderngl")
    from training.synthetic import generate

    try:
        opengl = generate.Studio(assets)
    except Exception as error:  # noqa: BLE001  (whatever the driver raises)
        pytest.skip(f"no OpenGL without a window here: {error}")
    torch.set_num_threads(1)
    studio = generate.Studio(assets, generate.renderer_class("torch", "cpu"))
    return opengl.make(HEAD), studio.make(HEAD)


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize(
    ("picture", "distance"), [("photo", "photo_depth"), ("views", "view_depth"), ("dome_rgba", "dome_radius")]
)
def test_both_renderers_draw_the_same_head(both, picture, distance):
    opengl, ours = both
    a, b = opengl[picture].astype(float), ours[picture].astype(float)
    assert overlap(a[..., 3] > 127, b[..., 3] > 127) > 0.99
    solid = (a[..., 3] == 255) & (b[..., 3] == 255)
    error = (a - b)[solid][:, :3]
    assert 10 * np.log10(255**2 / (error**2).mean()) > 35
    near, far = opengl[distance], ours[distance]
    where = (near > 0) & (far > 0)
    assert overlap(near > 0, far > 0) > 0.99
    assert np.median(np.abs(near - far)[where]) < 1e-4
    assert (np.abs(near - far)[where] < 1e-3).mean() > 0.98


def test_both_renderers_agree_on_labels_and_the_inner_dome(both):
    opengl, ours = both
    for name in ("photo_label", "dome_label", "dome_light", "skin_rgb"):
        assert np.abs(opengl[name].astype(float) - ours[name]).mean() < 1.5, name
    assert np.median(np.abs(opengl["skin_radius"] - ours["skin_radius"])) < 1e-4
    for name in ("camera", "landmarks", "landmarks68", "parameters", "view_cameras"):
        np.testing.assert_array_equal(opengl[name], ours[name])


def reader(shards, geometry, count, chunk, workers=0, start=0):
    """Batches of one chunk a step, with fresh heads."""
    preset = override(PRESETS["cpu"], [f"batch={chunk}", f"chunk={chunk}"])
    fresh = fresh_heads.FreshHeads(count, data=data_pack())
    out = batches.Batches(preset, [shards], None, dict(np.load(geometry)), 3, workers, lambda items: items, fresh)
    out.open(batches.look([shards], 0), start, True)
    return out


def test_fresh_heads_follow_from_seed_and_step(assets, shards, geometry):
    """Two readers give the same batches, from any step on, whoever reads; no two heads are the same."""
    first = reader(shards, geometry, None, 1)
    ours = [next(first), next(first)]
    worker = reader(shards, geometry, None, 1, workers=1, start=1)
    theirs = next(worker)
    worker.close()
    assert ours[1].keys() == theirs.keys()
    assert all(torch.equal(ours[1][name], theirs[name]) for name in theirs)
    landmarks = torch.cat([batch["landmarks"] for batch in ours])
    assert torch.pdist(landmarks.flatten(1)).min() > 50
    assert 0.2 < ours[0]["alpha"].mean() < 0.9 and (ours[0]["level"] >= 0).all()


def test_fresh_heads_beside_shards(shards, geometry, assets):
    """The heads of the shards keep their order and their look; a chunk holds no more than it can."""
    beside = reader(shards, geometry, 1, 2)
    dataset = beside.iterator._dataset
    keys = next(iter(batches.Chunks(beside.preset, beside.opening, dataset, 3, 5, lambda items: items, beside.fresh)))
    assert [key[0] for key in keys] == ["heads", "fresh"]
    assert keys[1][1:] == (11, 11) and keys[0][2] == 10  # the sixth fresh head, mirrored; the draws of chunk 5
    with pytest.raises(TrainingError, match="fewer than --fresh-heads"):
        reader(shards, geometry, 3, 2)


def test_a_run_on_fresh_heads(assets, shards, geometry, tmp_path):
    more = ("--fresh-heads", "--data", str(assets))
    line = command_line(shards, geometry, tmp_path / "run", *more, settings=("batch=1",), samples=1)
    assert train.main(line) == 0
    assert (tmp_path / "run" / "last.pt").exists()


def test_missing_assets_are_one_clear_line(shards, geometry, tmp_path):
    more = ("--fresh-heads", "1", "--data", str(tmp_path))
    with pytest.raises(TrainingError, match="is not the data pack .*--data"):
        train.main(command_line(shards, geometry, tmp_path / "run", *more))


def test_shards_travel_to_other_processes_by_name(shards):
    import pickle

    from training.data.shards import Shard

    shard = Shard(shards / "shard_0000")
    packed = pickle.dumps(shard)
    assert len(packed) < 1000
    np.testing.assert_array_equal(pickle.loads(packed)["camera"], shard["camera"])
    assert dataclasses.replace(batches.look([shards], 0), step=1).shards == batches.look([shards], 1).shards
