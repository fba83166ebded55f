"""The prior from photographs alone: ``python -m training.gan --photos real.npz --geometry geometry.npz --out RUN --minutes N``.

For people with a photo collection and no renders. The mapping network and the efficient GRAM generator, seen through
small views of the coarse manifolds from random poses of the collection, learn to be taken for photos by a discriminator
(GRAM, CVPR 2022, section 3.4): non-saturating loss, R1 on photos, and a pose that the discriminator reads off every
picture, which is what makes the heads turn. The discriminator is also conditioned on the pose (EG3D, CVPR 2022).

Pictures are premultiplied colour and matte, so no backdrop has to be generated. ``gan.pt`` goes on as the start of
training.train (``--start-from``), and training.sample draws heads from it (``--prior``).
"""

import argparse
import copy
import dataclasses
import itertools
import json
import pathlib
import time

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from inference.errors import FolderUnusable
from inference.files import write_atomically
from training.errors import TrainingError, command
from training.model import manifolds as mf
from training.model.discriminator import Discriminator, angles
from training.model.geometry import GEOMETRY, SHEETS, for_grid, load_geometry
from training.model.model import PortraitModel
from training.model.networks import NetworkConfig, opacity_logits
from training.model.prior import Prior
from training.run import checkpoint as ck
from training.run.presets import override
from training.weights.from_onnx import start_from

AT_ONCE = 64  # photos that are reduced at once: 50 MB


@dataclasses.dataclass(frozen=True)
class GanPreset:
    """The recipe. Any field can be set with ``--set``, as in training.run.presets."""

    network: NetworkConfig = NetworkConfig()
    z_dim: int = 64  # width of the latent
    side: int = 64  # pixels of a view
    batch: int = 8  # photos and generated views a step
    chunk: int = 8  # as batch; a step is not divided
    channels: tuple = (32, 64, 128, 256)  # discriminator at 64, 32, 16, 8 pixels
    generator_rate: float = 1e-3  # of Adam, for mapping and generator
    discriminator_rate: float = 1e-3
    r1: float = 10.0  # weight of half the squared gradient at photos
    r1_every: int = 4  # steps per R1, which is weighed up by as much
    pose: float = 15.0  # weight of the pose's squared error, radians²
    average: float = 0.99  # decay of the generator's running average
    log_every: int = 25  # steps per record
    measure_every: int = 100  # steps per measurement, checkpoint and picture
    measured: int = 256  # photos and heads compared


def coarse_view(model, coarse, camera, side):
    """Full views (B, 4, side, side), premultiplied RGBA, of coarse manifolds as EfficientGRAM returns them."""
    level, occupancy, colour = (part.float() for part in coarse[:3])
    manifolds, batch, size = model.manifolds, len(camera), colour.shape[-1]
    level, occupancy = (F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False) for x in (level, occupancy))
    radius = manifolds.column_radius(level)
    band = manifolds.bounds[[0, -1]].expand(batch, -1, -1, -1)  # of the population: the same sheets for every subject
    _, uv, valid = manifolds.hits(camera, mf.pixel_grid(side, side, camera.device).expand(batch, -1, -1), band)
    columns = mf.sample_maps(torch.cat([radius, occupancy, colour.clamp(0, 1)], 1), uv)
    outer, inner = mf.sample_maps(band, uv, align_corners=True).unbind(1)
    index = torch.arange(SHEETS, dtype=torch.float32, device=camera.device)[:, None]
    level = (outer - columns[:, 0]) / (outer - inner) * (SHEETS - 1)
    logits = opacity_logits(level.clamp(max=SHEETS - 1.5), columns[:, 1], index)  # in front of the last one: no holes
    rgb, alpha, _ = mf.composite(columns[:, 2:].transpose(1, 2), torch.sigmoid(logits) * valid)
    return torch.cat([rgb, alpha[:, None]], 1).view(batch, 4, side, side)


class Sampler(nn.Module):
    """Latents to pictures: the prior, the generator and a renderer."""

    def __init__(self, model, z_dim):
        super().__init__()
        self.prior = Prior(z_dim, model.config, model.generator.styles)
        nn.init.zeros_(self.prior.shape.weight)
        nn.init.zeros_(self.prior.shape.bias)
        self.generator = model.generator
        self.fixed = [model]  # geometry, not trained: hidden from parameters()

    def forward(self, z, camera, side):
        model = self.fixed[0]
        coarse = self.generator(*self.prior(z), model.mean_level, model.mean_colour)
        return coarse_view(model, coarse, camera, side)


class Photos:
    """A collection as small premultiplied pictures (N, 4, S, S), cameras (N, 4, 4) and what the photos show, mirrored too."""

    def __init__(self, path, side, device="cpu"):
        try:
            with np.load(path, allow_pickle=False) as data:
                crops, mattes, known, cameras = (data[n] for n in ("crops", "mattes", "known", "cameras"))
        except (OSError, KeyError, ValueError) as error:
            raise TrainingError(f"{path} cannot be read ({error}): make it with training.align_photos") from None
        if len(crops) < 2:
            raise TrainingError(f"{path} holds {len(crops)} photo: a collection of hundreds is wanted")
        pictures, shown = [], []
        for start in range(0, len(crops), AT_ONCE):
            crop, matte, seen = (torch.from_numpy(a[start : start + AT_ONCE]).float() / 255 for a in (crops, mattes, known))
            alpha = (matte * seen)[:, None]
            small = F.interpolate(torch.cat([crop.permute(0, 3, 1, 2) * alpha, alpha, seen[:, None]], 1), size=(side, side), mode="area")
            pictures.append(small[:, :4])
            shown.append(small[:, 4:])
        pictures, shown, cameras = torch.cat(pictures), torch.cat(shown), torch.from_numpy(cameras.astype(np.float32))
        mirror = torch.diag(torch.tensor([-1.0, 1, 1, 1]))
        self.pictures = torch.cat([pictures, pictures.flip(3)]).to(device)
        self.shown = torch.cat([shown, shown.flip(3)]).to(device)
        self.cameras = torch.cat([cameras, mirror @ cameras @ mirror]).to(device)

    def __len__(self):
        return len(self.pictures)


def sliced_wasserstein(a, b, directions=256, seed=0):
    """Sliced Wasserstein distance of two sets of as many pictures (N, C, S, S), mean over three resolutions.

    Each set becomes N vectors of pixels; along random directions the sorted projections are compared. Zero for equal
    sets; the distance of two halves of one collection is what a perfect generator would reach.
    """
    generator, total = torch.Generator().manual_seed(seed), 0.0
    for scale in (1, 2, 4):
        x, y = (F.avg_pool2d(pictures, 2 * scale).flatten(1) for pictures in (a, b))
        ray = F.normalize(torch.randn(x.shape[1], directions, generator=generator), dim=0).to(x.device)
        total += float(((x @ ray).sort(0).values - (y @ ray).sort(0).values).abs().mean())
    return total / 3


class GanRun:
    """A run at some step; every step's random numbers follow from the seed and the step."""

    def __init__(self, photos, geometry, preset, seed=0, device="cpu", start=None):
        self.photos, self.preset, self.seed, self.device = photos, preset, seed, device
        torch.manual_seed(seed)
        self.geometry = for_grid(geometry, preset.network.grid)
        model = PortraitModel(*(self.geometry[name] for name in GEOMETRY), preset.network)
        if start is not None:
            start_from(model, start)
        model.to(device)
        self.sampler = Sampler(model, preset.z_dim).to(device)
        self.sampler.generator.to(memory_format=torch.channels_last)
        self.average = Sampler(model, preset.z_dim).to(device)
        self.average.generator = copy.deepcopy(self.sampler.generator)
        self.average.prior.load_state_dict(self.sampler.prior.state_dict())
        self.average.requires_grad_(False)
        self.discriminator = Discriminator(preset.channels).to(device)
        adam = lambda module, rate: torch.optim.Adam(module.parameters(), rate, betas=(0.0, 0.99))  # noqa: E731
        self.generator_optimizer = adam(self.sampler, preset.generator_rate)
        self.discriminator_optimizer = adam(self.discriminator, preset.discriminator_rate)
        self.step = 0

    def draw(self):
        """A batch of photos and of as many latents with cameras and masks of other photos."""
        torch.manual_seed(self.seed * 1_000_003 + self.step)
        count = self.preset.batch
        real, fake = torch.randint(len(self.photos), (2, count))
        z = torch.randn(count, self.preset.z_dim).to(self.device)
        return (self.photos.pictures[real], self.photos.cameras[real]), (z, self.photos.cameras[fake], self.photos.shown[fake])

    def advance(self):
        """One step of both sides. Returns the losses by name. Raises TrainingError when one is no number."""
        preset, (real, real_camera), (z, camera, shown) = self.preset, *self.draw()
        real_pose, pose = angles(real_camera), angles(camera)
        fake = self.sampler(z, camera, preset.side) * shown
        terms = {}

        regularise = self.step % preset.r1_every == 0
        real = real.clone().requires_grad_(regularise)
        score_real, seen_real = self.discriminator(real, real_pose)
        score_fake, seen_fake = self.discriminator(fake.detach(), pose)
        terms["discriminator"] = F.softplus(-score_real).mean() + F.softplus(score_fake).mean()
        terms["discriminator_pose"] = preset.pose * (seen_real - real_pose).square().sum(1).mean()
        if regularise:
            gradient = torch.autograd.grad(score_real.sum(), real, create_graph=True)[0]
            terms["r1"] = preset.r1_every * preset.r1 / 2 * gradient.square().flatten(1).sum(1).mean()
        self._descend(self.discriminator_optimizer, self.discriminator, sum(terms.values()))

        score_fake, seen_fake = self.discriminator(fake, pose)
        own = {"generator": F.softplus(-score_fake).mean(), "generator_pose": preset.pose * (seen_fake - pose).square().sum(1).mean()}
        self._descend(self.generator_optimizer, self.sampler, sum(own.values()))
        decay = min(preset.average, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for ours, theirs in zip(self.average.parameters(), self.sampler.parameters()):
                ours.lerp_(theirs, 1 - decay)
        self.step += 1
        return {name: float(value.detach()) for name, value in (terms | own).items()}

    def _descend(self, optimizer, module, loss):
        optimizer.zero_grad(set_to_none=True)
        loss.backward(inputs=list(module.parameters()))
        if not torch.isfinite(torch.nn.utils.clip_grad_norm_(module.parameters(), 10.0)):
            raise TrainingError(f"the loss is no number any more at step {self.step}: lower the rates or raise r1")
        optimizer.step()

    @torch.no_grad()
    def pictures(self, count, seed=1):
        """Views (count, 4, S, S) of heads drawn from the running average, each with a photo's camera and mask."""
        generator, out = torch.Generator().manual_seed(seed), []
        for start in range(0, count, 16):
            some = min(16, count - start)
            z = torch.randn(some, self.preset.z_dim, generator=generator).to(self.device)
            which = torch.randint(len(self.photos), (some,), generator=generator)
            out.append(self.average(z, self.photos.cameras[which], self.preset.side) * self.photos.shown[which])
        return torch.cat(out)

    def distance(self):
        """Sliced Wasserstein distance of drawn heads to the collection, and that of two halves of the collection."""
        count = min(self.preset.measured, len(self.photos) // 2)
        order = torch.randperm(len(self.photos), generator=torch.Generator().manual_seed(0))
        one, other = self.photos.pictures[order[:count]], self.photos.pictures[order[count : 2 * count]]
        return sliced_wasserstein(self.pictures(count), one), sliced_wasserstein(other, one)

    def state(self):
        """Content of a checkpoint: weights of the average for other commands, and everything to go on with."""
        generator = {f"generator.{n}": p.half() for n, p in self.average.generator.named_parameters()}
        parts = ("sampler", "average", "discriminator", "generator_optimizer", "discriminator_optimizer")
        return {
            "step": self.step, "network": dataclasses.asdict(self.preset.network), "average": generator,
            "geometry": {n: torch.from_numpy(np.array(v)) for n, v in self.geometry.items()},
            "prior": self.average.prior.state_dict(), "z_dim": self.preset.z_dim,
            "gan": {name: getattr(self, name).state_dict() for name in parts},
        }  # fmt: skip

    def resume(self, state):
        """Go on from what :meth:`state` returned."""
        if "gan" not in state:
            raise TrainingError("this is no checkpoint of training.gan: it has no discriminator")
        try:
            for name, part in state["gan"].items():
                getattr(self, name).load_state_dict(part)
        except (RuntimeError, ValueError) as error:
            raise TrainingError(f"the checkpoint belongs to another preset ({str(error).splitlines()[0]})") from None
        self.step = state["step"]


def sheet(pictures, columns=8):
    """Pictures (N, 4, S, S) over grey as one image (h, w, 3) uint8."""
    rgb = (pictures[:, :3] + 0.5 * (1 - pictures[:, 3:])).clamp(0, 1)
    rows = rgb[: len(rgb) // columns * columns].unflatten(0, (-1, columns))  # (rows, columns, 3, S, S)
    return (rows.permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1) * 255).round().byte().cpu().numpy()


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=pathlib.Path, required=True, help="aligned photos (.npz of training.align_photos)")
    parser.add_argument("--geometry", type=pathlib.Path, required=True, help="geometry.npz of training.population")
    parser.add_argument("--start-from", type=pathlib.Path, help="exported model (folder) or checkpoint with a generator")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the run")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--steps", type=int, help="end after so many steps in all")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="FIELD=VALUE", dest="settings")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(arguments)
    preset = override(GanPreset(), options.settings)
    if options.threads:
        torch.set_num_threads(options.threads)
    start = options.start_from
    if start and not start.is_dir():
        start = ck.read_checkpoint(start)["average"]
    geometry = load_geometry(options.geometry)
    run = GanRun(Photos(options.photos, preset.side, options.device), geometry, preset, options.seed, options.device, start)
    path = options.out / "gan.pt"
    if options.resume:
        run.resume(ck.read_checkpoint(path))
    elif path.exists():
        raise TrainingError(f"{options.out} holds a run already: add --resume to go on with it, or give another --out")
    options.out.mkdir(parents=True, exist_ok=True)
    end, first, begun, sums = time.monotonic() + 60 * options.minutes, run.step, time.monotonic(), []

    def measure():
        try:
            ck.save_checkpoint(path, run.state())
            data = cv2.imencode(".png", sheet(run.pictures(32))[..., ::-1])[1].tobytes()
            write_atomically(options.out / f"heads_{run.step:06d}.png", lambda stream: stream.write(data))
        except FolderUnusable as error:
            raise TrainingError(f"{error}; {path} stays as it was") from None
        return run.distance()

    distance, floor = measure()
    print(f"step {run.step}: sliced Wasserstein distance {distance:.4f}; between halves of the photos {floor:.4f}")
    with tqdm(itertools.count(run.step), desc="gan", unit="step", mininterval=5) as bar, open(options.out / "curve.jsonl", "a") as log:
        for _ in bar:
            if time.monotonic() >= end or run.step >= (options.steps or 1 << 60):
                break
            sums.append(run.advance())
            measured = run.step % preset.measure_every == 0
            if measured:
                distance, _ = measure()
            if measured or run.step % preset.log_every == 0:
                means = {n: round(float(np.mean([s[n] for s in sums if n in s])), 4) for s in sums for n in s}
                speed = (run.step - first) * preset.batch / (time.monotonic() - begun)
                line = {"step": run.step, "samples_per_second": round(speed, 2), **means} | ({"distance": round(distance, 5)} if measured else {})
                print(json.dumps(line), file=log, flush=True)
                bar.set_postfix_str(f"{speed:.1f} samples/s, distance {distance:.4f}")
                sums = []
    distance, floor = measure()
    print(f"step {run.step}: sliced Wasserstein distance {distance:.4f}; between halves of the photos {floor:.4f}")
    return 0


if __name__ == "__main__":
    command(main)
