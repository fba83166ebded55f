"""What of a face is its expression: a linear map from all landmarks to what moved each, learnt on drawn heads.

A fit cannot tell a wide mouth from a smile by how well either explains a photo; who else looks so can. The map is
``models/head/expression.npz``, written by ``python -m training.head_expression``.
"""

import functools

import numpy as np

from ..geometry.similarity import similarity
from ..own_arrays import own_arrays

FILE = "expression.npz"


def moved_by_expression(points: np.ndarray) -> np.ndarray:
    """By how much its expression moved each of a face's landmarks (468, 3) metres from where they are without one:
    (468, 3) metres, in their frame."""
    learnt = _learnt()
    face, scale, rotation = normalised(points, learnt["mean"])
    codes = (face - learnt["mean"]).ravel() @ learnt["weights"] + learnt["usual"]
    return (codes @ learnt["basis"]).reshape(-1, 3) @ rotation / scale


def normalised(points: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Landmarks (468, 3) laid onto those of the mean face by a similarity, its scale and its rotation (3, 3)."""
    scale, rotation, shift = similarity(points, mean)
    return scale * points @ rotation.T + shift, scale, rotation


@functools.cache
def _learnt():
    return {name: array.astype(np.float64) for name, array in own_arrays("head", FILE).items()}
