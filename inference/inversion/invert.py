"""Inversion: aligned photo to the RGBA textures of all manifolds, in one forward pass of the networks.

The method is GRAMInverter's (CVPR 2023, figure 2). The convolutions run in ONNX Runtime; look-ups at points that are
known beforehand (the lift of the voxel, the photo's pixels at every texel) run here, because they are many times
faster outside an exported graph. ``training/model/model.py`` is the same computation in torch.
"""

import dataclasses

import cv2
import numpy as np

from ..geometry import domes
from ..geometry.cameras import CROP_DISTANCE, CROP_SIZE
from ..mesh.layers import BACKGROUND_HALF, BACKGROUND_Z
from ..mesh.surface import at_texels
from . import placement
from .colouring import elsewhere, match_colours

TEXTURE_SIZE = 320  # texels per side of the textures that are written
VISIBLE_SIZE = 64  # pixels per side of the depth map that says what the photo sees
BEHIND_HEAD = 0.16  # metres from the head's centre to the depth where the photo sees no subject
VOXEL_DEPTH = 0.16  # metres, half the depth of the frustum voxel
VOXEL_SLICES = 8  # slices of the voxel along the view axis
UNUSED_LANDMARKS = (288, 361, 397, 401, 435)  # FaceMesh points of the jaw without a twin on the training heads
MAX_OFFSET = 3.0  # largest landmark offset, in units of 10 px
FILLED, EMPTIED = 6.0, -8.0  # logits of occupancy where a column meets the subject, and where it does not
RIM_FROM = 0.7  # matte below which a texel's colour is the photo's nearest sure colour alone
RIM_SEEN = 0.3  # cosine to the photo's camera from which on that is so; what it does not see is not its rim
HAIR = 1  # index among the parts: skin, hair, cloth
SURELY = 0.98  # matte from which on a pixel is subject, and one minus that from which on it is backdrop
EDGE_WIDTH = 6  # pixels inside the subject's edge through which the backdrop may shine
DISTINCT = 0.2  # how much brighter than hair a backdrop is that surely shines through it
SLIGHT = 0.08  # share of its column's colour below which a texel is not worth a colour of its own
HEM = 8.0  # texels at lower border and sides over which the bust fades out; a cut would show every sheet's own border
STAGES = ("encoding the photo", "coarse manifolds", "lifting details", "fusing", "decoding textures")


@dataclasses.dataclass(frozen=True)
class _Geometry:
    """What depends on the model alone."""

    lift_points: np.ndarray  # (L * G * G, 3) metres, float32
    bounds: np.ndarray  # (3, H, H) metres, float32: what levels are measured by, at the textures' texels
    origin: np.ndarray  # (H, H, 3) metres, float32: where the texels' columns start
    direction: np.ndarray  # (H, H, 3) unit vectors, float32: where they go


def invert_crop(alignment, model, progress=None):
    """Invert an aligned photo.

    alignment: :class:`inference.alignment.align.Alignment`. model: :class:`inference.networks.model.Model`.
    progress: called with (fraction, stage name) before each stage; may raise to stop.
    Returns textures (24, 320, 320, 4) uint8, sRGB colour and straight opacity of the 23 sheets and of the background
    plane, and radii (23, 161, 161) float32 metres of the sheets.
    """
    report = progress or (lambda fraction, text: None)
    photo = np.ascontiguousarray(alignment.crop.transpose(2, 0, 1)[None], np.float32) / 255.0
    geometry = _geometry(model)

    report(0.0, STAGES[0])
    voxel, maps, photo_parts = model.session("detail_encoder").run(None, {"photo": photo})
    matte = _sigmoid(maps[0, 0])
    offsets = landmark_offsets(alignment.landmarks, alignment.camera, model.geometry["mean_landmarks"])
    pose = alignment.camera.camera_to_world[None].astype(np.float32)
    inputs = {"photo": photo, "landmark_offsets": offsets, "matte": matte[None, None], "camera": pose}
    w_plus, shape = model.session("encoder_w").run(None, inputs)
    report(0.15, STAGES[1])
    coarse = model.session("efficient_gram").run(None, {"w_plus": w_plus, "shape": shape})
    level, occupancy, colour, sheets, hidden = coarse
    report(0.25, STAGES[2])
    bounds = np.stack([at_texels(table, *level.shape[2:]) for table in placement.bounds(model.geometry["radii"])])
    facing = placement.facing(placement.level_to_radius(bounds, level[0, 0]).astype(np.float32), alignment.camera)
    lifted = lift(voxel[0], photo[0], matte, placement.trust(facing), alignment.camera, geometry.lift_points)
    report(0.4, STAGES[3])
    inputs = {"lifted": lifted, "level": level, "occupancy": occupancy}
    inputs |= {"colour": colour, "sheets": sheets, "hidden": hidden}
    level, occupancy, colour, features, parts = model.session("detail_manifolds").run(None, inputs)
    report(0.5, STAGES[4])
    radius, known = find_surface(level[0, 0], occupancy[0, 0], matte, alignment.camera, model)
    radii = placement.place_sheets(radius, known, len(features[0]))
    depth = placement.visible_depth(radius, known, alignment.camera, VISIBLE_SIZE, far_depth(alignment.camera))
    occupancy = np.where(known, FILLED, EMPTIED).astype(np.float32)
    radius = placement.continued(radius, known)
    faces, behind = placement.facing(radius, alignment.camera), placement.behind(radius, depth, alignment.camera)
    parts, photo_parts = chances(parts[0]), chances(photo_parts[0])
    behind = behind + elsewhere(radius, faces, parts, photo_parts, alignment.camera)
    clean = without_fringe(without_backdrop(photo[0], photo_parts[HAIR], matte), matte)
    colour, _ = match_colours(colour[0], parts, radius, faces, behind, clean, photo_parts, matte, alignment.camera)
    softness = placement.softness(parts)
    columns = np.concatenate([np.stack([radius, occupancy, faces, behind]), colour, softness[None]])
    textures = np.zeros((len(radii) + 1, TEXTURE_SIZE, TEXTURE_SIZE, 4), np.uint8)
    _decode(textures, radii, columns, features[0], clean, maps[0], alignment.camera, geometry, model, report)
    textures[-1] = background_texture(alignment.crop, maps[0, 0], alignment.camera)
    report(1.0, "done")
    return textures, radii


def find_surface(level, occupancy, matte, camera, model):
    """Radius (h, w) float32 metres of the subject's surface in every texel column, and whether it has one (h, w) bool.

    level, occupancy (logit): (h, w) float32; matte (256, 256) in [0, 1] of the photo that camera took.
    """
    bounds = np.stack([at_texels(table, *level.shape) for table in placement.bounds(model.geometry["radii"])])
    radius = np.maximum(placement.level_to_radius(bounds, level), placement.THINNEST)
    radius, kept = placement.fit_to_hull(radius, matte, camera)
    return radius, kept & (occupancy > 0.0)


def far_depth(camera):
    """Depth in metres that stands for the backdrop in the depth map of what a photo's camera sees."""
    return float(np.linalg.norm(camera.position)) + BEHIND_HEAD


def chances(logits):
    """Chances (P, ...) of parts from their logits."""
    powers = np.exp(logits - logits.max(0))
    return powers / powers.sum(0)


def landmark_offsets(landmarks, camera, mean_landmarks):
    """Offsets (1, 936) float32, in units of 10 px, of landmarks (468, 2) from the mean head's in the same pose."""
    expected, _ = camera.project(mean_landmarks)
    offsets = np.clip((landmarks - expected) / 10.0, -MAX_OFFSET, MAX_OFFSET)
    offsets[list(UNUSED_LANDMARKS)] = 0.0
    return offsets.astype(np.float32).reshape(1, -1)


def lift(voxel, photo, matte, trust, camera, points):
    """Carry the photo onto the manifolds' low-resolution texture grid.

    voxel: (C * D, S, S) float32, channel-major, a frustum of D slices around the head. photo: (3, 256, 256) in [0, 1].
    matte: (256, 256) in [0, 1]. trust: (grid, grid) in [0, 1], weight of the photo's colours in every column.
    points: (L * grid * grid, 3) metres. Returns (1, L * (C + 4), grid, grid) float32.
    """
    size, grid = voxel.shape[-1], trust.shape[-1]
    count = len(points) // (grid * grid)
    slices, channels = VOXEL_SLICES, voxel.shape[0] // VOXEL_SLICES
    pixel, depth = camera.project(points)
    pixel = pixel / CROP_SIZE
    x, y = (np.clip(pixel[:, axis] * size - 0.5, 0, size - 1) for axis in (0, 1))
    z = np.clip(((depth - CROP_DISTANCE) / VOXEL_DEPTH + 1) * slices / 2 - 0.5, 0, slices - 1)
    volume = np.ascontiguousarray(voxel.reshape(channels, slices, size, size).transpose(1, 2, 3, 0))
    features = _trilinear(volume, z, y, x)
    chance = cv2.erode(matte, np.ones((5, 5), np.uint8))[None]  # pixels at the edge mix in the backdrop
    small = np.concatenate([photo * chance, chance]).reshape(4, 64, CROP_SIZE // 64, 64, CROP_SIZE // 64).mean((2, 4))
    x, y = (np.clip(pixel[:, axis] * 64 - 0.5, 0, 63) for axis in (0, 1))
    colours = _trilinear(np.ascontiguousarray(small.transpose(1, 2, 0))[None], np.zeros_like(x), y, x)
    colours *= np.tile(trust.ravel(), count)[:, None]
    lifted = np.concatenate([features, colours], 1).reshape(count, grid, grid, channels + 4)
    return np.ascontiguousarray(lifted.transpose(0, 3, 1, 2).reshape(1, -1, grid, grid), np.float32)


def _trilinear(volume, z, y, x):
    """volume (D, H, W, C) at fractional indices (n,) inside it. Returns (n, C)."""
    depth, height = volume.shape[:2]
    low = np.minimum(np.floor(z), max(depth - 2, 0))
    slices = volume.reshape(depth * height, *volume.shape[2:])  # one below the other: y stays inside its own
    near = _look_up(slices, x, y + low * height)
    if depth == 1:
        return near
    return near + (z - low)[:, None] * (_look_up(slices, x, y + (low + 1.0) * height) - near)


def _resize(planes, size):
    """(C, h, w) float32 to (C, size, size), bilinear with texel centres."""
    return np.stack([cv2.resize(plane, (size, size), interpolation=cv2.INTER_LINEAR) for plane in planes])


def _decode(textures, radii, columns, features, photo, maps, camera, geometry, model, report):
    """Fill the sheets' textures with the fusion MLP, front to back.

    columns: (8, h, w) radius of the surface, logit of occupancy, how far the surface faces the photo and lies behind
    what it shows, colour, softness in metres. Only texels that matter go through the MLP: those that are nearly empty
    and those that solid texels of the same column hide take the colour of the others. photo: (3, 256, 256) without
    fringe.
    """
    session, count = model.session("decoder"), len(radii)
    columns = _resize(columns, TEXTURE_SIZE).reshape(len(columns), -1)
    tint = np.round(np.clip(columns[4:7].T, 0.0, 1.0) * 255).astype(np.uint8)
    stack = np.concatenate([photo, _sigmoid(maps[:1]), maps[1:]])
    groups = [np.ascontiguousarray(stack[i : i + 4].transpose(1, 2, 0)) for i in range(0, len(stack), 4)]
    volume = np.ascontiguousarray(features.transpose(0, 2, 3, 1))
    outer, inner = (at_texels(radii[k], TEXTURE_SIZE, TEXTURE_SIZE).ravel() for k in (0, -1))
    level, softness = placement.in_levels(columns[0], columns[7], outer, inner, count)
    occupied = _sigmoid(columns[1])
    through, coloured = np.ones(len(tint), np.float32), np.zeros(len(tint), np.float32)
    surface = np.zeros(tint.shape, np.float32)
    slight, hem = np.ones((count, len(tint)), bool), _hem()
    pictures = textures[:count].reshape(count, -1, 4)
    for sheet, ended in enumerate(placement.ending(level, softness, count)):
        report(0.5 + 0.5 * sheet / count, STAGES[4])
        opacity = occupied * ended
        pictures[sheet, :, 3] = np.round(opacity * hem * 255)
        weight = opacity * through
        here = np.flatnonzero(weight > SLIGHT)
        if len(here):
            radius = outer[here] + (inner[here] - outer[here]) * np.float32(sheet / (count - 1))
            points, rim, inside = _fusion(here, radius, opacity[here], columns, volume, groups, camera, geometry)
            rgb = session.run(None, {"points": points})[0][0, :, 0].T
            rgb = np.round((rgb + rim[:, None] * (inside - rgb)) * 255)
            pictures[sheet, here, :3] = rgb
            surface[here] += weight[here, None] * rgb
            coloured[here] += weight[here]
            slight[sheet, here] = False
        through -= weight
    others = np.zeros((len(tint), 4), np.uint8)
    others[:, :3] = np.where(coloured[:, None] > 0.0, surface / np.maximum(coloured, 1e-6)[:, None], tint)
    others = others.reshape(TEXTURE_SIZE, TEXTURE_SIZE, 4)
    for sheet in range(count):
        opacity = textures[sheet, ..., 3].copy()  # copyTo, far faster than numpy's masks, takes all four channels
        cv2.copyTo(others, slight[sheet].reshape(TEXTURE_SIZE, -1).view(np.uint8), textures[sheet])
        textures[sheet, ..., 3] = opacity


def _fusion(here, radius, opacity, columns, volume, groups, camera, geometry):
    """What the fusion MLP sees at texels ``here`` (n,) of a sheet, of radius (n,) and opacity (n,).

    volume: (N, g, g, C) features of the model's sheets; groups: maps (256, 256, 4) of the photo, the first its colours
    and matte. Returns points (1, inputs, 1, n) float32; and how far a texel belongs to the subject's rim, whose colours
    come from inside the photo's subject, (n,) in [0, 1], with those colours (n, 3).
    """
    origin, direction = geometry.origin.reshape(-1, 3)[here], geometry.direction.reshape(-1, 3)[here]
    x, y = _project(origin + direction * radius[:, None], camera)
    seen = np.concatenate([_look_up(group, x, y) for group in groups], 1)
    row, column = np.divmod(here, TEXTURE_SIZE)
    scale = volume.shape[1] / TEXTURE_SIZE
    level = placement.radius_to_level(geometry.bounds.reshape(3, -1)[:, here], radius)
    place = level, (row + 0.5) * scale - 0.5, (column + 0.5) * scale - 0.5
    more = _trilinear(volume, *(np.clip(x, 0, n - 1) for x, n in zip(place, volume.shape)))
    logit = np.log(opacity / np.maximum(1.0 - opacity, 1e-9))
    column = columns[:, here]
    points = [column[4:7], seen[:, :4].T, logit[None], more.T, seen[:, 4:].T, column[3:4], column[2:3]]
    rim = np.clip((1.0 - seen[:, 3]) / (1.0 - RIM_FROM), 0.0, 1.0) * np.clip(column[2] / RIM_SEEN, 0.0, 1.0)
    return np.concatenate(points).astype(np.float32)[None, :, None], rim, seen[:, :3]


def _hem():
    """Share (texels,) of the opacity that is left towards the lower border and the sides of the textures."""
    to_edge = TEXTURE_SIZE - 0.5 - np.arange(TEXTURE_SIZE, dtype=np.float32)
    low, side = (np.clip(distance / HEM, 0.0, 1.0) for distance in (to_edge, np.minimum(to_edge, to_edge[::-1])))
    return (low[:, None] * side).ravel()


def without_fringe(photo, matte):
    """The photo with pixels at and beyond the subject's edge replaced by colours from inside.

    Pixels at the edge mix in the backdrop and would be smeared over the sides of the head. photo (3, h, w) float32 in
    [0, 1], matte (h, w) in [0, 1]. Returns (3, h, w) float32.
    """
    sure = cv2.erode(np.clip(matte * 2.5 - 1.4, 0.0, 1.0), np.ones((3, 3), np.uint8))
    image = photo.transpose(1, 2, 0)
    inside, missing = image * sure[..., None], 1.0 - sure[..., None]
    filled = inside.copy()
    for sigma in (1.5, 4.0, 12.0):
        reach = cv2.GaussianBlur(sure, (0, 0), sigma)[..., None]
        share = missing * np.clip(reach * 8.0, 0.0, 1.0)
        filled += share * cv2.GaussianBlur(inside, (0, 0), sigma) / np.maximum(reach, 1e-4)
        missing = missing - share
    return np.ascontiguousarray((filled + missing * image).transpose(2, 0, 1), np.float32)


def without_backdrop(photo, hair, matte):
    """The photo without the backdrop that shines through the edge of hair.

    Near the edge a pixel is taken for a mixture of the colour of hair further inside and the backdrop's beside it
    (Forte, "Approximate fast foreground colour estimation", ICIP 2021); the backdrop's share is taken back.
    photo (3, h, w) float32 in [0, 1]; hair (h, w), chance of it; matte (h, w). Returns (3, h, w) float32.
    """
    image = photo.transpose(1, 2, 0)
    deep = cv2.erode((matte > SURELY).astype(np.float32), np.ones((2 * EDGE_WIDTH + 1,) * 2, np.uint8))
    empty = (matte < 1.0 - SURELY).astype(np.float32)
    subject, backdrop = (_mean_around(image, weight) for weight in (deep * hair, empty))
    towards = backdrop[..., :3] - subject[..., :3]
    length = np.square(towards).sum(-1)
    part = ((image - subject[..., :3]) * towards).sum(-1) / np.maximum(length, 1e-4)
    brighter = towards.mean(-1)  # on light hair before a dark backdrop the mixture shows less than errors would
    near = hair * (1.0 - deep) * np.clip(brighter / DISTINCT, 0.0, 1.0)
    near *= np.clip(subject[..., 3] * backdrop[..., 3] * 400.0, 0.0, 1.0)
    cleaned = image - (np.clip(part, 0.0, 1.0) * near)[..., None] * towards
    return np.ascontiguousarray(np.clip(cleaned, 0.0, 1.0).transpose(2, 0, 1), np.float32)


def _mean_around(image, weight):
    """Mean colours of an image (h, w, 3) around every pixel where weight (h, w), and how much weight there is:
    (h, w, 4) float32."""
    total = cv2.GaussianBlur(np.dstack([image * weight[..., None], weight]).astype(np.float32), (0, 0), EDGE_WIDTH)
    total[..., :3] /= np.maximum(total[..., 3:], 1e-6)
    return total


def _look_up(image, x, y):
    """Pixels (n, C) of image (h, w, C) at positions x, y (n,); OpenCV wants maps that are narrower than 32,768."""
    width = 1024
    if not len(x):
        return np.zeros((0, 1 if image.ndim == 2 else image.shape[2]), np.float32)
    place = [np.resize(np.float32(a), (-(-len(a) // width), width)) for a in (x, y)]
    found = cv2.remap(image, *place, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    return found.reshape(-1, 1 if image.ndim == 2 else image.shape[2])[: len(x)]


def _project(points, camera):
    """Positions x, y (n,) float32 of points (n, 3) for cv2.remap, which counts pixel centres as integers."""
    offset = points - camera.position.astype(np.float32)
    local = offset @ camera.camera_to_world[:3, :3].astype(np.float32)
    distance = -local[..., 2]
    x = np.float32(camera.cx - 0.5) + np.float32(camera.fx) * local[..., 0] / distance
    y = np.float32(camera.cy - 0.5) - np.float32(camera.fy) * local[..., 1] / distance
    return x, y


def background_texture(crop, matte, camera):
    """Texture (320, 320, 4) uint8 of the background plane: the photo's backdrop, with the subject painted out."""
    subject = cv2.dilate((matte > -2.0).astype(np.float32), np.ones((9, 9), np.uint8))[..., None]
    small = (CROP_SIZE // 4, CROP_SIZE // 4)  # what is painted in is smooth
    total = cv2.resize(crop * (1.0 - subject), small, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(1.0 - subject, small, interpolation=cv2.INTER_AREA)
    filled, missing = np.zeros_like(total), np.ones_like(weight)[..., None]
    for sigma in (1, 2.5, 6, 15):
        reach = cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
        share = missing * np.clip(reach * 10.0, 0.0, 1.0)
        filled += share * cv2.GaussianBlur(total, (0, 0), sigma) / np.maximum(reach, 1e-4)
        missing = missing - share
    filled += missing * (total.sum((0, 1)) / max(weight.sum(), 1.0))
    result = crop * (1.0 - subject) + subject * cv2.resize(filled, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    u, v = domes.texel_centres(TEXTURE_SIZE, TEXTURE_SIZE)
    plane = np.stack([(2 * u - 1) * BACKGROUND_HALF, (1 - 2 * v) * BACKGROUND_HALF, np.full_like(u, BACKGROUND_Z)], -1)
    pixel, _ = camera.project(plane)
    x, y = (pixel[..., axis].astype(np.float32) - 0.5 for axis in (0, 1))
    out = np.full((TEXTURE_SIZE, TEXTURE_SIZE, 4), 255, np.uint8)
    result = np.clip(result, 0, 255).astype(np.uint8)
    out[..., :3] = cv2.remap(result, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    return out


def _sigmoid(x):
    return 1.0 / (1.0 + np.exp(-np.clip(x, -30.0, 30.0)))


_geometries = {}


def _geometry(model):
    """Cached :class:`_Geometry` of a model."""
    if model.sha256 not in _geometries:
        radii, lift_sheets = model.geometry["radii"], model.geometry["lift_sheets"]
        grid = int(model.geometry["grid"])
        u, v = domes.texel_centres(grid, grid)
        points = np.stack([domes.dome_points(u, v, at_texels(radii[int(k)], grid, grid)) for k in lift_sheets])
        _geometries.clear()
        bounds = np.stack([at_texels(table, TEXTURE_SIZE, TEXTURE_SIZE) for table in placement.bounds(radii)])
        origin, direction = placement.column_rays(TEXTURE_SIZE, TEXTURE_SIZE)
        _geometries[model.sha256] = _Geometry(points.reshape(-1, 3).astype(np.float32), bounds, origin, direction)
    return _geometries[model.sha256]
