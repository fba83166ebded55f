"""Where the shape starts: ridge regression of the level maps from what EncoderW's linear map sees.

Landmarks fix the face, the matte fixes hair, neck and shoulders, and the pose says from where both are seen. A closed form
on some thousand heads explains more of the shape than hours of training, which goes on from it.
"""

import sys

import cv2
import numpy as np
import torch
from tqdm import tqdm

from training.model.geometry import SHEETS
from training.model.networks import SHAPE_GRID

NOISE = 1.0  # pixels; standard deviation of the landmarks' errors
RIDGE = 60.0


def blocks(image, size):
    """Means of the blocks that divide image (h, w) into size x size."""
    return cv2.resize(np.ascontiguousarray(image, np.float32), (size, size), interpolation=cv2.INTER_AREA)


def example(model, mean_level, data):
    """Inputs of the linear map, and level offsets (SHAPE_GRID²,) of one example of SyntheticHeads."""
    batch = {name: data[name][None] for name in ("landmarks", "alpha", "camera")}
    with torch.no_grad():
        inputs = model.encoder.shape_inputs(model.landmark_offsets(batch["landmarks"], batch["camera"]),
                                            batch["alpha"], batch["camera"])[0].numpy()  # fmt: skip
    level = data["level"][0].numpy()
    hit = level < SHEETS + 0.5
    covered = blocks(hit, SHAPE_GRID)
    offset = blocks(np.where(hit, level - mean_level, 0.0), SHAPE_GRID) / np.maximum(covered, 0.25)
    return inputs, np.where(covered > 0.5, offset, 0.0).ravel()


def fit_linear_shape(model, heads, count=6144):
    """Set ``EncoderW.shape`` of a PortraitModel to the ridge regression over heads (SyntheticHeads) and their mirror
    images, and let every other shape output of the networks start at zero.

    Prints how much of the spread is left on every eighth example, which the printed fit leaves out.
    """
    rng = np.random.default_rng(0)
    size = heads[0]["level"].shape[-1]
    mean_level = cv2.resize(model.mean_level[0, 0].cpu().numpy(), (size, size))
    chosen = tqdm(rng.permutation(len(heads))[:count], "linear shape", disable=count < 256, mininterval=10)
    x, y = map(np.stack, zip(*(example(model, mean_level, heads[int(index)]) for index in chosen)))
    x[:, : 2 * model.config.landmarks] += rng.normal(0, NOISE / 10.0, (len(x), 2 * model.config.landmarks))
    kept = np.arange(len(x)) % 8 != 7
    weight, offset = ridge(x[kept], y[kept])
    if not kept.all():
        rest = np.square(y[~kept] - x[~kept] @ weight - offset).mean() / np.square(y[~kept] - y[kept].mean(0)).mean()
        print(f"the linear shape leaves {100 * rest:.0f} % of the variance of unseen level maps", file=sys.stderr)
    weight, offset = ridge(x, y)
    left, scale, right = np.linalg.svd(weight, full_matrices=False)
    rank = model.encoder.shape[0].out_features
    first, second = (np.zeros((a, b)) for a, b in ((weight.shape[0], rank), (rank, weight.shape[1])))
    rank = min(rank, len(scale))
    first[:, :rank], second[:rank] = left[:, :rank] * np.sqrt(scale[:rank]), np.sqrt(scale[:rank])[:, None] * right[:rank]
    with torch.no_grad():
        for layer, value, bias in zip(model.encoder.shape, (first, second), (0.0 * first[0], offset)):
            layer.weight.copy_(torch.tensor(value.T))
            layer.bias.copy_(torch.tensor(bias))
        for layer in (model.generator.geometry, model.detail.geometry, model.detail.correction):
            layer.weight[0], layer.bias[0] = 0.0, 0.0


def ridge(x, y):
    """Weight (inputs, outputs) and offset (outputs,) of the ridge regression of y (n, outputs) on x (n, inputs)."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    x_mean, y_mean = x.mean(0), y.mean(0)
    gram = (x - x_mean).T @ (x - x_mean)
    gram[np.diag_indices_from(gram)] += RIDGE
    weight = np.linalg.solve(gram, (x - x_mean).T @ (y - y_mean))
    return weight, y_mean - x_mean @ weight
