"""Place the sheets around a population of heads: ``python -m training.population --heads HEADS --out geometry.npz``.

What the sheets are, see :mod:`training.model.geometry`.
"""

import argparse
import pathlib

import numpy as np

from inference.inversion.sheets import KNEE
from training.data.shards import open_shards
from training.errors import command
from training.model.geometry import SHEETS, TEXTURE, fill_and_smooth, fit_sheets, landmark_bias, levels, part_colours


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heads", type=pathlib.Path, required=True, help="folder of synthetic shards")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="geometry.npz to write")
    parser.add_argument("--count", type=int, default=1024, help="heads to look at")
    parser.add_argument("--detected", type=pathlib.Path, help="landmarks of the same heads by training.aligner.label_photos --shards")
    options = parser.parse_args(arguments)
    shards = open_shards([options.heads])
    outer = np.concatenate([np.asarray(s["dome_radius"]) for s in shards])[: options.count]
    skin = np.concatenate([np.asarray(s["skin_radius"]) for s in shards])[: options.count]
    covered = np.concatenate([np.asarray(s["dome_rgba"][..., 3]) for s in shards])[: options.count] > 127
    outer = np.where(covered, outer, 0)
    radii = fit_sheets(outer, skin)
    level = np.stack([levels(r, radii) for r in outer.astype(np.float32)])
    hit = outer > 0
    mean = (level * hit).sum(0) / np.maximum(hit.sum(0), 1)
    mean = np.where(hit.mean(0) > 0.02, mean, SHEETS / 2)
    mean = mean.reshape(TEXTURE // 2, 2, TEXTURE // 2, 2).mean((1, 3)).astype(np.float32)
    clipped = ((level[hit] <= 0.01) | (level[hit] >= SHEETS - 0.01)).mean()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    colour = np.concatenate([np.asarray(s["dome_rgba"][..., :3]) for s in shards])[: options.count].astype(np.float32) / 255
    colour = (colour * hit[..., None]).sum(0) / np.maximum(hit.sum(0), 1)[..., None]
    colour = np.stack([fill_and_smooth(colour[..., k], hit.mean(0) > 0.02, 1.0) for k in range(3)]).astype(np.float32)
    landmarks = shards[0].mean_landmarks().astype(np.float32)
    bias = np.zeros_like(landmarks)
    if options.detected:
        with np.load(options.detected, allow_pickle=False) as data:
            seen = [data[shard.folder.name] for shard in shards if shard.folder.name in data.files]
        exact = [np.asarray(shard["landmarks"][: len(s)]) for shard, s in zip(shards, seen)]
        poses = [np.asarray(shard["camera"][: len(s)], np.float64) for shard, s in zip(shards, seen)]
        bias = landmark_bias(np.concatenate(seen), np.concatenate(exact), np.concatenate(poses))
    np.savez_compressed(options.out, radii=radii, mean_level=mean, mean_colour=colour, mean_landmarks=landmarks, landmark_bias=bias,
                        part_colour=part_colours(shards, options.count))  # fmt: skip
    print(f"{len(outer)} heads, {100 * clipped:.2f} % of their surface outside the sheets")
    spacing = (radii[KNEE] - radii[-1]) / (SHEETS - 1 - KNEE) * 1000
    print(f"inner sheets {spacing.min():.1f} to {spacing.max():.1f} mm apart, {spacing[40:55, 32:48].mean():.1f} mm in the face")


if __name__ == "__main__":
    command(main)
