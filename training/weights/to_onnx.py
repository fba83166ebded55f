"""The networks of a PortraitModel as ONNX files, each held against torch."""

import warnings

import numpy as np
import onnx
import onnxruntime
import torch

from training.model.networks import StyledConv
from training.weights.stored_weights import store

TOLERANCE = 2e-3  # largest difference of an output, relative to its spread, in float32
STORED = {"float32": TOLERANCE, "float16": 3e-2, "int8": 1.0}  # and with weights that are stored so
DECODED = 20  # times 25,600 points of the decoder; about what a portrait needs of its 2.4 million texels



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

    for layer in module.modules():
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear, StyledConv)):
            hooks.append(layer.register_forward_hook(count))
    module(*inputs)
    for hook in hooks:
        hook.remove()
    return total


def store_weights(path, kind):
    """Store a file's weights as one of ``training.weights.stored_weights.KINDS``."""
    model = onnx.load(str(path))
    store(model.graph, kind)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def compare(path, inputs, wanted, tolerance):
    """Run a file in ONNX Runtime. Raises ValueError when an output differs from torch by more than the tolerance."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    for (label, ours), theirs in zip(wanted.items(), found):
        gap = np.abs(ours.numpy() - theirs).max() / (float(ours.std()) + 1e-6)
        if not gap < tolerance:
            raise ValueError(f"{path.name}: {label} differs between torch and ONNX Runtime by {gap:.4f} of its spread")


def export_network(name, module, inputs, outputs, axes, folder, weights="float16"):
    """Write one network and compare ONNX Runtime with torch. Returns its GMAC. Raises ValueError when they differ.

    weights: how they are stored, one of ``training.weights.stored_weights.KINDS``.
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
