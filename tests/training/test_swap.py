"""View swap: a subject that looks the same from everywhere costs nothing, and only the second inversion learns."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from inference.geometry.cameras import orbit_camera
from tests.training.conftest import TINY
from training import train
from training.cost import build, random_batch
from training.model import manifolds as mf
from training.model.model import Surface
from training.run import swap
from training.run.objective import view_losses
from training.run.presets import PRESETS, LossWeights, override

YAW, PITCH = 8.0, 5.0  # degrees of the photo
SWAP = LossWeights(swap=1.0)


class Ball(torch.nn.Module):
    """Stands for a model that finds every subject's shape: the outermost of fixed sheets, painted by ``paint``."""

    def __init__(self, paint):
        super().__init__()
        whole = build(override(PRESETS["cpu"], [*TINY]))
        self.manifolds, self.plain, self.paint, self.asked = whole.manifolds, whole, paint, []

    def forward(self, photo, landmarks, camera):
        self.asked.append((photo, landmarks, camera))
        return {"fused": (photo,), "maps": photo, "parts": photo}

    def surface(self, output, photo, camera):
        count = len(photo)
        radius = self.manifolds.column_radius(torch.full((count, 1, 160, 160), 8.0))
        empty = dict.fromkeys([field.name for field in dataclasses.fields(Surface)], torch.zeros(count, 1))
        return Surface(**empty | {"radius": radius, "band": mf.band_around(radius)})

    def decode(self, points, uv, fused, surface, photo, maps, camera):
        colour = self.paint(points, photo, camera)
        return colour.transpose(1, 2), torch.ones(points.shape[:3]), colour.transpose(1, 2)


def waves(points, photo=None, camera=None):
    """Colours (B, 3, N, P) of points by their place alone."""
    return 0.5 + 0.3 * torch.sin(40.0 * points + torch.tensor([0.0, 1.0, 2.0])).movedim(-1, 1)


def looked_up(points, photo, camera):
    """Colours of points by what the photo shows in their pixels."""
    return mf.sample_maps(photo, mf.project(points, camera)[0])


@pytest.fixture
def portraits():
    """Function of a paint: model, output, surface and batch of two photos of a ball that is painted with waves."""

    def make(paint):
        model = Ball(paint)
        camera = torch.tensor(orbit_camera(YAW, PITCH).camera_to_world, dtype=torch.float32).expand(2, -1, -1)
        batch = random_batch(model.plain, 2) | {"camera": camera, "synthetic": torch.zeros(2)}
        output = {"fused": (batch["photo"],), "maps": batch["photo"], "parts": batch["photo"]}
        surface = model.surface(output, batch["photo"], camera)
        pixels = mf.pixel_grid(256, 256).expand(2, -1, -1)
        points, _, valid = model.manifolds.hits(camera, pixels, surface.band)
        colour, alpha, _ = mf.composite(waves(points).transpose(1, 2), valid.float())
        alpha = alpha.view(2, 1, 256, 256).clamp(max=1.0)
        batch["photo"] = colour.view(2, 3, 256, 256) + (1 - alpha) * 0.3
        batch |= {"clean": batch["photo"], "alpha": alpha}
        first = points.gather(1, valid.float().argmax(1)[:, None, :, None].expand(-1, 1, -1, 3))[:, 0]
        inside = torch.nonzero((alpha[0, 0] > 0.5)[96:160, 96:160].flatten())[:468, 0]
        chosen = (inside // 64 + 96) * 256 + inside % 64 + 96
        batch["landmarks"], model.mean_landmarks = pixels[:, chosen] * 256, first[0, chosen]
        return model, output, surface, batch

    return make


@pytest.fixture
def middle(monkeypatch):
    """Patches from the middle of the photo, which every turned view shows."""

    def patch(count, size, side, device=None):
        place = torch.arange(side) + (size - side) // 2
        rows, columns = (x.reshape(1, -1).expand(count, -1) for x in torch.meshgrid(place, place, indexing="ij"))
        return torch.stack([(columns + 0.5) / size, (rows + 0.5) / size], -1), rows, columns

    monkeypatch.setattr(swap, "random_patch", patch)


def test_a_consistent_subject_costs_nothing(portraits):
    torch.manual_seed(0)
    for _ in range(3):
        assert float(swap.swapped(*portraits(waves), 32)) < 1e-4


def test_the_photo_comes_back_out_of_its_turned_view(portraits, middle):
    """Colours that only the second photo's pixels and camera hold are those of the first; another photo's are not."""
    torch.manual_seed(0)
    model, output, surface, batch = portraits(looked_up)
    same = float(swap.swapped(model, output, surface, batch, 32))
    batch["photo"] = batch["photo"].flip(3)
    assert same < 0.005 and float(swap.swapped(model, output, surface, batch, 32)) > 0.05


def test_what_is_inverted_is_a_photo_from_aside(portraits):
    """15 to 30 degrees of yaw to both sides, the same pitch, landmarks on the same points of the head, any backdrop."""
    torch.manual_seed(1)
    model, output, surface, batch = portraits(waves)
    hidden = torch.arange(468) % 9 == 0  # landmarks whose rays end 6 cm before the mean head's place
    place, points = batch["camera"][0, :3, 3], model.mean_landmarks
    _, depth = mf.project(points[None], batch["camera"][:1])
    behind = place + (points - place) * (1 + 0.06 / depth[0])[:, None]
    wanted = torch.where(hidden[:, None], behind, points)
    model.mean_landmarks = torch.where(hidden[:, None], behind, points + 0.004)
    yaws = []
    for _ in range(6):
        swap.swapped(model, output, surface, batch, 16)
        photo, landmarks, camera = model.asked[-1]
        for i in range(2):
            back = camera[i, :3, 2].numpy()
            yaws.append(np.degrees(np.arctan2(back[0], back[2])) - YAW)
            assert camera[i].numpy() == pytest.approx(orbit_camera(YAW + yaws[-1], PITCH).camera_to_world, abs=1e-5)
            seen = dataclasses.replace(orbit_camera(), camera_to_world=camera[i].double().numpy())
            assert landmarks[i].numpy() == pytest.approx(seen.project(wanted.double().numpy())[0], abs=0.1)
        shown = photo.permute(0, 2, 3, 1)[0, 128, 128]
        point = model.manifolds.hits(camera[:1], torch.full((1, 1, 2), 128.5 / 256), surface.band[:1])[0][0, 0, 0]
        assert shown.numpy() == pytest.approx(waves(point[None, None, None])[0, :, 0, 0].numpy(), abs=1e-4)
    sides = np.abs(yaws)
    assert 15 <= sides.min() < 21 and 24 < sides.max() <= 30.001 and min(yaws) < 0 < max(yaws)
    corners = torch.stack([photo[:, :, 0, 0] for photo, _, _ in model.asked])
    assert corners.std(0).min() > 0.05


@pytest.fixture(scope="module")
def miniature():
    """Networks of noise that take all of a photo for the subject."""
    torch.manual_seed(0)
    model = build(override(PRESETS["cpu"], [*TINY]))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        model.detail_encoder.maps.bias[:4] += 8.0
        model.detail.geometry.bias[1] += 8.0  # and their columns are all the subject's
    batch = random_batch(model, 3)
    batch["synthetic"][1:] = 0.0
    batch["alpha"][:] = 1.0
    return model, batch


def test_only_the_second_inversion_learns(miniature):
    model, batch = miniature
    output = model(batch["photo"], batch["landmarks"], batch["camera"])
    leaf = lambda x: x.detach().requires_grad_()  # noqa: E731
    first = {name: leaf(output[name]) for name in ("maps", "parts", "ears")}
    first["fused"] = tuple(map(leaf, output["fused"]))
    surface = model.surface(first, batch["clean"], batch["camera"])
    model.zero_grad()
    swap.swapped(model, first, surface, batch, 32).backward()
    assert all(x.grad is None for x in (*first["fused"], first["maps"], first["parts"]))
    for name in ("encoder", "generator", "detail_encoder", "detail", "decoder"):
        assert sum(float(p.grad.abs().sum()) for p in getattr(model, name).parameters() if p.grad is not None) > 0, name


def test_it_costs_nothing_where_it_is_off_and_takes_real_portraits_alone(miniature, monkeypatch):
    model, batch = miniature
    with torch.no_grad():
        output = model(batch["photo"], batch["landmarks"], batch["camera"])
    asked = []
    monkeypatch.setattr(swap, "turned_photos", lambda *a, real=swap.turned_photos: asked.append(a[-1]) or real(*a))

    def terms(weights, **changes):
        with torch.no_grad():
            return view_losses(model, output, batch | changes, weights, 16)

    assert "swap" not in terms(LossWeights()) and "swap" not in terms(SWAP, synthetic=torch.ones(3)) and not asked
    assert float(terms(SWAP, synthetic=torch.tensor([0.0, 1.0, 0.0]))["swap"]) > 0
    assert torch.equal(asked[0]["photo"], batch["photo"][[0, 2]])


def test_a_run_with_swapped_views(arguments, real, trained, tmp_path):
    more = ("weights.swap=1", "batch=4", "chunk=4", "view_every=1", "view_from=0", "patch=80", "bfloat16=True")
    data = ("--real", str(real), "--start-from", str(trained / "last.pt"))
    assert train.main([*arguments(tmp_path / "run", settings=more, samples=8), *data]) == 0
    rows = [json.loads(text) for text in (tmp_path / "run" / "curve.jsonl").read_text().splitlines()]
    swaps = [row["swap"] for row in rows]
    assert len(swaps) == 2 and all(0 < value < 2 for value in swaps), swaps
