"""What is known of the look of a portrait's points: the view of the photo's camera, and what its columns hold."""

import cv2
import numpy as np

from ..geometry import detail_maps
from ..geometry.cameras import CROP_SIZE
from ..geometry.curves import linear_step, smooth_step
from ..geometry.sampling import sample_image
from ..photo.warp import detail_side
from ..portrait import PARTS, Portrait
from ..view.render import render_view
from .around import all_round, look_up
from .back_projection import Seen
from .groups import all_parts
from .surface import Surface

GRAZING = 0.05, 0.25  # cosines to the photo's camera between which its view comes to be trusted
SOLID = 0.5, 0.8  # opacities of the view between which it does
BEHIND = 0.008, 0.016  # metres behind what the view shows near it between which a point comes to be hidden
BEFORE = 0.010, 0.020  # metres before what the view shows between which it shows something else
SAME = 0.0006  # metres from what the view shows, at a right angle; so close, a mesh shows the same
EDGE = 0.05  # cosine that stands for lower ones there
SURE, UNSURE = (0.0, 0.1), (0.04, 0.2)  # as GRAZING, of skin that a mesh shows: where it is the same, and may be
SKIN = PARTS.index("skin")
BORDER = 2.0, 9.0  # pixels of the crop from its border between which the view comes to be trusted


class Look:
    """camera: the photo's, with a pixel for each of the photo's. view (h, w, 3) uint8 sRGB: what it shows of the
    portrait. depth (h, w) float32: in metres along its axis, infinite where there is nothing."""

    def __init__(self, portrait: Portrait, surface: Surface, threads: int = 0) -> None:
        """surface: the portrait's."""
        side = min(CROP_SIZE, 2 * max(portrait.textures.shape[1:3]))
        if portrait.detail is not None or portrait.rim is not None:  # else the sheets alone tell how fine a view can be
            side = detail_side(portrait.crop_to_photo) or CROP_SIZE
        self.camera = portrait.camera.resized(side, side)
        self._scale = side / CROP_SIZE
        view = render_view(portrait, self.camera, threads=threads)
        self.view, self.depth = np.rint(255.0 * view.color).astype(np.uint8), view.depth
        near = np.ones((2 * round(self._scale) + 1,) * 2, np.uint8)
        depth = np.where(np.isfinite(view.depth), view.depth, np.float32(100.0))
        self._solid = linear_step(*SOLID, view.alpha)
        self._depths = np.dstack([depth, cv2.erode(depth, near)])
        self._farthest = cv2.dilate(depth, near)
        self._columns = all_round(surface.color, surface.opacity, _with_detail(surface.color, portrait.detail))
        self._parts = all_parts(portrait, surface)

    def skin(self, points: np.ndarray) -> np.ndarray:
        """How far points (n, 3) are skin, (n,) float32 in [0, 1]; all are where the portrait does not know."""
        if self._parts is None:
            return np.ones(len(points), np.float32)
        return look_up(self._parts, points)[:, SKIN] * np.float32(1 / 255)

    def own(self, points: np.ndarray) -> np.ndarray:
        """Colours (n, 3) uint8 sRGB of the columns at points (n, 3)."""
        return look_up(self._columns, points)

    def places(self, points: np.ndarray, facing: np.ndarray, seen: Seen) -> np.ndarray:
        """Where the view has points (n, 3) float32 metres, in pixels whose first has its centre at 0; how far it shows
        them, in [0, 1]; and how far they are seen of the mesh that they belong to: (n, 4) float32.

        facing: (n,), cosines to the photo's camera.
        """
        place, depth = self.camera.project(points, np.float32)
        shown = self._shown(place, depth, facing)
        return np.concatenate([place - np.float32(0.5), np.stack([shown, seen.shows(place, depth)], -1)], -1)

    def _shown(self, place, depth, facing):
        """How far the view shows points, (n,) float32 in [0, 1], that are there in it."""
        x, y = place.T
        shown = smooth_step(*GRAZING, facing) * linear_step(*BORDER, self._from_border(x, y))
        there, nearest = sample_image(self._depths, x, y).T
        shown *= linear_step(*BEHIND[::-1], depth - nearest) * linear_step(*BEFORE[::-1], there - depth)
        return shown * sample_image(self._solid, x, y)

    def trust(self, seen: Seen) -> np.ndarray:
        """How far the view tells what is seen of a mesh, (h, w) float32 in [0, 1].

        At an edge within the outline it is another thing if edge and mesh are a pixel apart. Then it would be stretched
        far over what turns away there; and so would be what is not as even as skin.
        """
        may_be = (seen.depth > self._depths[..., 1] - BEFORE[0]) & (seen.depth < self._farthest + BEHIND[0])
        same = np.abs(seen.depth - self._depths[..., 0]) * np.maximum(seen.facing, EDGE) < SAME
        trust = np.where(same, smooth_step(*SURE, seen.facing), may_be * smooth_step(*UNSURE, seen.facing))
        even = (seen.skin > 0.5) & (self._parts is not None)
        trust = np.where(even, trust, may_be * smooth_step(*GRAZING, seen.facing))
        line = np.arange(self.camera.width, dtype=np.float32) + np.float32(0.5)
        trust *= linear_step(*BORDER, self._from_border(line, line[:, None]))
        return np.where(self._solid > 0.5, trust, np.float32(0.0)).astype(np.float32)

    def _from_border(self, x, y):
        size = np.float32(self.camera.width)
        return np.minimum(np.minimum(x, size - x), np.minimum(y, size - y)) / np.float32(self._scale)


def _with_detail(colour, detail):
    """Colours (h, w, 3) uint8 of the columns with the detail map (h, w, 3) uint8 on them; None without one."""
    if detail is None:
        return None
    colour = cv2.resize(colour, detail.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(colour + 255.0 * detail_maps.decode(detail) + 0.5, 0, 255).astype(np.uint8)
