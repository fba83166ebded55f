"""The sheets of one subject: a band of domes close around the surface that the networks found.

The networks speak in *levels* of the model's sheets, which are the same for everybody and so must lie far apart to
hold every head and hair. The manifolds of a portrait run nearly parallel to its own surface instead, less than a
millimetre apart: wherever a surface crosses sheets at a steep angle, silhouettes would show the gaps between them.
"""

import functools

import cv2
import numpy as np

from ..geometry import domes
from ..geometry.sampling import sample_image
from ..mesh.surface import nearest_index

KNEE = 6  # model sheets outside the bulk of the population; the level runs evenly on either side of it
GRID = 160  # quads per side of the radii tables
SOFTNESS = 0.0025, 0.004, 0.004  # metres on either side of skin, hair and cloth within which rays end
ROOM_OUTSIDE, ROOM_INSIDE = 0.0042, 0.0108  # metres from the surface to the first and the last sheet
SMOOTH = 1.0  # texels of 160; the fitted surface is smoothed by a Gaussian of so many
THINNEST = 0.012  # metres from the axis below which no sheet goes
CARVE_STEP, CARVE_STEPS = 0.004, 28  # metres and number of steps of the search for the visual hull
PASSING, PASSING_STEPS = 0.15, 96  # metres before and behind the middle where a ray may come close, and samples there
HILLS = 0.0, 0.002, 0.005, 0.01, 0.02, 0.04  # metres; a round raises hills of one width for each span of heights
TEXTURE_HEIGHT = 0.2  # metres, about what the columns' rows span on a head
CHUNK = 4096  # rays followed at once
EDGE = 3.0  # texels of 160; how near to the textures' border no hill stands
STEEPNESS = 0.8  # width of a hill by its height
GROWTHS, COVERED = 3, 256  # rounds, and pixels per side of the map of what the surface covers
GRAZING = 0.15, 0.45  # cosines to the photo's camera between which its colours come to be trusted
DEEPEST = 6.0  # centimetres behind the visible surface from which on depth makes no difference
INSIDE = 0.3  # matte from which on a point belongs to the subject; colours of the soft rim come from further inside


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
    """Raise the surface to where the photo's silhouette lies and the surface does not reach, (h, w) float32 metres.

    The true surface touches the ray of every pixel at the silhouette. Each ray that shows the subject and passes by the
    surface raises it where it comes closest, as a hill as wide as it is high. radius (h, w) metres, inside the hull;
    matte and camera as in :func:`carve`.
    """
    rows, columns = np.nonzero(_uncovered(radius, matte, camera))
    if not len(rows):
        return radius
    scale = camera.width / COVERED
    origins, directions = camera.rays((columns + 0.5) * scale, (rows + 0.5) * scale)
    parts = [slice(start, start + CHUNK) for start in range(0, len(rows), CHUNK)]
    found = [closest_approach(radius, origins[part], directions[part]) for part in parts]
    gap, u, v = (np.concatenate(values) for values in zip(*found))
    height, width = radius.shape
    lifted = np.zeros_like(radius)
    for low, high in zip(HILLS, HILLS[1:]):
        chosen = (gap > low) & (gap <= high)
        if not chosen.any():
            continue
        peaks = np.zeros_like(radius)
        np.maximum.at(peaks, ((v[chosen] * height).astype(int), (u[chosen] * width).astype(int)), gap[chosen])
        wide = max(1, round(high * STEEPNESS * height / TEXTURE_HEIGHT))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * wide + 1,) * 2)
        lifted = np.maximum(lifted, _blur(cv2.dilate(peaks, disc), wide / 2))
    return radius + lifted


def closest_approach(radius, origins, directions):
    """Where rays come closest to a surface, measured along its columns.

    radius (h, w) metres; origins and directions (n, 3), directions unit. Returns gap (n,) metres, infinite where a ray
    passes by the textures, and u, v (n,) of the column.
    """
    middle = -(origins * directions).sum(-1)[:, None, None]
    steps = middle + PASSING * np.linspace(-1.0, 1.0, PASSING_STEPS)[:, None]
    points = origins[:, None] + directions[:, None] * steps
    u, v, reach = domes.dome_coordinates(points)
    gap = reach - sample_image(radius, u * radius.shape[1], v * radius.shape[0])
    gap[(u < 0) | (u >= 1) | (v < 0) | (v >= 1) | (points[..., 2] < domes.AXIS_Z)] = np.inf
    ray, closest = np.arange(len(gap)), gap.argmin(1)
    gap, u, v = (values[ray, closest] for values in (gap, u, v))
    edge = EDGE / 160.0  # what comes closest at the textures' border comes closer yet beyond
    gap[(u < edge) | (u > 1 - edge) | (v < edge) | (v > 1 - edge)] = np.inf
    return gap, u, v


def _uncovered(radius, matte, camera):
    """Pixels (COVERED, COVERED) bool where the photo shows the subject and the surface does not."""
    seen = visible_depth(radius, np.ones(radius.shape, bool), camera, COVERED, np.inf) < np.inf
    seen = cv2.morphologyEx(seen.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    wanted = cv2.resize(matte, (COVERED, COVERED), interpolation=cv2.INTER_AREA) >= INSIDE
    return wanted & (seen == 0)


def fit_to_hull(radius, matte, camera):
    """Carve and grow a surface until its silhouette is the photo's. Returns as :func:`carve` does."""
    radius, kept = carve(radius, matte, camera)
    for _ in range(GROWTHS):
        radius = grow(radius, matte, camera)
    grown, still = carve(radius, matte, camera)
    return _blur(grown, SMOOTH * radius.shape[0] / 160.0), kept & still


def place_sheets(radius, known, count=23):
    """Radii (count, 161, 161) float32 metres of sheets around a surface, outermost first, even along each column.

    radius (h, w) metres at texel centres; known (h, w) bool where there is a surface, which is continued elsewhere.
    """
    surface = at_corners(continued(radius, known), GRID)
    outer, inner = surface + ROOM_OUTSIDE, np.maximum(surface - ROOM_INSIDE, THINNEST)
    share = np.linspace(0.0, 1.0, count, dtype=np.float32)[:, None, None]
    return (outer + (inner - outer) * share).astype(np.float32)


def softness(parts):
    """How far to either side of the surface rays end, (h, w) float32 metres. parts (3, h, w): skin, hair and cloth."""
    return np.tensordot(np.float32(SOFTNESS), parts, 1)


def in_levels(radius, softness, outer, inner, count):
    """Level of a surface among a subject's own sheets, and its softness in levels; the last sheet lets nothing pass.

    radius of the surface, its softness, and the radii of the outermost and the innermost of ``count`` sheets: (...)
    metres.
    """
    step = (outer - inner) / (count - 1)
    softness = softness / step
    return np.minimum((outer - radius) / step, count - 0.5 - softness), softness


def ending(level, softness, count):
    """Shares of the rays into a column that each of ``count`` sheets ends, of those that reach it: the opacities of a
    soft surface, outermost sheet first.

    Where rays end is spread around the surface by a smoothstep, half of them in front of it, so what is composited
    shows it where it is, and a ray that grazes it fades as much on either side (opacities from a distribution of
    depths, as in NeuS, NeurIPS 2021). level (...) of the surface and softness (...), in levels of the subject's own
    sheets, on either side of it. Yields ``count`` arrays (...) in [0, 1].
    """
    after = _passing((-0.5 - level) / softness)
    for index in range(count):
        before, after = after, _passing((index + 0.5 - level) / softness)
        yield 1.0 - after / np.maximum(before, 1e-6)


def _passing(past):
    """Share of the rays that pass a point, which lies past the surface by ``past`` times its softness."""
    part = np.clip(0.5 - 0.5 * past, 0.0, 1.0)
    return part * part * (3.0 - 2.0 * part)


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
