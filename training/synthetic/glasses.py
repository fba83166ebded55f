"""Glasses as simple procedural meshes."""

import numpy as np

from .appearance import DEFAULT_MATERIAL
from .assets import Part
from .tubes import tube

RIM_STEPS = 36


def _frame(style, landmarks):
    """Vertices and triangles of a frame. landmarks: (468, 3) of the head, metres."""
    right, left = landmarks[[33, 133]].mean(0), landmarks[[263, 362]].mean(0)
    bridge = landmarks[168]
    width, height = 0.022 + 0.005 * style[0], 0.015 + 0.008 * style[1]
    exponent, thick = 1.0 / (1.0 + 1.6 * style[2]), 0.0007 + 0.0017 * style[3] ** 2
    angle = np.arange(RIM_STEPS) / RIM_STEPS * 2 * np.pi
    brows = landmarks[[105, 334, 52, 282, 66, 296]]
    front = max(bridge[2] - 0.001, left[2] + 0.015, right[2] + 0.015, (brows[:, 2] + 6.0 * brows[:, 0] ** 2).max() + 0.001)
    pieces = []
    for eye, sign in ((right, -1.0), (left, 1.0)):
        x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** exponent * width
        y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** exponent * height
        centre = np.array([eye[0] + sign * 0.001, eye[1] - 0.003, 0])
        path = np.stack([centre[0] + x, centre[1] + y, front - 6.0 * (centre[0] + x) ** 2], -1)
        pieces.append(tube(path, thick, True))
        hinge = path[0 if sign > 0 else RIM_STEPS // 2] + (sign * 0.002, 0.004, 0)
        ear = landmarks[454 if sign > 0 else 234]
        side = sign * max(abs(ear[0]) + 0.004, abs(hinge[0]) + 0.001)
        t = np.linspace(0, 1, 8)[:, None]
        temple = hinge * (1 - t) + np.array([side, hinge[1] + 0.003, min(ear[2], 0.03) - 0.04]) * t
        temple[:, 0] = hinge[0] + (side - hinge[0]) * np.sqrt(t[:, 0])
        pieces.append(tube(temple, thick))
    inner = [right[0] - 0.001 + width, left[0] + 0.001 - width]
    x = np.linspace(*inner, 7)
    y = (left[1] + right[1]) / 2 + 0.002 + 0.003 * np.sin(np.linspace(0, np.pi, 7))
    pieces.append(tube(np.stack([x, y, front - 6.0 * x**2 + 0.001], -1), thick))
    offset, verts, triangles = 0, [], []
    for v, t in pieces:
        verts.append(v)
        triangles.append(t + offset)
        offset += len(v)
    return np.concatenate(verts).astype(np.float32), np.concatenate(triangles).astype(np.int32)


_PARTS = {}


def glasses_parts(style, landmarks, materials):
    """Parts of a pair of glasses, or none. style: (8,) in 0..1 or None. Adds its material."""
    if style is None:
        return []
    verts, triangles = _frame(style, landmarks)
    if "glasses" not in _PARTS:
        count = len(verts)
        _PARTS["glasses"] = Part("glasses", "glasses", np.arange(count), np.zeros((count, 2), np.float32),
                                 triangles, triangles)  # fmt: skip
    colour = 0.015 + (style[4] > 0.6) * style[5] * np.array([0.35, 0.25, 0.18])
    materials["glasses"] = DEFAULT_MATERIAL | {"kind": "plain", "gain": tuple(colour), "shine": 0.5, "gloss": 40.0}
    return [(_PARTS["glasses"], verts)]
