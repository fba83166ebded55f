"""Closed-form subjects on closed-form sheets, for every test that needs a portrait but no network.

``surface`` is the dome radius of the subject as a function of (u, v); every quantity a test wants to check
(sheet, depth, mesh vertex, colour) follows from it by formula.
"""

import dataclasses

import numpy as np

from inference.geometry import domes
from inference.geometry.cameras import CROP_SIZE, orbit_camera
from inference.photo.srgb import to_srgb
from inference.portrait import Portrait

SHEETS, GRID, TEXTURE = 23, 81, 320
SPREAD = 0.03  # metres between the base surface and the outermost sheet, and the innermost
HEAD_CENTRE = np.array([0.0, 0.015, -0.02])
HEAD_RADIUS = 0.11
ALBEDO = np.array([0.5, 0.32, 0.25])  # of the head in a lamp's light
NECK_RADIUS, NECK_Z = 0.058, -0.07


def analytic_portrait(kind="sphere", texture=TEXTURE):
    """A subject with a known surface.

    kind: "sphere" is a painted ball on a neck with a nose, its sheets parallel to the ball without nose;
    "dome" has sheets and surface of constant dome radius (a capsule), for closed-form ray intersections;
    "empty" has sheets of "sphere" and nothing on them.
    Returns a Portrait whose camera is the frontal crop camera and whose crop is a plain colour ramp.
    """
    radii = sheet_radii(kind)
    u, v = domes.texel_centres(texture, texture)
    textures = np.zeros((SHEETS + 1, texture, texture, 4), np.uint8)
    if kind != "empty":
        level = surface_level(kind, u, v)
        colour = surface_colour(u, v)
        for index in range(SHEETS):
            # the solid share of the slab between this sheet and the next one
            alpha = np.clip(index + 1 - level, 0.0, 1.0)
            textures[index, ..., :3] = np.rint(255 * colour)
            textures[index, ..., 3] = np.rint(255 * alpha)
    textures[SHEETS, ..., :3] = np.rint(255 * np.stack([0.3 + 0.3 * u, 0.4 + 0.3 * v, np.full_like(u, 0.6)], -1))
    textures[SHEETS, ..., 3] = 255
    ramp = np.linspace(0, 255, CROP_SIZE).astype(np.uint8)
    crop = np.stack([np.broadcast_to(ramp, (CROP_SIZE, CROP_SIZE)), np.broadcast_to(ramp[:, None], (256, 256))], -1)
    crop = np.concatenate([crop, np.full((CROP_SIZE, CROP_SIZE, 1), 128, np.uint8)], -1)
    return Portrait(
        textures=textures,
        radii=radii,
        camera=orbit_camera(),
        crop=crop,
        crop_to_photo=np.array([[2.0, 0.0, 100.0], [0.0, 2.0, 50.0]]),
        photo_size=(800, 700),
        photo_name=f"{kind}.jpg",
        model_id="analytic",
        model_sha256="0" * 64,
        settings={"kind": kind},
        pose={"yaw": 0.0, "pitch": 0.0, "roll": 0.0},
    )


def lamp(normals, direction, strength=0.7):
    """Lambert's light of a lamp and the same from all sides, (...)."""
    direction = np.array(direction) / np.linalg.norm(direction)
    return 1.0 - strength + strength * np.maximum(normals @ direction, 0.0)


def lit_head(direction):
    """The analytic head with one albedo in a lamp's light, None for even light; its texels' points and that light."""
    head = analytic_portrait()
    u, v = domes.texel_centres(320, 320)
    points = domes.dome_points(u, v, surface_radius("sphere", u, v))
    normals = points - HEAD_CENTRE
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    light = np.ones(u.shape) if direction is None else lamp(normals, direction)
    textures = head.textures.copy()
    textures[:-1, ..., :3] = np.rint(255 * to_srgb(ALBEDO * light[..., None]))
    parts = np.zeros((40, 40, 3), np.uint8)
    parts[..., 0] = 255
    return dataclasses.replace(head, textures=textures, parts=parts), points.astype(np.float32), light


def sheet_radii(kind="sphere", grid=GRID):
    """(23, grid, grid) float32 metres, outermost sheet first."""
    u, v = np.meshgrid(np.linspace(0, 1, grid), np.linspace(0, 1, grid))
    offsets = np.linspace(SPREAD, -SPREAD, SHEETS)[:, None, None]
    return (base_radius(kind, u, v) + offsets).astype(np.float32)


def base_radius(kind, u, v):
    """Dome radius in metres of the middle sheet."""
    if kind == "dome":
        return np.full(np.shape(u), 0.15)
    ray = domes.dome_points(u, v, 1.0) - (origin := domes.dome_points(u, v, 0.0))
    to_head = HEAD_CENTRE - origin
    along = (ray * to_head).sum(-1)
    inside = HEAD_RADIUS**2 - (to_head**2).sum(-1) + along**2
    head = np.where(inside > 0, along + np.sqrt(np.maximum(inside, 0.0)), 0.0)
    flat = np.array([1.0, 0.0, 1.0])
    direction = ray * flat
    slope = (direction**2).sum(-1)
    to_neck = (np.array([0.0, 0.0, NECK_Z]) - origin) * flat
    along = (direction * to_neck).sum(-1) / slope
    gap = (to_neck**2).sum(-1) - slope * along**2
    neck = along + np.sqrt(np.maximum(NECK_RADIUS**2 - gap, 0.0) / slope)
    neck = np.where(v < 1.0 - domes.EQUATOR_V, 0.0, neck)
    sharpness = 200.0  # soft maximum: a smooth throat
    return np.logaddexp(head * sharpness, np.maximum(neck, 0.02) * sharpness) / sharpness


def surface_radius(kind, u, v):
    """Dome radius in metres of the subject: the base with a nose, eye sockets and a wave."""
    if kind == "dome":
        return np.full(np.shape(u), 0.1523)

    def bump(u0, v0, width, height):
        return height * np.exp(-((u - u0) ** 2 + (v - v0) ** 2) / (2 * width**2))

    nose = bump(0.5, 0.56, 0.03, 0.014)
    eyes = bump(0.43, 0.45, 0.03, -0.006) + bump(0.57, 0.45, 0.03, -0.006)
    return base_radius(kind, u, v) + nose + eyes + 0.004 * np.cos(6 * np.pi * u) * np.sin(np.pi * v)


def surface_level(kind, u, v):
    """Continuous sheet index of the surface: 0 on the outermost sheet, 22 on the innermost."""
    return (base_radius(kind, u, v) + SPREAD - surface_radius(kind, u, v)) / (2 * SPREAD) * (SHEETS - 1)


def surface_colour(u, v):
    """(..., 3) sRGB in [0, 1]: skin, hair above, two eyes, a mouth."""
    u, v = np.asarray(u, np.float64)[..., None], np.asarray(v, np.float64)[..., None]
    colour = np.array([0.80, 0.60, 0.50]) + 0.08 * np.cos(4 * np.pi * u) * np.array([1.0, 0.7, 0.5])

    def paint(colour, centre_u, centre_v, width, height, rgb):
        distance = np.sqrt(((u - centre_u) / width) ** 2 + ((v - centre_v) / height) ** 2)
        weight = np.clip((1.0 - distance) * 4 + 0.5, 0.0, 1.0)
        return colour * (1 - weight) + weight * np.array(rgb)

    hairline = 0.26 + 0.9 * (u - 0.5) ** 2 * 4 * 0.35
    weight = np.clip((hairline - v) * 25 + 0.5, 0.0, 1.0)
    colour = colour * (1 - weight) + weight * np.array([0.22, 0.14, 0.10])
    for centre in (0.43, 0.57):
        colour = paint(colour, centre, 0.45, 0.035, 0.02, (0.95, 0.95, 0.93))
        colour = paint(colour, centre, 0.45, 0.014, 0.017, (0.20, 0.35, 0.55))
    return paint(colour, 0.5, 0.66, 0.05, 0.014, (0.65, 0.22, 0.24))
