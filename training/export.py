"""Export a checkpoint to the embedded ONNX model: ``python -m training.export --checkpoint last.pt --geometry ... --out models/default``.

Each network becomes one self-contained ONNX file; parity of torch and ONNX Runtime is checked on a random input, and
the card with sizes, SHA-256 and multiply-accumulates is written last. Files of the aligner are taken over as they are.
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import sys
import tempfile
import warnings

import numpy as np
import torch

from training.checkpoint import load_parameters, network_config, read_checkpoint
from training.from_onnx import read_geometry
from training.model import GEOMETRY, PortraitModel
from training.stored_weights import KINDS, store

TOLERANCE = 2e-3  # largest difference of an output, relative to its spread, in float32
STORED = {"float32": TOLERANCE, "float16": 3e-2, "int8": 1.0}  # and with weights that are stored so
DECODED = 20  # times 25,600 points of the decoder; about what a portrait needs of its 2.4 million texels
ALIGNER = ("face_detector.onnx", "face_landmarks.onnx")


def load_checkpoint(path, geometry=None, averaged=True):
    """PortraitModel and step of a checkpoint of training.train, with its own geometry or the arrays of another."""
    state = read_checkpoint(path)
    geometry = geometry or {name: value.numpy() for name, value in state["geometry"].items()}
    model = PortraitModel(*(geometry[name] for name in GEOMETRY), network_config(state))
    load_parameters(model, state["average" if averaged else "model"])
    return model.eval().requires_grad_(False), state["step"]


class Generator(torch.nn.Module):
    """EfficientGRAM with the population's means built in."""

    def __init__(self, model):
        super().__init__()
        self.generator, self.mean_level, self.mean_colour = model.generator, model.mean_level, model.mean_colour

    def forward(self, w_plus, shape):
        return self.generator(w_plus, shape, self.mean_level, self.mean_colour)


def networks(model):
    """Name, module, named example inputs, output names and dynamic axes of every exported network."""
    config, random = model.config, np.random.default_rng(0)
    tensor = lambda *shape: torch.tensor(random.random(shape), dtype=torch.float32)  # noqa: E731
    photo, offsets = tensor(1, 3, 256, 256), tensor(1, 2 * config.landmarks)

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = model.encoder

        def forward(self, photo, landmark_offsets, matte, camera):
            return self.encoder(photo * 2 - 1, landmark_offsets, matte, camera)

    class Detail(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = model.detail_encoder

        def forward(self, photo):
            return self.encoder(photo * 2 - 1)

    generator = Generator(model)
    sight = {"photo": photo, "landmark_offsets": offsets, "matte": tensor(1, 1, 256, 256), "camera": tensor(1, 4, 4)}
    codes = Encoder()(*sight.values())
    coarse = generator(*codes)
    lifted = tensor(1, len(config.lift_sheets) * (config.voxel_channels + 4), config.grid, config.grid)
    points = tensor(1, 8 + config.sheet_features + config.pixel_features + 2, 1, 25600)
    names = ("level", "occupancy", "colour", "sheets", "hidden")
    yield "encoder_w", Encoder(), sight, ("w_plus", "shape"), None
    yield "efficient_gram", generator, dict(zip(("w_plus", "shape"), codes)), names, None
    yield "detail_encoder", Detail(), {"photo": photo}, ("voxel", "maps", "parts"), None
    yield ("detail_manifolds", model.detail, {"lifted": lifted} | dict(zip(names, coarse)),
           ("fused_level", "fused_occupancy", "fused_colour", "features", "fused_parts"), None)  # fmt: skip
    yield "decoder", model.decoder, {"points": points}, ("rgb",), {"points": {3: "points"}}


def multiply_accumulates(module, inputs):
    """Multiply-accumulates of the convolutions and linear layers in one forward pass."""
    total, hooks = 0, []

    def count(layer, arguments, output):
        nonlocal total
        weights = layer.weight[0].numel() if layer.weight.dim() > 1 else 0
        spatial = output[0, 0].numel() if output.dim() == 4 else 1
        total += weights * spatial * output.shape[1]

    from training.networks import StyledConv

    for layer in module.modules():
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear, StyledConv)):
            hooks.append(layer.register_forward_hook(count))
    module(*inputs)
    for hook in hooks:
        hook.remove()
    return total


def store_weights(path, kind):
    """Store a file's weights as one of ``training.stored_weights.KINDS``."""
    import onnx

    model = onnx.load(str(path))
    store(model.graph, kind)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def compare(path, inputs, wanted, tolerance):
    """Run a file in ONNX Runtime. Raises ValueError when an output differs from torch by more than the tolerance."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    for (label, ours), theirs in zip(wanted.items(), found):
        gap = np.abs(ours.numpy() - theirs).max() / (float(ours.std()) + 1e-6)
        if not gap < tolerance:
            raise ValueError(f"{path.name}: {label} differs between torch and ONNX Runtime by {gap:.4f} of its spread")


def export_network(name, module, inputs, outputs, axes, folder, weights="float16"):
    """Write one network and compare ONNX Runtime with torch. Returns its GMAC. Raises ValueError when they differ.

    weights: how they are stored, one of ``training.stored_weights.KINDS``.
    """
    path = folder / f"{name}.onnx"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), tuple(inputs.values()), str(path), input_names=list(inputs),
                          output_names=list(outputs), opset_version=18, dynamo=True, external_data=False,
                          dynamic_shapes=axes, verbose=False)  # fmt: skip
        wanted = module(*inputs.values())
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        compare(path, inputs, dict(zip(outputs, wanted)), TOLERANCE)
        store_weights(path, weights)
        compare(path, inputs, dict(zip(outputs, wanted)), STORED[weights])
        return multiply_accumulates(module, tuple(inputs.values())) * (DECODED if name == "decoder" else 1) / 1e9


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--geometry", type=pathlib.Path, required=True,
                        help="geometry.npz of training.population, or the folder of the model that training started from")  # fmt: skip
    parser.add_argument("--aligner", type=pathlib.Path, default=pathlib.Path("models/default"), help="folder of the aligner's files")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("models/default"))
    parser.add_argument("--weights", choices=KINDS, default="float16", help="how they are stored; they compute as float32")
    parser.add_argument("--name", default="portrait-manifolds-1")
    parser.add_argument("--about", type=pathlib.Path, help="JSON with training data, command and quality for the card")
    options = parser.parse_args(arguments)
    geometry = read_geometry(options.geometry) if options.geometry.is_dir() else dict(np.load(options.geometry, allow_pickle=False))
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
                            grid=np.array(model.config.grid, np.int32))  # fmt: skip
        for name in ALIGNER:
            if (options.aligner / name).exists():
                shutil.copy(options.aligner / name, folder / name)
        files = {
            path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
            for path in sorted(folder.iterdir())
        }
        card = {"id": options.name, "format_version": 1, "license": "CC0-1.0", "steps": step, "gmac": work,
                "gmac_total": round(sum(work.values()), 2), "files": files}  # fmt: skip
        if options.about:
            card |= json.loads(options.about.read_text())
        (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n")
        options.out.mkdir(exist_ok=True)
        for path in sorted(folder.iterdir(), key=lambda p: p.name == "card.json"):
            os.replace(path, options.out / path.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{options.out}: {sum(f['bytes'] for f in files.values()) / 1e6:.1f} MB, {card['gmac_total']} GMAC")


if __name__ == "__main__":
    main()
