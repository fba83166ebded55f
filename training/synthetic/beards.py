"""Beards with volume: layers of strands over the lower face."""

import dataclasses

import numpy as np

from .assets import Part, to_portrait

LAYERS = 2
TRIMMED = 0.006  # metres; no beard is longer than this before the ears


@dataclasses.dataclass
class BeardStyle:
    """length: metres. cheeks, chin, lip: density 0..1 of the three regions."""

    length: float
    cheeks: float
    chin: float
    lip: float

    def numbers(self):
        """(4,) float32."""
        return np.array(dataclasses.astuple(self), np.float32)


def sample_style(rng, age):
    """Draw a :class:`BeardStyle`: full beard, goatee or moustache; long beards are for the old (age in years)."""
    cheeks, chin, lip = ((1.0, 1.0, 1.0), (0.0, 1.0, 1.0), (0.0, 0.0, 1.0))[rng.choice(3, p=(0.55, 0.2, 0.25))]
    length = 0.0015 + 0.012 * rng.beta(1.0, 2.5) if chin else rng.uniform(0.001, 0.004)
    if cheeks and rng.random() < (0.35 if age > 55 else 0.1):
        length = rng.uniform(0.012, 0.035)
    return BeardStyle(length, *(rng.uniform(0.7, 1.0) * np.array([cheeks, chin, lip])))


class Beard:
    """The beard's layers on the skin mesh.

    mask: (H, W) uint8 beard density in skin texture space, row 0 on top.
    """

    def __init__(self, pack, mask):
        skin = pack.skin_part()
        rows = ((1.0 - skin.uv[:, 1]) * mask.shape[0]).astype(int).clip(0, mask.shape[0] - 1)
        columns = (skin.uv[:, 0] * mask.shape[1]).astype(int).clip(0, mask.shape[1] - 1)
        density = np.zeros(len(pack.mean_adult))
        density[skin.source] = mask[rows, columns] / 255.0
        triangles = skin.mesh_triangles[(density[skin.mesh_triangles] > 0.02).any(1)]
        self.source, inverse = np.unique(triangles, return_inverse=True)
        triangles = inverse.reshape(-1, 3).astype(np.int32)
        self.density = density[self.source]
        mean = to_portrait(pack.mean_adult)[self.source]
        self.mean = mean
        x = np.abs(mean[:, 0])
        self.is_lip = (mean[:, 1] > -0.051) & (x < 0.032) & (mean[:, 2] > 0.07)
        self.is_chin = ~self.is_lip & (x < 0.030) & (mean[:, 2] > 0.055)
        count = len(self.source)
        self.parts = [Part(f"beard{k}", "hair", np.arange(count), np.zeros((count, 2), np.float32), triangles, triangles)
                      for k in range(LAYERS)]  # fmt: skip

    def grow(self, style, skin, normals):
        """skin, normals: (n, 3) of the whole skin mesh, metres. Returns a list of (part, points, uv, cover)."""
        region = np.where(self.is_lip, style.lip, np.where(self.is_chin, style.chin, style.cheeks))
        density = self.density * region
        low = np.clip((-0.02 - self.mean[:, 1]) / 0.07, 0.0, 1.0) ** 2  # long at the jaw, trimmed before the ears
        length = (min(style.length, TRIMMED) + low * max(style.length - TRIMMED, 0.0)) * (1.0 + 1.0 * self.is_chin - 0.4 * self.is_lip) * density
        down = np.array([0.0, -0.5, 0.1])
        base, normal = skin[self.source], normals[self.source]
        uv = np.stack([np.arctan2(self.mean[:, 0], self.mean[:, 2]) * 1.3, self.mean[:, 1] * 8.0], -1)
        out = []
        for k, part in enumerate(self.parts):
            points = base + ((k + 1) / LAYERS * length + 0.0006)[:, None] * (normal + down)
            cover = np.where(density > 0.04, density * (1.5, 0.8)[k], -0.2)
            out.append((part, points.astype(np.float32), (uv + 0.3 * k).astype(np.float32), cover))
        return out
