"""The surface, its columns and its sheets in batched torch against the engine's numpy, head by head.

Margins are two to five times what was measured on these heads, and on twenty-four synthetic ones, with the embedded
model. Columns that miss the subject go on from the nearest one that meets it: the engine's is OpenCV's, by a chamfer
distance, the twin's by the true distance, and ties may go either way.
"""

import dataclasses
import types

import numpy as np
import pytest
from scipy import ndimage

from inference.geometry import cameras
from inference.geometry import filling as engine_filling
from inference.geometry.domes import texel_centres
from inference.inversion import colouring as engine_colouring
from inference.inversion import hull as engine_hull
from inference.inversion import invert, sheets, visibility

torch = pytest.importorskip("torch")
from tests.training.conftest import ROOT  # noqa: E402
from tests.training.test_visibility import VIEWS, bumpy, poses  # noqa: E402
from training.data.examples import SyntheticHeads  # noqa: E402
from training.model import colouring, filling, hull  # noqa: E402
from training.model import manifolds as mf  # noqa: E402
from training.model.geometry import GEOMETRY, plain_geometry  # noqa: E402
from training.model.model import PortraitModel  # noqa: E402
from training.weights.from_onnx import read_geometry, start_from  # noqa: E402

DEFAULT = ROOT / "models" / "default"


@pytest.fixture(scope="module")
def heads(shards):
    """The embedded model, a batch of six analytic heads, and what the networks say of them."""
    geometry = read_geometry(DEFAULT)
    model = PortraitModel(*(geometry[name] for name in GEOMETRY)).eval().requires_grad_(False)
    start_from(model, DEFAULT)
    examples = SyntheticHeads([shards], geometry, augment=False)
    rows = [examples[index] for index in range(len(examples))]
    batch = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    output = model(batch["photo"], batch["landmarks"], batch["camera"])
    return types.SimpleNamespace(model=model, batch=batch, output=output)


def engine_surface(heads, index):
    """What the engine makes of a head's networks: columns, colours, the networks' share in them, and band."""
    output = {name: heads.output[name] for name in ("fused", "maps", "parts", "ears")}
    level, occupancy, colour, _, parts = (part[index] for part in output["fused"])
    pose = heads.batch["camera"][index].double().numpy()
    camera = dataclasses.replace(cameras.orbit_camera(), camera_to_world=pose)
    matte = torch.sigmoid(output["maps"][index, 0]).numpy()
    guess = np.maximum(heads.model.manifolds.column_radius(level[None])[0, 0].numpy(), sheets.THINNEST)
    radius, kept = engine_hull.carve(guess, matte, camera)
    valid = kept & (occupancy[0].numpy() > 0)
    photo_parts = output["parts"][index].softmax(0).numpy()
    parts, ears = parts.softmax(0).numpy(), output["ears"][index].numpy()
    columns = invert.see(radius, valid, colour.numpy(), parts, photo_parts, ears, camera)
    found = engine_colouring.match_colours(columns, heads.batch["clean"][index].numpy(), photo_parts, matte, camera)
    return columns, *found, sheets.place_sheets(radius, valid)[[0, -1]]


def test_surfaces_are_the_engines(heads):
    """Share of columns that differ, of those that meet the subject and of the rest. These heads miss the crown: a third
    of their columns is continued."""
    surface = heads.model.surface(heads.output, heads.batch["clean"], heads.batch["camera"])
    colours = (surface.share * heads.output["fused"][2] + surface.tone).numpy()
    beyond = {}
    for index in range(len(colours)):
        columns, colour, share, band = engine_surface(heads, index)
        valid = columns.valid
        assert np.array_equal(surface.occupancy[index, 0].numpy() > 0, valid)
        for name, wanted, tolerance, most, most_elsewhere in (
            ("radius", columns.radius, 3e-4, 1e-3, 0.25),  # metres
            ("facing", columns.facing, 0.05, 5e-3, 0.35),
            ("behind", columns.occlusion_depth, 0.3, 2e-3, 0.2),  # centimetres
            ("softness", columns.softness, 1e-7, 0.0, 0.0),
            ("share", share, 0.05, 0.015, 0.1),
        ):
            differs = np.abs(getattr(surface, name)[index, 0].numpy() - wanted) > tolerance
            assert differs[~valid].mean() <= most_elsewhere, name
            if differs[valid].mean() > most:
                beyond[index, name] = differs[valid].mean()
        gap = np.abs(colours[index] - colour).max(0)
        assert np.median(gap) < 2e-3 and (gap > 0.03)[valid].mean() < 2e-3 and (gap > 0.02)[~valid].mean() < 0.15
        gap = np.abs(surface.band[index].numpy() - band)
        assert np.median(gap) < 1e-6 and (gap > 3e-4).mean() < 0.15
    # Of one head in six the matte crosses its threshold along many columns: 0.010, 0.014 and 0.0021 were measured.
    assert len({index for index, _ in beyond}) <= 1
    most = {"radius": 0.012, "facing": 0.016, "behind": 3e-3}
    assert all(share <= most.get(name, 0.0) for (_, name), share in beyond.items())


def test_what_the_photo_sees_is_the_engines(heads):
    surface = heads.model.surface(heads.output, heads.batch["clean"], heads.batch["camera"])
    for index, pose in enumerate(heads.batch["camera"].double().numpy()):
        camera = dataclasses.replace(cameras.orbit_camera(), camera_to_world=pose)
        radius, valid = surface.radius[index, 0].numpy(), surface.occupancy[index, 0].numpy() > 0
        far = visibility.far_depth(camera)
        wanted = visibility.visible_depth(radius, valid, camera, visibility.VISIBLE_SIZE, far)
        gap = np.abs(surface.depth[index, 0].numpy() - wanted)
        assert (wanted < far).mean() > 0.1
        assert (gap > 1e-5).mean() < 5e-3  # a column at a pixel's border may fall into either


def test_gradients_reach_the_level_where_the_photo_did_not_carve(heads):
    output = heads.output | {"fused": tuple(part.clone().requires_grad_() for part in heads.output["fused"])}
    output["maps"] = output["maps"].clone()
    output["maps"][:, 0, :, :90] = -9.0  # part of the head is carved away
    surface = heads.model.surface(output, heads.batch["clean"], heads.batch["camera"])
    slope = torch.autograd.grad(surface.radius.sum(), output["fused"][0])[0]
    found = heads.model.manifolds.column_radius(output["fused"][0])
    free = (surface.radius == found) & (surface.occupancy > 0)
    assert 0.2 < free.float().mean() < 0.9
    assert torch.equal(slope != 0, free)
    assert not any(plane.requires_grad for name, plane in vars(surface).items() if name != "radius")


@pytest.mark.parametrize("size", [80, 160])
def test_carving_agrees(size):
    """Heads with bumps against mattes of a disc and a soft edge, from three sides."""
    v, u = np.mgrid[:256, :256] / 256.0
    away = [(u - 0.5 - shift) ** 2 + (v - 0.5) ** 2 for shift in (-0.1, 0.0, 0.05)]
    mattes = np.float32(np.clip((0.1 - np.array(away)) * 20 + 0.5, 0, 1))
    radii, manifolds = bumpy(size), mf.Manifolds(plain_geometry(80)["radii"], 80, (1, 4))
    tensors = (torch.tensor(x)[:, None] for x in (radii, mattes))
    found, kept = hull.carve(*tensors, poses(), manifolds.columns(size))
    for ours, inside, radius, matte, camera in zip(found, kept, radii, mattes, VIEWS):
        wanted, within = engine_hull.carve(radius, matte, camera)
        assert (wanted < radius - 1e-3).mean() > 0.05 and 0.1 < (~within).mean() < 0.3
        assert (inside[0].numpy() != within).mean() < 2e-3
        both = within & inside[0].numpy()
        gap = np.abs(ours[0].numpy() - wanted)[both]
        assert (gap > 2e-4).mean() < 5e-3  # measured: 2e-3, since OpenCV looks up in steps of 1/32 pixel


def test_values_go_on_from_the_nearest_column():
    rng = np.random.default_rng(0)
    known = ndimage.gaussian_filter(rng.normal(size=(4, 60, 80)), (0, 3, 3)) > 0.05
    known[1, :, 20:], known[2, :30], known[3] = False, False, False
    values = rng.random((4, 2, 60, 80), np.float32)
    found = filling.continued(torch.tensor(values), torch.tensor(known)[:, None]).numpy()
    np.testing.assert_array_equal(found[3], values[3])  # nothing is known
    for index, mask in zip(filling.nearest_index(torch.tensor(known[:3])).numpy(), known):
        row, column = np.divmod(index, 80)
        assert mask[row, column].all()
        away = np.hypot(row - np.arange(60)[:, None], column - np.arange(80))
        np.testing.assert_allclose(away, ndimage.distance_transform_edt(~mask), atol=1e-6)
    for ours, plane, mask in zip(found, values, known):
        np.testing.assert_array_equal(ours[:, mask], plane[:, mask])
        assert (ours[0] != engine_filling.continued(plane[0], mask)).mean() < 0.15  # ties and OpenCV's distances


def test_bands_agree():
    radius = bumpy(160)
    found = mf.band_around(torch.tensor(radius)[:, None])
    wanted = [sheets.place_sheets(plane, np.ones(plane.shape, bool))[[0, -1]] for plane in radius]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_colours_agree():
    """Smooth colours and parts of two heads; the photo shows the right of one and the left of the other."""
    rng, (u, _) = np.random.default_rng(4), texel_centres(160, 160)

    def smooth():
        noise = ndimage.gaussian_filter(rng.normal(size=(2, 3, 160, 160)), (0, 0, 4, 4))
        return torch.tensor(8 * noise, dtype=torch.float32)

    error, parts, shown_parts = smooth(), smooth().softmax(1), smooth().softmax(1)
    shown = smooth() + 0.2 * torch.rand(2, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    seen = torch.tensor(np.float32([np.clip(9 * (u - 0.4), 0, 1), np.clip(9 * (0.7 - u), 0, 1)]))[:, None]
    tones = colouring.part_tones(error, seen, shown_parts * parts, parts)
    texture = colouring.mirrored_texture(shown, seen, shown_parts[:, 1:], parts[:, 1:])
    for i in range(2):
        images = (x[i].permute(1, 2, 0).numpy() for x in (error, parts, shown, shown_parts))
        (error_, parts_, shown_, shown_parts_), seen_ = images, seen[i, 0].numpy()
        wanted = engine_colouring.part_tones(error_, seen_, shown_parts_ * parts_, parts_)
        np.testing.assert_allclose(tones[i].permute(1, 2, 0), wanted, atol=2e-5)
        wanted = engine_colouring.mirrored_texture(shown_, seen_, shown_parts_[..., 1:], parts_[..., 1:])
        gap = np.abs(texture[i].permute(1, 2, 0).numpy() - wanted)
        assert np.abs(wanted).max() > 0.05
        assert np.median(gap) < 1e-4 and gap.max() < 0.01  # OpenCV looks up in steps of 1/32 texel
