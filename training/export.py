"""Export a checkpoint to the embedded ONNX model: ``python -m training.export --checkpoint last.pt --geometry ... --out models/default``.

Each network becomes one self-contained ONNX file; parity of torch and ONNX Runtime is checked on a random input, and
the card with sizes, SHA-256 and multiply-accumulates is written last.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile

import numpy as np

from inference.geometry.reach import REACH
from training.errors import command
from training.model.geometry import load_geometry, on_todays_domes
from training.run.checkpoint import load_checkpoint
from training.weights.card import file_entry, write_card
from training.weights.from_onnx import read_geometry
from training.weights.stored_weights import KINDS
from training.weights.to_onnx import export_network, networks


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--geometry", type=pathlib.Path, required=True,
                        help="geometry.npz of training.population, or the folder of the model that training started from")  # fmt: skip
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("models/default"))
    parser.add_argument("--weights", choices=KINDS, default="float16", help="how they are stored; they compute as float32")
    parser.add_argument("--name", default="portrait-manifolds-1")
    parser.add_argument("--about", type=pathlib.Path, help="JSON with training data, command and quality for the card")
    options = parser.parse_args(arguments)
    geometry = on_todays_domes(read_geometry(options.geometry)) if options.geometry.is_dir() else load_geometry(options.geometry)
    model, step = load_checkpoint(options.checkpoint, geometry)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(dir=options.out.parent, prefix=".export-"))
    try:
        work = {}
        for name, module, inputs, outputs, axes in networks(model):
            work[name] = round(export_network(name, module, inputs, outputs, axes, folder, options.weights), 3)
            print(f"{name}: {work[name]} GMAC, {(folder / f'{name}.onnx').stat().st_size / 1e6:.2f} MB", file=sys.stderr)
        np.savez_compressed(folder / "geometry.npz", radii=geometry["radii"].astype(np.float32),
                            mean_landmarks=(geometry["mean_landmarks"] + geometry["landmark_bias"]).astype(np.float32),
                            landmark_bias=geometry["landmark_bias"].astype(np.float32),
                            lift_sheets=np.array(model.config.lift_sheets, np.int32),
                            grid=np.array(model.config.grid, np.int32), reach=np.float32(REACH))  # fmt: skip
        files = {path.name: file_entry(path) for path in sorted(folder.iterdir())}
        card = {"id": options.name, "format_version": 1, "license": "CC0-1.0", "steps": step, "gmac": work,
                "gmac_total": round(sum(work.values()), 2), "files": files}  # fmt: skip
        if options.about:
            card |= json.loads(options.about.read_text())
        write_card(folder, card)
        options.out.mkdir(exist_ok=True)
        for path in sorted(folder.iterdir(), key=lambda p: p.name == "card.json"):
            os.replace(path, options.out / path.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{options.out}: {sum(f['bytes'] for f in files.values()) / 1e6:.1f} MB, {card['gmac_total']} GMAC")


if __name__ == "__main__":
    command(main)
