"""What a preset costs: ``python -m training.cost --preset paper [--set ...]``.

Prints multiply-accumulates of one inversion, parameters, the size of the exported model, and the memory of a training
step, counted rather than estimated: every tensor that autograd keeps for the backward pass of one example, with views
rendered, and 16 bytes per parameter for weights, gradient and Adam's moments plus 4 for the running average.
"""

import argparse

import torch

from inference.geometry.cameras import orbit_camera
from training.errors import command
from training.model.geometry import GEOMETRY, SHEETS, plain_geometry
from training.model.model import PortraitModel
from training.run.objective import texture_losses, view_losses
from training.run.presets import PRESETS, override
from training.run.views import invert
from training.weights.to_onnx import DECODED, multiply_accumulates, networks

STATE_BYTES = 20  # per parameter: weight, gradient, two moments, running average


def build(preset):
    """PortraitModel of a preset on a plain geometry."""
    geometry = plain_geometry(preset.network.grid)
    return PortraitModel(*(geometry[name] for name in GEOMETRY), preset.network)


def random_batch(model, count):
    """A batch of noise with the shapes of training.data.examples, of heads seen from the front."""
    size = 2 * model.config.grid
    camera = torch.tensor(orbit_camera().camera_to_world, dtype=torch.float32).expand(count, -1, -1).clone()
    noise = torch.rand
    return {
        "photo": noise(count, 3, 256, 256), "clean": noise(count, 3, 256, 256), "gap": torch.ones(count, 1, size, size),
        "alpha": noise(count, 1, 256, 256).round(), "known": torch.ones(count, 1, 256, 256),
        "landmarks": noise(count, 468, 2) * 256, "camera": camera, "level": noise(count, 1, size, size) * SHEETS,
        "dome": noise(count, 3, size, size), "synthetic": torch.ones(count), "view": noise(count, 4, 256, 256),
        "view_camera": camera.clone(), "seen": noise(count, 1, size, size).round(),
        "dome_parts": noise(count, 3, size, size), "photo_parts": noise(count, 3, 256, 256),
    }  # fmt: skip


class Kept:
    """Counts the bytes that autograd keeps, each storage once."""

    def __init__(self, model):
        self.sizes, self.own = {}, {p.untyped_storage().data_ptr() for p in model.parameters()}

    def __call__(self, tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self.own:
            self.sizes[storage.data_ptr()] = storage.nbytes()
        return tensor


def measure(preset):
    """Costs of a preset as a dict: ``gmac`` per network, ``parameters``, ``model_mb``, ``example_mb``, ``step_gb``."""
    torch.manual_seed(0)
    model = build(preset)
    work = {}
    with torch.no_grad():
        for name, module, inputs, _, _ in networks(model):
            times = DECODED if name == "decoder" else 1
            work[name] = round(multiply_accumulates(module, tuple(inputs.values())) * times / 1e9, 2)
    batch = random_batch(model, 1)
    kept = Kept(model)
    with torch.autograd.graph.saved_tensors_hooks(kept, lambda tensor: tensor):
        output = invert(model, batch, preset.bfloat16)
        terms = texture_losses(output, batch, preset.weights)
        terms |= view_losses(model, output, batch, preset.weights, preset.patch)
    example = sum(kept.sizes.values())
    parameters = sum(p.numel() for p in model.parameters())
    return {
        "gmac": work,
        "gmac_total": round(sum(work.values()), 1),
        "parameters": parameters,
        "model_mb": round(2 * parameters / 1e6, 1),
        "checkpoint_mb": round(6 * parameters / 1e6, 1),
        "example_mb": round(example / 1e6, 1),
        "step_gb": round((preset.chunk * example + STATE_BYTES * parameters) / 1e9, 2),
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="paper")
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="FIELD=VALUE", dest="settings")
    options = parser.parse_args(arguments)
    preset = override(PRESETS[options.preset], options.settings)
    cost = measure(preset)
    for name, value in cost["gmac"].items():
        print(f"{name:18} {value:8.2f} GMAC")
    print(f"{'one inversion':18} {cost['gmac_total']:8.1f} GMAC")
    print(f"{cost['parameters'] / 1e6:.1f} million parameters: model {cost['model_mb']} MB, checkpoint {cost['checkpoint_mb']} MB")
    print(f"training: {cost['example_mb']} MB an example, {cost['step_gb']} GB a process with chunk={preset.chunk}")
    return 0


if __name__ == "__main__":
    command(main)
