"""A portrait as 3-D Gaussian splats: flat discs on its surface, as fine as the photo shows it there.

Rasterisers draw splats in the order of their centres, and of two opaque discs the nearer one wins. On every sheet and
sorted like that, discs would shift what the photo shows; so one layer of them lies where the sheets of a column add up
to, and a coarse layer behind it closes the gaps.
"""

import dataclasses

import cv2
import numpy as np

from ..errors import PortraitError
from ..geometry import detail_maps, domes
from ..geometry.sampling import sample_image
from ..mesh.surface import find_surface
from ..portrait import Portrait
from ..progress import Progress, silent
from .discs import OPAQUE, Splats, discs, joined
from .outline import CLEAR, beside, outline_views, with_edge_colours, within_outline

COUNT = 400_000  # splats: 27 MB, what viewers on telephones still draw
LEAST, MOST = 20_000, 4_000_000  # splats that can be asked for
SIGMA = 0.45  # of the distance between two discs: more blurs and shifts, less shows the lattice; by views of 8 heads
BACKING_SIGMA = 0.7  # the same behind, where blur does not matter and gaps do
BACKING = 2  # texels across between two discs behind
BACKING_DEPTH = 0.002  # metres behind the surface; there they are sorted behind it also where it slopes
FINEST = 4  # discs along a texel's side where the photo shows most; a detail map has about as many
UNSEEN = (0.5 / 255) ** 2  # mean square of colours in a texel that is not worth more discs
SHARPEN = 1.0  # of what the discs' blur takes away that is added before


def make_splats(
    portrait: Portrait, count: int = COUNT, threads: int = 0, progress: Progress = silent
) -> Splats:
    """A portrait as at most ``count`` splats: one for each texel of its surface, or for fewer of them where there are
    more; and where the photo shows finer things 4 or 16.

    threads: of the views that tell the outline; 0 takes as many as the machine has cores. progress: called with
    (fraction, text) between the stages; may raise Cancelled.
    Raises PortraitError when the portrait is empty or the count out of range.
    """
    if not LEAST <= count <= MOST:
        raise PortraitError(f"the number of splats must lie between {LEAST} and {MOST}, not {count}")
    progress(0.0, "reading the surface")
    try:
        surface = find_surface(portrait.textures, portrait.radii)
    except ValueError:
        raise PortraitError("this portrait holds no solid surface; invert the photo again") from None
    views = outline_views(
        portrait, threads, lambda fraction: progress(0.1 + 0.5 * fraction, "looking at the outline")
    )
    radius, opacity = within_outline(surface.radius, surface.opacity, views)
    progress(0.7, "placing splats")
    lattice = _lattice(radius, opacity, count)
    colour = _fine_colour(surface.color, portrait.detail)
    parts = [_backing(lattice, colour)]
    if portrait.rim is not None:
        points = lattice.points[lattice.opacity > 0.5]
        parts.append(beside(points, portrait.rim, *views[0]))
    factors = _factors(colour, lattice, count - sum(len(part.positions) for part in parts))
    parts += [_front(lattice, factors, factor, colour) for factor in (1, 2, FINEST)]
    splats = joined(parts)
    if portrait.rim is not None:
        splats = with_edge_colours(splats, portrait.rim, *views[0])
    progress(1.0, "done")
    return splats


@dataclasses.dataclass(frozen=True)
class _Lattice:
    """Planes (h, w) over the texels: points (h, w, 3) metres, across and down (h, w, 3) metres to the next one, and
    opacity in [0, 1], 0 where there is nothing."""

    points: np.ndarray
    across: np.ndarray
    down: np.ndarray
    opacity: np.ndarray


def _lattice(radius, opacity, count):
    """The texels, or fewer of them if need be: most of a count for the front, so that the rest has room."""
    height, width = radius.shape
    scale = np.sqrt(0.7 * count / max(np.count_nonzero(opacity > CLEAR), 1))
    if scale < 1.0:
        size = max(int(width * scale), 2), max(int(height * scale), 2)
        radius, opacity = (cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (radius, opacity))
    points = domes.column_points(radius)
    down, across = np.gradient(points, axis=(0, 1))
    return _Lattice(points, across, down, np.where(opacity > CLEAR, opacity, np.float32(0.0)))


def _fine_colour(colour, detail):
    """Colours (FINEST h, FINEST w, 3) float32 in [0, 1] of the texels with the detail map on them."""
    size = FINEST * colour.shape[1], FINEST * colour.shape[0]
    fine = cv2.resize(colour.astype(np.float32) / 255, size, interpolation=cv2.INTER_LINEAR)
    if detail is not None:
        fine += cv2.resize(detail_maps.decode(detail), size, interpolation=cv2.INTER_LINEAR)
    return np.clip(fine, 0.0, 1.0, out=fine)


def _factors(colour, lattice, count):
    """Discs along each texel's side (h, w): 0 for none, else 1, 2 or FINEST, by what that brings for what it costs."""
    height, width = lattice.opacity.shape
    grey = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)
    lost = []  # per texel: squares of what discs of so many a side do not show
    for factor in (1, 2, FINEST):
        coarse = cv2.resize(grey, (factor * width, factor * height), interpolation=cv2.INTER_AREA)
        error = (grey - cv2.resize(coarse, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)) ** 2
        lost.append(cv2.resize(error, (width, height), interpolation=cv2.INTER_AREA))
    present = lattice.opacity > 0.0
    to_two = np.where(present, lost[0] - lost[1], -1.0) / 3.0  # for each disc that is added
    to_finest = np.minimum((lost[1] - lost[2]) / (FINEST**2 - 4), to_two)
    gains, costs = np.r_[to_two.ravel(), to_finest.ravel()], np.repeat([3, FINEST**2 - 4], present.size)
    order = np.argsort(-gains, kind="stable")
    order = order[(costs[order].cumsum() <= count - np.count_nonzero(present)) & (gains[order] * costs[order] > UNSEEN)]
    chosen = np.zeros(len(gains), bool)
    chosen[order] = True
    two, finest = chosen.reshape(2, height, width)
    return np.where(present, np.where(finest & two, FINEST, np.where(two, 2, 1)), 0)


def _front(lattice, factors, factor, colour):
    """Splats of factor x factor discs in each of the texels that shall have so many."""
    row, column = np.nonzero(factors == factor)
    inside = (np.arange(factor) + 0.5) / factor
    y = np.broadcast_to(row[:, None, None] + inside[:, None], (len(row), factor, factor)).ravel()
    x = np.broadcast_to(column[:, None, None] + inside, (len(row), factor, factor)).ravel()
    size = factor * factors.shape[1], factor * factors.shape[0]
    shown = cv2.resize(colour, size, interpolation=cv2.INTER_AREA)
    shown = shown + SHARPEN * (shown - cv2.GaussianBlur(shown, (0, 0), SIGMA))
    return discs(
        sample_image(lattice.points, x, y),
        sample_image(lattice.across, x, y) / factor,
        sample_image(lattice.down, x, y) / factor,
        sample_image(lattice.opacity, x, y),
        np.clip(sample_image(shown, factor * x, factor * y), 0.0, 1.0),
        SIGMA,
    )


def _backing(lattice, colour):
    """Splats behind the middle of what is opaque, so that gaps between those in front show its colours."""
    height, width = lattice.opacity.shape
    opaque = cv2.erode((lattice.opacity >= OPAQUE).astype(np.uint8), np.ones((2 * BACKING + 1,) * 2, np.uint8))
    row, column = np.nonzero(opaque)
    chosen = (row % BACKING == 0) & (column % BACKING == 0)
    row, column = row[chosen], column[chosen]
    shown = cv2.blur(cv2.resize(colour, (width, height), interpolation=cv2.INTER_AREA), (BACKING + 1,) * 2)
    across, down = (BACKING * plane[row, column] for plane in (lattice.across, lattice.down))
    inwards = np.cross(across, down)
    inwards /= np.maximum(np.linalg.norm(inwards, axis=-1, keepdims=True), 1e-12)
    points = lattice.points[row, column] + BACKING_DEPTH * inwards
    return discs(points, across, down, lattice.opacity[row, column], shown[row, column], BACKING_SIGMA)
