"""A whole head from a portrait: its front as it is, and behind it a learnt skull under hair as thick as at the sides.

The front's surface, known over dome coordinates, is looked up along the rays of inference.mesh.directions. Where no
manifold is, there is the likeliest skull (:mod:`.skull`). How far hair, hat or collar stand off from it goes on
smoothly from where that is known, first of all at the same height.
"""

import functools
import math

import cv2
import numpy as np

from ..geometry import domes
from ..geometry.curves import linear_step, smooth_step
from ..geometry.filling import push_pull
from .directions import rays
from .skull import FACE_S, SURE, ear_texels, fitted_skull

HEIGHT, WIDTH = 448, 960  # texels of a whole head: some 0.8 mm, like a portrait's own
COARSE = 4  # times coarser tables for what is smooth
FARTHEST = 0.26  # metres from the spine; nothing of a portrait lies beyond
STEPS = 24, 4  # towards the surface on the coarse table, then on the fine one
RELAXATION = 0.8  # metres per step and metre of the field
FOUND = 0.003  # metres; how close to the surface a ray has to come
SIDE, CROWN = 0.01, 0.03  # of u and v: so close to the border the front is rough
BLEND = 8.0  # texels over which the front turns into what lies behind
SPREAD = 3.0  # coarse texels, standard deviation of what smooths the thickness
HAIR, COLLAR = 0.06, 0.004  # metres; behind, hair and hats stand off the skull by no more, and collars off the nape
NECK_T = 0.66, 0.80  # t of the neck; what is no skin below it is a collar,
COVERED = 0.7, 0.95  # unless the sides of the neck are covered as well: shares of them that are no skin
SIDEWAYS = 4  # how much nearer the thickness at the same height is than above and below
POLE = 0.7  # waves per texel of distance from the crown that stay there


def whole_head(radius: np.ndarray, mask: np.ndarray, skin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Radius of a head in all directions from the spine, (HEIGHT, WIDTH) float32 metres, and how far it is the
    portrait's own surface, (HEIGHT, WIDTH) float32 from 0 behind to 1 in front.

    radius (h, w) float32 metres over dome coordinates; mask (h, w) float32, more than one half where a subject is;
    skin (h, w) float32 in [0, 1], how surely that is skin.
    """
    found, own, skin = from_front(radius, mask, skin)
    behind = _behind(found, own, skin)
    return _round_at_the_crown(behind + own * (found - behind)), own


def bare_skull(radius: np.ndarray, mask: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """Radius (48, 96) float32 metres of the skull and neck under hair and clothes, in all directions from the spine.

    radius, mask, skin: as of :func:`whole_head`.
    """
    return fitted_skull(*_coarse_front(*from_front(radius, mask, skin)))


def from_front(radius: np.ndarray, mask: np.ndarray, skin: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the rays from the spine meet the front.

    radius, mask, skin: as of :func:`whole_head`.
    Returns (HEIGHT, WIDTH) float32 each: radius in metres from the spine, how far it is known, from 0 where the front
    does not reach to 1 well inside it, and how surely it is skin.
    """
    found = np.full((HEIGHT // COARSE, WIDTH // COARSE), np.float32(FARTHEST))
    for steps in STEPS:
        start, towards = _rays(*found.shape)
        for _ in range(steps):
            field, u, v = _front_field(radius, start, towards, found)
            found = np.maximum(found + np.float32(RELAXATION) * field, 0.0)
        if found.shape != (HEIGHT, WIDTH):
            found = _resized(found, HEIGHT, WIDTH)
    height, width = mask.shape
    at = u * width - np.float32(0.5), v * height - np.float32(0.5)
    subject, skin = (cv2.remap(table, *at, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE) for table in (mask, skin))
    known = (np.abs(u - 0.5) < 0.5 - SIDE) & (v > CROWN) & (np.abs(field) < FOUND) & (subject > 0.5)
    # the lower border is none to keep away from
    bordered = cv2.copyMakeBorder(_wrapped(known.astype(np.uint8)), 0, 1, 0, 0, cv2.BORDER_REPLICATE)
    own = smooth_step(1.0, BLEND, _unwrapped(cv2.distanceTransform(bordered, cv2.DIST_L2, 5)[:-1])).astype(np.float32)
    return found, own, skin


def table_points(radius: np.ndarray) -> np.ndarray:
    """Points (h, w, 3) float32 metres, portrait space, of a table of radii (h, w) metres over all directions."""
    start, towards = _rays(*radius.shape)
    return np.moveaxis(start + radius * towards, 0, -1)


def softened(table: np.ndarray, sigma: float) -> np.ndarray:
    """A table (h, w) over all directions after a Gaussian of sigma texels; 0 for none."""
    return _unwrapped(cv2.GaussianBlur(_wrapped(table), (0, 0), sigma)) if sigma > 0 else table


def coarse(table: np.ndarray) -> np.ndarray:
    """A table (HEIGHT, WIDTH, ...) COARSE times smaller each way."""
    return cv2.resize(table, (WIDTH // COARSE, HEIGHT // COARSE), interpolation=cv2.INTER_AREA)


def _front_field(radius, start, towards, found):
    """Surface less radius, in dome coordinates, at points on rays from the spine; and u and v of the points."""
    u, v, from_axis = _dome_coordinates(*(start[axis] + found * towards[axis] for axis in range(3)))
    height, width = radius.shape
    half = np.float32(0.5)
    surface = cv2.remap(radius, u * width - half, v * height - half, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    return surface - from_axis, u, v


def _dome_coordinates(x, y, z):
    """:func:`domes.dome_coordinates` of points (h, w) float32 each, for millions of them: to 1e-4 of u and v."""
    y = y - np.float32(domes.EQUATOR_Y)
    horizontal, azimuth = cv2.cartToPolar(np.float32(domes.AXIS_Z) - z, -x)
    above = np.maximum(y, 0.0)
    radius, elevation = cv2.cartToPolar(horizontal, above)
    elevation *= np.float32(1.0 / domes.MAX_ELEVATION)
    top = np.float32(1.0 - domes.EQUATOR_V)
    v = top - top * (elevation + np.float32(domes.ELEVATION_WARP) * elevation * (1.0 - elevation))
    v += (y - above) * np.float32(domes.EQUATOR_V / (domes.BOTTOM_Y - domes.EQUATOR_Y))
    side = (azimuth - np.float32(math.pi)) * np.float32(1.0 / domes.MAX_AZIMUTH)
    u = 0.5 + 0.5 * side + np.float32(0.5 * domes.AZIMUTH_WARP / math.pi) * np.sin(np.float32(math.pi) * side)
    return u, v, radius


def _behind(found, own, skin):
    """The skull with what stands off from it, where that is known and on from there."""
    front, weight, skin = _coarse_front(found, own, skin)
    skull = _resized(fitted_skull(front, weight, skin), *front.shape)
    sure = (weight > SURE).astype(np.float32)
    thickness = front - skull
    reach = softened(sure, SPREAD)
    near = softened(thickness * sure, SPREAD) / np.maximum(reach, 1e-3)
    t = (np.arange(len(front), dtype=np.float32)[:, None] + 0.5) / len(front)
    below = smooth_step(*NECK_T, t)
    s = (np.arange(front.shape[1], dtype=np.float32) + 0.5) / front.shape[1]
    neck = sure * (below > 0.0) * (below < 1.0) * (np.abs(s - 0.5) > FACE_S)
    covered = linear_step(*COVERED, 1.0 - (neck * skin).sum() / max(neck.sum(), 1.0))
    most = HAIR + (COLLAR - HAIR) * below * (1.0 - covered)
    no_ear = 1.0 - ear_texels(*front.shape) * skin
    far = softened(_around(np.clip(thickness, -most, most), sure * no_ear), 2.0 * SPREAD)
    return _resized(skull + far + np.minimum(2.0 * reach, 1.0) * (near - far), HEIGHT, WIDTH)


def _coarse_front(found, own, skin):
    """Tables of :func:`from_front` COARSE times smaller each way."""
    weight = coarse(own)
    return coarse(found * own) / np.maximum(weight, 1e-3), weight, coarse(skin * own) / np.maximum(weight, 1e-3)


def _around(values, weight):
    """Values (h, w), known by weight (h, w), on all round the head."""
    values, weight = _wrapped(values * weight), _wrapped(weight)
    height, width = weight.shape
    narrow = width // SIDEWAYS, height
    values, weight = (cv2.resize(table, narrow, interpolation=cv2.INTER_AREA) for table in (values, weight))
    filled = push_pull(values[..., None] / np.maximum(weight, 1e-3)[..., None], weight)[..., 0]
    return _unwrapped(cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR))


def _round_at_the_crown(radius):
    """The radius (h, w) without waves narrower than the columns are apart there, which meet at the crown."""
    rows = len(radius) // COARSE
    spectrum = np.fft.rfft(radius[:rows], axis=1)
    waves = np.arange(spectrum.shape[1]) / (np.arange(rows)[:, None] + 0.5)
    radius = radius.copy()
    radius[:rows] = np.fft.irfft(spectrum * np.exp(-0.5 * (waves / POLE) ** 2), radius.shape[1], axis=1)
    return radius


def _wrapped(table):
    """A table over all directions with half of it once more on either side."""
    half = table.shape[1] // 2
    return np.concatenate([table[:, half:], table, table[:, :half]], 1)


def _unwrapped(table):
    quarter = table.shape[1] // 4
    return table[:, quarter:-quarter]


def _resized(table, height, width):
    return _unwrapped(cv2.resize(_wrapped(table), (2 * width, height), interpolation=cv2.INTER_CUBIC))


@functools.cache
def _rays(height, width):
    """Starts and directions of a table's rays, (3, height, width) float32 each."""
    return tuple(np.ascontiguousarray(np.moveaxis(part, -1, 0)) for part in rays(height, width))
