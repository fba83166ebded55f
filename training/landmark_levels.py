"""Ridge regression of the level maps from landmarks: where E_w starts."""

import sys

import numpy as np
import torch
import torch.nn.functional as F

from training import manifolds as mf
from training.population import levels


def fit_landmark_levels(model, heads, count=2048, noise=1.0, ridge=30.0):
    """Start ``EncoderW.landmark_levels`` from ridge regression of the level maps on noisy landmark offsets."""
    rng = np.random.default_rng(0)
    inputs, targets = [], []
    total = int(heads.starts[-1])
    for index in rng.permutation(total)[:count]:
        which = int(np.searchsorted(heads.starts, index, side="right") - 1)
        shard, row = heads.shards[which], int(index) - int(heads.starts[which])
        landmarks = torch.tensor(np.array(shard["landmarks"][row]))[None].float()
        camera = torch.tensor(np.array(shard["camera"][row]))[None].float()
        offsets = model.landmark_offsets(landmarks, camera)[0].numpy()
        inputs.append(offsets + rng.normal(0, noise / 10.0, offsets.shape))
        level = levels(np.array(shard["skin_radius"][row]).astype(np.float32), heads.radii)
        hit = level < mf.SHEETS + 0.5
        mean = F.interpolate(model.mean_level, size=(160, 160), mode="bilinear")[0, 0].numpy()
        delta = np.where(hit, level - mean, 0)
        block = lambda x: x.reshape(20, 8, 20, 8).mean((1, 3))  # noqa: E731
        targets.append((block(delta) / np.maximum(block(hit.astype(np.float32)), 0.25)).ravel())
    x, y = np.stack(inputs), np.stack(targets)
    x_mean, y_mean = x.mean(0), y.mean(0)
    gram = (x - x_mean).T @ (x - x_mean)
    gram[np.diag_indices_from(gram)] += ridge
    solution = np.linalg.solve(gram, (x - x_mean).T @ (y - y_mean))
    layer = model.encoder.landmark_levels
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(solution.T))
        layer.bias.copy_(torch.tensor(y_mean - x_mean @ solution))
    rest = (y - y_mean - (x - x_mean) @ solution).std() / y.std()
    print(f"landmarks explain the level maps up to {100 * rest:.0f} % of their spread", file=sys.stderr)
