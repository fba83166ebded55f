"""The sheets of one subject: a band of domes close around the surface that the networks found.

The networks speak in *levels* of the model's sheets, which are the same for everybody and so must lie far apart to
hold every head and hair. The manifolds of a portrait hug its own surface instead, about a millimetre apart: coarse
steps between sheets would show as slices wherever the surface crosses them at a steep angle.
"""

import functools

import cv2
import numpy as np

from . import domes
from .sampling import sample_image
from .surface import nearest_index

KNEE = 6  # model sheets outside the bulk of the population; the level runs evenly on either side of it
SHARPNESS = 5.0  # logit change of opacity per level
GRID = 80  # quads per side of the radii tables
ROOM_OUTSIDE, ROOM_INSIDE = 0.003, 0.010  # metres between the surface and the first, and to the last sheet
REACH = 9  # texels of 160 that the band looks around for the surface's highest and lowest point
SMOOTH = 4.0  # texels of 160; the sheets are smoothed by a Gaussian of so many
THINNEST = 0.012  # metres from the axis below which no sheet goes
CARVE_STEP, CARVE_STEPS = 0.004, 28  # metres and number of steps of the search for the visual hull
GROW_STEP, FARTHEST = 0.002, 0.03  # metres per step of the search, and in all that the rim moves in one round
GROWTHS, COVERED = 3, 128  # rounds, and pixels per side of the map of what the surface covers
RIM = -0.4, -0.15, 0.25, 0.6  # cosines to the camera: columns count as rim between the middle two, and fade out beyond
GRAZING = 0.15, 0.45  # cosines to the photo's camera between which its colours come to be trusted
DEEPEST = 6.0  # centimetres behind the visible surface from which on depth makes no difference
INSIDE = 0.5  # matte from which on a point belongs to the subject


def bounds(radii):
    """Outermost sheet, knee and innermost sheet of the model's radii (23, n, n): what its levels are measured by."""
    return radii[[0, KNEE, -1]]


def level_to_radius(bounds, level):
    """Radius, metres, of a level. bounds (3, ...) metres and level (...) broadcast."""
    outer, bulk, inner = bounds
    steps = 22 - KNEE
    outside = outer + (bulk - outer) * (level / KNEE)
    return np.where(level < KNEE, outside, bulk + (inner - bulk) * ((level - KNEE) / steps))


def radius_to_level(bounds, radius):
    """Inverse of :func:`level_to_radius`."""
    outer, bulk, inner = bounds
    outside = (outer - radius) / (outer - bulk) * KNEE
    return np.where(radius > bulk, outside, KNEE + (bulk - radius) / (bulk - inner) * (22 - KNEE))


def expected_level(level, corrections):
    """Level at which a column turns solid, with the sheets' own corrections.

    level (h, w); corrections (n, h, w), added to the logit of each model sheet. The sum of the transmittances behind
    each sheet is the number of sheets in front of the surface. Returns (h, w) float32.
    """
    through, total = np.ones_like(level), np.zeros_like(level)
    for index, correction in enumerate(corrections):
        logit = SHARPNESS * (index + 0.5 - level) + correction
        through = through / (1.0 + np.exp(np.clip(logit, -30.0, 30.0)))
        total += through
    return total


@functools.lru_cache(maxsize=4)
def column_rays(height, width):
    """Where the texel columns start and their unit directions, (height, width, 3) float32 each, not to be written to.

    The point of a column at a radius is origin + radius * direction.
    """
    u, v = domes.texel_centres(height, width)
    near, far = domes.dome_points(u, v, 0.0), domes.dome_points(u, v, 1.0)
    origin, direction = near.astype(np.float32), (far - near).astype(np.float32)
    origin.flags.writeable = direction.flags.writeable = False
    return origin, direction


def carve(radius, matte, camera):
    """Move the surface inwards to where the photo shows the subject: its visual hull.

    radius (h, w) metres; matte (256, 256) in [0, 1] of the photo taken by camera. Returns radius (h, w) float32 and
    kept (h, w) bool: False where no point of the column projects onto the subject.
    """
    origin, direction = column_rays(*radius.shape)
    origin, direction = origin.reshape(-1, 3), direction.reshape(-1, 3)
    out, kept = radius.astype(np.float32).ravel().copy(), np.ones(radius.size, bool)
    open_columns, start, before = np.arange(radius.size), out.copy(), None
    for step in range(CARVE_STEPS):
        here = start - step * CARVE_STEP
        points = origin[open_columns] + direction[open_columns] * here[:, None]
        value = sample_image(matte, *camera.project(points)[0].T)
        inside = value >= INSIDE
        if step:  # between this step and the last one, where the matte crosses the threshold
            part = (INSIDE - before[inside]) / np.maximum(value[inside] - before[inside], 1e-6)
            out[open_columns[inside]] = here[inside] + (1.0 - part) * CARVE_STEP
        missed = ~inside & (here > THINNEST)
        kept[open_columns[~inside & (here <= THINNEST)]] = False
        open_columns, start, before = open_columns[missed], start[missed], value[missed]
        if not open_columns.size:
            break
    kept[open_columns] = False
    return out.reshape(radius.shape), kept.reshape(radius.shape)


def grow(radius, matte, camera):
    """Move the rim of the surface outwards to where the photo's silhouette lies, (h, w) float32 metres.

    Wherever the photo sees the surface edge-on, the true surface touches the visual hull. Only columns move whose point
    on the hull shows in a part of the silhouette that the surface leaves empty. radius (h, w) metres, inside the hull;
    matte and camera as in :func:`carve`.
    """
    origin, direction = column_rays(*radius.shape)
    gap, inside = np.full(radius.shape, FARTHEST, np.float32), np.ones(radius.shape, bool)
    for step in np.arange(GROW_STEP, FARTHEST + GROW_STEP, GROW_STEP, dtype=np.float32):
        points = origin + direction * (radius + step)[..., None]
        still = sample_image(matte, *np.moveaxis(camera.project(points)[0], -1, 0)) >= INSIDE
        gap[inside & ~still] = step - GROW_STEP
        inside &= still
    angle = facing(radius, camera)
    rim = np.clip((RIM[3] - angle) / (RIM[3] - RIM[2]), 0.0, 1.0)
    rim *= np.clip((angle - RIM[0]) / (RIM[1] - RIM[0]), 0.0, 1.0)
    rim *= np.clip(2.0 - 2.0 * gap / FARTHEST, 0.0, 1.0)  # what is far inside the hull is no rim of the silhouette
    pixel, _ = camera.project(origin + direction * (radius + gap)[..., None])
    scale = COVERED / camera.width
    rim *= sample_image(_uncovered(radius, matte, camera), pixel[..., 0] * scale, pixel[..., 1] * scale)
    return radius + _blur((rim * gap).astype(np.float32), 1.5 * radius.shape[0] / 160.0)


def _uncovered(radius, matte, camera):
    """Where the photo shows the subject and the surface does not: (COVERED, COVERED) float32 in [0, 1], soft."""
    seen = visible_depth(radius, np.ones(radius.shape, bool), camera, COVERED, np.inf) < np.inf
    seen = cv2.morphologyEx(seen.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    wanted = cv2.resize(matte, (COVERED, COVERED), interpolation=cv2.INTER_AREA) >= INSIDE
    empty = (wanted & (seen == 0)).astype(np.uint8)
    return cv2.GaussianBlur(cv2.dilate(empty, np.ones((3, 3), np.uint8)).astype(np.float32), (0, 0), 1.0)


def fit_to_hull(radius, matte, camera):
    """Carve and grow a surface until its silhouette is the photo's. Returns as :func:`carve` does."""
    radius, kept = carve(radius, matte, camera)
    for _ in range(GROWTHS):
        radius = grow(radius, matte, camera)
    grown, still = carve(radius, matte, camera)
    return grown, kept & still


def place_sheets(radius, known, count=23):
    """Radii (count, 81, 81) float32 metres of sheets around a surface, outermost first, even along each column.

    radius (h, w) metres at texel centres; known (h, w) bool where there is a surface, which is continued elsewhere.
    """
    scale = radius.shape[0] / 160.0
    surface = continued(radius, known)
    kernel = np.ones((max(1, round(REACH * scale)),) * 2, np.uint8)
    outer = _blur(cv2.dilate(surface, kernel), SMOOTH * scale) + ROOM_OUTSIDE
    inner = np.maximum(_blur(cv2.erode(surface, kernel), SMOOTH * scale) - ROOM_INSIDE, THINNEST)
    outer, inner = (at_corners(image, GRID) for image in (outer, inner))
    share = np.linspace(0.0, 1.0, count, dtype=np.float32)[:, None, None]
    return (outer + (inner - outer) * share).astype(np.float32)


def facing(radius, camera):
    """Cosine between the surface's normal and the direction to a camera, (h, w) float32; radius (h, w) metres.

    Smoothed over about a centimetre, so that what depends on it has no hard edges.
    """
    origin, direction = column_rays(*radius.shape)
    sigma = 2.0 * radius.shape[0] / 160.0
    points = _blur(origin + direction * radius[..., None], sigma)
    normal = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    normal *= np.sign((normal * direction).sum(-1, keepdims=True))
    towards = camera.position.astype(np.float32) - points
    length = np.linalg.norm(normal, axis=-1) * np.linalg.norm(towards, axis=-1)
    return _blur(((normal * towards).sum(-1) / np.maximum(length, 1e-12)).astype(np.float32), sigma)


def behind(radius, depth, camera):
    """How far the surface lies behind what a camera sees, (h, w) float32 centimetres, smoothed like :func:`facing`.

    radius (h, w) metres; depth as of :func:`visible_depth` of the same camera.
    """
    origin, direction = column_rays(*radius.shape)
    pixel, distance = camera.project(origin + direction * radius[..., None])
    scale = depth.shape[0] / camera.width
    seen = sample_image(depth, pixel[..., 0] * scale, pixel[..., 1] * scale)
    gap = np.clip((distance - seen) * 100.0, -DEEPEST, DEEPEST).astype(np.float32)
    return _blur(gap, radius.shape[0] / 160.0)


def _blur(image, sigma):
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)


def trust(facing):
    """How far colours of the photo serve a surface, 0 to 1, by its :func:`facing`: grazing angles smear pixels."""
    share = np.clip((facing - GRAZING[0]) / (GRAZING[1] - GRAZING[0]), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def continued(values, known):
    """values (h, w) float32 where known, elsewhere those of the nearest known texel."""
    if not known.any():
        return values.astype(np.float32)
    return values.astype(np.float32).ravel()[nearest_index(known)]


def at_corners(image, quads):
    """Look an image (h, w) of texels up at the corners of a grid of quads: (quads + 1, quads + 1) float32."""
    rows, columns = (np.arange(quads + 1, dtype=np.float32) / quads * size - 0.5 for size in image.shape)
    x, y = np.meshgrid(columns, rows)
    return cv2.remap(image, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)


def visible_depth(radius, known, camera, size, far):
    """Depth (size, size) float32 metres of the surface that a camera sees, ``far`` where it sees none.

    radius (h, w) metres, known (h, w) bool. The mean of the points of a pixel that lie within 8 mm of its nearest.
    """
    origin, direction = column_rays(*radius.shape)
    points = (origin + direction * radius[..., None])[known]
    pixel, depth = camera.project(points)
    place = np.floor(pixel * (size / camera.width)).astype(np.int64)
    seen = ((place >= 0) & (place < size)).all(1)
    index, depth = place[seen, 1] * size + place[seen, 0], depth[seen].astype(np.float32)
    nearest = np.full(size * size, np.float32(far))
    np.minimum.at(nearest, index, depth)
    front = depth <= nearest[index] + 0.008
    count = np.bincount(index[front], minlength=size * size)
    total = np.bincount(index[front], depth[front], minlength=size * size)
    found = np.where(count > 0, total / np.maximum(count, 1), far)
    return found.reshape(size, size).astype(np.float32)

