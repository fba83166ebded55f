"""Parts of the head as weights per vertex: from MakeHuman's masks, its rig's weights and the islands of its UVs."""

import numpy as np

from inference.geometry.curves import smooth_step
from inference.geometry.sampling import sample_image

BROWS = slice(17, 27)  # of the 68 landmarks
NAPE = (-0.03, 0.02), (-0.06, -0.01)  # metres: z behind and in front, and the y below which it is no scalp
BROW_REACH = 0.004, 0.009  # metres from the brows' line: all brow, no brow


def vertex_groups(wheel, mesh, islands, landmarks, points):
    """{name: (n,) float32 in [0, 1]} for the vertices of the skin.

    mesh: the base mesh restricted to the skin, by :func:`training.head.layout.restrict`. islands: {name: (n,) bool}.
    landmarks: (68, 3) and points: (n, 3) of the mean head, metres.
    """
    mask = {name: _at_vertices(wheel.mask(name), mesh) for name in ("face", "ears", "lips", "eyelids")}
    bones = wheel.bone_weights()
    neck = sum(bones[f"neck0{number}"] for number in (1, 2, 3))[mesh.source]
    inside = islands["mouth"] | islands["sockets"]
    groups = {
        "face": np.where(inside, 0.0, mask["face"]),
        "ears": mask["ears"],
        "lips": np.where(inside, 0.0, mask["lips"]),
        "lids": np.where(inside, 0.0, mask["eyelids"]),
        "brows": np.where(inside, 0.0, _near(points, landmarks[BROWS])),
        "mouth": islands["mouth"].astype(float),
        "sockets": islands["sockets"].astype(float),
        "neck": np.where(inside | islands["bust"], 0.0, np.clip(neck, 0.0, 1.0)),
        "bust": islands["bust"].astype(float),
    }
    # masks leave out what lies under the chin and the ears: it is the neck's, like what lies behind below the hair's edge
    low = smooth_step(0.0, 0.02, np.interp(points[:, 2], *NAPE) - points[:, 1])
    rest = 1.0 - np.max([groups[name] for name in ("face", "ears", "neck", "mouth", "sockets", "bust")], axis=0)
    groups["scalp"] = np.where(inside, 0.0, rest * (1.0 - low))
    groups["neck"] = np.where(inside, 0.0, np.maximum(groups["neck"], rest * low))
    return {name: np.clip(weights, 0.0, 1.0).astype(np.float32) for name, weights in groups.items()}


def _at_vertices(mask, mesh):
    """A mask over the UVs at the vertices, the largest where a vertex has several UVs."""
    height, width = mask.shape
    values = np.zeros(len(mesh.source), np.float32)
    corner = sample_image(mask, mesh.uv[:, 0] * width, (1.0 - mesh.uv[:, 1]) * height)
    np.maximum.at(values, mesh.faces.ravel(), corner[mesh.face_uv.ravel()])
    return values


def _near(points, line):
    """1 close to a line through points (10, 3), five for either brow, 0 away from it."""
    steps = np.linspace(0.0, 1.0, 9)[:, None]
    dense = [a + steps * (b - a) for side in (line[:5], line[5:]) for a, b in zip(side, side[1:], strict=False)]
    distance = np.linalg.norm(points[:, None] - np.concatenate(dense)[None], axis=-1).min(1)
    return smooth_step(BROW_REACH[1], BROW_REACH[0], distance)
