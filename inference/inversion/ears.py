"""Where the ears are, by the landmarks of a face, and what the photo must not paint before them.

No landmark lies on an ear, and a photo sees ears and the cheeks before them at nearly the same place: the cheek recedes
almost along its rays. A surface that is off by millimetres there has the ear in the photo drawn over centimetres of
cheek. A linear map that was learnt on synthetic heads (training.ears) says where in space both ears are, so in which
pixels and how far away.

How far ears reach was chosen by looking at five test portraits from 40 degrees aside, and on 20 unseen heads.
"""

import functools

import numpy as np

from ..geometry.cameras import Camera
from ..geometry.curves import linear_step
from ..own_arrays import own_arrays

IN_PHOTO = 1.7, 1.2  # standard deviations of an ear's points between which a pixel comes to be its own; its rim is at 2
BEFORE = 0.025, 0.045  # metres before it, along the photo's ray, between which a column comes to be no ear


def ear_points(offsets: np.ndarray) -> np.ndarray:
    """Points of both ears, (2, k, 3) float32 metres, portrait space, the left one's first.

    offsets: (1, 936) of :func:`.lifting.landmark_offsets`.
    """
    known = ear_map()
    found = known["points"].ravel() + (offsets[0] - known["offsets"]) @ known["into"] @ known["out_of"]
    return found.reshape(2, -1, 3)


def before_ears(ears: np.ndarray, pixel: np.ndarray, depth: np.ndarray, camera: Camera) -> np.ndarray:
    """How far columns stand before an ear that the photo shows in their place, (h, w) float32 in [0, 1].

    ears: (n, k, 3) of :func:`ear_points`; pixel (h, w, 2) and depth (h, w) metres, where the photo's camera sees the
    columns. In the photo each ear is an ellipse, that of its points' variance.
    """
    found = np.zeros(depth.shape, np.float32)
    for ear in ears:
        points, distance = camera.project(ear)
        apart = (pixel - points.mean(0)).astype(np.float32)
        inverse = np.linalg.inv(np.cov(points.T)).astype(np.float32)
        deviations = np.sqrt(np.einsum("hwi,ij,hwj->hw", apart, inverse, apart))
        before = linear_step(*BEFORE, distance.mean() - depth)
        np.maximum(found, linear_step(*IN_PHOTO, deviations) * before, out=found)
    return found


@functools.cache
def ear_map() -> dict[str, np.ndarray]:
    """What training.ears has learnt, float32: ``points`` (2, k, 3) metres of the mean ears, ``offsets`` (936,) of their
    landmarks, and the matrices ``into`` (936, r) and ``out_of`` (r, 6 k) from the one's differences to the other's."""
    return own_arrays("ears", "ears.npz")
