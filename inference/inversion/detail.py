"""The detail map: what the photo shows of the surface, at its own resolution, beyond what the textures hold.

Tones belong to the textures, which carry them on evenly from what the photo shows to what it hides. The map holds what
is finer, and fades out where the photo's rays graze the surface or something stands before it, so that neither its
border shows nor anything that is not this surface. There texture of the same kind takes over.

Constants were chosen on own views of four to six test portraits, and by looking at views of eight from the side.
"""

import cv2
import numpy as np

from ..geometry import detail_maps
from ..geometry.cameras import CROP_SIZE, Camera
from ..geometry.curves import linear_step
from ..geometry.domes import column_points
from ..geometry.sampling import sample_image
from .columns import GRID, Columns
from .texture import carried_on
from .visibility import far_depth, seen_by_photo, visible_depth

FINER = 2  # times the columns a side at which what hides what is looked up
NEAREST = 3  # pixels of the crop across which the nearest surface hides what lies behind
BEHIND = 0.004, 0.010  # metres behind it between which that is so
SHARPENED = 0.5  # of what a look-up takes away; of 0, 0.5 and 1 it comes closest to the photos
BLURRED = np.float32([1 / 6, 2 / 3, 1 / 6])  # a texel after a bilinear look-up, the mean over where it falls
TONES = 2.4  # pixels of a map of CROP_SIZE, standard deviation of what is a tone and not detail


def lift_detail(
    crop: np.ndarray,
    columns: Columns,
    colour: np.ndarray,
    matte: np.ndarray,
    photo_parts: np.ndarray,
    camera: Camera,
) -> np.ndarray:
    """The detail map (s, s, 3) uint8 of :mod:`inference.geometry.detail_maps`, s by the crop's resolution.

    crop: (d, d, 3) uint8 sRGB, the camera's picture at the photo's resolution. colour: (h, w, 3) uint8 sRGB, of the
    textures' columns. matte: (256, 256) in [0, 1], and photo_parts: (3, 256, 256), chances of skin, hair and cloth, of
    the camera's crop.
    """
    pixel, seen = _shown(columns, matte, camera)
    shown_parts = sample_image(np.ascontiguousarray(photo_parts.transpose(1, 2, 0)), *pixel)
    scale = len(crop) / CROP_SIZE
    metres = float(np.linalg.norm(camera.position)) / (camera.fx * scale)
    side = (detail_maps.side_for(metres),) * 2
    x, y, gate = (cv2.resize(plane, side, interpolation=cv2.INTER_LINEAR) for plane in (*pixel, seen))
    x, y = scale * x - np.float32(0.5), scale * y - np.float32(0.5)
    detail = cv2.remap(crop, x, y, cv2.INTER_CUBIC, None, cv2.BORDER_REPLICATE).astype(np.float32)
    detail -= cv2.resize(colour, side, interpolation=cv2.INTER_LINEAR)
    detail -= _tones(detail, gate)
    detail += SHARPENED * (detail - cv2.sepFilter2D(detail, -1, BLURRED, BLURRED))
    return detail_maps.encode(carried_on(detail, seen, shown_parts, columns) * np.float32(1 / 255))


def _shown(columns, matte, camera):
    """Where the photo shows each column, pixels (2, h, w), and how far it does, (h, w); float32."""
    radius = columns.radius
    seen, _, pixel = seen_by_photo(radius, columns.facing, columns.occlusion_depth, matte, camera)
    # A head's own edges are finer than what colours are matched by.
    side = (FINER * GRID,) * 2
    valid = cv2.resize(columns.valid.astype(np.float32), side, interpolation=cv2.INTER_LINEAR) > 0.5
    finer = cv2.resize(radius, side, interpolation=cv2.INTER_LINEAR)
    nearest = visible_depth(finer, valid, camera, camera.width, far_depth(camera))
    nearest = cv2.erode(nearest, np.ones((NEAREST, NEAREST), np.uint8))
    _, depth = camera.project(column_points(radius))
    seen = seen * linear_step(*BEHIND[::-1], depth - sample_image(nearest, pixel[..., 0], pixel[..., 1]))
    return np.moveaxis(pixel, -1, 0).astype(np.float32), (seen * columns.valid).astype(np.float32)


def _tones(detail, gate):
    """What varies slowly in detail (s, s, 3) where gate (s, s) lets it through, (s, s, 3) float32."""
    side = (CROP_SIZE, CROP_SIZE)
    small = cv2.resize(np.dstack([detail * gate[..., None], gate]), side, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), TONES)
    mean = small[..., :3] / (small[..., 3:] + np.float32(1e-3))
    return cv2.resize(mean, detail.shape[1::-1], interpolation=cv2.INTER_LINEAR)
