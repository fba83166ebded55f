"""The subject's rim from the photo at its own resolution: its matte, its colours without the backdrop, its place.

Constants were chosen on own views of synthetic heads with exact mattes, and by looking at test portraits from up to ten
degrees aside.
"""

import cv2
import numpy as np

from ..alignment.align import Alignment
from ..geometry.cameras import Camera
from ..geometry.curves import linear_step
from ..geometry.filling import continued
from ..geometry.rims import Rim
from ..photo.guided_filter import apply_affine, guided_affine
from .hull import uncovered
from .visibility import blurred, far_depth, visible_depth

PLACES, FINER = 64, 2  # cells per side of the table of places, and how much finer depths are looked at
RADIUS, VARIANCE = 8, 3e-5  # pixels of the crop and squared intensity of the guided filter
EDGE_GAIN = 1.25  # it softens; this makes inside 1 and outside 0 again
EMPTY, FULL = 0.02, 0.98  # matte below which a pixel of the crop is all backdrop, and above which all subject
WHOLE, ENDED = 6.0, 12.0  # pixels of the crop inside the edge up to which the rim is whole, and where it has ended
REACH, FADED = 8.0, 12.0  # the same outside of it, where sheets may be too large
BORDER = 4.0, 9.0  # pixels of the crop from its border, and from the photo's, between which the rim sets in


def lift_rim(
    alignment: Alignment,
    matte: np.ndarray,
    backdrop: np.ndarray,
    radius: np.ndarray,
    valid: np.ndarray,
    given: np.ndarray | None = None,
) -> Rim:
    """The :class:`Rim` of an alignment, as fine as its detail, or as its crop where that shows as much.

    matte: (256, 256) float32 in [0, 1] of the crop. backdrop: (3, 256, 256) in [0, 1], the colours behind mixed pixels.
    radius (h, w) metres and valid (h, w) bool: the surface. given: (s, s) in [0, 1], a matte of that picture, which
    is taken as it is; else a detail's edges sharpen the crop's.
    """
    short = stops_short(radius, valid, matte, alignment.camera)
    weight = rim_weight(matte, short, alignment.beyond)
    weight = cv2.resize(weight, (PLACES, PLACES), interpolation=cv2.INTER_AREA)
    finest = alignment.crop if alignment.detail is None else alignment.detail
    side = len(finest)
    band = np.flatnonzero(enlarged(weight, side) > 0.0)

    def there(image):
        return image.reshape(side * side, -1).take(band, 0)

    photo = np.float32(there(finest)) * np.float32(1 / 255)
    if given is None and alignment.detail is not None:
        affine = guided_affine(np.float32(alignment.crop) / 255.0, matte, RADIUS, VARIANCE)
        fine = apply_affine(there(enlarged(affine, side)), photo)
        fine = np.clip(EDGE_GAIN * (fine - 0.5) + 0.5, 0.0, 1.0)
    else:
        fine = there(matte if given is None else given)[:, 0]
    backdrop = there(enlarged(np.ascontiguousarray(backdrop.transpose(1, 2, 0)), side))
    picture = np.zeros((side, side, 4), np.uint8)
    picture.reshape(-1, 4)[band] = np.rint(255.0 * subject_colours(photo, fine, backdrop))
    return Rim(picture, np.stack([edge_depth(radius, valid, alignment.camera), weight]), alignment.camera)


def stops_short(radius: np.ndarray, valid: np.ndarray, matte: np.ndarray, camera: Camera) -> np.ndarray:
    """Where a surface does not reach the edge of a matte (256, 256) as its camera sees both, (256, 256) bool.

    Gaps between its columns inside of the subject do not count. radius (h, w) metres and valid (h, w) bool.
    """
    short, beside = uncovered(radius, valid, matte, camera), matte < EMPTY
    _, labels = cv2.connectedComponents((short | (matte <= FULL)).astype(np.uint8), connectivity=4)
    return short & np.isin(labels, np.setdiff1d(labels[beside], 0))


def edge_depth(radius: np.ndarray, valid: np.ndarray, camera: Camera) -> np.ndarray:
    """Depth (PLACES, PLACES) float32 metres of a surface where it turns away from a camera, gone on around it.

    Within a cell it turns by centimetres, so finer ones are looked at, and the farthest of neighbours is taken.
    """
    far = far_depth(camera)
    depth = visible_depth(radius, valid, camera, FINER * PLACES, far)
    depth = cv2.dilate(continued(depth, depth < far), np.ones((3, 3), np.uint8))
    return blurred(cv2.resize(depth, (PLACES, PLACES), interpolation=cv2.INTER_AREA), 1.0)


def subject_colours(photo: np.ndarray, matte: np.ndarray, backdrop: np.ndarray) -> np.ndarray:
    """The subject's colours times alpha, and alpha, (n, 4) float32: without what the backdrop adds to mixed pixels.

    photo and backdrop: (n, 3) sRGB values in [0, 1]; matte (n,) in [0, 1].
    """
    alpha = matte[:, None]
    return np.concatenate([np.clip(photo - (1.0 - alpha) * backdrop, 0.0, alpha), alpha], -1)


def rim_weight(matte: np.ndarray, short: np.ndarray, beyond: np.ndarray | None) -> np.ndarray:
    """How far the rim tells what the photo shows, (256, 256) float32 in [0, 1]: near the edge of a matte (256, 256)
    and where the surface stops short of it, (256, 256) bool; not where there is no photo, ``beyond`` (256, 256) bool,
    nor beside it."""
    inside, outside = (_distance(where) for where in ((matte > FULL) & ~short, matte < EMPTY))
    weight = linear_step(ENDED, WHOLE, inside) * linear_step(FADED, REACH, outside)
    known = np.ones(matte.shape, bool) if beyond is None else ~beyond
    return (weight * linear_step(*BORDER, _distance(np.pad(known, 1))[1:-1, 1:-1])).astype(np.float32)


def enlarged(image: np.ndarray, side: int) -> np.ndarray:
    """An image (n, n[, C]) float32 in side x side pixels, bilinear."""
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)


def _distance(mask):
    """Pixels (h, w) float32 from the nearest one where a mask (h, w) bool does not hold."""
    return cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
