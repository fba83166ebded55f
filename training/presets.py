"""Training presets: what the networks are, how large a batch is, and what each loss weighs."""

import dataclasses

from training.networks import NetworkConfig


@dataclasses.dataclass(frozen=True)
class LossWeights:
    """Weight of each term; zero switches it off."""

    level: float = 1.0  # the surface, per 4 mm
    occupancy: float = 0.5  # does the column meet the subject
    opacity: float = 1.0  # opacity of every sheet
    colour: float = 2.0  # colour of the columns
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


@dataclasses.dataclass(frozen=True)
class Preset:
    """One documented training configuration."""

    network: NetworkConfig = NetworkConfig()
    weights: LossWeights = LossWeights()
    batch: int = 4  # examples a step
    real_share: float = 0.25  # share of a batch that is real portraits
    view_every: int = 2  # steps per step that renders views, once views are rendered at all
    patch: int = 40  # pixels per side of rendered patches
    learning_rate: float = 1e-3
    bfloat16: bool = True  # autocast; about 4 times faster on CPUs with AMX and on GPUs


PRESETS = {
    "cpu": Preset(),
    "gpu": Preset(batch=64, patch=64, learning_rate=2e-3),
}
