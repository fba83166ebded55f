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
from ..geometry.domes import column_rays, texel_centres
from ..geometry.grids import at_texels
from ..geometry.reach import REACH, across, respread
from ..geometry.sampling import sample_image, sample_volume
from ..networks.model import Model
from ..networks.run import run_network
from ..threads import in_parallel
from .columns import Columns
from .sheets import in_levels, level_bounds, radius_to_level, sheet_opacities
from .visibility import blurred

TEXTURE_SIZE = 320  # texels per side of the textures that are written: a face has 1 to 1.5 of them a pixel of the crop
FILLED, EMPTIED = 6.0, -8.0  # logits of occupancy where a column meets the subject, and where it does not
CONTOUR, STEEP = 1.0, 16.0  # texels by which that line is smoothed, and logits per share of them: it is two texels wide
RIM_FROM = 0.7  # matte below which a texel's colour is the photo's nearest sure colour alone
RIM_SEEN = 0.3  # cosine to the photo's camera from which on that is so; what it does not see is not its rim
ROWS = 40  # of texels that are decoded together
MOST = 0.6  # share of the texels from which on all are decoded, which is faster than to pick them
SLIGHT = 0.08  # share of its column's colour below which a texel is not worth a colour of its own
HEM = 8.0, 4.0  # texels at lower border, and sides, over which the bust fades out; a cut would show every sheet's own


@dataclass(frozen=True)
class _Texels:
    """The columns at the textures' texels: planes (..., h, w), or (..., n) of some rows."""

    radius: np.ndarray  # (...) metres
    occupied: np.ndarray  # (...) in [0, 1]
    facing: np.ndarray  # (...)
    occlusion_depth: np.ndarray  # (...) centimetres
    colour: np.ndarray  # (3, ...)
    softness: np.ndarray  # (...) metres
    outer: np.ndarray  # (...) metres, radius of the first sheet
    inner: np.ndarray  # (...) metres, radius of the last sheet
    bounds: np.ndarray  # (3, ...) metres, what the model's levels are measured by
    hem: np.ndarray  # (...) share of the opacity that is left towards the borders
    u: np.ndarray  # (...) of the texel's centre, on the networks' domes
    v: np.ndarray  # (...) in [0, 1]
    near: np.ndarray  # (3, ...) homogeneous pixels of the photo on the first sheet
    along: np.ndarray  # (3, ...) and how far they go to the last

    @classmethod
    def of(cls, columns: Columns, radii: np.ndarray, model: Model, camera: Camera):
        """Bilinear between the columns, with texel centres, and between the corners of radii (k, n, n) and model's."""
        size = TEXTURE_SIZE, TEXTURE_SIZE
        outer, inner = (at_texels(radii[k], *size) for k in (0, -1))
        origin, direction = column_rays(*size)
        u, v = texel_centres(*size)
        u = np.broadcast_to(across(u[0], REACH, model.reach), size)
        bounds = [at_texels(table, *size) for table in level_bounds(model.geometry["radii"])]
        matrix = camera.projection().astype(np.float32)
        near = (origin + direction * outer[..., None]) @ matrix[:, :3].T + matrix[:, 3]
        along = (direction * (inner - outer)[..., None]) @ matrix[:, :3].T

        def resized(plane):
            return cv2.resize(np.ascontiguousarray(plane, np.float32), size, interpolation=cv2.INTER_LINEAR)

        return cls(
            resized(columns.radius),
            sigmoid(resized(occupancy_logits(columns.valid))),
            resized(columns.facing),
            resized(columns.occlusion_depth),
            np.stack([resized(plane) for plane in columns.colour]),
            resized(columns.softness),
            outer,
            inner,
            respread(np.stack(bounds), model.reach),
            _hem(),
            *(plane.astype(np.float32) for plane in (u, v)),
            *(np.ascontiguousarray(pixel.transpose(2, 0, 1)) for pixel in (near, along)),
        )

    def rows(self, rows: slice):
        """Those of some rows of the textures, one after the other."""
        return _Texels(*(plane[..., rows, :].reshape(*plane.shape[:-2], -1) for plane in vars(self).values()))

    def take(self, which: np.ndarray):
        """Some (m,) of n; all as they are when most are wanted."""
        return _Texels(*(np.take(plane, which, -1) for plane in vars(self).values()))


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

    Front to back, rows of texels together: what is known of so few stays in the processor's cache. Only texels that
    matter go through the MLP: those that are nearly empty and those that solid texels of the same column hide take the
    colour of the others.

    radii: (k, n, n) metres of the subject's sheets. features: (N, C, g, g) of the model's sheets. photo_maps:
    (C', 256, 256) of the photo: its colours without fringe, matte, and the detail encoder's features. camera: the
    photo's. report: called with the share that is done.
    """
    fusion = _Fusion(features, photo_maps)
    texels = _Texels.of(columns, radii, model, camera)
    textures = np.empty((len(radii), TEXTURE_SIZE, TEXTURE_SIZE, 4), np.uint8)
    shown = np.empty((TEXTURE_SIZE, TEXTURE_SIZE, 3), np.uint8)

    def fill(rows):
        _decode_rows(texels.rows(rows), fusion, model, textures[:, rows], shown[rows])

    parts = [slice(first, first + ROWS) for first in range(0, TEXTURE_SIZE, ROWS)]
    with in_parallel(model.threads) as each:
        for done, _ in enumerate(each(fill, parts)):
            report((done + 1) / len(parts))
    return textures, shown


def _decode_rows(texels, fusion, model, textures, shown):
    """Fill textures (k, rows, w, 4) and shown (rows, w, 3) of some rows, whose texels are n."""
    count, n = len(textures), texels.radius.size
    level, softness = in_levels(texels.radius, texels.softness, texels.outer, texels.inner, count)
    through, coloured, surface = np.ones(n, np.float32), np.zeros(n, np.float32), np.zeros((3, n), np.float32)
    planes, slight = np.zeros((count, 4, n), np.uint8), np.ones((count, n), np.uint8)
    for sheet, ended in enumerate(sheet_opacities(level, softness, count)):
        opacity = texels.occupied * ended
        planes[sheet, 3] = np.round(opacity * texels.hem * 255)
        weight = opacity * through
        worth = weight > SLIGHT
        through -= weight
        here = np.flatnonzero(worth)
        if len(here):
            weight *= worth
            most = len(here) > MOST * n
            some, share = texels if most else texels.take(here), sheet / (count - 1)
            points, rim, inside = fusion.points(some, share, opacity if most else opacity[here])
            rgb = run_network(model, "decoder", {"points": points})[0][0, :, 0]
            inside -= rgb
            rgb += rim * inside
            rgb = np.round(np.multiply(rgb, 255, out=rgb), out=rgb)
            if most:
                rgb *= worth
                planes[sheet, :3] = rgb
                surface += weight * rgb
            else:
                for plane, total, values in zip(planes[sheet], surface, rgb):
                    plane[here] = values
                    total[here] += weight[here] * values
            coloured += weight
            slight[sheet] -= worth
    tint = np.round(np.clip(texels.colour, 0.0, 1.0) * 255)
    others = np.where(coloured > 0.0, surface / np.maximum(coloured, 1e-6), tint).astype(np.uint8)
    planes[:, :3] += slight[:, None] * others
    for texture, sheet in zip(textures, planes, strict=True):
        cv2.merge(sheet.reshape(4, *texture.shape[:2]), texture)
    cv2.merge(others.reshape(3, *shown.shape[:2]), shown)


class _Fusion:
    """What the fusion MLP is told.

    features: (N, C, g, g) of the model's sheets. photo_maps: (C', 256, 256), the first four the photo's colours and
    matte.
    """

    def __init__(self, features: np.ndarray, photo_maps: np.ndarray) -> None:
        self.maps = np.ascontiguousarray(photo_maps.transpose(1, 2, 0))
        self.volume = np.ascontiguousarray(features.transpose(0, 2, 3, 1))

    def points(self, texels, share, opacity):
        """Of texels (n,) with opacity (n,), a share of the way from the first sheet to the last.

        Returns points (1, inputs, 1, n) float32; and how far a texel belongs to the subject's rim, whose colours come
        from inside the photo's subject, (n,) in [0, 1], with those colours (3, n).
        """
        share = np.float32(share)
        pixel = texels.along * share
        x, y, scale = np.add(pixel, texels.near, out=pixel)  # in float32; look-ups resolve 1/32 of a pixel
        x /= scale
        y /= scale
        seen = sample_image(self.maps, x, y).T
        grid, radius = self.volume.shape[1], texels.outer + (texels.inner - texels.outer) * share
        level = radius_to_level(texels.bounds, radius)
        more = sample_volume(self.volume, texels.u * grid, texels.v * grid, level + 0.5).T
        logit = np.log(np.maximum(opacity, 1e-9) / np.maximum(1.0 - opacity, 1e-9))[None]
        points = [texels.colour, seen[:4], logit, more, seen[4:], texels.occlusion_depth[None], texels.facing[None]]
        points = np.concatenate(points)
        rim = linear_step(1.0, RIM_FROM, points[6]) * linear_step(0.0, RIM_SEEN, texels.facing)
        return points[None, :, None], rim, points[3:6]


def _hem():
    """Share (h, w) of the opacity that is left towards the lower border and the sides of the textures."""
    to_edge = TEXTURE_SIZE - 0.5 - np.arange(TEXTURE_SIZE, dtype=np.float32)
    low, side = map(linear_step, (0.0, 0.0), HEM, (to_edge, np.minimum(to_edge, to_edge[::-1])))
    return low[:, None] * side
