"""A texture without the light of its photo.

Colour is light times albedo, and one picture does not say how much is which. A small network, which has seen drawn
heads in known light (``training.light``), tells them apart: from the shape of a portrait's columns, their colours and
what they belong to it answers with how much light falls on each, shadows of nose, chin and hair among it. That is
divided out. Highlights stay, and so does the colour of the light.
"""

import cv2
import numpy as np

from ..geometry import domes
from ..geometry.curves import linear_step
from ..networks.model import load_model
from ..photo.srgb import to_linear, to_srgb
from ..portrait import PARTS, Portrait
from .around import all_round, look_up
from .corners import facing_camera
from .surface import Surface

NETWORK = "light"  # of the program's own
PLANES = 15  # that it sees
SIDE = 160  # columns along a side of them, as many as inversion has
SMOOTH = 1.0  # columns, of the surface whose normals it sees
FEWEST = 100  # columns of skin that tell the mean light; where there are fewer, all columns do
SHOWN = 0.1, 0.4  # cosines to the photo's camera between which skin comes to tell the mean light
RANGE = 0.25, 2.0  # shading beyond which it is cut: what is darker is hardly seen
LIGHT = to_linear(np.arange(256) / 255.0)  # of sRGB values uint8
LUMINANCE = np.float32([0.2126, 0.7152, 0.0722])  # ITU-R BT.709
SKIN = PARTS.index("skin")


class Light:
    """The light on a subject in its photo."""

    def __init__(self, portrait: Portrait, surface: Surface) -> None:
        """surface: the portrait's. Raises PortraitError when the network cannot be read."""
        planes = light_planes(portrait, surface)
        (found,) = load_model(device="cpu").companion(NETWORK).run(None, {"columns": planes[None]})
        shade = np.exp(found[0, 0])
        shown = weight_of(planes)
        if shown.sum() < FEWEST:
            shown = np.ones_like(shade)
        self._shade = np.clip(shade / np.average(shade, weights=shown), *RANGE)
        stored = np.rint(_stored(self._shade))[..., None].repeat(3, -1).astype(np.uint8)
        opacity = cv2.resize(surface.opacity, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        self._columns = all_round(stored, opacity)

    def shading(self, points: np.ndarray) -> np.ndarray:
        """Light at points (n, 3) float32 metres of the surface, relative to its mean on the skin that the photo shows,
        (n,) float32 in :data:`RANGE`."""
        return _loaded(look_up(self._columns, points)[:, 0])

    def of_columns(self, height: int, width: int) -> np.ndarray:
        """Light on the portrait's columns, (height, width) float32 over texture coordinates, relative to the same."""
        return cv2.resize(self._shade, (width, height), interpolation=cv2.INTER_LINEAR)


def light_planes(portrait: Portrait, surface: Surface) -> np.ndarray:
    """What the network sees, (PLANES, SIDE, SIDE) float32.

    The planes: radius in metres, unit normals, opacity, cosine to the photo's camera, colours in sRGB, points in metres
    and parts of the columns; all are skin where the portrait does not know them.
    """

    def coarse(values):
        return cv2.resize(values, (SIDE, SIDE), interpolation=cv2.INTER_AREA)

    radius = coarse(surface.radius)
    points = domes.dome_points(*domes.texel_centres(SIDE, SIDE), cv2.GaussianBlur(radius, (0, 0), SMOOTH))
    down, right = np.gradient(points, axis=(0, 1))
    normals = np.cross(down, right)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    facing = facing_camera(points.reshape(-1, 3), normals.reshape(-1, 3), portrait.camera).reshape(SIDE, SIDE)
    colour = coarse(surface.color.astype(np.float32) / np.float32(255))
    parts = np.zeros((SIDE, SIDE, len(PARTS)), np.float32)
    if portrait.parts is None:
        parts[..., SKIN] = 1.0
    else:
        parts[:] = coarse(portrait.parts.astype(np.float32) / np.float32(255))
    stacked = np.dstack([radius, normals, coarse(surface.opacity), facing, colour, points, parts])
    return np.ascontiguousarray(stacked.transpose(2, 0, 1), np.float32)


def weight_of(planes: np.ndarray) -> np.ndarray:
    """How far columns are skin that the photo shows, (..., SIDE, SIDE) float32; planes of :func:`light_planes`."""
    return planes[..., 12 + SKIN, :, :] * planes[..., 4, :, :] * linear_step(*SHOWN, planes[..., 5, :, :])


def without(colours: np.ndarray, shade: np.ndarray) -> np.ndarray:
    """Colours (..., 3) uint8 sRGB divided by shading (...) float32; what is brighter than white then is cut."""
    return np.rint(255.0 * to_srgb(np.minimum(LIGHT[colours] / shade[..., None], 1.0))).astype(np.uint8)


def _stored(shade):
    """Shading as numbers of 0 to 255, evenly over its logarithm."""
    low, high = np.log(RANGE)
    return 255.0 * (np.log(shade) - low) / (high - low)


def _loaded(stored):
    low, high = np.log(RANGE)
    return np.exp(low + stored.astype(np.float32) * np.float32((high - low) / 255.0))
