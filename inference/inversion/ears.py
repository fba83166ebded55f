"""Where the ears are, by the landmarks of a face, and what the photo must not paint before them.

No landmark lies on an ear, and a photo sees ears and the cheeks before them at nearly the same place: the cheek recedes
almost along its rays. A surface that is off by millimetres there has the ear in the photo drawn over centimetres of
cheek, and a cheek raised to where an ear ends. A linear map that was learnt on synthetic heads (training.ears) says
where in space both ears are, so in which pixels and how far away.

How far ears reach was chosen by looking at five test portraits from 40 degrees aside, and on 20 unseen heads.
"""

import functools

import numpy as np

from ..geometry.cameras import Camera
from ..geometry.curves import linear_step
from ..geometry.domes import dome_coordinates, texel_centres
from ..own_arrays import own_arrays
from .columns import CLOTH, HAIR, SKIN

IN_PHOTO = 1.7, 1.2  # standard deviations of an ear's points between which a pixel comes to be its own; its rim is at 2
BEFORE = 0.025, 0.045  # metres before it, along the photo's ray, between which a column comes to be no ear
AROUND = 2.4, 1.6  # the same for what an ear's silhouette, at 2, may raise and be raised by


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
        before = linear_step(*BEFORE, distance.mean() - depth)
        np.maximum(found, linear_step(*IN_PHOTO, _deviations(pixel, points)) * before, out=found)
    return found


def with_ears(
    parts: np.ndarray, photo_parts: np.ndarray, ears: np.ndarray, camera: Camera
) -> tuple[np.ndarray, np.ndarray]:
    """Chances of the columns' parts (4, h, w) and of the photo's (4, 256, 256): the last is skin of ears, apart from
    other skin.

    parts (3, h, w) and photo_parts (3, 256, 256): chances of skin, hair and cloth; ears (n, k, 3) of
    :func:`ear_points`; camera: of the photo.
    """
    columns = np.stack(texel_centres(*parts.shape[1:]), -1)
    pixels = np.stack(np.indices(photo_parts.shape[1:])[::-1], -1)
    own, shown = np.zeros(parts.shape[1:], np.float32), np.zeros(photo_parts.shape[1:], np.float32)
    for ear in ears:
        place = np.stack(dome_coordinates(ear)[:2], -1)
        np.maximum(own, linear_step(*AROUND, _deviations(columns, place)), out=own)
        np.maximum(shown, linear_step(*AROUND, _deviations(pixels + 0.5, camera.project(ear)[0])), out=shown)
    return _apart(parts, own), _apart(photo_parts, shown)


def _apart(parts, ear):
    """Parts (3, h, w) with an ear's share (h, w) of the skin as a fourth one."""
    return np.stack([parts[SKIN] * (1.0 - ear), parts[HAIR], parts[CLOTH], parts[SKIN] * ear])


def _deviations(places, points):
    """How many standard deviations of points (k, 2) places (..., 2) lie from their mean, (...) float32."""
    apart = (places - points.mean(0)).astype(np.float32)
    inverse = np.linalg.inv(np.cov(points.T)).astype(np.float32)
    return np.sqrt(np.einsum("...i,ij,...j->...", apart, inverse, apart))


@functools.cache
def ear_map() -> dict[str, np.ndarray]:
    """What training.ears has learnt, float32: ``points`` (2, k, 3) metres of the mean ears, ``offsets`` (936,) of their
    landmarks, and the matrices ``into`` (936, r) and ``out_of`` (r, 6 k) from the one's differences to the other's."""
    return own_arrays("ears", "ears.npz")
