"""Training presets: what the networks are, how large a batch is, how long a run takes, and what each loss weighs.

Any field can be set on the command line: ``--set batch=8 weights.level=0 network.w_dim=256``.
``python -m training.cost --preset paper`` prints what a preset costs in multiply-accumulates and memory.
"""

import ast
import dataclasses
import difflib

from training.errors import TrainingError
from training.model.geometry import SHEETS
from training.model.networks import NetworkConfig


@dataclasses.dataclass(frozen=True)
class LossWeights:
    """Weight of each term; zero switches it off."""

    level: float = 1.0  # the surface, per 4 mm
    occupancy: float = 0.5  # does the column meet the subject
    colour: float = 2.0  # colour of the columns
    unseen_colour: float = 4.0  # colour of the columns that the photo does not show, once it gave them its tones
    parts: float = 0.5  # skin, hair and cloth, of the columns and of the photo
    matte: float = 1.0  # the photo's matte
    codes: float = 1e-3  # size of w+
    input_colour: float = 4.0  # the photo's own view
    input_coarse: float = 1.0  # the photo explained by the coarse colours alone
    novel_colour: float = 4.0  # another view of a synthetic head
    view_alpha: float = 1.0  # silhouettes of both views
    prior_depth: float = 0.5  # the surface of a real portrait stays near the coarse one, per 4 mm
    prior_features: float = 0.01  # size of detail features where the photo sees nothing
    prior_seen: float = 1.0  # what the photo shows reappears in other views
    prior_unseen: float = 1.0  # what it does not show looks as the columns say
    perceptual: float = 0.0  # own and known novel views in the features of a trained E_detail, or of the user's network
    gram: float = 0.0  # the same features' Gram matrices: texture and sharpness, wherever in a patch; ten times perceptual's weight is as strong
    kept_features: float = 0.0  # the photo's pixel features stay those of models/default (or --features), which its decoder knows
    swap: float = 0.0  # real portraits turned, inverted again and seen from the photo's camera are the photo
    identity: float = 0.0  # own and random other views by the user's face descriptor
    adversarial: float = 0.0  # random other views against photos, by a critic of patches


@dataclasses.dataclass(frozen=True)
class Preset:
    """One documented training configuration."""

    network: NetworkConfig = NetworkConfig()
    weights: LossWeights = LossWeights()
    batch: int = 4  # examples a step, over all processes
    chunk: int = 4  # examples that one process evaluates at once; a step is the mean over batch / chunk of them
    real_share: float = 0.25  # share of a chunk that is real portraits
    view_from: float = 0.5  # share of the run after which views are rendered
    view_every: int = 2  # steps per step that renders views, once views are rendered at all
    patch: int = 40  # pixels per side of rendered patches, at most 85: they are taken every third pixel at most
    learning_rate: float = 1e-3  # at its peak
    muon: bool = True  # Muon moves the inner convolutions; Adam everything, without it
    warmup: int = 200  # steps over which the learning rate rises
    final_rate: float = 0.02  # share of the learning rate that the cosine ends at
    average: float = 0.996  # decay of the averaged weights, which are what is exported
    clip: float = 1.0  # largest norm of the gradient
    bfloat16: bool = True  # autocast; about 4 times faster on CPUs with AMX and on GPUs
    log_every: int = 50  # steps per record of the learning curve
    save_every: int = 250  # steps per checkpoint
    picture_every: int = 1000  # steps per validation picture
    reopen_every: int = 500  # steps after which the folders are looked at again, for shards made meanwhile


PRESETS = {
    # The embedded model. One core with AMX trains 4 to 5 examples a second while nothing is rendered.
    "cpu": Preset(),
    # The same networks on GPUs: up to four processes share a step without changing it.
    "gpu": Preset(weights=LossWeights(perceptual=1.0, adversarial=0.02), batch=64, chunk=16, patch=64, learning_rate=2e-3, log_every=100, save_every=1000),
    # The papers' sizes: textures of 256 texels, 512-wide codes, StyleGAN2 widths, a voxel of 32 channels, and detail
    # looked up on every sheet. Too large for the extension; for GPUs of 24 GB and more.
    "paper": Preset(
        network=NetworkConfig(
            grid=128,
            w_dim=512,
            encoder_channels=(64, 128, 256, 512),
            generator_channels=(512, 512, 512, 256, 128, 64),
            sheet_features=16,
            detail_channels=(64, 128, 256, 512),
            voxel_channels=32,
            lift_sheets=tuple(range(SHEETS)),
            texture_channels=(128, 256, 512, 512),
            fine_channels=64,
            pixel_features=12,
            decoder_width=64,
        ),
        weights=LossWeights(perceptual=1.0, adversarial=0.02),
        batch=32,
        chunk=4,
        patch=80,
        learning_rate=1e-3,
        log_every=100,
        save_every=1000,
    ),
}


def override(preset, settings):
    """A preset with fields set from lines such as ``weights.level=0``, each value of its field's own type.

    Raises TrainingError for a line that is not ``field=value``, an unknown field or a value of another type.
    """
    for line in settings:
        path, equals, text = line.partition("=")
        if not equals:
            raise TrainingError(f"--set {line}: write it as field=value, such as batch=8 or weights.level=0")
        preset = _replace(preset, path.strip().split("."), text.strip(), line)
    if preset.batch % preset.chunk:
        raise TrainingError(f"batch={preset.batch} is no multiple of chunk={preset.chunk}: set both")
    return preset


def _replace(part, path, text, line):
    names = [field.name for field in dataclasses.fields(part)]
    if path[0] not in names:
        near = difflib.get_close_matches(path[0], names, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        raise TrainingError(f"--set {line}: no field {path[0]}; {hint}")
    old = getattr(part, path[0])
    if dataclasses.is_dataclass(old):
        if len(path) == 1:
            raise TrainingError(f"--set {line}: {path[0]} has fields of its own; write {path[0]}.field=value")
        return dataclasses.replace(part, **{path[0]: _replace(old, path[1:], text, line)})
    if len(path) > 1:
        raise TrainingError(f"--set {line}: {path[0]} has no fields")
    return dataclasses.replace(part, **{path[0]: _parse(old, text, line)})


def _parse(old, text, line):
    """Value of text in the type of old; an int will do for a float, and one number for a tuple."""
    try:
        value = ast.literal_eval(text.capitalize() if text in ("true", "false") else text)
    except (ValueError, SyntaxError):
        value = text
    if isinstance(old, float) and type(value) is int:
        value = float(value)
    if isinstance(old, tuple) and type(value) is int:
        value = (value,)
    if type(value) is not type(old) or isinstance(old, tuple) and not all(type(v) is int for v in value):
        kind = "whole numbers, such as 32,64" if isinstance(old, tuple) else type(old).__name__
        raise TrainingError(f"--set {line}: expected {kind}, like the default {old}")
    return value
