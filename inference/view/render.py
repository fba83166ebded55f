"""Views: look the sheets' textures up where the camera's rays enter them, and composite front to back.

Colour C = sum_k T_k a_k c_k with transmittance T_0 = 1, T_{k+1} = T_k (1 - a_k), in sRGB values (GRAM,
CVPR 2022, section 3.1 with the sheets' opacities in place of densities).
"""

import dataclasses
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from ..geometry.background import BACKGROUND_HALF, BACKGROUND_Z
from ..geometry.sampling import sample_image
from .intersections import SheetIntersections
from .ray_search import NEAR, Workspace

OPAQUE = 1e-4  # transmittance from which on nothing behind is looked up
POOL = 4  # texels along one side of a cell of the occupancy table


@dataclasses.dataclass(frozen=True)
class View:
    """color (H, W, 3) float32 sRGB, straight alpha, [0, 1]; alpha (H, W) float32 [0, 1];
    depth (H, W) float32, metres along the view axis, inf where alpha < 0.5."""

    color: np.ndarray
    alpha: np.ndarray
    depth: np.ndarray


def render_view(portrait, camera, background="none", threads=0):
    """Render a portrait through any pinhole or orthographic camera.

    background: "none" leaves the background manifold out, "source" keeps it, (r, g, b) in [0, 1] fills the view with
    a colour behind the subject. threads: 0 takes as many as the machine has cores. The result does not depend on it.
    Returns a :class:`View`.
    """
    if isinstance(background, str) and background not in ("none", "source"):
        raise ValueError(f'the background is "none", "source" or a colour (r, g, b), not {background!r}')
    sheets = intersections(portrait.radii, camera)
    frame = render_layers(portrait.textures, sheets, threads, with_plane=background == "source")
    fill = None if isinstance(background, str) else np.asarray(background, np.float32)
    return finish(frame, fill)


def intersections(radii, camera):
    """The camera's :class:`SheetIntersections`; the latest few are kept, so a still camera costs nothing."""
    key = (radii.shape, hash(radii.tobytes()), _camera_key(camera))
    with _lock:
        found = _recent.pop(key, None)
    if found is None:
        found = SheetIntersections(radii, camera)
    with _lock:
        _recent[key] = found
        while len(_recent) > 4:
            _recent.pop(next(iter(_recent)))
    return found


_recent = {}
_lock = threading.Lock()


def _camera_key(camera):
    pose = np.asarray(camera.camera_to_world, np.float64).tobytes()
    numbers = (camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy)
    return *numbers, camera.ortho_width, camera.ortho_height, pose


def render_layers(textures, sheets, threads=0, with_plane=False):
    """Composite all manifolds.

    textures: (k + 1, h, w, 4) uint8. sheets: :class:`SheetIntersections` of the same k sheets.
    with_plane: composite the background plane too.
    Returns planes (5, H, W) float32: premultiplied red, green, blue in [0, 1], alpha, and alpha times depth in metres.
    """
    camera = sheets.camera
    frame = np.zeros((5, camera.height, camera.width), np.float32)
    threads = threads or os.cpu_count() or 1
    if sheets.tiles:
        occupied = _occupied_blocks(textures, sheets)
        local = threading.local()

        def work(tile):
            _render_tile(textures, sheets, tile, occupied, frame, local)

        if threads == 1 or len(sheets.tiles) == 1:
            for tile in sheets.tiles:
                work(tile)
        else:
            with ThreadPoolExecutor(threads) as pool:
                for _ in pool.map(work, sheets.tiles):
                    pass
    if with_plane:
        _composite_plane(textures[sheets.count], camera, frame)
    return frame


def render_plane(texture, camera):
    """The background plane alone, (h, w, 4) uint8: planes (5, H, W) as of :func:`render_layers`."""
    frame = np.zeros((5, camera.height, camera.width), np.float32)
    _composite_plane(texture, camera, frame)
    return frame


def finish(frame, fill=None):
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


def _render_tile(textures, sheets, tile, occupied, frame, local):
    visible = np.flatnonzero(occupied[(slice(None), *tile.blocks)].any(axis=(1, 2)))
    if not visible.size:
        return
    planes = _planes(local, tile.height, tile.width, sheets.count)
    space, transmittance = planes.space, planes.transmittance
    entries, hits, unsettled, astray = (
        stack[: len(visible)] for stack in (planes.entries, planes.hits, planes.unsettled, planes.astray)
    )
    part = frame[:, tile.y : tile.y + tile.height, tile.x : tile.x + tile.width]
    transmittance.fill(1.0)
    for mask in (hits, unsettled, astray):
        mask.fill(False)
    doubtful = np.zeros_like(hits[0])
    sheets.rays(tile, space)
    space.restart()
    for layer, sheet in enumerate(visible):
        wanted = transmittance > OPAQUE
        wanted |= doubtful
        if not wanted.any():
            break
        hits[layer], unsettled[layer], astray[layer] = sheets.enter(tile, sheet, space, wanted)
        doubtful |= unsettled[layer]
        doubtful |= astray[layer]
        for plane, entry in zip(entries[layer], (space.t, space.u, space.v), strict=True):
            np.copyto(plane, entry)
        _composite(textures[sheet], entries[layer], hits[layer], transmittance, part, planes)
    if doubtful.any():
        sheets.settle(space, unsettled, astray, visible, entries, hits)
        _composite_again(textures, visible, doubtful, entries, hits, part)


@dataclasses.dataclass(frozen=True)
class _Planes:
    """Memory of one thread for tiles of one shape."""

    space: Workspace
    transmittance: np.ndarray  # (height, width) float32
    entries: np.ndarray  # (sheets, 3, height, width) float32: depth, u, v
    hits: np.ndarray  # (sheets, height, width) bool
    unsettled: np.ndarray  # (sheets, height, width) bool
    astray: np.ndarray  # (sheets, height, width) bool
    rgba: np.ndarray  # (height, width, 4) uint8


def _planes(local, height, width, count):
    kept = local.__dict__.setdefault("planes", {})
    if (height, width) not in kept:
        shape = height, width
        space, transmittance = Workspace(*shape), np.empty(shape, np.float32)
        entries, rgba = np.zeros((count, 3, *shape), np.float32), np.empty((*shape, 4), np.uint8)
        masks = (np.empty((count, *shape), bool) for _ in range(3))
        kept[shape] = _Planes(space, transmittance, entries, *masks, rgba)
    return kept[height, width]


def _composite(texture, entry, hit, transmittance, part, planes):
    """Add one sheet behind what ``part`` (5, height, width) holds already."""
    space, weight, product = planes.space, planes.space.f, planes.space.spare
    height, width = texture.shape[:2]
    np.multiply(entry[1], width, out=space.map_x)
    np.multiply(entry[2], height, out=space.map_y)
    space.map_x -= np.float32(0.5)
    space.map_y -= np.float32(0.5)
    cv2.remap(texture, space.map_x, space.map_y, cv2.INTER_LINEAR, planes.rgba, cv2.BORDER_REPLICATE)
    red, green, blue, alpha = cv2.split(planes.rgba)
    alpha *= hit
    np.multiply(alpha, transmittance, out=weight)
    weight *= np.float32(1 / 255)
    transmittance -= weight
    part[3] += weight
    part[4] += np.multiply(weight, entry[0], out=product)
    weight *= np.float32(1 / 255)
    for plane, colour in zip(part, (red, green, blue), strict=False):
        plane += np.multiply(colour, weight, out=product)


def _composite_again(textures, visible, where, entries, hits, part):
    """Composite the pixels of a mask (height, width) anew from corrected entries."""
    height, width = textures.shape[1:3]
    result = np.zeros((5, np.count_nonzero(where)), np.float32)
    transmittance = np.ones(result.shape[1], np.float32)
    for layer, sheet in enumerate(visible):
        t, u, v = entries[layer][:, where]
        rgba = sample_image(textures[sheet], u * width, v * height).T * np.float32(1 / 255)
        weight = np.where(hits[layer][where], rgba[3] * transmittance, np.float32(0.0))
        transmittance -= weight
        result[:3] += weight * rgba[:3]
        result[3] += weight
        result[4] += weight * t
    part[:, where] = result


def _occupied_blocks(textures, sheets):
    """(k, rows, columns) bool: whether the rays around a lattice node can meet any opacity of a sheet.

    textures: (k or more, h, w, 4) uint8. Conservative: all of the bounding box, in the texture, of the node's and
    its neighbours' entries is looked at, in cells of POOL texels.
    """
    height, width = textures.shape[1:3]
    rows, columns = -(-height // POOL), -(-width // POOL)
    tables = np.empty((sheets.count, rows + 1, columns + 1), np.int32)
    corner = np.ones((POOL, POOL), np.uint8)
    for table, texture in zip(tables, textures, strict=False):
        alpha = cv2.dilate(cv2.extractChannel(texture, 3), corner, anchor=(0, 0))
        cv2.integral((alpha[::POOL, ::POOL] > 0).view(np.uint8), table)
    scale = np.array([columns, columns, rows, rows], np.float32)[:, None, None, None]
    bounds = (sheets.bounds * scale).astype(np.int32)
    left, right, top, bottom = bounds[0] - 1, bounds[1] + 2, bounds[2] - 1, bounds[3] + 2
    for bound, size in ((left, columns), (right, columns), (top, rows), (bottom, rows)):
        np.clip(bound, 0, size, out=bound)
    sheet = np.arange(sheets.count)[:, None, None]
    full = tables[sheet, bottom, right] - tables[sheet, top, right]
    full += tables[sheet, top, left] - tables[sheet, bottom, left]
    return sheets.seen & (full > 0)


def _composite_plane(texture, camera, frame):
    """The flat background manifold, behind everything else in ``frame``."""
    x = np.arange(camera.width) + 0.5
    y = np.arange(camera.height) + 0.5
    origins, directions = camera.rays(*np.meshgrid(x, y))
    towards = directions @ camera.camera_to_world[:3, 2]  # minus the cosine to the view axis
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (BACKGROUND_Z - origins[..., 2]) / directions[..., 2]
        depth = -t * towards
        u = 0.5 * ((origins[..., 0] + t * directions[..., 0]) / BACKGROUND_HALF + 1.0)
        v = 0.5 * (1.0 - (origins[..., 1] + t * directions[..., 1]) / BACKGROUND_HALF)
        hit = (depth > NEAR) & (directions[..., 2] < 0.0) & (u > 0.0) & (u < 1.0) & (v > 0.0) & (v < 1.0)
    height, width = texture.shape[:2]
    map_x = np.where(hit, u * width - 0.5, 0.0).astype(np.float32)
    map_y = np.where(hit, v * height - 0.5, 0.0).astype(np.float32)
    rgba = cv2.remap(texture, map_x, map_y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE).astype(np.float32) / 255.0
    weight = np.where(hit, rgba[..., 3] * (1.0 - frame[3]), 0.0).astype(np.float32)
    for channel in range(3):
        frame[channel] += weight * rgba[..., channel]
    frame[3] += weight
    frame[4] += weight * np.where(hit, depth, 0.0).astype(np.float32)
