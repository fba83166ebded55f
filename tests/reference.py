"""Slow and plain twins of the fast code: one ray, one sheet, bisection in double precision."""

import numpy as np

from inference.geometry import domes
from inference.geometry.grids import sample_grid
from inference.view.rays import NEAR
from inference.view.shells import bounding_sphere


def entries(radii, origins, directions, samples=240, steps=22):
    """First entry of every ray into every sheet.

    radii (k, n, n), origins and directions (rays, 3), directions unit. Returns t (k, rays), nan where there is none,
    u and v (k, rays).
    """
    centre, radius = bounding_sphere(radii)
    middle = ((centre - origins) * directions).sum(-1)
    low, high = np.maximum(middle - radius, NEAR), np.maximum(middle + radius, 2 * NEAR)
    radii = np.asarray(radii, np.float64)

    def field(t):
        u, v, radius = domes.dome_coordinates(origins + t[..., None] * directions)
        return radius[None] - sample_grid(radii, u, v)

    t = low + (high - low) * np.linspace(0.0, 1.0, samples)[:, None]
    inside = np.stack([field(row) <= 0.0 for row in t])  # (samples, k, rays)
    entered = ~inside[:-1] & inside[1:]
    first = entered.argmax(0)
    found = entered.any(0)
    ray = np.arange(len(origins))
    left, right = t[first, ray], t[first + 1, ray]
    for _ in range(steps):
        half = 0.5 * (left + right)
        u, v, radius = domes.dome_coordinates(origins + half[..., None] * directions)
        value = np.stack([radius[k] - sample_grid(radii[k], u[k], v[k]) for k in range(len(radii))])
        left, right = np.where(value > 0.0, half, left), np.where(value > 0.0, right, half)
    t = np.where(found, 0.5 * (left + right), np.nan)
    u, v, _ = domes.dome_coordinates(origins + np.where(found, t, 0.0)[..., None] * directions)
    return t, u, v


def colours(textures, t, u, v, depth_per_metre):
    """Composite rays. textures (k, h, w, 4) uint8; t, u, v (k, rays).

    Returns straight colour (rays, 3), alpha and depth (rays,).
    """
    transmittance = np.ones(t.shape[1])
    colour, depth = np.zeros((t.shape[1], 3)), np.zeros(t.shape[1])
    height, width = textures.shape[1:3]
    for k in range(len(t)):
        hit = np.isfinite(t[k]) & (u[k] > 0) & (u[k] < 1) & (v[k] > 0) & (v[k] < 1)
        x, y = np.clip(u[k] * width - 0.5, 0, width - 1), np.clip(v[k] * height - 0.5, 0, height - 1)
        image = textures[k].transpose(2, 0, 1).astype(np.float64) / 255.0
        rgba = sample_grid(image, x / (width - 1), y / (height - 1))
        weight = np.where(hit, rgba[3] * transmittance, 0.0)
        transmittance = transmittance - weight
        colour += weight[:, None] * rgba[:3].T
        depth += weight * np.where(hit, t[k], 0.0) * depth_per_metre
    alpha = 1.0 - transmittance
    with np.errstate(invalid="ignore", divide="ignore"):
        return colour / alpha[:, None], alpha, depth / alpha
