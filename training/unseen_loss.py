"""How far checkpoints are, without export: losses on heads and photos that they never saw, a line per checkpoint.

    python -m training.unseen_loss run/last.pt other/last.pt --heads unseen_heads [--photos unseen.npz]

What the terms are, see :mod:`training.evaluation.checkpoints`.
"""

import argparse
import pathlib

from training.errors import command
from training.evaluation.checkpoints import unseen


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", type=pathlib.Path, nargs="+")
    parser.add_argument("--heads", type=pathlib.Path, required=True, help="folder of unseen synthetic shards")
    parser.add_argument("--photos", type=pathlib.Path, help="unseen aligned portraits (.npz of training.align_photos)")
    parser.add_argument("--limit", type=int, default=48, help="heads, and photos")
    options = parser.parse_args(arguments)
    for path in options.checkpoints:
        found, step = unseen(path, options.heads, options.photos, options.limit)
        print(f"{path} step {step}: " + ", ".join(f"{name} {value:.3f}" for name, value in found.items()), flush=True)
    return 0


if __name__ == "__main__":
    command(main)
