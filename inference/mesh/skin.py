"""Which texel columns of a portrait show skin: it ends sharply there, hair and cloth do not.

The inversion lets rays end within a softness about the surface that depends on the part
(:data:`inference.inversion.columns.SOFTNESS`). How widely a column's opacity is spread over its sheets tells the part
again, without the networks.
"""

import numpy as np

from ..geometry.curves import linear_step
from ..geometry.grids import at_texels
from ..inversion.columns import HAIR, SKIN, SOFTNESS

SPREAD = 5**-0.5  # standard deviation of where rays end over the softness: that of a smoothstep's density
SOLID = 0.9  # opacity from which on a column's spread says something


def skin_share(textures: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """How surely each column ends in skin, (h, w) float32 in [0, 1]; 0 where little is there.

    textures: (k or k + 1, h, w, 4) uint8, outermost sheet first. radii: (k, n, n) float metres.
    """
    height, width = textures.shape[1:3]
    transmittance = np.ones((height, width), np.float32)
    total, first, second = (np.zeros((height, width), np.float32) for _ in range(3))
    start = at_texels(radii[0], height, width)
    for texture, table in zip(textures, radii):  # a background plane behind is left out
        weight = texture[..., 3] * np.float32(1 / 255) * transmittance
        transmittance -= weight
        depth = start - at_texels(table, height, width)
        total += weight
        first += weight * depth
        second += weight * depth * depth
    mean = first / np.maximum(total, 1e-6)
    spread = np.sqrt(np.maximum(second / np.maximum(total, 1e-6) - mean * mean, 0.0))
    share = linear_step(SPREAD * SOFTNESS[HAIR], SPREAD * SOFTNESS[SKIN], spread)
    return np.where(total > SOLID, share, 0.0).astype(np.float32)
