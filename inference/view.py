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

from .intersections import NEAR, SheetIntersections, Workspace
from .layers import BACKGROUND_HALF, BACKGROUND_Z

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
        occupied = _occupied_blocks(textures[: sheets.count, ..., 3], sheets)
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
    visible = occupied[(slice(None), *tile.blocks)].any(axis=(1, 2))
    if not visible.any():
        return
    shape = tile.height, tile.width
    spaces = local.__dict__.setdefault("spaces", {})
    if shape not in spaces:
        planes = np.empty((3, *shape), np.float32)
        spaces[shape] = Workspace(*shape), np.empty((*shape, 4), np.uint8), planes
    space, rgba, (weight, transmittance, product) = spaces[shape]
    height, width = textures.shape[1:3]
    part = frame[:, tile.y : tile.y + tile.height, tile.x : tile.x + tile.width]
    transmittance.fill(1.0)
    sheets.rays(tile, space)
    for sheet in np.flatnonzero(visible):
        hit = sheets.enter(tile, sheet, space)
        np.multiply(space.u, width, out=space.map_x)
        np.multiply(space.v, height, out=space.map_y)
        space.map_x -= np.float32(0.5)
        space.map_y -= np.float32(0.5)
        cv2.remap(textures[sheet], space.map_x, space.map_y, cv2.INTER_LINEAR, rgba, cv2.BORDER_REPLICATE)
        red, green, blue, alpha = cv2.split(rgba)
        alpha *= hit
        np.multiply(alpha, transmittance, out=weight)
        weight *= np.float32(1 / 255)
        transmittance -= weight
        part[3] += weight
        part[4] += np.multiply(weight, space.t, out=product)
        weight *= np.float32(1 / 255)
        for plane, colour in zip(part, (red, green, blue), strict=False):
            plane += np.multiply(colour, weight, out=product)
        if sheet % 2 and transmittance.max() < OPAQUE:
            break


def _occupied_blocks(alphas, sheets):
    """(k, rows, columns) bool: whether the rays around a lattice node can meet any opacity of a sheet.

    alphas: (k, h, w) uint8. Conservative: the bounding box, in the texture, of the node's neighbours is tested.
    """
    count, height, width = alphas.shape
    occupied = np.zeros(sheets.hit.shape, bool)
    around = np.ones((3, 3), np.uint8)
    for sheet in range(count):
        alpha = np.ascontiguousarray(alphas[sheet])
        rows, columns = -(-height // POOL), -(-width // POOL)
        padded = cv2.copyMakeBorder(alpha, 0, rows * POOL - height, 0, columns * POOL - width, cv2.BORDER_CONSTANT)
        cells = padded.reshape(rows, POOL, columns * POOL).max(1).reshape(rows, columns, POOL).max(2)
        if not cells.any():
            continue
        table = cv2.integral((cells > 0).astype(np.uint8))
        near = sheets.hit[sheet].astype(np.uint8)
        bounds = []
        for grid, size in ((sheets.u[sheet], columns), (sheets.v[sheet], rows)):
            low = np.floor(cv2.erode(grid, around) * size) - 1
            high = np.ceil(cv2.dilate(grid, around) * size) + 1
            bounds.append([np.clip(bound, 0, size).astype(int) for bound in (low, high)])
        (left, right), (top, bottom) = bounds
        full = table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]
        occupied[sheet] = (full > 0) & (cv2.dilate(near, around) > 0)
    return occupied


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
