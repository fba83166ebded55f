"""Textures of the sheets: opacity from the soft surface, colour from the fusion MLP or from the column.

Constants without another source were chosen on unseen heads (the first half of seed 90210 in docs/results.md) and by
looking at twelve test portraits.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from ..geometry.cameras import Camera
from ..geometry.curves import linear_step, sigmoid
from ..geometry.domes import column_rays
from ..geometry.grids import at_texels
from ..geometry.sampling import sample_image, sample_volume
from ..networks.model import Model
from ..networks.run import run_network
from .columns import Columns
from .sheets import in_levels, level_bounds, radius_to_level, sheet_opacities
from .visibility import blurred

TEXTURE_SIZE = 320  # texels per side of the textures that are written: a face has 1 to 1.5 of them a pixel of the crop
FILLED, EMPTIED = 6.0, -8.0  # logits of occupancy where a column meets the subject, and where it does not
CONTOUR, STEEP = 1.0, 16.0  # texels by which that line is smoothed, and logits per share of them: it is two texels wide
RIM_FROM = 0.7  # matte below which a texel's colour is the photo's nearest sure colour alone
RIM_SEEN = 0.3  # cosine to the photo's camera from which on that is so; what it does not see is not its rim
SLIGHT = 0.08  # share of its column's colour below which a texel is not worth a colour of its own
HEM = 8.0  # texels at lower border and sides over which the bust fades out; a cut would show every sheet's own border


@dataclass(frozen=True)
class _Texels:
    """The columns at the textures' n texels, in rows."""

    radius: np.ndarray  # (n,) metres
    occupied: np.ndarray  # (n,) in [0, 1]
    facing: np.ndarray  # (n,)
    occlusion_depth: np.ndarray  # (n,) centimetres
    colour: np.ndarray  # (3, n)
    softness: np.ndarray  # (n,) metres

    @classmethod
    def of(cls, columns: Columns):
        """Bilinear between the columns, with texel centres."""

        def resized(plane):
            plane = np.ascontiguousarray(plane, np.float32)
            return cv2.resize(plane, (TEXTURE_SIZE, TEXTURE_SIZE), interpolation=cv2.INTER_LINEAR).ravel()

        return cls(
            resized(columns.radius),
            sigmoid(resized(occupancy_logits(columns.valid))),
            resized(columns.facing),
            resized(columns.occlusion_depth),
            np.stack([resized(plane) for plane in columns.colour]),
            resized(columns.softness),
        )


def occupancy_logits(valid: np.ndarray) -> np.ndarray:
    """Logits (h, w) float32 of columns (h, w) bool that meet the subject: zero along a smooth line, not stairs."""
    return np.clip(STEEP * (blurred(valid.astype(np.float32), CONTOUR) - 0.5), EMPTIED, FILLED)


def decode(
    columns: Columns,
    radii: np.ndarray,
    features: np.ndarray,
    photo_maps: np.ndarray,
    camera: Camera,
    model: Model,
    report: Callable[[float], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Textures (k, 320, 320, 4) uint8 of the sheets, sRGB colour and straight opacity, by the fusion MLP; and the
    colours (320, 320, 3) uint8 that they show along their columns.

    Front to back. Only texels that matter go through the MLP: those that are nearly empty and those that solid texels
    of the same column hide take the colour of the others.

    radii: (k, n, n) metres of the subject's sheets. features: (N, C, g, g) of the model's sheets. photo_maps:
    (C', 256, 256) of the photo: its colours without fringe, matte, and the detail encoder's features. camera: the
    photo's. report: called with the share that is done.
    """
    count = len(radii)
    texels = _Texels.of(columns)
    tint = np.round(np.clip(texels.colour.T, 0.0, 1.0) * 255).astype(np.uint8)
    groups = [np.ascontiguousarray(photo_maps[i : i + 4].transpose(1, 2, 0)) for i in range(0, len(photo_maps), 4)]
    volume = np.ascontiguousarray(features.transpose(0, 2, 3, 1))
    bounds = np.stack([at_texels(table, TEXTURE_SIZE, TEXTURE_SIZE) for table in level_bounds(model.geometry["radii"])])
    outer, inner = (at_texels(radii[k], TEXTURE_SIZE, TEXTURE_SIZE).ravel() for k in (0, -1))
    level, softness = in_levels(texels.radius, texels.softness, outer, inner, count)
    through, coloured = np.ones(len(tint), np.float32), np.zeros(len(tint), np.float32)
    surface = np.zeros(tint.shape, np.float32)
    slight, hem = np.ones((count, len(tint)), bool), _hem()
    textures = np.zeros((count, TEXTURE_SIZE, TEXTURE_SIZE, 4), np.uint8)
    pictures = textures.reshape(count, -1, 4)
    for sheet, ended in enumerate(sheet_opacities(level, softness, count)):
        report(sheet / count)
        opacity = texels.occupied * ended
        pictures[sheet, :, 3] = np.round(opacity * hem * 255)
        weight = opacity * through
        here = np.flatnonzero(weight > SLIGHT)
        if len(here):
            radius = outer[here] + (inner[here] - outer[here]) * np.float32(sheet / (count - 1))
            level_here = radius_to_level(bounds.reshape(3, -1)[:, here], radius)
            points, rim, inside = _fusion(here, radius, level_here, opacity[here], texels, volume, groups, camera)
            rgb = run_network(model, "decoder", {"points": points})[0][0, :, 0].T
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
    return textures, others[..., :3]


def _fusion(here, radius, level, opacity, texels, volume, groups, camera):
    """What the fusion MLP sees at texels ``here`` (n,) of a sheet, of radius, level among the model's sheets and
    opacity (n,).

    volume: (N, g, g, C) features of the model's sheets; groups: maps (256, 256, 4) of the photo, the first its colours
    and matte. Returns points (1, inputs, 1, n) float32; and how far a texel belongs to the subject's rim, whose colours
    come from inside the photo's subject, (n,) in [0, 1], with those colours (n, 3).
    """
    origin, direction = (rays.reshape(-1, 3)[here] for rays in column_rays(TEXTURE_SIZE, TEXTURE_SIZE))
    pixel, _ = camera.project(origin + direction * radius[:, None], np.float32)  # look-ups resolve 1/32 of a pixel
    seen = np.concatenate([sample_image(group, *pixel.T) for group in groups], 1)
    row, column = np.divmod(here, TEXTURE_SIZE)
    scale = volume.shape[1] / TEXTURE_SIZE
    more = sample_volume(volume, (column + 0.5) * scale, (row + 0.5) * scale, level + 0.5)
    logit = np.log(opacity / np.maximum(1.0 - opacity, 1e-9))
    facing = texels.facing[here]
    columns = texels.colour[:, here], texels.occlusion_depth[None, here], facing[None]
    points = [columns[0], seen[:, :4].T, logit[None], more.T, seen[:, 4:].T, *columns[1:]]
    rim = linear_step(1.0, RIM_FROM, seen[:, 3]) * linear_step(0.0, RIM_SEEN, facing)
    return np.concatenate(points).astype(np.float32)[None, :, None], rim, seen[:, :3]


def _hem():
    """Share (texels,) of the opacity that is left towards the lower border and the sides of the textures."""
    to_edge = TEXTURE_SIZE - 0.5 - np.arange(TEXTURE_SIZE, dtype=np.float32)
    low, side = (linear_step(0.0, HEM, distance) for distance in (to_edge, np.minimum(to_edge, to_edge[::-1])))
    return (low[:, None] * side).ravel()
