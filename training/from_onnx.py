"""How much of an exported model training can take over: ``python -m training.from_onnx --model models/default``.

Reads weights and geometry back and compares the networks with ONNX Runtime. ``--geometry`` writes the geometry as
training.population would.
"""

import argparse
import pathlib

import numpy as np

from training.errors import command
from training.model.geometry import GEOMETRY
from training.model.model import PortraitModel
from training.weights.from_onnx import read_geometry, start_from
from training.weights.to_onnx import TOLERANCE, compare, networks


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path("models/default"))
    parser.add_argument("--geometry", type=pathlib.Path, help="geometry.npz to write")
    options = parser.parse_args(arguments)
    geometry = read_geometry(options.model)
    if options.geometry:
        np.savez_compressed(options.geometry, **geometry)
    model = PortraitModel(*(geometry[name] for name in GEOMETRY)).eval().requires_grad_(False)
    fresh = start_from(model, options.model)
    if fresh:
        print(f"{len(fresh)} parameters have no counterpart and start fresh: {', '.join(fresh)}")
        return 1
    for name, module, inputs, outputs, _ in networks(model):
        wanted = module.eval()(*inputs.values())
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        compare(options.model / f"{name}.onnx", inputs, dict(zip(outputs, wanted)), TOLERANCE)
        print(f"{name}: the same outputs as ONNX Runtime")
    return 0


if __name__ == "__main__":
    command(main)
