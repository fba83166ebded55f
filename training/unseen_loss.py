"""How far checkpoints are, without export: texture-space losses on unseen heads, a line per checkpoint.

    python -m training.unseen_loss run/last.pt other/last.pt --heads unseen_heads

Weights are the running average's. ``surface`` is the mean error of the surface over all columns that meet the subject, in
millimetres along the column; ``parts`` the mean chance of what a column is made of; the rest are the terms of
training.objective with the default weights.
"""

import argparse
import pathlib

import torch

from training.checkpoint import read_checkpoint
from training.errors import command
from training.examples import SyntheticHeads
from training.export import load_checkpoint
from training.networks import SHEETS
from training.objective import texture_losses
from training.presets import LossWeights

CHUNK = 8  # heads evaluated at once
MILLIMETRES = 4.0  # ``gap`` of an example is in units of so many


@torch.no_grad()
def measure(model, batch):
    """Terms of one batch by name, floats."""
    output = model(batch["photo"], batch["landmarks"], batch["camera"])
    terms = texture_losses(output, batch, LossWeights())
    hit = (batch["level"] < SHEETS + 0.5).float()
    error = (output["fused"][0].float() - batch["level"]).abs() * batch["gap"] * MILLIMETRES
    shares = batch["dome_parts"]
    terms |= {"surface": (error * hit).sum() / hit.sum(), "parts": (output["fused"][4].softmax(1) * shares).sum() / shares.sum()}
    return {name: float(value) for name, value in terms.items()}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", type=pathlib.Path, nargs="+")
    parser.add_argument("--heads", type=pathlib.Path, required=True, help="folder of unseen synthetic shards")
    parser.add_argument("--limit", type=int, default=48, help="heads")
    options = parser.parse_args(arguments)
    for path in options.checkpoints:
        geometry = {name: value.numpy() for name, value in read_checkpoint(path)["geometry"].items()}
        model, step = load_checkpoint(path)
        heads = SyntheticHeads([options.heads], geometry, augment=False)
        rows = [heads[index] for index in range(min(options.limit, len(heads)))]
        chunks = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
        found = [measure(model, {n: torch.stack([r[n] for r in chunk]) for n in chunk[0]}) for chunk in chunks]
        means = {name: sum(f[name] * len(c) for f, c in zip(found, chunks)) / len(rows) for name in found[0]}
        print(f"{path} step {step}: " + ", ".join(f"{name} {value:.3f}" for name, value in means.items()), flush=True)
    return 0


if __name__ == "__main__":
    command(main)
