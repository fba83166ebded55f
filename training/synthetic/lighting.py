"""Light: an environment as spherical harmonics plus soft directional lights, fixed in the world."""

import dataclasses

import numpy as np

IRRADIANCE = np.array([1.0] + [2.0 / 3.0] * 3 + [0.25] * 5)  # cosine lobe over pi, per band
KEY_SHARE = (0.25, 0.75)  # of the mean brightness, from directional lights
HARD_SHARE, HARD_KEY = 0.25, (0.6, 0.85)  # of the photos have hard light from a side: a window, a low sun
WARM_SHARE, COOL_SHARE = 0.2, 0.1  # of the photos are taken by lamps, and in open shade


@dataclasses.dataclass
class Light:
    """sh: (9, 3) radiance coefficients. directions: (n, 3) unit, towards the lights. colours: (n, 3) linear."""

    sh: np.ndarray
    directions: np.ndarray
    colours: np.ndarray


def sh_basis(directions):
    """Real spherical harmonics up to band 2. directions: (..., 3) unit, y up. Returns (..., 9)."""
    x, y, z = np.moveaxis(np.asarray(directions), -1, 0)
    one = np.ones_like(x)
    return np.stack(
        [0.282095 * one, 0.488603 * y, 0.488603 * z, 0.488603 * x, 1.092548 * x * y, 1.092548 * y * z,
         0.315392 * (3.0 * z * z - 1.0), 1.092548 * x * z, 0.546274 * (x * x - y * y)],
        -1,
    )  # fmt: skip


def project_environment(radiance, turn=0.0):
    """SH coefficients (9, 3) of an equirectangular map (H, W, 3), rows from zenith to nadir, turned by radians."""
    height, width = radiance.shape[:2]
    polar = (np.arange(height) + 0.5) / height * np.pi
    around = (np.arange(width) + 0.5) / width * 2.0 * np.pi + turn
    polar, around = np.meshgrid(polar, around, indexing="ij")
    directions = np.stack([np.sin(polar) * np.sin(around), np.cos(polar), np.sin(polar) * np.cos(around)], -1)
    solid = np.sin(polar)[..., None] * (np.pi / height) * (2.0 * np.pi / width)
    return np.einsum("hwk,hwc->kc", sh_basis(directions), radiance * solid)


def _direction(azimuth, elevation):
    a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
    return np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])


def sample_light(rng, pack):
    """Draw a :class:`Light`: a turned environment map, softened, a key light and sometimes a second one."""
    environment = pack.environments[rng.integers(len(pack.environments))]
    grey = environment.mean(-1, keepdims=True)
    saturation = rng.uniform(0.15, 0.8)
    sh = project_environment(grey + saturation * (environment - grey), rng.uniform(0.0, 2.0 * np.pi))
    sh /= max(sh[0].mean() * 0.282095, 1e-3)
    sh[1:] *= rng.uniform(0.4, 0.9)
    hard = rng.random() < HARD_SHARE
    share = rng.uniform(*(HARD_KEY if hard else KEY_SHARE))
    tint, kind = np.ones(3), rng.random()
    if kind < WARM_SHARE:
        tint = np.array([1.0, rng.uniform(0.72, 0.9), rng.uniform(0.4, 0.75)])
    elif kind < WARM_SHARE + COOL_SHARE:
        tint = np.array([rng.uniform(0.75, 0.9), rng.uniform(0.9, 1.0), 1.0])
    warm = np.array([1.0, 1.0 + rng.normal(0, 0.03), 1.0 + rng.normal(0, 0.1)])
    side = rng.choice([-1.0, 1.0])
    aside = rng.uniform(40.0, 105.0) if hard else abs(rng.normal(0.0, 35.0))
    directions = [_direction(side * aside, np.clip(rng.normal(25.0 if hard else 35.0, 15.0), 0.0, 70.0))]
    colours = [share * warm * rng.uniform(0.8, 1.4)]
    if rng.random() < 0.6:  # fill or rim light
        rim = rng.random() < 0.4
        azimuth = -side * (rng.uniform(100.0, 150.0) if rim else rng.uniform(20.0, 80.0))
        directions.append(_direction(azimuth, rng.uniform(5.0, 45.0)))
        colours.append(share * rng.uniform(0.15, 0.6) * np.array([1.0, 1.0, 1.0 + rng.normal(0, 0.1)]))
    light = Light(sh * (1.0 - share) * tint, np.array(directions), np.array(colours) * tint)
    faced = np.stack([_direction(a, e) for a in (-40.0, 0.0, 40.0) for e in (-15.0, 20.0)])
    brightness = irradiance(light, faced, np.ones(len(faced)), np.ones((len(faced), len(directions)))).mean()
    exposure = 1.15 * np.exp(rng.normal(0.0, 0.12)) / brightness
    return Light(light.sh * exposure, light.directions, light.colours * exposure)


def irradiance(light, normals, occlusion, shadows):
    """Diffuse light on surface points, relative to albedo.

    normals: (n, 3) unit. occlusion: (n,) 0..1 ambient visibility. shadows: (n, lights) 0..1 visibility.
    Returns (n, 3) linear.
    """
    ambient = np.maximum(sh_basis(normals) @ (IRRADIANCE[:, None] * light.sh), 0.08)
    total = ambient * occlusion[:, None]
    for i, (direction, colour) in enumerate(zip(light.directions, light.colours, strict=True)):
        wrapped = np.maximum((normals @ direction + 0.15) / 1.15, 0.0)  # light bleeds a little round the edge
        total = total + (wrapped * shadows[:, i])[:, None] * colour
    return total
