"""The shape space of heads: principal components of the synthetic people without an expression."""

import dataclasses

import numpy as np

from inference.alignment.pose import landmark_weights
from training.synthetic.heads import build_head, mean_landmarks, sample_person


@dataclasses.dataclass(frozen=True)
class ShapeSpace:
    """mean (n, 3) float32 metres, portrait space; modes (c, n, 3) float32, what one standard deviation of each adds;
    explained (c,) float, share of the variance that so many modes explain together."""

    mean: np.ndarray
    modes: np.ndarray
    explained: np.ndarray


def sample_heads(pack, vertices, count, seed):
    """(count, len(vertices), 3) float32 metres: people as for training, without an expression, at rest in portrait space.

    They lie as portraits do: their eyes 63 mm apart, their landmarks turned and moved onto the mean landmarks.
    """
    rng = np.random.default_rng(seed)
    template = mean_landmarks(pack).astype(np.float64)
    weights = landmark_weights(template)
    weights[~pack.landmarks["facemesh468_valid"]] = 0.0
    heads = np.empty((count, len(vertices), 3), np.float32)
    for row in heads:
        person = sample_person(rng, pack)
        person.expression[:] = 0.0
        head = build_head(pack, person, template, weights)
        row[:] = head.to_portrait(head.posed[vertices])
    return heads


def principal_components(heads, weights, share):
    """The :class:`ShapeSpace` of heads (count, n, 3) that explains a share of their variance.

    weights: (n,) how much a vertex counts for the choice of directions, and for the share.
    """
    mean = heads.mean(0, dtype=np.float64).astype(np.float32)
    around = (heads - mean).reshape(len(heads), -1)
    weighted = around * np.repeat(np.sqrt(weights).astype(np.float32), 3)
    values, vectors = np.linalg.eigh((weighted @ weighted.T).astype(np.float64))
    values, vectors = values[::-1], vectors[:, ::-1]
    explained = np.cumsum(values) / values.sum()
    count = int(np.searchsorted(explained, share)) + 1
    scores = vectors[:, :count] * np.sqrt(len(heads))  # each of mean 0 and variance 1 over the heads
    modes = (scores.T.astype(np.float32) @ around) / len(heads)
    return ShapeSpace(mean, modes.reshape(count, -1, 3), explained[:count])
