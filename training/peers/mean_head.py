"""The analytic baseline: the photo projected onto the mean head. No network, one sheet.

Shape, unseen colours and extent are the average of the training heads; colours the photo shows are the photo's; what
projects onto its backdrop is carved away with a matte that the baseline is given.
"""

import dataclasses

import cv2
import numpy as np

from inference.geometry import domes
from inference.geometry.grids import sample_grid
from inference.geometry.reach import REACH, across, respread
from inference.portrait import Portrait
from inference.view.render import render_view
from training.model.geometry import fill_and_smooth

TEXTURE = 320  # texels per side
GRAZING = 0.15  # cosine below which the photo does not colour a texel
HIDDEN = 0.006  # metres behind the visible surface from which on a texel is hidden


class MeanHead:
    """Makes portraits of the mean head of one model; call it with an alignment and a matte."""

    def __init__(self, model):
        level, colour = _means(model)
        radii = model.geometry["radii"]
        grid = np.linspace(0.0, 1.0, len(radii[0]))
        self.radii = surface(level, radii, *np.meshgrid(across(grid, REACH, model.reach), grid))[None].astype(np.float32)
        u, v = domes.texel_centres(TEXTURE, TEXTURE)
        self.points = domes.dome_points(u, v, surface(level, radii, across(u, REACH, model.reach), v))
        self.normals = _normals(self.points)
        missed = (level == len(radii) / 2).astype(np.uint8)  # training.population marks misses so
        missed = cv2.morphologyEx(missed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))  # single texels are chance
        known = cv2.erode(1 - missed, np.ones((3, 3), np.uint8)).astype(np.float32)
        self.known = cv2.resize(respread(known, model.reach), (TEXTURE, TEXTURE))
        self.colour = cv2.resize(respread(colour, model.reach).transpose(1, 2, 0), (TEXTURE, TEXTURE))
        self.model = model

    def __call__(self, alignment, matte=None):
        """alignment: crop, camera and landmarks as :class:`inference.alignment.align.Alignment`. matte: (256, 256) float in
        [0, 1], None to keep the whole mean head. Returns a Portrait."""
        camera, crop = alignment.camera, alignment.crop
        textures = np.zeros((2, TEXTURE, TEXTURE, 4), np.uint8)
        textures[0, ..., 3] = np.round(255 * self.known)
        portrait = Portrait(textures, self.radii, camera, crop, np.eye(2, 3), crop.shape[1::-1], "mean head",
                            self.model.id, self.model.sha256)  # fmt: skip
        front = render_view(portrait, camera).depth
        pixels, depth = camera.project(self.points)
        x, y = (pixels[..., axis].astype(np.float32) - 0.5 for axis in (0, 1))
        nearest = cv2.remap(np.where(np.isfinite(front), front, 0), x, y, cv2.INTER_NEAREST)
        towards = camera.position - self.points
        cosine = (towards * self.normals).sum(-1) / np.linalg.norm(towards, axis=-1)
        seen = (depth < nearest + HIDDEN) & (cosine > GRAZING) & (self.known > 0.5)
        alpha = self.known
        if matte is not None:
            shown = cv2.remap(matte.astype(np.float32), x, y, cv2.INTER_LINEAR)
            sure = cv2.remap(cv2.erode(matte.astype(np.float32), np.ones((5, 5), np.uint8)), x, y, cv2.INTER_LINEAR)
            alpha, seen = alpha * shown, seen & (sure > 0.9)
        photo = cv2.remap(crop, x, y, cv2.INTER_CUBIC, None, cv2.BORDER_REPLICATE).astype(np.float32) / 255
        offset = [fill_and_smooth((photo - self.colour)[..., c], seen, 6.0) for c in range(3)]
        colour = np.where(seen[..., None], photo, self.colour + np.stack(offset, -1))
        textures = textures.copy()
        textures[0, ..., :3] = np.round(255 * np.clip(colour, 0, 1))
        textures[0, ..., 3] = np.round(255 * alpha)
        return dataclasses.replace(portrait, textures=textures)


def surface(level, radii, u, v):
    """Radius in metres at u, v (...) of the surface with the given level (g, g) at texel centres; radii (k, n, n)."""
    size = len(level)
    x, y = (np.clip(a * size - 0.5, 0, size - 1) / (size - 1) for a in (u, v))
    at = np.clip(sample_grid(level.astype(np.float64), x, y), 0, len(radii) - 1)
    low = np.minimum(at.astype(int), len(radii) - 2)
    stack = np.stack([sample_grid(sheet.astype(np.float64), u, v) for sheet in radii])
    before, after = (np.take_along_axis(stack, (low + step)[None], 0)[0] for step in (0, 1))
    return before + (at - low) * (after - before)


def _normals(points):
    """Outward unit normals (h, w, 3) of a grid of points."""
    across, down = np.gradient(points, axis=1), np.gradient(points, axis=0)
    normal = np.cross(down, across)
    return normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)


def _means(model):
    """Mean level (g, g) and mean colour (3, h, h) of the training heads: an exported generator holds them."""
    geometry = model.geometry
    if "mean_level" not in geometry:
        from training.weights.from_onnx import read_geometry

        geometry = read_geometry(model.folder)
    return geometry["mean_level"], geometry["mean_colour"]
