"""Heads with a formula instead of a mesh: shards and photos for tests of the training system, made in seconds.

Every head is the painted ball of tests.portraits with its own colours and its own bumps; pictures are rendered by the
engine, so photo, depth, dome textures, landmarks and cameras agree as they do in training.synthetic's shards.
"""

import dataclasses

import numpy as np

from inference.geometry import domes
from inference.geometry.cameras import orbit_camera
from inference.view.render import render_view
from tests import portraits
from training.synthetic.shown import shown_columns

DOME = 160  # texels of a shard's dome textures
LANDMARKS = (26, 18)  # columns and rows of the grid of surface points that stands for the 468 landmarks


def mean_landmarks():
    """(468, 3) float32 metres: points in front of the mean head, symmetric about its middle."""
    u, v = np.meshgrid(np.linspace(0.3, 0.7, LANDMARKS[0]), np.linspace(0.36, 0.72, LANDMARKS[1]))
    u, v = u.ravel(), v.ravel()
    return domes.dome_points(u, v, portraits.base_radius("sphere", u, v)).astype(np.float32)


def head(seed):
    """One head: a Portrait, and its radius in metres as a function of u and v."""
    rng = np.random.default_rng(seed)
    bumps = [(*rng.uniform(0.2, (0.8, 0.7)), rng.uniform(0.06, 0.15), rng.normal(0, 0.006)) for _ in range(4)]
    tint = rng.uniform(0.5, 1.15, 3)

    def radius(u, v):
        extra = sum(h * np.exp(-((u - a) ** 2 + (v - b) ** 2) / (2 * w * w)) for a, b, w, h in bumps)
        return portraits.surface_radius("sphere", u, v) + extra

    portrait = portraits.analytic_portrait("sphere", texture=DOME)
    u, v = domes.texel_centres(DOME, DOME)
    outside = portraits.base_radius("sphere", u, v) + portraits.SPREAD
    level = (outside - radius(u, v)) / (2 * portraits.SPREAD) * (portraits.SHEETS - 1)
    textures = portrait.textures.copy()
    index = np.arange(portraits.SHEETS)[:, None, None]
    textures[:-1, ..., :3] = np.rint(255 * np.clip(portraits.surface_colour(u, v) * tint, 0, 1))
    textures[:-1, ..., 3] = np.rint(255 * np.clip(index + 1 - level, 0, 1))
    return dataclasses.replace(portrait, textures=textures), radius


def picture(portrait, camera):
    """RGBA (256, 256, 4) uint8, straight alpha, and depth (256, 256) float16 metres, 0 = nothing."""
    view = render_view(portrait, camera)
    rgba = np.concatenate([view.color, view.alpha[..., None]], -1)
    return np.rint(rgba * 255).astype(np.uint8), np.where(view.alpha > 0.5, view.depth, 0).astype(np.float16)


def make(seed):
    """All arrays of one head, as training.synthetic.generate writes them, by name."""
    rng = np.random.default_rng([seed, 1])
    portrait, radius = head(seed)
    cameras = [orbit_camera(rng.normal(0, 12), rng.normal(0, 6)) for _ in range(3)]
    photos, depths = zip(*(picture(portrait, camera) for camera in cameras))
    grid = [np.linspace(a, b, n) for a, b, n in zip((0.3, 0.36), (0.7, 0.72), LANDMARKS)]
    u, v = (x.ravel() for x in np.meshgrid(*grid))
    multi_pie = np.full((2, 68), 0.56)  # all on the nose but the corners and lids of the eyes
    around = np.linspace(0, 2 * np.pi, 6, endpoint=False)
    for first, centre in ((36, 0.43), (42, 0.57)):
        multi_pie[:, first : first + 6] = centre + 0.03 * np.cos(around), 0.45 + 0.02 * np.sin(around)
    u_dome, v_dome = domes.texel_centres(DOME, DOME)
    # The hairline of tests.portraits: what is dark above is hair.
    label = np.zeros((DOME, DOME, 3), np.uint8)
    hairy = v_dome < 0.26 + 1.26 * (u_dome - 0.5) ** 2
    label[..., 0], label[..., 1] = np.where(hairy, 0, 255), np.where(hairy, 255, 0)
    labelled = portrait.textures.copy()
    labelled[:-1, ..., :3] = label
    parts = picture(dataclasses.replace(portrait, textures=labelled), cameras[0])[0]
    matte = photos[0][..., 3].astype(np.float32) / 255
    surface = radius(u_dome, v_dome).astype(np.float32)
    seen = shown_columns(surface, np.ones(surface.shape, bool), cameras[0].camera_to_world, matte)
    dome = np.concatenate([portrait.textures[0, ..., :3], np.full((DOME, DOME, 1), 255, np.uint8)], -1)
    return {
        "photo": photos[0],
        "photo_depth": depths[0],
        "views": np.stack(photos[1:]),
        "view_depth": np.stack(depths[1:]),
        "view_cameras": np.stack([c.camera_to_world for c in cameras[1:]]).astype(np.float32),
        "camera": cameras[0].camera_to_world.astype(np.float32),
        "landmarks": cameras[0].project(domes.dome_points(u, v, radius(u, v)))[0].astype(np.float32),
        "landmarks68": cameras[0].project(domes.dome_points(*multi_pie, radius(*multi_pie)))[0].astype(np.float32),
        "dome_radius": radius(u_dome, v_dome).astype(np.float16),
        "dome_rgba": dome,
        "dome_label": label,
        "dome_light": np.full((DOME, DOME, 3), 136, np.uint8),  # 1: the colours are those of an even light
        "dome_seen": np.rint(255 * seen).astype(np.uint8),
        "photo_label": (parts[..., :3] * (parts[..., 3:] / 255.0)).astype(np.uint8),
        "skin_radius": radius(u_dome, v_dome).astype(np.float16),
        "parameters": rng.normal(size=12).astype(np.float32),
    }


def write_shard(folder, number=0, seeds=range(6)):
    """Write one shard into a folder of shards, which becomes what training.synthetic.generate leaves behind."""
    rows = [make(seed) for seed in seeds]
    shard = folder / f"shard_{number:04d}"
    shard.mkdir(parents=True)
    for name in rows[0]:
        np.save(shard / f"{name}.npy", np.stack([row[name] for row in rows]))
    np.save(folder / "mean_landmarks.npy", mean_landmarks())
    return shard


def photo(seed, size=(420, 520), scale=1.5):
    """A photo (h, w, 3) uint8 of a head over a backdrop, its matte (h, w) uint8, landmarks (468, 2) in its pixels."""
    import cv2

    row = make(seed)
    matrix = np.array([[scale, 0, 10.0], [0, scale, 30.0]])
    rgba = cv2.warpAffine(row["photo"], matrix, size, flags=cv2.INTER_LINEAR)
    backdrop = np.linspace(60, 190, size[1])[:, None, None] * np.array([0.8, 0.9, 1.0])
    alpha = rgba[..., 3:] / 255.0
    image = np.rint(rgba[..., :3] * alpha + backdrop * (1 - alpha)).astype(np.uint8)
    return image, rgba[..., 3], (row["landmarks"] @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
