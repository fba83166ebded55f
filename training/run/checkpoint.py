"""Checkpoints: everything a run needs to go on, in six bytes per parameter.

Weights and their running average are stored as float16, first moments as int8 with a scale per output channel, Adam's
second moments as uint8 on a logarithmic scale. A run that saves goes on from exactly what it has written
(:func:`settle`), so a run that is killed and resumed is the same run. The embedded model's networks fit in 97 MB.
"""

import io

import torch

from inference.files import write_atomically
from training.errors import TrainingError
from training.model.geometry import GEOMETRY
from training.model.model import PortraitModel
from training.model.networks import NetworkConfig

FORMAT = 2


def pack_first(moment):
    """A first moment of any shape as (int8 codes, float32 scale per slice of the first axis)."""
    rows = moment.reshape(len(moment), -1) if moment.dim() else moment.reshape(1, 1)
    scale = rows.abs().amax(1).clamp(min=1e-30) / 127.0
    return (rows / scale[:, None]).round().to(torch.int8).view(moment.shape), scale


def unpack_first(codes, scale):
    return codes.float() * scale.view(-1, *[1] * (codes.dim() - 1)) if codes.dim() else codes.float() * scale[0]


def pack_second(moment):
    """A second moment as (uint8 codes, float32 ends (2,) of their binary logarithms); code 0 is zero itself."""
    logarithm = torch.where(moment > 0, moment, torch.ones_like(moment)).log2()
    used = logarithm[moment > 0]
    ends = torch.stack([used.min(), used.max()]) if used.numel() else moment.new_zeros(2)
    step = (ends[1] - ends[0]).clamp(min=1e-6) / 254.0
    codes = 1 + ((logarithm - ends[0]) / step).round().clamp(0, 254)
    return torch.where(moment > 0, codes, 0).to(torch.uint8), ends


def unpack_second(codes, ends):
    step = (ends[1] - ends[0]).clamp(min=1e-6) / 254.0
    return torch.where(codes > 0, torch.exp2(ends[0] + (codes.float() - 1) * step), 0.0)


def pack(model, average, optimizer):
    """Model, running average and the state of an :class:`~training.run.optimizer.Optimizer` as plain tensors on the CPU; see
    the module's docstring."""
    state = {"model": {}, "average": {}, "moments": {}}
    smooth = dict(average.named_parameters())
    for name, parameter in model.named_parameters():
        state["model"][name] = parameter.detach().half().cpu().contiguous()
        state["average"][name] = smooth[name].detach().half().cpu().contiguous()
        first, second, step = optimizer.moments(parameter)
        if first is not None:
            packed = pack_first(first.detach().cpu().contiguous())
            if second is not None:
                packed = (*packed, *pack_second(second.detach().cpu().contiguous()), step.detach().cpu().clone())
            state["moments"][name] = packed
    return state


def unpack(state, model, average, optimizer):
    """Fill model, average and optimizer from what :func:`pack` returned."""
    load_parameters(model, state["model"])
    load_parameters(average, state["average"])
    for name, parameter in model.named_parameters():
        if name in state["moments"]:
            codes, scale, *rest = state["moments"][name]
            first, second, step = unpack_first(codes, scale).to(parameter.device), None, None
            if rest:
                second, step = unpack_second(*rest[:2]).to(parameter.device), rest[2].clone()
            optimizer.restore(parameter, first, second, step)


def settle(model, average, optimizer):
    """Round a run's live state to what its checkpoint holds, and return that: the run goes on from what is saved."""
    state = pack(model, average, optimizer)
    unpack(state, model, average, optimizer)
    return state


def load_parameters(model, tensors):
    """Copy named tensors into a model. Raises TrainingError when names or shapes are not those of the model."""
    own = dict(model.named_parameters())
    wrong = [name for name in own.keys() | tensors.keys()
             if name not in own or name not in tensors or own[name].shape != tensors[name].shape]  # fmt: skip
    if wrong:
        raise TrainingError(
            f"the checkpoint belongs to other networks ({len(wrong)} parameters differ, such as {min(wrong)}): "
            "take the version of the code that wrote it, or --start-from it to take over what fits"
        )
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(tensors[name])


def save_checkpoint(path, state):
    """Write a checkpoint atomically. Raises FolderUnusable when there is no room."""
    buffer = io.BytesIO()  # torch turns a full disk into errors of its own
    torch.save({"format": FORMAT, **state}, buffer)
    write_atomically(path, lambda stream: stream.write(buffer.getbuffer()))


def read_checkpoint(path):
    """The content of a checkpoint. Raises TrainingError when it is missing, broken or of another format."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise TrainingError(f"no checkpoint {path}: leave --resume out to start a new run") from None
    except Exception as error:  # zip, pickle and torch raise many kinds
        raise TrainingError(f"the checkpoint {path} cannot be read ({type(error).__name__})") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise TrainingError(f"{path} is no checkpoint of this version of training.train")
    return state


def network_config(state):
    """NetworkConfig of a checkpoint's content."""
    try:
        config = NetworkConfig(**{k: tuple(v) if isinstance(v, list) else v for k, v in state["network"].items()})
    except TypeError as error:
        raise TrainingError(f"the checkpoint belongs to other networks ({error})") from None
    if len(config.texture_channels) != len(NetworkConfig().texture_channels):
        raise TrainingError("the checkpoint belongs to the networks of another version: give it to --start-from")
    return config


def load_checkpoint(path, geometry=None, averaged=True):
    """PortraitModel and step of a checkpoint of training.train, with its own geometry or the arrays of another."""
    state = read_checkpoint(path)
    geometry = geometry or {name: value.numpy() for name, value in state["geometry"].items()}
    model = PortraitModel(*(geometry[name] for name in GEOMETRY), network_config(state))
    load_parameters(model, state["average" if averaged else "model"])
    return model.eval().requires_grad_(False), state["step"]
