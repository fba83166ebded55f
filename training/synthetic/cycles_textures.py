"""Surface colours of the OpenGL shader (:mod:`training.synthetic.shaders`), baked into pictures for a path tracer."""

import cv2
import numpy as np

from inference.geometry.curves import smooth_step

from .passes import KINDS

SKIN, HAIR, CLOTH, PLAIN, STRANDS = range(5)  # kinds of the shader
SKIN_SIZE = 2048  # pixels of a baked skin


def srgb(linear):
    """Linear values, 1 = white, to sRGB in [0, 1]; both (...) float32."""
    linear = np.clip(linear, 0.0, 1.0).astype(np.float32)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** np.float32(1 / 2.4) - 0.055)


def shader_kind(part, material):
    """Number of the shader's branch that draws a part."""
    return KINDS.get(material["kind"] or part.kind, CLOTH)


def _tiled(picture, times, size):
    """A (h, w) picture repeated over a square of ``size`` pixels, times (across, along)."""
    tile = [max(round(size / n), 1) for n in times]
    smaller = tile[0] < picture.shape[1]
    tile = cv2.resize(picture, tile, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    whole = np.tile(tile, [-(-size // n) for n in tile.shape])
    return cv2.resize(whole[: round(tile.shape[0] * times[1]), : round(tile.shape[1] * times[0])], (size, size))


def _skin(albedo, paint, noise, material):
    """Linear colours (n, n, 3) of the painted skin. paint, noise: (., ., 4) float32 in [0, 1]."""
    size = albedo.shape[0]
    beard, scalp, lips, lids = np.moveaxis(cv2.resize(paint, (size, size)), -1, 0)
    blotch = _tiled(noise[..., 1], (7.0, 7.0), size) - 0.5
    grain, coarse = (_tiled(noise[..., c], material["noise_scale"], size) for c in (0, 1))
    albedo = albedo ** np.float32(material["power"]) * np.float32(material["gain"])
    spots = blotch[..., None] * np.float32([0.5, 1.0, 1.0]) + 0.6 * (coarse[..., None] - 0.5)
    albedo = albedo * (1.0 + material["blotches"] * spots)
    for mask, share, colour in ((lips, "lips", "lip_colour"), (lids, "lids", "lid_colour")):
        albedo = albedo * (1.0 + (mask * material[share])[..., None] * (np.float32(material[colour]) - 1.0))
    hairs = 1.0 - smooth_step(0.35, 0.75, grain + 0.6 * (0.5 - beard))
    bearded = np.clip(beard * material["beard"] * (0.35 + 0.65 * hairs), 0.0, 0.97)[..., None]
    albedo = albedo + bearded * (np.float32(material["beard_colour"]) - albedo)
    shaved = np.clip(scalp * material["scalp"], 0.0, 1.0)[..., None]
    return albedo + shaved * (np.float32(material["scalp_colour"]) * (0.75 + 0.5 * grain[..., None]) - albedo)


def bake(kind, material, image, paint, noise):
    """What a kind of surface reflects, (h, w, 4) uint8: sRGB colour and opacity, row 0 on top.

    material: of :class:`~training.synthetic.appearance.Wardrobe`. image, paint, noise: its pictures (., ., 4) uint8 or
    None. Returns None for strands, whose opacity lies in the mesh.
    """
    if kind == STRANDS:
        return None
    if kind == PLAIN:
        image = np.full((1, 1, 4), 255, np.uint8)
    elif kind == SKIN and image.shape[0] > SKIN_SIZE:
        image = cv2.resize(image, (SKIN_SIZE, SKIN_SIZE), interpolation=cv2.INTER_AREA)
    values = image.astype(np.float32) / 255.0
    albedo, alpha = values[..., :3] ** np.float32(2.2), np.ones(values.shape[:2], np.float32)
    if kind == SKIN:
        albedo = _skin(albedo, paint.astype(np.float32) / 255.0, noise.astype(np.float32) / 255.0, material)
    elif kind == HAIR:
        mean = max(np.float32(material["mean_luminance"]), np.float32(1e-6))  # of black lashes it is 0
        contrast = np.clip(albedo @ np.float32([0.3, 0.59, 0.11]) / mean, 0.05, 2.6) ** np.float32(material["power"])
        albedo = contrast[..., None] * np.float32(material["gain"])
        alpha = np.clip(values[..., 3] * material["opacity"], 0.0, 1.0)
    elif kind == CLOTH:
        albedo = albedo ** np.float32(material["power"]) * np.float32(material["gain"])
    else:
        albedo = albedo * np.float32(material["gain"])
    return np.round(255.0 * np.concatenate([srgb(albedo), alpha[..., None]], -1)).astype(np.uint8)
