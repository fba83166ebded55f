"""The fixed geometry of one model: sheets around a population of heads, and the population's means (geometry.npz).

The manifold predictor of GRAM is a scalar field whose level sets are the sheets. Here the field is a table over dome
coordinates: the outermost sheet clears every head with its hair, the innermost lies inside every skull, and the level
runs evenly between them along each radial ray. Both bounds are smooth, so neighbouring rays stay comparable.
"""

import numpy as np
from scipy import ndimage

from inference.geometry import domes
from inference.geometry.cameras import CROP_DISTANCE, orbit_camera
from inference.geometry.filling import continued
from inference.geometry.reach import Reach, respread
from inference.inversion.lifting import UNUSED_LANDMARKS
from inference.inversion.sheets import KNEE, level_bounds, radius_to_level
from training.errors import TrainingError
from training.model.landmark_twins import LANDMARK_TWINS

GEOMETRY = ("radii", "mean_level", "mean_colour", "mean_landmarks", "part_colour")  # arrays of geometry.npz, in PortraitModel's order
SHEETS = 23  # of the subject, outermost first; one more holds the backdrop (GRAM has 24 in all)
TEXTURE = 160  # texels per side of the domes that shards hold and the embedded model draws; 1 to 1.5 mm each (docs/results.md)
MARGIN = 0.004  # metres between the population and either bound
HAIR_ROOM = 0.012  # metres added outside wherever hair was seen
GRID = 80  # quads per side of the stored radii



def load_geometry(path):
    """The arrays of a geometry.npz that training.population has written, by name. Raises TrainingError."""
    try:
        with np.load(path, allow_pickle=False) as data:
            geometry = {name: data[name] for name in data.files}
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read ({error}): make it with training.population") from None
    missing = [name for name in GEOMETRY if name not in geometry]
    if missing:
        raise TrainingError(f"{path} lacks {', '.join(missing)}: make it with training.population")
    return geometry


def on_todays_domes(geometry):
    """Geometry of an exported model over the domes of a portrait, where networks go on to learn; they begin with columns that stand
    a little elsewhere, all the more the farther aside. geometry: dict of :func:`training.weights.from_onnx.read_geometry`."""
    reach = Reach(*map(float, geometry["reach"]))
    moved = {name: respread(geometry[name], reach) for name in ("mean_level", "mean_colour", "part_colour")}
    moved["radii"] = respread(geometry["radii"], reach, corners=True)
    return {name: moved.get(name, array) for name, array in geometry.items() if name != "reach"}


def fill_and_smooth(values, known, sigma):
    """Normalised Gaussian smoothing of (h, w) values where known; spreads into unknown texels."""
    weight = ndimage.gaussian_filter(known.astype(np.float64), sigma, mode="nearest")
    total = ndimage.gaussian_filter(np.where(known, values, 0.0), sigma, mode="nearest")
    wide_weight = ndimage.gaussian_filter(known.astype(np.float64), 8 * sigma, mode="nearest") + 1e-12
    wide = ndimage.gaussian_filter(np.where(known, values, 0.0), 8 * sigma, mode="nearest") / wide_weight
    return (total + 1e-3 * wide) / (weight + 1e-3)


def fit_sheets(outer, skin):
    """Sheets for a population.

    outer, skin: (heads, h, w) metres, radius of the outermost surface with hair, and of the skin; 0 where missed.
    Returns radii (23, 81, 81) float32 metres, at grid corners, outermost first.
    """
    outer, skin = np.asarray(outer, np.float32), np.asarray(skin, np.float32)
    outer_nan, skin_nan = np.where(outer > 0, outer, np.nan), np.where(skin > 0, skin, np.nan)
    known = (outer > 0).mean(0) > 0.02
    with np.errstate(all="ignore"):
        high = np.nan_to_num(np.nanquantile(outer_nan, 0.995, axis=0))
        bulk = np.nan_to_num(np.nanquantile(outer_nan, 0.95, axis=0))
        low = np.nan_to_num(np.nanquantile(outer_nan, 0.005, axis=0))
        skin_low = np.nan_to_num(np.nanquantile(skin_nan, 0.005, axis=0))
        skin_middle = np.nan_to_num(np.nanmedian(skin_nan, axis=0))
    low = np.where((skin > 0).mean(0) > 0.3, np.minimum(low, skin_low), low)
    hairy = known & (high - skin_middle > 0.02)
    high = high + HAIR_ROOM * ndimage.gaussian_filter(hairy.astype(float), 3)
    high = ndimage.grey_dilation(np.where(known, high, 0), size=5)
    low = ndimage.grey_erosion(np.where(known, low, 1), size=5)
    known = ndimage.binary_erosion(known, iterations=2)
    high = fill_and_smooth(high, known, 4.0) + MARGIN
    low = fill_and_smooth(low, known, 4.0) - MARGIN
    bulk = fill_and_smooth(bulk, known, 4.0) + 0.5 * MARGIN
    low = np.clip(low, 0.02, high - 0.03)
    bulk = np.clip(bulk, low + 0.015, high - 0.01)
    corners = np.linspace(0, 1, GRID + 1)
    place = [corners * high.shape[0] - 0.5, corners * high.shape[1] - 0.5]
    grid = np.meshgrid(*place, indexing="ij")
    high = ndimage.map_coordinates(high, grid, order=1, mode="nearest")
    low = ndimage.map_coordinates(low, grid, order=1, mode="nearest")
    bulk = ndimage.map_coordinates(bulk, grid, order=1, mode="nearest")
    index = np.arange(SHEETS, dtype=np.float64)[:, None, None]
    outside = high + (bulk - high) * (index / KNEE)
    inside = bulk + (low - bulk) * ((index - KNEE) / (SHEETS - 1 - KNEE))
    return np.where(index < KNEE, outside, inside).astype(np.float32)


def levels(radius, radii):
    """Level of surfaces: radius (..., h, w) metres at texel centres (0 = missed), radii (23, 81, 81).

    Returns levels (..., h, w) float32; 24 where the ray misses everything.
    """
    height, width = radius.shape[-2:]
    u, v = domes.texel_centres(height, width)
    place = [v * (radii.shape[1] - 1), u * (radii.shape[2] - 1)]
    tables = np.stack([ndimage.map_coordinates(table, place, order=1, mode="nearest") for table in level_bounds(radii)])
    level = radius_to_level(tables, radius)
    return np.where(radius > 0, np.clip(level, 0.0, SHEETS), SHEETS + 1.0).astype(np.float32)


def for_grid(geometry, grid):
    """The arrays of geometry.npz with the means resampled to textures of (grid, grid) and (2 grid, 2 grid) texels."""
    level, colour, parts = geometry["mean_level"], geometry["mean_colour"], geometry["part_colour"]
    if level.shape[-1] == grid:
        return geometry
    zoom = grid / level.shape[-1]
    level = ndimage.zoom(level, zoom, order=1, mode="nearest", grid_mode=True)
    colour = ndimage.zoom(colour, (1, zoom, zoom), order=1, mode="nearest", grid_mode=True)
    parts = ndimage.zoom(parts, (1, 1, zoom, zoom), order=1, mode="nearest", grid_mode=True)
    names = "mean_level", "mean_colour", "part_colour"
    return geometry | {name: value.astype(np.float32) for name, value in zip(names, (level, colour, parts))}


def part_colours(shards, count):
    """Average colours (3, 3, h, w) float32 in [0, 1] of skin, hair and cloth at every texel of the first ``count`` heads and
    their mirror images, continued to where a part was never seen."""
    total = weight = 0.0
    for shard in shards:
        rows = slice(0, max(count, 0))
        share = np.asarray(shard["dome_label"][rows]).astype(np.float32) / 255
        colour = np.asarray(shard["dome_rgba"][rows, ..., :3]).astype(np.float32) / 255
        total = total + np.einsum("nhwp,nhwc->pchw", share, colour)
        weight = weight + share.sum(0).transpose(2, 0, 1)
        count -= len(share)
    total, weight = total + total[..., ::-1], weight + weight[..., ::-1]
    known = weight > 4.0
    means = total / np.maximum(weight, 1e-6)[:, None]
    spread = [[ndimage.gaussian_filter(continued(plane, k), 1.5, mode="nearest") for plane in part] for part, k in zip(means, known)]
    return np.array(spread, np.float32)


def landmark_bias(seen, exact, cameras):
    """Where another detector sees landmarks, against the exact surface points of synthetic heads.

    seen: (heads, 468, 2) pixels by the detector, NaN where it found nothing; exact: the same by geometry; cameras:
    (heads, 4, 4) camera_to_world.
    Returns (468, 3) metres, symmetric: add it to the mean landmarks when landmarks come from that detector.
    """
    found = np.isfinite(seen).all((1, 2))
    error = (seen - exact)[found]
    scale = orbit_camera().fx / CROP_DISTANCE
    rotation = np.transpose(cameras[found][:, :3, :3], (0, 2, 1))
    moves = np.stack([scale * rotation[:, 0], -scale * rotation[:, 1]], 1)  # pixels by metres, (heads, 2, 3)
    prior = np.diag([1.0, 1.0, 30.0]) * 2.0 * scale**2  # depth is hardly seen: keep it small
    bias = np.zeros((error.shape[1], 3))
    for index in range(len(bias)):
        weight = np.ones(len(error))
        for _ in range(10):  # robust: Cauchy weights, 1.5 px
            weighted = moves * weight[:, None, None]
            solution = np.linalg.solve(np.einsum("hij,hik->jk", weighted, moves) + prior,
                                       np.einsum("hij,hi->j", weighted, error[:, index]))  # fmt: skip
            weight = 1 / (1 + (np.linalg.norm(error[:, index] - moves @ solution, axis=1) / 1.5) ** 2)
        bias[index] = solution
    bias[list(UNUSED_LANDMARKS)] = bias[LANDMARK_TWINS[list(UNUSED_LANDMARKS)]] * (-1.0, 1.0, 1.0)
    return (0.5 * (bias + bias[LANDMARK_TWINS] * (-1.0, 1.0, 1.0))).astype(np.float32)


def plain_geometry(grid):
    """Geometry of a featureless head for measuring and for tests: sheets 3 mm apart around a smooth dome.

    Returns a dict like geometry.npz for textures of ``grid`` texels.
    """
    corner = np.linspace(0, 1, 81)
    u, v = np.meshgrid(corner, corner)
    middle = 0.105 - 0.02 * np.abs(2 * u - 1) - 0.01 * (v > domes.EQUATOR_V)
    radii = middle[None] + (SHEETS // 2 - np.arange(SHEETS))[:, None, None] * 0.003
    return {
        "radii": radii.astype(np.float32),
        "mean_level": np.full((grid, grid), SHEETS / 2, np.float32),
        "mean_colour": np.full((3, 2 * grid, 2 * grid), 0.5, np.float32),
        "part_colour": np.full((3, 3, 2 * grid, 2 * grid), 0.5, np.float32),
        "mean_landmarks": np.random.default_rng(0).normal(0, 0.04, (468, 3)).astype(np.float32),
        "landmark_bias": np.zeros((468, 3), np.float32),
    }
