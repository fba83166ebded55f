"""The photo's silhouette, met from both sides: the surface is carved to the visual hull and grown to touch it.

Constants without another source were chosen on unseen heads (the first half of seed 90210 in docs/results.md) and by
looking at twelve test portraits.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from ..geometry import domes
from ..geometry.cameras import Camera
from ..geometry.domes import column_points, column_rays
from ..geometry.sampling import sample_image
from .columns import GRID
from .sheets import THINNEST
from .visibility import blurred, covered

SMOOTH = 1.0  # texels of GRID; the fitted surface is smoothed by a Gaussian of so many
CARVE_STEP, CARVE_STEPS = 0.004, 28  # metres and number of steps of the search for the visual hull
PASSING, PASSING_STEPS = 0.15, 96  # metres before and behind the middle where a ray may come close, and samples there
HILLS = 0.0, 0.002, 0.005, 0.01, 0.02, 0.04  # metres; a round raises hills of one width for each span of heights
TEXTURE_HEIGHT = 0.2  # metres, about what the columns' rows span on a head
CHUNK = 512  # rays followed at once; what is known of them stays in the cache
EDGE = 3.0  # texels of GRID; how near to the textures' border no hill stands
STEEPNESS = 0.5  # width of a hill by its height
FOREIGN = 0.03  # metres; a ray raises what is of its pixel's part rather than another part that is nearer by less
RAISED = 0.35  # of a ray's gap: what the column that it passes most closely wants (docs/results.md)
GROWTHS, COVERED = 3, 256  # rounds, and pixels per side of the map of what the surface covers
FEWEST = 6  # columns of GRID in a gap that the photo shows, so that a matte's stray pixels fill none
WIDENING = 1.0  # of the subject to each side, by the distance from the border that cuts it: 45 degrees
INSIDE = 0.3  # matte from which on a point belongs to the subject; colours of the soft rim come from further inside


def fit_surface(
    radius: np.ndarray,
    known: np.ndarray,
    matte: np.ndarray,
    camera: Camera,
    beyond: np.ndarray | None = None,
    parts: tuple[np.ndarray, np.ndarray] | None = None,
    reach: float | Sequence[float] = HILLS[-1],
) -> tuple[np.ndarray, np.ndarray]:
    """A surface whose silhouette is the photo's: radius (h, w) float32 metres, and where there is one, (h, w) bool.

    radius (h, w) float32 metres of the surface that networks found, and known (h, w) bool, the columns that they take
    for the subject's. matte (256, 256) in [0, 1] of the photo that camera took. beyond (256, 256) bool, where there is
    no photo. parts: chances in [0, 1] of the columns' parts, (p, h, w), and of the photo's, (p, 256, 256); None where
    all is one. reach: metres, of all parts or of each; rays that pass by farther raise nothing.
    """
    radius, kept = fit_to_hull(np.maximum(radius, THINNEST), matte, camera, beyond, parts, reach)
    known = kept & known
    there = matte if beyond is None else np.where(beyond, np.float32(0.0), matte)
    return radius, known | kept & shown(radius, known, there, camera)


def occupied(occupancy: np.ndarray) -> np.ndarray:
    """Columns (h, w) bool that meet the subject by their occupancy (logit), smoothed, and those that they enclose.

    Rays miss a subject beside it, not through it.
    """
    return without_holes(blurred(occupancy, SMOOTH * occupancy.shape[0] / GRID) > 0.0)


def without_holes(found: np.ndarray) -> np.ndarray:
    """Columns (h, w) bool, and those that they enclose."""
    _, labels = cv2.connectedComponents((~found).astype(np.uint8), connectivity=4)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return found | ~np.isin(labels, border)


def shown(radius: np.ndarray, known: np.ndarray, matte: np.ndarray, camera: Camera) -> np.ndarray:
    """Columns (h, w) bool that are there after all: gaps between known columns, (h, w) bool, in which the photo shows
    the subject though no known column does. A neck behind an ear is such a gap.

    radius (h, w) metres; matte (256, 256) in [0, 1] of the photo taken by camera.
    """
    missing = cv2.erode(uncovered(radius, known, matte, camera).astype(np.float32), np.ones((3, 3)))
    pixel, _ = camera.project(column_points(radius))
    inside = (sample_image(missing, *np.moveaxis(pixel, -1, 0) * (COVERED / camera.width)) > 0.5) & ~known
    _, labels = cv2.connectedComponents((~known).astype(np.uint8), connectivity=4)
    sizes = np.bincount(labels[inside], minlength=labels.max() + 1)
    gaps = np.flatnonzero(sizes >= FEWEST * (radius.shape[0] / GRID) ** 2)
    return np.isin(labels, gaps[gaps > 0])


def fit_to_hull(
    radius: np.ndarray,
    matte: np.ndarray,
    camera: Camera,
    beyond: np.ndarray | None = None,
    parts: tuple[np.ndarray, np.ndarray] | None = None,
    reach: float | Sequence[float] = HILLS[-1],
) -> tuple[np.ndarray, np.ndarray]:
    """Carve and grow a surface until its silhouette is the photo's. Arguments and results as of :func:`carve`; where
    there is no photo, ``beyond`` (256, 256) bool, nothing grows, and only what :func:`goes_on` rules out is carved.
    parts and reach as of :func:`grow`."""
    there = matte if beyond is None else np.where(beyond, np.float32(0.0), matte)
    matte = matte if beyond is None else np.where(beyond, np.float32(goes_on(matte, beyond)), matte)
    radius, kept = carve(radius, matte, camera)
    for _ in range(GROWTHS):
        radius = grow(radius, there, camera, parts, reach)
    grown, still = carve(radius, matte, camera)
    return blurred(grown, SMOOTH * radius.shape[0] / GRID), kept & still


def goes_on(matte: np.ndarray, beyond: np.ndarray) -> np.ndarray:
    """Where the subject may go on, (256, 256) bool, beyond the photo's border: where that cuts it, and wider by
    :data:`WIDENING`. What networks find beside a border that shows the backdrop is none of it.

    matte (256, 256) in [0, 1] of the photo; beyond (256, 256) bool, where there is no photo.
    """
    border = cv2.dilate(np.uint8(beyond), np.ones((5, 5))) * np.uint8(~beyond)
    cut = border * np.uint8(matte >= INSIDE)
    from_cut, from_photo = (cv2.distanceTransform(1 - where, cv2.DIST_L2, 5) for where in (cut, np.uint8(~beyond)))
    return from_cut <= 1.0 + math.hypot(1.0, WIDENING) * from_photo


def carve(radius: np.ndarray, matte: np.ndarray, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
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


def grow(
    radius: np.ndarray,
    matte: np.ndarray,
    camera: Camera,
    parts: tuple[np.ndarray, np.ndarray] | None = None,
    reach: float | Sequence[float] = HILLS[-1],
) -> np.ndarray:
    """Raise the surface towards the photo's silhouette where it does not reach it, (h, w) float32 metres.

    The true surface touches the ray of every pixel at the silhouette, but nobody knows in which column: a ray passes a
    head within millimetres for centimetres. So each ray that shows the subject and passes by the surface raises it
    where it comes closest by a share of the gap, as a hill as wide as the gap; the photo's rim shows what is left.
    Hair raises hair, a collar the clothes and not the cheek above them, which the ray of the collar passes as closely.
    radius (h, w) metres, inside the hull; matte and camera as in :func:`carve`; parts: chances in [0, 1] of the
    columns' parts, (p, h, w), and of the photo's pixels, (p, 256, 256); None where all is one. reach: metres, of
    all parts or of each; rays that pass by farther raise nothing.
    """
    rows, columns = np.nonzero(uncovered(radius, np.ones(radius.shape, bool), matte, camera))
    if not len(rows):
        return radius
    scale = camera.width / COVERED
    origins, directions = camera.rays((columns + 0.5) * scale, (rows + 0.5) * scale)
    shares, kinds = [np.ones_like(radius)], np.zeros(len(rows), int)
    if parts is not None:
        shares, kinds = parts[0], parts[1].argmax(0)[rows, columns]
    lifted = np.zeros_like(radius)
    for kind, (share, farthest) in enumerate(zip(shares, np.broadcast_to(reach, len(shares)))):
        which = np.flatnonzero(kinds == kind)
        if not len(which):
            continue
        chunks = [which[start : start + CHUNK] for start in range(0, len(which), CHUNK)]
        foreign = np.float32(FOREIGN) * (1.0 - share)
        found = [closest_approach(radius, origins[chunk], directions[chunk], foreign) for chunk in chunks]
        gap, *places = (np.concatenate(values) for values in zip(*found))
        hills = RAISED * _hills(np.where(gap <= farthest, gap, 0.0), *places, radius.shape)
        own = np.minimum(2.0 * share, 1.0)  # the likeliest part's columns as a whole, and a slope beside them
        lifted = np.maximum(lifted, hills * blurred(own, SMOOTH * radius.shape[0] / GRID))
    return radius + lifted


def _hills(gap, u, v, shape):
    """Heights (h, w) float32 metres of hills of heights gap (n,) at columns u, v (n,)."""
    height, width = shape
    lifted = np.zeros(shape, np.float32)
    for low, high in zip(HILLS, HILLS[1:]):
        chosen = (gap > low) & (gap <= high)
        if not chosen.any():
            continue
        peaks = np.zeros(shape, np.float32)
        np.maximum.at(peaks, ((v[chosen] * height).astype(int), (u[chosen] * width).astype(int)), gap[chosen])
        wide = max(1, round(high * STEEPNESS * height / TEXTURE_HEIGHT))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * wide + 1,) * 2)
        lifted = np.maximum(lifted, blurred(cv2.dilate(peaks, disc), wide / 2))
    return lifted


def closest_approach(
    radius: np.ndarray, origins: np.ndarray, directions: np.ndarray, foreign: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where rays come closest to a surface, measured along its columns.

    radius (h, w) metres; origins and directions (n, 3), directions unit; foreign (h, w) metres that a column counts as
    further away. Returns gap (n,) metres, infinite where a ray passes by the textures, and u, v (n,) of the column.
    """
    steps = PASSING * np.linspace(-1.0, 1.0, PASSING_STEPS) - (origins * directions).sum(-1)[:, None]
    planes = np.empty((3, len(steps), PASSING_STEPS), np.float32)
    for plane, origin, direction in zip(planes, origins.T, directions.T):
        plane[:] = origin[:, None] + direction[:, None] * steps
    points = np.moveaxis(planes, 0, -1)
    u, v, reach = domes.dome_coordinates(points)
    surface = np.dstack([radius, foreign]).astype(np.float32)
    height, more = np.moveaxis(sample_image(surface, u * radius.shape[1], v * radius.shape[0]), -1, 0)
    gap = reach - height
    beside = (u < 0) | (u >= 1) | (v < 0) | (v >= 1) | (points[..., 2] < domes.AXIS_Z)
    np.copyto(gap, np.inf, where=beside)
    ray, closest = np.arange(len(gap)), (gap + more).argmin(1)
    gap, u, v = (values[ray, closest] for values in (gap, u, v))
    edge = EDGE / GRID  # what comes closest at the textures' border comes closer yet beyond
    gap[(u < edge) | (u > 1 - edge) | (v < edge) | (v > 1 - edge)] = np.inf
    return gap, u, v


def uncovered(radius: np.ndarray, known: np.ndarray, matte: np.ndarray, camera: Camera) -> np.ndarray:
    """Pixels (COVERED, COVERED) bool where the photo shows the subject and no known column does.

    radius (h, w) metres; known (h, w) bool; matte (256, 256) in [0, 1] of the photo taken by camera.
    """
    seen = covered(radius, known, camera, COVERED)
    seen = cv2.morphologyEx(seen.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    wanted = cv2.resize(matte, (COVERED, COVERED), interpolation=cv2.INTER_AREA) >= INSIDE
    return wanted & (seen == 0)
