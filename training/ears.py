"""Learn where ears lie from a face's landmarks: ``python -m training.ears --out models/ears/ears.npz``.

Heads are drawn like those of the shards, without pictures, with landmarks as a detector would give them and the pose
that the aligner would find. A ridge regression leads from the landmarks to points of both ears.
"""

import argparse
import pathlib

import numpy as np
from tqdm import tqdm

from inference.files import write_atomically
from inference.inversion.lifting import landmark_offsets
from training.errors import command
from training.pack.folder import HELP
from training.synthetic import appearance
from training.synthetic.assets import AssetPack
from training.synthetic.sitters import Sitters

POINTS = 48  # of each ear, far from each other: 6 mm
RANK = 24  # numbers between landmarks and ears
HELD_OUT = 0.1  # share of the heads that measure
RIDGES = 10.0 ** np.arange(-1.0, 4.0)


def drawn_ears(seed, sitters, chosen):
    """Landmark offsets (936,) of a drawn head and the chosen vertices of its ears (k, 3) metres, in its photo's portrait space."""
    sitter = sitters.sitter(seed)
    offsets = landmark_offsets(sitter.landmarks, sitter.estimated, sitters.template.astype(np.float32))[0]
    return offsets, sitter.placed(sitter.head.to_portrait(sitter.head.posed[chosen]))


def spread(points, count):
    """Indices (count,) of points (n, 3) far from each other, the first farthest from the middle."""
    found = [int(np.linalg.norm(points - points.mean(0), axis=1).argmax())]
    distance = np.full(len(points), np.inf)
    while len(found) < count:
        distance = np.minimum(distance, np.linalg.norm(points - points[found[-1]], axis=1))
        found.append(int(distance.argmax()))
    return np.array(found)


def ear_vertices(pack):
    """MakeHuman's vertices that stand for the ears, (2 * POINTS,): the left ear's first."""
    ears = appearance.ears(pack)
    x = pack.mean_adult[:, 0]
    sides = [np.flatnonzero(ears & (sign * x > 0.0)) for sign in (1.0, -1.0)]
    return np.concatenate([side[spread(pack.mean_adult[side], POINTS)] for side in sides])


def ridge(features, targets, strength):
    """Matrix (f, t) that leads from features (n, f) to targets (n, t), both about their means."""
    return np.linalg.solve(features.T @ features + strength * len(features) / 1000.0 * np.eye(features.shape[1]), features.T @ targets)


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heads", type=int, default=5000, help="heads to draw")
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--data", type=pathlib.Path, help=HELP)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="file to write, models/ears/ears.npz")
    options = parser.parse_args(arguments)
    sitters = Sitters(AssetPack(options.data))
    chosen = ear_vertices(sitters.pack)
    drawn = [drawn_ears((options.seed, number), sitters, chosen) for number in tqdm(range(options.heads))]
    offsets, points = (np.stack(part).astype(np.float64) for part in zip(*drawn))
    points = points.reshape(len(points), -1)
    held = int(HELD_OUT * len(offsets))
    means = offsets[held:].mean(0), points[held:].mean(0)
    x, y = offsets - means[0], points - means[1]
    errors = {}
    for strength in RIDGES:
        error = (x[:held] @ ridge(x[held:], y[held:], strength) - y[:held]).reshape(held, -1, 3)
        errors[strength] = np.sqrt((error**2).sum(-1).mean())
        print(f"ridge {strength:g}: {1e3 * errors[strength]:.2f} mm; in x, y, z {1e3 * np.sqrt((error**2).mean((0, 1))).round(5)}")
    print(f"mean ears: {1e3 * np.sqrt((y[:held].reshape(held, -1, 3) ** 2).sum(-1).mean()):.2f} mm")
    matrix = ridge(x, y, min(errors, key=errors.get))
    left, sizes, right = np.linalg.svd(matrix, full_matrices=False)
    into, out_of = left[:, :RANK] * sizes[:RANK], right[:RANK]
    error = (x[:held] @ into @ out_of - y[:held]).reshape(held, -1, 3)
    print(f"with {RANK} numbers in between, all heads: {1e3 * np.sqrt((error**2).sum(-1).mean()):.2f} mm")
    arrays = {"offsets": means[0], "points": means[1].reshape(2, -1, 3), "into": into, "out_of": out_of}
    arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(options.out, lambda file: np.savez_compressed(file, **arrays))


if __name__ == "__main__":
    command(main)
