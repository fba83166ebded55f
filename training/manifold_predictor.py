"""The manifold predictor of GRAM: ``python -m training.manifold_predictor --geometry geometry.npz --out predictor.pt``.

GRAM (CVPR 2022, section 3.2) places its sheets at level sets of a scalar field M(x), a multi-layer perceptron
3 -> 128 -> 128 -> 128 -> 1 with ReLU. The sheets of this project are a table (training.population), which is exact and
costs nothing to look up. This module fits the paper's field to the table, says how far its level sets lie from the
table's sheets, and turns level sets into a table again, so sheets can move between the two.
"""

import argparse
import pathlib

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from inference.files import write_atomically
from inference.geometry import domes
from training.errors import command
from training.model.geometry import SHEETS
from training.model.manifolds import Manifolds

SCALE = 0.1  # metres; points are divided by it
CENTRE = (0.0, domes.EQUATOR_Y, domes.AXIS_Z)
POOL = 100_000  # points on which the field is fitted
EDGE = 0.5  # levels beyond the outermost and innermost sheet that the field is fitted to as well


class ManifoldPredictor(nn.Module):
    """Scalar field over portrait space whose level sets 0 … 22 are the sheets, the outermost first."""

    def __init__(self, width=128):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
                                    nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))  # fmt: skip
        self.register_buffer("centre", torch.tensor(CENTRE))

    def forward(self, points):
        """Levels (...) of points (..., 3) in metres."""
        return self.layers((points - self.centre) / SCALE)[..., 0] * 5.0 + SHEETS / 2


def radial_points(manifolds, u, v, level):
    """Points (..., 3) float32 on the radial rays u, v (...) at continuous levels (...) of the table, and the metres that
    a level takes there (...)."""
    below = level.floor().clamp(0, SHEETS - 2)
    radii = torch.stack([manifolds.radius(u, v, sheet) for sheet in range(SHEETS)])
    low = radii.gather(0, below.long()[None])[0]
    high = radii.gather(0, below.long()[None] + 1)[0]
    radius = low + (high - low) * (level - below)
    return torch.from_numpy(domes.dome_points(u.numpy(), v.numpy(), radius.numpy())).float(), low - high


def fit(radii, steps=3000, batch=8192, rate=1e-2, seed=0, quiet=False):
    """ManifoldPredictor of sheets with radii (23, 81, 81) metres."""
    torch.manual_seed(seed)
    manifolds, predictor = Manifolds(radii, 8, (0,)), ManifoldPredictor()
    optimizer = torch.optim.Adam(predictor.parameters(), rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    u, v = torch.rand(2, POOL)
    level = torch.rand(POOL) * (SHEETS - 1 + 2 * EDGE) - EDGE
    points, spacing = radial_points(manifolds, u, v, level)
    for _ in tqdm(range(steps), desc="manifold predictor", disable=quiet, mininterval=5):
        pick = torch.randint(POOL, (batch,))
        away = (predictor(points[pick]) - level[pick]) * spacing[pick]  # metres along the ray, to first order
        loss = (away * 1000.0).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return predictor.eval().requires_grad_(False)


def level_sets(predictor, near, far, corners=81, rounds=24):
    """Radii (23, corners, corners) metres where radial rays cross the field's levels, by bisection.

    near, far: (corners, corners) metres, radii in front of the first and behind the last sheet. A ray on which the
    field does not reach a level gets the end of its bracket.
    """
    place = np.linspace(0, 1, corners)
    u, v = np.meshgrid(place, place)
    wanted = torch.arange(SHEETS, dtype=torch.float32)[:, None, None]
    outer, inner = (np.broadcast_to(x, (SHEETS, corners, corners)).astype(np.float64) for x in (near, far))
    for _ in range(rounds):
        middle = 0.5 * (outer + inner)
        points = torch.from_numpy(np.stack([domes.dome_points(u, v, radius) for radius in middle])).float()
        beyond = (predictor(points) >= wanted).numpy()
        outer, inner = np.where(beyond, outer, middle), np.where(beyond, middle, inner)
    return (0.5 * (outer + inner)).astype(np.float32)


def error(predictor, radii):
    """Distances (23, 81, 81), in mm along the radial rays, of the field's level sets from sheets (23, 81, 81) metres."""
    spacing = (radii[0] - radii[-1]) / (SHEETS - 1)
    found = level_sets(predictor, radii[0] + spacing, radii[-1] - spacing, radii.shape[-1])
    return np.abs(found - radii) * 1000.0


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--geometry", type=pathlib.Path, required=True, help="geometry.npz of training.population or of a model")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args(arguments)
    with np.load(options.geometry, allow_pickle=False) as data:
        radii = data["radii"]
    predictor = fit(radii, options.steps)
    away = error(predictor, radii)
    print(f"level sets against the table: median {np.median(away):.3f} mm, 95 % within {np.percentile(away, 95):.3f} mm, "
          f"worst {away.max():.2f} mm; sheets are {1000 * np.median(-np.diff(radii, axis=0)):.2f} mm apart")  # fmt: skip
    write_atomically(options.out, lambda stream: torch.save(predictor.state_dict(), stream))
    return 0


if __name__ == "__main__":
    command(main)
