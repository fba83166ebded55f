"""Earrings as simple procedural meshes: studs, drops and hoops at the lobes."""

import numpy as np

from .appearance import DEFAULT_MATERIAL
from .assets import Part
from .tubes import tube

POINTS = 24  # along one earring
METALS = np.array([[0.52, 0.36, 0.12], [0.45, 0.44, 0.42], [0.5, 0.28, 0.2], [0.6, 0.58, 0.52]])  # gold, silver, copper, pearl


def _earring(style, lobe, sign):
    """Vertices and triangles at a lobe (3,). sign: +-1 of x. All kinds have the same triangles."""
    t = np.linspace(0.0, 1.0, POINTS)
    if style[0] < 0.35:  # stud
        size = 0.0020 + 0.0025 * style[1]
        path = np.stack([-np.cos(np.pi * t), 0 * t, 0 * t], -1) * size * (sign, 0.0, 0.0) + (0.003 * sign, 0.003, 0.0)
        radius = size * np.maximum(np.sin(np.pi * t), 0.05)
    elif style[0] < 0.6:  # drop
        length, size = 0.012 + 0.035 * style[1], 0.0015 + 0.005 * style[2]
        path = np.stack([0.001 * sign + 0 * t, -length * t, 0 * t], -1)
        radius = 0.0006 + size * np.maximum(np.sin(np.pi * np.clip((t - 0.5) / 0.5, 0.0, 1.0)), 0.0)
    else:  # hoop
        size, turn = 0.006 + 0.022 * style[1], np.deg2rad(15.0 + 50.0 * style[2])
        angle = 2.0 * np.pi * t
        path = size * np.stack([np.sin(angle) * np.sin(turn) * sign, np.cos(angle) - 1.0, np.sin(angle) * np.cos(turn)], -1)
        path, radius = path + (0.002 * sign, 0.001, 0.0), 0.0007 + 0.0016 * style[3] ** 2
    verts, triangles = tube(path, radius)
    return verts + lobe, triangles


_PARTS = {}


def earring_parts(style, lobes, materials):
    """Parts of a pair of earrings, or none. style: (6,) in 0..1 or None. lobes: (2, 3) metres, right and left.

    Adds its material.
    """
    if style is None:
        return []
    pieces = [_earring(style, lobe, sign) for lobe, sign in zip(lobes, (-1.0, 1.0), strict=True)]
    verts = np.concatenate([v for v, _ in pieces]).astype(np.float32)
    if "earrings" not in _PARTS:
        triangles = np.concatenate([pieces[0][1], pieces[1][1] + len(pieces[0][0])]).astype(np.int32)
        _PARTS["earrings"] = Part("earrings", "glasses", np.arange(len(verts)), np.zeros((len(verts), 2), np.float32),
                                  triangles, triangles)  # fmt: skip
    colour = METALS[int(style[4] * len(METALS))] * (0.6 + 0.6 * style[5])
    materials["earrings"] = DEFAULT_MATERIAL | {"kind": "plain", "gain": tuple(colour), "shine": 0.6, "gloss": 60.0}
    return [(_PARTS["earrings"], verts)]
