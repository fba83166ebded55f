"""Sample heads from the prior: ``python -m training.sample --checkpoint last.pt --geometry geometry.npz --heads DIR --out sheet.png``.

The latent z of a head is the vector of its own parameters (identity, expression, skin, hair, light). The mapping network
is fitted to carry z to the w+ codes that E_w finds for the head's photo, with one linear layer for E_w's linear guess
of the shape. Drawing z then gives heads that nobody photographed, through the coarse generator alone.

``--prior gan.pt`` draws from the prior that training.gan has learnt from photographs instead, and fits nothing.
"""

import argparse
import pathlib
import types

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm

from inference.geometry import cameras
from inference.view.render import render_view
from training.data.shards import open_shards
from training.errors import TrainingError, command
from training.model.geometry import GEOMETRY, SHEETS, load_geometry
from training.model.model import PortraitModel
from training.model.networks import opacity_logits
from training.model.prior import Prior
from training.run.checkpoint import load_checkpoint, network_config, read_checkpoint
from training.weights.from_onnx import start_from

YAWS = (-30.0, 0.0, 30.0)


@torch.no_grad()
def encode_heads(model, shards):
    """Parameters (n, Z), w+ (n, styles, w_dim) and shapes (n, 1, 40, 40) of all heads, float32."""
    out = []
    for shard in shards:
        for start in tqdm(range(0, len(shard), 16), desc=shard.folder.name, leave=False):
            rows = slice(start, start + 16)
            photo = torch.tensor(np.array(shard["photo"][rows]).astype(np.float32) / 255).permute(0, 3, 1, 2)
            photo, matte = photo[:, :3] * photo[:, 3:] + 0.5 * (1 - photo[:, 3:]), photo[:, 3:]
            landmarks = torch.tensor(np.array(shard["landmarks"][rows])).float()
            camera = torch.tensor(np.array(shard["camera"][rows])).float()
            w_plus, shape = model.encoder(photo * 2 - 1, model.landmark_offsets(landmarks, camera), matte, camera)
            out.append((torch.tensor(np.array(shard["parameters"][rows])).float(), w_plus, shape))
    return tuple(torch.cat(parts) for parts in zip(*out))


def fit_prior(model, z, w_plus, shape, steps=800, seed=0):
    """Fit the mapping to encoded heads. Returns the Prior and the share of the codes' variance that it explains on a
    tenth of the heads it has not seen."""
    torch.manual_seed(seed)
    prior = Prior(z.shape[1], model.config, w_plus.shape[1])
    spread, shape_spread = w_plus.std(0, keepdim=True) + 1e-4, shape.std() + 1e-4
    held = torch.arange(len(z)) % 10 == 0
    train = torch.nonzero(~held)[:, 0]
    optimizer = torch.optim.AdamW(prior.parameters(), lr=1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in tqdm(range(steps), desc="mapping"):
        pick = train[torch.randint(len(train), (64,))]
        codes, offsets = prior(z[pick] + 0.1 * torch.randn(len(pick), z.shape[1]))
        loss = ((codes - w_plus[pick]) / spread).square().mean() + ((offsets - shape[pick]) / shape_spread).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        rest = ((prior(z[held])[0] - w_plus[held]) / spread).square().mean()
        whole = ((w_plus[~held].mean(0, keepdim=True) - w_plus[held]) / spread).square().mean()
    return prior.eval(), float(1 - rest / whole)


@torch.no_grad()
def coarse_textures(model, w_plus, shape):
    """Textures (24, 160, 160, 4) uint8 of one head from the coarse generator alone, for the engine's renderer."""
    level, occupancy, colour, _, _ = model.generator(w_plus, shape, model.mean_level, model.mean_colour)
    size = colour.shape[-2:]
    level, occupancy = (F.interpolate(x, size=size, mode="bilinear", align_corners=False) for x in (level, occupancy))
    index = torch.arange(SHEETS, dtype=torch.float32).view(1, -1, 1, 1)
    opacity = torch.sigmoid(opacity_logits(level, occupancy, index))[0]
    textures = np.zeros((SHEETS + 1, *size, 4), np.uint8)
    textures[:-1, ..., :3] = (colour[0].clamp(0, 1) * 255).round().permute(1, 2, 0).numpy()
    textures[:-1, ..., 3] = (opacity * 255).round().numpy()
    return textures


def load_prior(path):
    """Model, Prior and width of z of a gan.pt. Raises TrainingError when it is something else."""
    state = read_checkpoint(path)
    if "prior" not in state:
        raise TrainingError(f"{path} holds no prior: give the gan.pt of training.gan")
    geometry = {name: value.numpy() for name, value in state["geometry"].items()}
    model = PortraitModel(*(geometry[name] for name in GEOMETRY), network_config(state)).eval().requires_grad_(False)
    start_from(model, state["average"])
    prior = Prior(state["z_dim"], model.config, model.generator.styles)
    prior.load_state_dict(state["prior"])
    return model, prior.eval(), state["z_dim"]


def fitted_prior(options):
    """Model, Prior and width of z, fitted to the heads that the options name; the mapping is kept beside the picture."""
    geometry = load_geometry(options.geometry) if options.geometry else None
    model, _ = load_checkpoint(options.checkpoint, geometry)
    z, w_plus, shape = encode_heads(model, open_shards([options.heads]))
    mean, spread = z.mean(0), z.std(0) + 1e-3
    prior, explained = fit_prior(model, (z - mean) / spread, w_plus, shape)
    print(f"the mapping network explains {100 * explained:.0f} % of the codes' variance on unseen heads")
    torch.save({"prior": prior.state_dict(), "mean": mean, "spread": spread}, options.out.with_suffix(".pt"))
    return model, prior, z.shape[1]


def model_radii(model):
    """Radii (23, 81, 81) metres of a model's sheets at grid corners."""
    place = torch.linspace(0, 1, 81)
    v, u = torch.meshgrid(place, place, indexing="ij")
    return torch.stack([model.manifolds.radius(u, v, sheet) for sheet in range(SHEETS)]).numpy()


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prior", type=pathlib.Path, help="gan.pt of training.gan, with everything that is needed")
    parser.add_argument("--checkpoint", type=pathlib.Path, help="checkpoint of training.train, if there is no --prior")
    parser.add_argument("--geometry", type=pathlib.Path, help="geometry.npz; the checkpoint's own by default")
    parser.add_argument("--heads", type=pathlib.Path, help="folder of shards of one generator version, to fit the mapping")
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="picture to write; a fitted mapping lies beside it as .pt")
    options = parser.parse_args(arguments)
    if options.prior:
        model, prior, z_dim = load_prior(options.prior)
    elif options.checkpoint and options.heads:
        model, prior, z_dim = fitted_prior(options)
    else:
        parser.error("give --prior, or --checkpoint and --heads")
    radii = model_radii(model)
    rows = []
    for row in range(options.count):
        drawn = torch.randn(1, z_dim, generator=torch.Generator().manual_seed(options.seed + row))
        with torch.no_grad():
            textures = coarse_textures(model, *prior(drawn))
        portrait = types.SimpleNamespace(textures=textures, radii=radii, detail=None, rim=None)
        views = [render_view(portrait, cameras.orbit_camera(yaw=yaw), (0.5, 0.5, 0.5)).color for yaw in YAWS]
        rows.append(np.concatenate(views, 1))
    half = -(-len(rows) // 2)
    rows += [np.zeros_like(rows[0])] * (2 * half - len(rows))
    sheet = np.concatenate([np.concatenate(rows[:half]), np.concatenate(rows[half:])], 1)
    cv2.imwrite(str(options.out), np.round(sheet[..., ::-1] * 255).astype(np.uint8))


if __name__ == "__main__":
    command(main)
