"""The bare skull and neck behind what a photo shows: the likeliest of drawn heads (training.skull).

Over the directions of :mod:`.directions` heads vary along principal components. Face, scalp, sides and front of the
neck are seen, so the components follow as in probabilistic principal component analysis with missing data (Tipping &
Bishop, Journal of the Royal Statistical Society B, 1999). Texels count less the less surely they are skin, the more the
rays graze them and the further off they lie. Hair and cloth only bound a head from outside.
"""

import functools

import cv2
import numpy as np

from ..geometry.curves import geman_mcclure
from ..geometry.filling import continued
from ..own_arrays import own_arrays
from .directions import rays

SURE = 0.5  # of a texel has to be known
FARTHEST = 0.15  # metres from the spine; what lies beyond are shoulders, and drawn heads end there
SHOWN_T = 0.05, 0.95  # t between which a portrait is not rough
FACE_S, FACE_T = 0.16, (0.30, 0.80)  # the face: so far to either side of s = 0.5, and from forehead to chin
STEPS = 6  # of reweighted least squares; the first knows of the face only
ERROR, GROSS = 0.003, 0.006  # metres along the normal; from the second on it is more likely another thing
INSIDE = 0.0015  # metres by which a portrait's surface lies below the exact one
INDEPENDENT = 200.0  # how many texels err independently; all chosen on unseen synthetic heads


def fitted_skull(front: np.ndarray, own: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """Radius (48, 96) float32 metres of the bare skull and neck in all directions from the spine, without ears.

    front (h, w) float32 metres, where own (h, w) in [0, 1] is 1; skin (h, w) in [0, 1], how surely that is skin.
    The mean head where nothing is known.
    """
    mean, basis, ears = _drawn_heads()
    share, radius, skin = (
        cv2.resize(own * table, mean.shape[::-1], interpolation=cv2.INTER_AREA) for table in (1.0, front, skin)
    )
    radius, skin = radius / np.maximum(share, SURE), skin / np.maximum(share, SURE)
    height, width = mean.shape
    t = (np.arange(height)[:, None] + 0.5) / height
    seen = (share > SURE) & (radius < FARTHEST) & (t > SHOWN_T[0]) & (t < SHOWN_T[1]) & ~ears
    if not seen.any():
        return mean
    facing = _facing(continued(radius, seen))[seen]
    rows, offset = (basis[:, seen] * facing).T, (radius - mean)[seen] * facing + INSIDE
    skin = skin[seen]
    weight = skin * face_texels(height, width)[seen]
    for _ in range(STEPS):
        weighted = rows * (weight * (INDEPENDENT / ERROR**2 / max(weight.sum(), 1.0)))[:, None]
        components = np.linalg.solve(weighted.T @ rows + np.eye(len(basis)), weighted.T @ offset)
        error = offset - rows @ components
        weight = np.where(error > 0.0, skin, 1.0) * geman_mcclure(error, GROSS)
    return (mean + np.tensordot(components, basis, 1)).astype(np.float32)


def face_texels(height: int, width: int) -> np.ndarray:
    """Which texels of a table over all directions are the face's, (height, width) bool."""
    s, t = (np.arange(width) + 0.5) / width, (np.arange(height)[:, None] + 0.5) / height
    return (np.abs(s - 0.5) < FACE_S) & (t > FACE_T[0]) & (t < FACE_T[1])


def ear_texels(height: int, width: int) -> np.ndarray:
    """Share of ears in the texels of a table over all directions, (height, width) float32 in [0, 1]."""
    return cv2.resize(_drawn_heads()[2].astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)


def _facing(radius):
    """Cosines (h, w) between a table's rays and the normals of the surface of radii (h, w) metres."""
    start, towards = rays(*radius.shape)
    points = start + radius[..., None] * towards
    around = np.concatenate([points[:, -1:], points, points[:, :1]], 1)
    normals = np.cross(np.gradient(points, axis=0), around[:, 2:] - around[:, :-2])
    return np.abs((normals * towards).sum(-1)) / np.maximum(np.linalg.norm(normals, axis=-1), 1e-12)


@functools.cache
def _drawn_heads():
    """Mean (48, 96) of radii and their components (k, 48, 96) times standard deviations, metres; where ears are,
    (48, 96) bool."""
    data = own_arrays("skull", "skull.npz")
    return data["mean"], data["basis"].astype(np.float32), data["ears"]
