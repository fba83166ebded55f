"""Take up training from an exported model: the weights and the geometry inside a folder such as models/default.

``python -m training.train --start-from models/default ...`` uses it.
"""

import pathlib
import re

import numpy as np
import torch

from inference.geometry.reach import NARROW
from training.errors import TrainingError
from training.weights.stored_weights import restored
from training.weights.widened import fits, widened

PREFIXES = {  # exported file: its name of the network, and the name in PortraitModel
    "encoder_w": ("encoder.", "encoder."),
    "efficient_gram": ("generator.", "generator."),
    "detail_encoder": ("encoder.", "detail_encoder."),
    "detail_manifolds": ("", "detail."),
    "decoder": ("", "decoder."),
}


def initializers(path):
    """Name to array of all weights of an ONNX file, as float32 however they are stored.

    The order is the file's. Raises TrainingError when the file is missing or broken.
    """
    import onnx

    try:
        return restored(onnx.load(str(path), load_external_data=False).graph)
    except FileNotFoundError:
        raise TrainingError(f"{path} is missing: give a folder that training.export has written") from None
    except Exception as error:  # protobuf and onnx raise many kinds
        raise TrainingError(f"{path} cannot be read as ONNX ({type(error).__name__})") from None


def read_geometry(folder):
    """The arrays that training.population wrote, recovered from an exported model: a dict like geometry.npz, and the ``reach``
    (2,) of the domes that they are over, see :func:`training.model.geometry.on_todays_domes`.

    The export adds the aligner's landmark bias to the mean landmarks and builds the means into the generator.
    """
    folder = pathlib.Path(folder)
    try:
        with np.load(folder / "geometry.npz", allow_pickle=False) as data:
            stored = {name: data[name] for name in ("radii", "mean_landmarks", "landmark_bias")}
            reach = data["reach"] if "reach" in data.files else NARROW
    except (OSError, KeyError, ValueError) as error:
        raise TrainingError(f"{folder / 'geometry.npz'} cannot be read ({error})") from None
    means = initializers(folder / "efficient_gram.onnx") | initializers(folder / "detail_manifolds.onnx")
    return {
        "radii": stored["radii"],
        "mean_level": means["mean_level"][0, 0],
        "mean_colour": means["mean_colour"][0],
        "part_colour": means["part_colour"],
        "mean_landmarks": stored["mean_landmarks"] - stored["landmark_bias"],
        "landmark_bias": stored["landmark_bias"],
        "reach": np.float32(reach),
    }


def read_weights(folder, wanted):
    """Parameters of PortraitModel from an exported model, or of a smaller one.

    wanted: name to shape of the parameters to look for. Returns name to float32 tensor, of those that are there and fit. The exporter folds what it can: the generator's biases lie unnamed as (C, 1, 1) in the order of
    its layers, and its constant is the only array of that shape.
    """
    found = {}
    for file, (theirs, ours) in PREFIXES.items():
        arrays = initializers(pathlib.Path(folder) / f"{file}.onnx")
        folded = [value[:, 0, 0] for value in arrays.values() if value.shape[1:] == (1, 1) and value.ndim == 3]
        for name in (name for name in wanted if name.startswith(ours)):
            value = arrays.get(theirs + name.removeprefix(ours))
            layer = re.fullmatch(r"generator\.layers\.(\d+)\.bias", name)
            if layer and int(layer[1]) < len(folded):
                value = folded[int(layer[1])]
            elif name == "generator.constant":
                value = next((v for v in arrays.values() if v.shape == tuple(wanted[name])), None)
            if value is not None and fits(value.shape, wanted[name]):
                found[name] = torch.tensor(value)
    return found


def start_from(model, source):
    """Fill a PortraitModel with the weights of an exported model (its folder) or with named tensors. Those of smaller networks
    leave the rest of a larger one's as they are. Returns the names of parameters it had none for."""
    wanted = {name: parameter.shape for name, parameter in model.named_parameters()}
    found = widened(model, source if isinstance(source, dict) else read_weights(source, wanted))
    model.load_state_dict(found, strict=False)
    return [name for name in wanted if name not in found]
