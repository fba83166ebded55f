"""Put the base's landmarks where our network sees them: ``python -m training.head_landmarks --heads HEADS --head models/head``.

Follows training.head_base; see :mod:`training.head.landmarks`. Rewrites head.npz and card.json.
"""

import argparse
import hashlib
import io
import json
import pathlib

import numpy as np

from inference.alignment.pose import landmark_weights
from inference.head.base import CARD, FILE, read_head_base
from inference.networks.model import load_model
from training.data.shards import open_shards
from training.errors import command
from training.evaluation.true_heads import source_vertices
from training.head.landmarks import calibrated, seen_landmarks
from training.synthetic.assets import AssetPack
from training.synthetic.heads import mean_landmarks


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heads", type=pathlib.Path, required=True, help="folder of synthetic shards")
    parser.add_argument("--count", type=int, default=100, help="heads of each shard")
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path("models/default"), help="stands beside the landmark network")
    parser.add_argument("--data", type=pathlib.Path, help="the data pack; default: PORTRAIT_MANIFOLDS_DATA")
    parser.add_argument("--head", type=pathlib.Path, required=True, help="folder of the base, models/head")
    options = parser.parse_args(arguments)
    base, pack, model = read_head_base(options.head), AssetPack(options.data), load_model(options.model)
    template = mean_landmarks(pack).astype(np.float64)
    source = source_vertices(pack)[base.parts["skin"]]
    seen, vertices = zip(*(
        seen_landmarks(shard, range(min(options.count, len(shard))), pack, template, landmark_weights(template), model, source)
        for shard in open_shards([options.heads])))  # fmt: skip
    seen, vertices = np.concatenate(seen), np.concatenate(vertices)
    corners, weights, error = calibrated(base, seen, vertices)
    rewrite(options.head, corners, weights, f"python -m training.head_landmarks --count {options.count} --head models/head")
    read_head_base(options.head)
    print(f"{len(seen)} heads; median error of a landmark {np.median(error):.2f} px, nine of ten within {np.percentile(error, 90):.2f}")


def rewrite(folder, corners, weights, how):
    """Write landmarks into the base of a folder, and how they were made into its card."""
    with np.load(folder / FILE, allow_pickle=False) as archive:
        arrays = dict(archive)
    arrays |= {"landmark_corners": corners.astype(np.uint16), "landmark_weights": weights.astype(np.float32)}
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    data = stream.getvalue()
    (folder / FILE).write_bytes(data)
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    card["files"][FILE] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    card["landmarks"] = how
    (folder / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    command(main)
