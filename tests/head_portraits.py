"""Portraits of heads of the base's own shape space: every vertex is known, and no network is needed."""

import numpy as np

from inference.geometry import domes
from inference.geometry.cameras import orbit_camera
from inference.geometry.filling import continued
from inference.geometry.grids import at_texels
from inference.inversion.columns import HAIR, SKIN, SOFTNESS
from inference.inversion.sheets import in_levels, place_sheets, sheet_opacities
from inference.mesh.raster import rasterise
from inference.portrait import Portrait

SHEETS, TEXTURE = 23, 320
SMILE = {"mouthSmileLeft": 0.5, "mouthSmileRight": 0.5, "jawOpen": 0.3}
TURN = np.deg2rad(4.0)
ROTATION = np.array([[np.cos(TURN), 0.0, np.sin(TURN)], [0.0, 1.0, 0.0], [-np.sin(TURN), 0.0, np.cos(TURN)]])
SCALE, SHIFT = 1.03, np.array([0.002, -0.003, 0.004])


def true_head(base, expression=SMILE, seed=3, components=10):
    """Vertices (n, 3) float64 of a person of the space, a little turned, moved and enlarged."""
    weights = np.random.default_rng(seed).normal(0.0, 0.8, components)
    rest = base.vertices + np.tensordot(weights, base.modes[:components].astype(np.float64), 1)
    rest = rest + sum(weight * base.shapes[name] for name, weight in expression.items())
    return SCALE * rest @ ROTATION.T + SHIFT


def dome_radius(vertices, faces):
    """The outermost radius (h, w) float32 metres of a mesh in every texel column, and whether there is one."""
    triangles = np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
    u, v, radius = domes.dome_coordinates(vertices)
    corners = TEXTURE * np.stack([u, v], -1)[triangles]
    whole = np.ptp(corners[..., 0], axis=1) < TEXTURE / 4  # behind the head u starts again
    triangles = triangles[whole]
    covered = rasterise(corners[whole], TEXTURE, TEXTURE, -radius[triangles], pinhole=False)
    found = np.zeros(TEXTURE * TEXTURE, np.float32)
    found[covered.pixel] = domes.dome_coordinates(covered.interpolated(vertices, triangles))[2]
    found = found.reshape(TEXTURE, TEXTURE)
    return found, found > 0.0


def portrait_of_columns(radius, valid, softness, landmarks, camera):
    """A grey portrait with a surface at radii (h, w) metres, as soft as given (h, w) metres."""
    radii = place_sheets(radius, valid, SHEETS)
    outer, inner = (at_texels(radii[k], TEXTURE, TEXTURE) for k in (0, -1))
    level, soft = in_levels(continued(radius, valid), softness, outer, inner, SHEETS)
    textures = np.full((SHEETS + 1, TEXTURE, TEXTURE, 4), 128, np.uint8)
    for texture, opacity in zip(textures, sheet_opacities(level, soft, SHEETS)):
        texture[..., 3] = np.rint(255 * np.clip(opacity * valid, 0.0, 1.0))
    textures[-1, ..., 3] = 255
    crop = np.full((256, 256, 3), 128, np.uint8)
    return Portrait(textures, radii, camera, crop, np.eye(2, 3), (256, 256), landmarks=landmarks)


def landmarks_of(vertices, base):
    """The base's landmarks (468, 3) on vertices (n, 3)."""
    return np.einsum("lc,lcx->lx", base.landmark_weights, vertices[base.landmark_corners])


def hair_of(base):
    """How far each vertex of the skin carries hair, (m,) in [0, 1]: scalp above the forehead and behind the ears."""
    points = base.vertices[base.parts["skin"]]
    return base.groups["scalp"] * ((points[:, 1] > 0.075) | (points[:, 2] < -0.03))


def head_portrait(base, vertices, hair=0.0):
    """The portrait of a head (n, 3); hair: metres that it is thick where there is some."""
    camera = orbit_camera(8.0, -3.0)
    skin = vertices[base.parts["skin"]].copy()
    share = hair_of(base) if hair else np.zeros(len(skin))
    centre = skin[base.groups["scalp"] > 0.5].mean(0)
    outward = (skin - centre) / np.linalg.norm(skin - centre, axis=1, keepdims=True)
    radius, valid = dome_radius(skin + hair * share[:, None] * outward, base.faces)
    bare, _ = dome_radius(skin, base.faces)
    softness = np.where(radius - bare > 0.3 * hair, SOFTNESS[HAIR], SOFTNESS[SKIN]) if hair else SOFTNESS[SKIN]
    softness = np.broadcast_to(np.float32(softness), radius.shape)
    landmarks = camera.project(landmarks_of(vertices, base))[0].astype(np.float32)
    return portrait_of_columns(radius, valid, softness, landmarks, camera)
