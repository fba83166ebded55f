"""Views: look the sheets' textures up where the camera's rays enter them, and composite front to back.

Colour C = sum_k T_k a_k c_k with transmittance T_0 = 1, T_{k+1} = T_k (1 - a_k), in sRGB values (GRAM,
CVPR 2022, section 3.1 with the sheets' opacities in place of densities).
"""

import dataclasses
import threading
from collections.abc import Sequence

import cv2
import numpy as np

from ..geometry.cameras import Camera
from ..geometry.rims import Rim
from ..portrait import Portrait
from ..threads import in_parallel
from .backdrop import composite_backdrop
from .detail import add_detail, detail_for
from .march import (
    BLUE,
    DEPTH,
    DEPTH_SLOPE,
    DISTANCE,
    GREEN,
    LEVEL,
    NEXT,
    RED,
    TRANSMITTANCE,
    U_SLOPE,
    V_SLOPE,
    March,
    U,
    V,
)
from .rays import TILE, CameraRays
from .rim import seen_rim
from .shells import Place, Shells, prepared

OPAQUE = 1e-4  # transmittance from which on nothing behind is looked up
WAITING = 0.4  # share of rays that may stand behind their next sheet while the others enter theirs
DONE = 0.15  # share of rays that are opaque or gone from which on the others close ranks
FEW = 0.1  # share of a tile's rays that are left to the end, where they march together with those of other tiles
CAPACITY = TILE * TILE  # rays that march together
ROWS_AT_ONCE = 32766  # of an image that OpenCV looks up


@dataclasses.dataclass(frozen=True)
class View:
    """color (H, W, 3) float32 sRGB, straight alpha, [0, 1]; alpha (H, W) float32 [0, 1];
    depth (H, W) float32, metres along the view axis, inf where alpha < 0.5."""

    color: np.ndarray
    alpha: np.ndarray
    depth: np.ndarray


def render_view(
    portrait: Portrait, camera: Camera, background: str | Sequence[float] = "none", threads: int = 0
) -> View:
    """Render a portrait through any pinhole or orthographic camera.

    background: "none" leaves the background manifold out, "source" keeps it, (r, g, b) in [0, 1] fills the view with
    a colour behind the subject. threads: 0 takes as many as the machine has cores. The result does not depend on it.
    Returns a :class:`View`.
    """
    if isinstance(background, str) and background not in ("none", "source"):
        raise ValueError(f'the background is "none", "source" or a colour (r, g, b), not {background!r}')
    sheets = intersections(portrait.radii, camera)
    frame = render_layers(portrait.textures, sheets, threads, background == "source", portrait.detail, portrait.rim)
    fill = None if isinstance(background, str) else np.asarray(background, np.float32)
    return finish(frame, fill)


@dataclasses.dataclass(frozen=True)
class Intersections:
    """All that a view needs to know of the sheets: their :class:`Shells` and the camera's :class:`CameraRays`."""

    shells: Shells
    rays: CameraRays


def intersections(radii: np.ndarray, camera: Camera) -> Intersections:
    """Where a camera's rays enter sheets of radii (k, n, n), metres, as :func:`render_layers` wants it."""
    shells = prepared(radii)
    return Intersections(shells, CameraRays(camera, shells))


def render_layers(
    textures: np.ndarray,
    sheets: Intersections,
    threads: int = 0,
    with_plane: bool = False,
    detail: np.ndarray | None = None,
    rim: Rim | None = None,
    where: np.ndarray | None = None,
) -> np.ndarray:
    """Composite all manifolds.

    textures: (k + 1, h, w, 4) uint8. sheets: :func:`intersections` with the same k sheets.
    with_plane: composite the background plane too. detail: (s, s, 3) uint8, the portrait's detail map. rim:
    the portrait's. where: (H, W) bool, the pixels that are wanted; the others stay empty.
    Returns planes (5, H, W) float32: premultiplied red, green, blue in [0, 1], alpha, and alpha times depth in metres.
    """
    shells, rays = sheets.shells, sheets.rays
    camera = rays.camera
    frame = np.zeros((5, camera.height, camera.width), np.float32)
    compositor = _Compositor(np.ascontiguousarray(textures[: shells.count]), rays.middle, frame.reshape(5, -1))
    fine = None if detail is None else detail_for(detail, rays, shells.sphere[1])
    edge = seen_rim(rim, rays)
    local = threading.local()

    def march():
        if not hasattr(local, "march"):
            local.march = March(shells, CAPACITY), _Planes(CAPACITY)
        return local.march

    def follow(tile):
        """Most rays of a tile to their end; returns the state and indices of the few that are left."""
        marching, planes = march()
        starts, depths, index = rays.tile(tile)
        if where is not None:
            depths[1, ~where.ravel()[index]] = -np.inf
        marching.start(starts, depths, index)
        compositor.follow(marching, planes, FEW * marching.count)
        return marching.state.copy(), marching.index

    def finish_off(left):
        marching, planes = march()
        marching.resume(*left)
        compositor.follow(marching, planes, 0)

    def sharpen(tile):
        if not hasattr(local, "place"):
            local.place = Place(CAPACITY)
        (start, way), _, index = rays.tile(tile)
        if where is not None:
            wanted = np.flatnonzero(where.ravel()[index])
            start, way, index = start.take(wanted, 1), way.take(wanted, 1), index.take(wanted)
        if fine is not None:
            add_detail(frame.reshape(5, -1), fine, start, way, rays.middle, index, local.place)
        if edge is not None:
            edge.add_to(frame.reshape(5, -1), start, way, index)

    tiles = [(x, y, w, h) for x, y, w, h in rays.tiles if where is None or where[y : y + h, x : x + w].any()]
    with in_parallel(threads) as each:
        left = list(each(follow, tiles))
        if left:
            state, index = (np.concatenate(parts, -1) for parts in zip(*left, strict=True))
            parts = [slice(first, first + CAPACITY) for first in range(0, len(index), CAPACITY)]
            list(each(finish_off, [(state[:, part], index[part]) for part in parts]))
        if fine is not None or edge is not None:
            list(each(sharpen, tiles))
    if with_plane:
        composite_backdrop(textures[shells.count], camera, frame, where)
    return frame


def render_plane(texture: np.ndarray, camera: Camera, where: np.ndarray | None = None) -> np.ndarray:
    """The background plane alone, (h, w, 4) uint8: planes (5, H, W) as of :func:`render_layers`, and so is where."""
    frame = np.zeros((5, camera.height, camera.width), np.float32)
    composite_backdrop(texture, camera, frame, where)
    return frame


def finish(frame: np.ndarray, fill: np.ndarray | None = None) -> View:
    """Turn planes of :func:`render_layers` into a :class:`View`; fill: (3,) colour behind the subject, or None."""
    alpha = frame[3]
    depth = np.full(alpha.shape, np.inf, np.float32)
    np.divide(frame[4], alpha, out=depth, where=alpha >= 0.5)
    if fill is None:
        weight = np.zeros_like(alpha)
        np.divide(1.0, alpha, out=weight, where=alpha > 0.0)
        color = cv2.merge([plane * weight for plane in frame[:3]])
        return View(np.minimum(color, 1.0, out=color), alpha.copy(), depth)
    rest = 1.0 - alpha
    color = cv2.merge([plane + rest * value for plane, value in zip(frame[:3], fill, strict=True)])
    return View(np.clip(color, 0.0, 1.0, out=color), np.ones_like(alpha), depth)


def view_pixels(view: View, with_alpha: bool = True) -> np.ndarray:
    """8-bit pixels of a View: (H, W, 4) uint8 with straight alpha, or (H, W, 3) without."""
    planes = [view.color, view.alpha[..., None]] if with_alpha else [view.color]
    return np.rint(255.0 * np.clip(np.concatenate(planes, -1), 0.0, 1.0)).astype(np.uint8)


class _Planes:
    """What one thread needs to composite; reserved once."""

    def __init__(self, capacity):
        self.maps = np.empty((3, 1, capacity), np.float32)
        self.rgba = np.empty((2, 1, capacity, 4), np.uint8)
        self.others = np.empty((5, capacity), np.float32)


@dataclasses.dataclass(frozen=True)
class _Compositor:
    """textures (k, h, w, 4) uint8; middle: depth at which the rays start; frame (5, pixels) float32, the result."""

    textures: np.ndarray
    middle: float
    frame: np.ndarray

    def follow(self, march, planes, few):
        """March and composite until no more than ``few`` rays go on; what the others met is in the frame then.

        Rays that have entered their next sheet wait until most have, so that look-ups are made for nearly all at once.
        """
        while march.count > few:
            behind = march.state[LEVEL] < march.state[NEXT]
            if np.count_nonzero(behind) > WAITING * march.count:
                march.step(np.flatnonzero(behind))
            else:
                self._composite(march, planes)
            going = march.going
            going &= march.state[TRANSMITTANCE] > OPAQUE
            if np.count_nonzero(going) <= max((1.0 - DONE) * march.count, few):
                self._develop(march, np.flatnonzero(~going))
                march.keep(np.flatnonzero(going))

    def _develop(self, march, which):
        """Put what rays (n,) of ``count`` have met into the frame."""
        red, green, blue, alpha, depth = self.frame
        index, (through, *colour, distance) = march.index[which], march.state[TRANSMITTANCE:, which]
        for plane, values in zip((red, green, blue), colour, strict=True):
            plane[index] = values
        np.subtract(np.float32(1.0), through, out=through)
        alpha[index] = through
        depth[index] = through * np.float32(self.middle) + distance

    def _composite(self, march, planes):
        """Let the rays that have reached their next sheet enter it, behind what they have met."""
        state = march.state
        depth, u, v, weight, product = (plane[: march.count] for plane in planes.others)
        sheet = np.minimum(state[NEXT], np.float32(len(self.textures) - 1), out=product)
        past = np.subtract(sheet, state[LEVEL], out=weight)
        for out, here, slope in ((depth, DEPTH, DEPTH_SLOPE), (u, U, U_SLOPE), (v, V, V_SLOPE)):
            np.multiply(past, state[slope], out=out)
            out += state[here]
        red, green, blue, alpha = self._look_up(sheet, u, v, planes)
        hit = state[LEVEL] >= state[NEXT]
        state[NEXT] += hit
        hit &= state[TRANSMITTANCE] > OPAQUE
        for inside in (u > 0.0, u < 1.0, v > 0.0, v < 1.0):
            hit &= inside
        alpha &= np.negative(hit.view(np.uint8))
        np.multiply(alpha, state[TRANSMITTANCE], out=weight)
        weight *= np.float32(1 / 255)
        state[TRANSMITTANCE] -= weight
        depth *= weight
        state[DISTANCE] += depth
        weight *= np.float32(1 / 255)
        for row, colour in zip((RED, GREEN, BLUE), (red, green, blue), strict=True):
            state[row] += np.multiply(colour, weight, out=product)

    def _look_up(self, sheet, u, v, planes):
        """Red, green, blue, alpha (n,) uint8 of each ray's sheet (n,) at u, v (n,)."""
        sheets, height, width = self.textures.shape[:3]
        x, y, place = planes.maps[:, :, : len(u)]
        np.multiply(u, np.float32(width), out=x[0])
        np.multiply(v, np.float32(height), out=y[0])
        x -= np.float32(0.5)
        y -= np.float32(0.5)
        np.minimum(np.maximum(y, np.float32(0.0), out=y), np.float32(height - 1), out=y)
        rgba, other = planes.rgba[:, :, : len(u)]
        stacked = ROWS_AT_ONCE // height  # sheets below each other in one image
        for first in range(0, sheets, stacked):
            image = self.textures[first : first + stacked].reshape(-1, width, 4)
            np.multiply(sheet if first == 0 else sheet - np.float32(first), np.float32(height), out=place[0])
            place += y
            cv2.remap(image, x, place, cv2.INTER_LINEAR, other if first else rgba, cv2.BORDER_REPLICATE)
            if first:
                np.copyto(rgba, other, where=(sheet >= first)[:, None])
        return [plane[0] for plane in cv2.split(rgba)]
