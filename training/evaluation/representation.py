"""What the manifolds themselves can show: exact synthetic heads on other numbers of sheets and other texture layouts.

No network is involved. A head's exact outermost surface and colours (``dome_radius``, ``dome_rgba`` of its shard) become
opacities and colours of sheets; the portrait that results is measured like one that a model has made.
"""

import functools

import cv2
import numpy as np

from inference.geometry import domes, filling
from inference.geometry.grids import at_texels, sample_grid
from inference.inversion import sheets
from inference.portrait import Portrait
from training.evaluation import heads
from training.evaluation.metrics import eye_distance_in_depth
from training.model.geometry import fill_and_smooth

SHEET_COUNTS = (11, 23, 47)  # sheets of the subject; the background is one more
DENSE = 320  # texels per side of the dome textures through which every layout is rendered
ITERATIONS = 16  # of the flat layout's inverse, each halves the error


def resampled(radii, count):
    """Another number of sheets in the place of radii (k, n, n): the same field, cut at other levels."""
    at = np.linspace(0, len(radii) - 1, count)
    low = np.minimum(at.astype(int), len(radii) - 2)
    part = (at - low)[:, None, None]
    return ((1 - part) * radii[low] + part * radii[low + 1]).astype(np.float32)


def model_sheets(radius, known, radii, count):
    """The model's sheets, the same for everybody, in another number."""
    return radii if count == len(radii) else resampled(radii, count)


def own_sheets(radius, known, radii, count):
    """Sheets close around the subject's own surface, as portraits have them."""
    return sheets.place_sheets(filling.continued(radius, known), known, count)


PLACEMENTS = {"own": own_sheets, "model's": model_sheets}


def exact_textures(radius, known, rgba, radii):
    """Textures of a head that is solid behind its outermost surface.

    radius (h, w) metres where known (h, w) bool; rgba (h, w, 4) uint8 of the dome; radii (k, n, n) of the sheets.
    Returns (k, h, w, 4) float32, straight colour and opacity in [0, 1].
    """
    sheets = np.stack([at_texels(sheet, *radius.shape) for sheet in radii])
    passed = np.clip((sheets[:-1] - radius) / np.maximum(sheets[:-1] - sheets[1:], 1e-6), 0, 1)
    level = passed.sum(0)  # sheets in front of the surface
    colour = rgba[..., :3].astype(np.float32) / 255
    spread = np.stack([fill_and_smooth(colour[..., c], known, 1.0) for c in range(3)], -1)
    textures = np.empty((len(radii), *radius.shape, 4), np.float32)
    textures[..., :3] = np.where(known[..., None], colour, spread)
    textures[..., 3] = np.clip(np.arange(len(radii))[:, None, None] + 1.0 - level, 0, 1) * known
    return textures


def dome_layout(textures, radii, texels):
    """Textures (k, h, w, 4), premultiplied, stored in ``texels``² dome coordinates and looked up again at DENSE²."""
    small = [cv2.resize(texture, (texels, texels), interpolation=cv2.INTER_AREA) for texture in textures]
    return np.stack([cv2.resize(texture, (DENSE, DENSE), interpolation=cv2.INTER_LINEAR) for texture in small])


def flat_layout(textures, radii, texels):
    """The same stored in ``texels``² orthographic coordinates: x and y of the frontal view, tight around the sheets."""
    low, high = extent(radii.tobytes(), radii.shape)
    finer = -(-2 * DENSE // texels)  # samples per texel and axis, averaged
    size, out = textures.shape[1], []
    for index, texture in enumerate(textures):
        u, v, found = flat_to_dome(radii.tobytes(), radii.shape, index, texels * finer)
        samples = cv2.remap(texture, (u * size - 0.5).astype(np.float32), (v * size - 0.5).astype(np.float32), cv2.INTER_LINEAR)
        stored = cv2.resize(samples * found[..., None], (texels, texels), interpolation=cv2.INTER_AREA)
        points = sheet_points(radii[index], DENSE)
        place = (points[..., :2] - low) / (high - low) * texels - 0.5
        x, y = place[..., 0].astype(np.float32), (texels - 1 - place[..., 1]).astype(np.float32)
        out.append(cv2.remap(stored, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE))
    return np.stack(out)


LAYOUTS = {"dome": dome_layout, "flat": flat_layout}


def sheet_points(grid, size):
    """Points (size, size, 3) of a sheet at the texel centres of dome coordinates."""
    u, v = domes.texel_centres(size, size)
    return domes.dome_points(u, v, sample_grid(grid.astype(np.float64), u, v))


@functools.lru_cache(maxsize=8)
def extent(data, shape):
    """Lower and upper corner (2,) metres of all sheets in the frontal view. data: the bytes of radii (k, n, n)."""
    points = sheet_points(np.frombuffer(data, np.float32).reshape(shape)[0], DENSE)[..., :2].reshape(-1, 2)
    return points.min(0), points.max(0)


@functools.lru_cache(maxsize=128)
def flat_to_dome(data, shape, index, size):
    """Dome coordinates u, v (size, size) of the sheet's foremost point at every flat sample; found (size, size) bool."""
    grid = np.frombuffer(data, np.float32).reshape(shape)[index].astype(np.float64)
    low, high = extent(data, shape)
    centres = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(low[0] + (high[0] - low[0]) * centres, high[1] - (high[1] - low[1]) * centres)
    above = np.maximum(y - domes.EQUATOR_Y, 0.0)
    radius = np.full(x.shape, grid.mean())
    for _ in range(ITERATIONS):
        ahead = np.sqrt(np.maximum(radius**2 - above**2 - x**2, 0.0))
        u, v, _ = domes.dome_coordinates(np.stack([x, y, domes.AXIS_Z + ahead], -1))
        radius = 0.5 * radius + 0.5 * sample_grid(grid, u, v)
    found = (radius**2 - above**2 - x**2 > 0) & (u > 0) & (u < 1) & (v > 0) & (v < 1)
    return u.astype(np.float32), v.astype(np.float32), found


def exact_portrait(shard, index, radii, count=sheets.SHEETS, place=own_sheets, layout=None, texels=None):
    """The portrait of one exact head.

    radii (23, n, n): the model's sheets; count: how many are used; place: one of ``PLACEMENTS``. layout: how textures are
    stored, one of ``LAYOUTS``, with ``texels`` per side; None keeps the exact textures.
    """
    head = heads.Head(shard, index)
    radius, rgba = np.array(shard["dome_radius"][index]).astype(np.float32), np.array(shard["dome_rgba"][index])
    known = (rgba[..., 3] > 127) & (radius > 0)
    sheets = np.ascontiguousarray(place(radius, known, radii, count), np.float32)
    exact = exact_textures(radius, known, rgba, sheets)
    if layout:
        exact[..., :3] *= exact[..., 3:]
        exact = layout(exact, sheets, texels)
        exact[..., :3] /= np.maximum(exact[..., 3:], 1e-3)
    textures = np.zeros((count + 1, *exact.shape[1:]), np.uint8)
    textures[:count] = np.round(255 * np.clip(exact, 0, 1))
    return Portrait(textures, sheets, head.camera, head.crop, np.eye(2, 3), (256, 256), head.name)


def measure_representation(shard, index, *arguments):
    """Measures, as of ``training.evaluation.heads``, of one exact head; arguments as of :func:`exact_portrait`."""
    head = heads.Head(shard, index)
    row, depth = heads.measure_head(exact_portrait(shard, index, *arguments), head)
    eyes = eye_distance_in_depth(depth, head.landmarks, head.camera)
    return {"name": head.name} | row | heads.measure_depths({heads.OURS: (depth, eyes)}, head)[heads.OURS]
