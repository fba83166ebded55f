"""What the wrapped head's fit is measured by: synthetic heads, of which every vertex is known."""

import dataclasses

import numpy as np
from scipy.spatial import cKDTree

from inference.alignment.landmarks import find_landmarks, level_box
from inference.alignment.pose import landmark_weights
from inference.geometry.similarity import similarity
from inference.head.base import head_base
from inference.head.crossings import crossing_triangles
from inference.head.target import target_of
from training.evaluation.heads import portrait_of
from training.evaluation.true_heads import source_vertices, true_vertices
from training.synthetic.heads import mean_landmarks

SAMPLES = 5  # along each side of a quad: a true surface is known to half a millimetre and, along normals, better
FLAT = 0.003  # metres from the nearest sample up to which the distance to its plane is meant
SCALE = 0.004  # metres: larger distances count less for the placing (Cauchy weights)
NAPE_Z = -0.03  # metres on the base: vertices of the neck behind it are the nape


class Surface:
    """A surface as points (k, 3) with unit normals (k, 3), metres."""

    def __init__(self, points, normals):
        self.points, self.normals, self.tree = points, normals, cKDTree(points)

    @classmethod
    def of_quads(cls, vertices, quads):
        """Of a mesh, densely sampled."""
        side = (np.arange(SAMPLES) + 0.5) / SAMPLES
        s, t = (part.ravel() for part in np.meshgrid(side, side))
        shares = np.stack([(1 - s) * (1 - t), s * (1 - t), s * t, (1 - s) * t], -1)
        corners = vertices[quads]
        normals = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        return cls(np.einsum("sc,qcx->qsx", shares, corners).reshape(-1, 3), np.repeat(normals, len(shares), 0))

    def distance(self, points):
        """Of points (n, 3), metres, (n,)."""
        far, index = self.tree.query(points)
        plane = np.abs(((points - self.points[index]) * self.normals[index]).sum(1))
        return np.where(far < FLAT, plane, far)

    def placed(self, points):
        """The shift (3,) by which points (n, 3) come nearest: a photo does not tell how far away a head is."""
        shift = np.zeros(3)
        for _ in range(8):
            moved = points + shift
            index = self.tree.query(moved)[1]
            normals = self.normals[index]
            error = ((moved - self.points[index]) * normals).sum(1)
            weight = 1.0 / (1.0 + (error / SCALE) ** 2)
            matrix = (normals * weight[:, None]).T @ normals + 1e-4 * len(points) * np.eye(3)
            shift -= np.linalg.solve(matrix, (normals * weight[:, None]).T @ error)
        return shift


def aligned_landmarks(seen, exact):
    """Landmarks (468, 2) as the network sees them, moved as a whole onto where they are, (468, 2).

    What is wrong with all of them alike goes into the photo's camera; the synthetic heads' is another one.
    """
    flat = [np.column_stack([points, np.zeros(len(points))]) for points in (seen, exact)]
    scale, rotation, shift = similarity(*flat)
    return (scale * flat[0] @ rotation.T + shift)[:, :2].astype(np.float32)


def seen_portrait(head, shard, row, pack, model):
    """The portrait of a synthetic head with the landmarks that the network sees on its photo, see
    :func:`aligned_landmarks`. head: of :mod:`training.evaluation.heads`, of that row of the shard."""
    base, template = head_base(), mean_landmarks(pack).astype(np.float64)
    truth = true_vertices(pack, shard, row, template, landmark_weights(template))[source_vertices(pack)]
    seen, _ = find_landmarks(head.crop, *level_box(head.landmarks), model)
    exact = head.camera.project(landmark_places(base, truth))[0]
    return dataclasses.replace(portrait_of(head, model), landmarks=aligned_landmarks(seen, exact))


def landmark_places(base, vertices):
    """The base's landmarks (468, 3) on vertices (n, 3)."""
    return np.einsum("lc,lcx->lx", base.landmark_weights, vertices[base.landmark_corners].astype(np.float64))


def outside_of(base):
    """Which of the skin's vertices are seen from outside, (n,) bool."""
    return np.maximum(base.groups["mouth"], base.groups["sockets"]) < 0.5


def face_of(base):
    """Which of them are the face's, without its ears."""
    return outside_of(base) & (base.groups["face"] > 0.5) & (base.groups["ears"] < 0.3)


def measure_fit(vertices, portrait, base, truth):
    """Millimetres by what they measure, of vertices (n, 3) fitted to a portrait; truth: (n, 3), where they are.

    ``surface`` is the face's to the portrait's own surface where that is skin; the others are to the truth after one
    shift for the whole head. ``crossings`` counts pairs of triangles.
    """
    skin, groups = base.parts["skin"], base.groups
    outer, face, ears = outside_of(base), face_of(base), groups["ears"] > 0.5
    own, true = vertices[skin].astype(np.float64), truth[skin].astype(np.float64)
    target = target_of(portrait)
    points, _, share, solid = target.near(own)
    seen = face & (share > 0.9) & (solid > 0.9)
    shown = Surface(*target.maps[..., :6].reshape(-1, 2, 3).transpose(1, 0, 2).astype(np.float64))
    real = Surface.of_quads(true, base.faces[outer[base.faces].all(1)])
    row = {"surface": shown.distance(own[seen]).mean()}
    moved = own + real.placed(own[face])
    for name, chosen in (("face", face), ("ears", ears), ("neck", groups["neck"] > 0.5), ("scalp", groups["scalp"] > 0.5)):
        row[name] = real.distance(moved[chosen]).mean()
    there = points[seen] + real.placed(points[seen])
    row["portrait's face"] = real.distance(there).mean()
    row["face's vertices"] = np.linalg.norm(moved[face] - true[face], axis=1).mean()
    head = outer & (groups["bust"] < 0.5) & (groups["neck"] < 0.5)
    row["depth"] = abs(np.ptp(own[head, 2]) - np.ptp(true[head, 2]))
    nape = (groups["neck"] > 0.5) & (base.vertices[skin, 2] < NAPE_Z)
    row["nape"] = abs((moved[nape] - true[nape])[:, 2].mean())
    pixels, depth = portrait.camera.project(landmark_places(base, vertices))
    to_metres = depth.mean() / portrait.camera.fx
    exact = portrait.camera.project(landmark_places(base, truth))[0]
    row["landmarks"] = np.linalg.norm(pixels - portrait.landmarks, axis=1).mean() * to_metres
    row["true landmarks"] = np.linalg.norm(pixels - exact, axis=1).mean() * to_metres
    row = {name: 1000.0 * float(value) for name, value in row.items()}
    triangles = np.concatenate([base.faces[:, [0, 1, 2]], base.faces[:, [0, 2, 3]]])
    return row | {"crossings": len(crossing_triangles(own, triangles))}
