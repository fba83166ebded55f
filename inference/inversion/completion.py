"""Completion: what the photo shows of a head says more about what it hides, once both are known column by column.

The networks guess surface and colours before the photo's silhouette has moved the one and its pixels have replaced the
other. A last small network sees the outcome: which columns the photo shows, how far the silhouette moved them, what
their mirror images look like. It answers with a better surface, with the columns that the subject has, and with colours
for those that the photo hides; the photo's silhouette and pixels then have the last word again. A model may lack it.
"""

import cv2
import numpy as np

from ..geometry.cameras import Camera
from ..geometry.sampling import sample_image
from ..networks.model import Model
from ..networks.run import run_network
from .columns import Columns
from .sheets import THINNEST
from .visibility import seen_by_photo

COMPLETION = "completion"  # the network's name
PLANES = 25  # that it sees
# Metres by which rays of skin, hair, clothes and ears may pass by the completed surface that still raise it: what the
# photo shows farther beside a cheek is an ear or an earring; see docs/results.md
TOUCHED = 0.005, 0.02, 0.02, 0.01
REACH = 32.0  # pixels from the matte's edge up to which the distance to it counts


def completion_planes(
    columns: Columns,
    found: np.ndarray,
    occupancy: np.ndarray,
    matched: np.ndarray,
    share: np.ndarray,
    photo: np.ndarray,
    photo_parts: np.ndarray,
    matte: np.ndarray,
    camera: Camera,
) -> np.ndarray:
    """What completion sees, (PLANES, h, w) float32.

    columns: the surface that meets the photo's silhouette, with the networks' colours. found (h, w) metres, the
    surface before that, and its occupancy (h, w), logits. matched (3, h, w) and share (h, w) of
    :func:`.colouring.match_colours`. photo (3, 256, 256) in [0, 1] without fringe; photo_parts (3, 256, 256), chances
    of skin, hair and cloth; matte (256, 256) in [0, 1]; camera: of the photo.

    The planes: radius in metres with and without the silhouette, columns that the subject has, occupancy, facing,
    occlusion depth, how far the photo shows a column and how far its colour serves others, the networks' colour, the
    matched one and their share in it, the photo's colour there, parts of the column and of the photo there, and the
    distance there from the matte's edge, in pixels, positive inside.
    """
    seen, glimpsed, pixel = seen_by_photo(columns.radius, columns.facing, columns.occlusion_depth, matte, camera)
    there = np.dstack([*photo, *photo_parts, _edge_distance(matte)]).astype(np.float32)
    there = sample_image(there, pixel[..., 0], pixel[..., 1]).transpose(2, 0, 1)
    surface = columns.radius, np.maximum(found, THINNEST), columns.valid, occupancy
    sight = columns.facing, columns.occlusion_depth, seen, glimpsed
    colours = *columns.colour, *matched, share, *there[:3]
    return np.stack([*surface, *sight, *colours, *columns.parts, *there[3:]]).astype(np.float32)


def complete(planes: np.ndarray, model: Model) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Radius (h, w) float32 metres, logits (h, w) of the columns that the subject has, and colours (3, h, w) float32.

    planes: of :func:`completion_planes`. model: one that has COMPLETION.
    """
    radius, occupied, colour = run_network(model, COMPLETION, {"columns": planes[None]})
    return radius[0, 0], occupied[0, 0], colour[0]


def _edge_distance(matte):
    """Distance (h, w) float32 of pixels from the edge of a matte (h, w), positive inside, at most REACH."""
    inside = (matte > 0.5).astype(np.uint8)
    within, beside = (cv2.distanceTransform(mask, cv2.DIST_L2, 5) for mask in (inside, 1 - inside))
    return np.clip(within - beside, -REACH, REACH)
