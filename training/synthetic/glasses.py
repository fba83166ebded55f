"""Glasses and sunglasses as simple procedural meshes."""

import numpy as np

from .appearance import DEFAULT_MATERIAL
from .assets import Part
from .tubes import tube

RIM_STEPS = 36
DARK_SHARE = 0.2  # of the glasses have dark lenses


def _frame(style, landmarks, ears):
    """Vertices and triangles of a frame, and the rims (2, RIM_STEPS, 3).

    landmarks: (468, 3) of the head, metres. ears: (2, 3) where the right and the left ear leave the head at the top.
    """
    right, left = landmarks[[33, 133]].mean(0), landmarks[[263, 362]].mean(0)
    bridge = landmarks[168]
    width, height = 0.022 + 0.005 * style[0], 0.015 + 0.008 * style[1]
    exponent, thick = 1.0 / (1.0 + 1.6 * style[2]), 0.0007 + 0.0021 * style[3] ** 2
    angle = np.arange(RIM_STEPS) / RIM_STEPS * 2 * np.pi
    brows = landmarks[[105, 334, 52, 282, 66, 296]]
    front = max(bridge[2] - 0.001, left[2] + 0.015, right[2] + 0.015, (brows[:, 2] + 6.0 * brows[:, 0] ** 2).max() + 0.001)
    pieces, rims = [], []
    for eye, ear, sign in ((right, ears[0], -1.0), (left, ears[1], 1.0)):
        x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** exponent * width
        y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** exponent * height
        centre = np.array([eye[0] + sign * 0.001, eye[1] - 0.003, 0])
        path = np.stack([centre[0] + x, centre[1] + y, front - 6.0 * (centre[0] + x) ** 2], -1)
        rims.append(path)
        pieces.append(tube(path, thick, True))
        hinge = path[0 if sign > 0 else RIM_STEPS // 2] + (sign * 0.002, 0.004, 0)
        rest = ear + (sign * 0.001, 0.001 + thick, 0.0)
        rest[0] = sign * max(abs(rest[0]), abs(hinge[0]) + 0.001)
        t = np.linspace(0, 1, 8)[:, None]
        arm = hinge * (1 - t) + rest * t
        arm[:, 0] = hinge[0] + (rest[0] - hinge[0]) * np.sqrt(t[:, 0])
        tip = rest + np.array([[-sign * 0.001, -0.004, -0.012], [-sign * 0.003, -0.014, -0.022], [-sign * 0.005, -0.026, -0.026]])
        pieces.append(tube(np.concatenate([arm, tip]), thick))
    inner = [right[0] - 0.001 + width, left[0] + 0.001 - width]
    x = np.linspace(*inner, 7)
    y = (left[1] + right[1]) / 2 + 0.002 + 0.003 * np.sin(np.linspace(0, np.pi, 7))
    pieces.append(tube(np.stack([x, y, front - 6.0 * x**2 + 0.001], -1), thick))
    offset, verts, triangles = 0, [], []
    for v, t in pieces:
        verts.append(v)
        triangles.append(t + offset)
        offset += len(v)
    return np.concatenate(verts).astype(np.float32), np.concatenate(triangles).astype(np.int32), np.stack(rims)


def _lenses(rims):
    """Vertices and triangles of the glass in two rims (2, RIM_STEPS, 3)."""
    verts = np.concatenate([rims, rims.mean(1, keepdims=True) + (0.0, 0.0, 0.001)], 1)
    i = np.arange(RIM_STEPS)
    fan = np.stack([np.full(RIM_STEPS, RIM_STEPS), i, (i + 1) % RIM_STEPS], -1)
    return verts.reshape(-1, 3).astype(np.float32), np.concatenate([fan, fan + RIM_STEPS + 1]).astype(np.int32)


_PARTS = {}


def _part(name, verts, triangles):
    if name not in _PARTS:
        count = len(verts)
        _PARTS[name] = Part(name, "glasses", np.arange(count), np.zeros((count, 2), np.float32), triangles, triangles)
    return _PARTS[name], verts


def glasses_parts(style, landmarks, ears, materials):
    """Parts of a pair of glasses, or none. style: (9,) in 0..1 or None. landmarks, ears: as of the head. Adds materials."""
    if style is None:
        return []
    verts, triangles, rims = _frame(style, landmarks, ears)
    colour = 0.015 + (style[4] > 0.6) * style[5] * np.array([0.35, 0.25, 0.18])
    materials["glasses"] = DEFAULT_MATERIAL | {"kind": "plain", "gain": tuple(colour), "shine": 0.5, "gloss": 40.0}
    parts = [_part("glasses", verts, triangles)]
    if style[6] < DARK_SHARE:
        tint = 0.008 + 0.05 * style[7] ** 2 * np.array([1.0, 0.75 + 0.25 * style[8], 0.5 + 0.5 * style[8]])
        materials["lenses"] = DEFAULT_MATERIAL | {"kind": "plain", "gain": tuple(tint), "shine": 0.5, "gloss": 80.0}
        parts.append(_part("lenses", *_lenses(rims)))
    return parts
