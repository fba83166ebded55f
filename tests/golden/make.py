"""Make the golden heads: synthetic portraits with exact answers, small enough to live beside the tests.

    python -m tests.golden.make --data DIR     in the training environment; see docs/training.md

Each is one person of the generator, fixed by its seed: the photo and two other views as lossless WebP, colours with
straight alpha and no backdrop, and ``truth.npz``, those arrays of :mod:`training.synthetic.generate` that the tests ask
for. Our own work, CC0-1.0 like the heads that the networks learn from.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from tests.golden.heads import FOLDER, HEADS, TRUTH
from training.synthetic.generate import Studio, renderer_class

SEED = 7
PEOPLE = (13, 0, 31, 1)  # dark hair around the cheeks; glasses and fair hair; turned by 19 degrees; no hair


def write_head(row, folder):
    """Write one row of the generator. Pixels that are clear carry no colour: they would only take space."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in zip(("photo", "view_0", "view_1"), (row["photo"], *row["views"]), strict=True):
        shown = np.where(pixels[..., 3:] > 0, pixels, np.uint8(0))
        Image.fromarray(shown).save(folder / f"{name}.webp", lossless=True, quality=100, method=6)
    np.savez_compressed(folder / "truth.npz", **{name: row[name].astype(kind) for name, kind in TRUTH.items()})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the asset pack")
    parser.add_argument("--out", type=Path, default=FOLDER, help="where the heads' folders go")
    parser.add_argument("--renderer", choices=("gl", "torch"), default="gl", help="OpenGL (EGL) or PyTorch")
    options = parser.parse_args()
    studio = Studio(options.data, renderer_class(options.renderer))
    for name, person in zip(HEADS, PEOPLE, strict=True):
        write_head(studio.make((SEED, 0, person)), options.out / name)


if __name__ == "__main__":
    main()
