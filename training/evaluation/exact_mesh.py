"""The exact skin of a synthetic head, made again from the parameters in its shard, with its parts by name.

The photo's true camera is in the shard but for its focal length and centre; both follow from the exact landmarks.
"""

import dataclasses
import json

import numpy as np

from inference.alignment.pose import landmark_weights
from inference.geometry.cameras import orbit_camera
from training.synthetic.appearance import ears
from training.synthetic.generate import warp_points
from training.synthetic.heads import Person, build_head, landmark_points, mean_landmarks, shrink_mouth_bag

from .heads import crop_camera

FACE, EAR, NECK, BACK = range(4)  # parts of the skin
PARTS = ("face", "ears", "neck", "skull")
JAW_BACK = 0.0  # metres; the face's outline is followed to this z and ends there
BOTTOM = -0.16  # metres; below it there is no portrait


@dataclasses.dataclass(frozen=True)
class ExactMesh:
    """vertices (n, 3) float32 metres, portrait space; triangles (m, 3) int32; part (n,) of PARTS, -1 inside and below."""

    vertices: np.ndarray
    triangles: np.ndarray
    part: np.ndarray


def parameters_of(shard, index):
    """{name: array} of the row's parameters."""
    layout = json.loads((shard.folder.parent / "parameters.json").read_text())
    ends = np.cumsum([length for _, length in layout])
    values = np.array(shard["parameters"][index])
    return {name: values[end - length : end] for (name, length), end in zip(layout, ends, strict=True)}


def is_bare(shard, index):
    """Whether nothing lies on the head: no hair, hat or scarf."""
    known = parameters_of(shard, index)
    nothing = known["hair"][0] == 0 and known["hat"][0] == 0 and known["strands"].max() < 0
    return bool(nothing and not known.get("headwear", np.zeros(1))[0] and not known.get("scarf", np.zeros(1))[0])


def exact_mesh(shard, index, pack):
    """The :class:`ExactMesh` of a row of a shard. pack: :class:`training.synthetic.assets.AssetPack`."""
    known = parameters_of(shard, index)
    fields = {field.name: known[field.name] for field in dataclasses.fields(Person)}
    for name in ("sex", "age", "muscle", "weight"):
        fields[name] = float(fields[name][0])
    template = mean_landmarks(pack).astype(np.float64)
    weights = landmark_weights(template)
    weights[~pack.landmarks["facemesh468_valid"]] = 0.0
    head = build_head(pack, Person(**fields), template, weights)
    skin = head.to_portrait(head.posed)
    shrink_mouth_bag(pack, skin)
    exact = head.to_portrait(landmark_points(pack, head.posed))
    true = _true_camera(known["true_camera"].astype(np.float64), exact, np.array(shard["landmarks"][index], np.float64))
    points = warp_points(skin, true, crop_camera(shard["camera"][index])).astype(np.float32)
    part = pack.skin_part()
    return ExactMesh(points, part.mesh_triangles, parts(pack, points, part.mesh_triangles))


def _true_camera(numbers, points, landmarks):
    """The camera of yaw, pitch, roll and distance that sees points (n, 3) at landmarks (n, 2)."""
    yaw, pitch, roll, distance = numbers
    camera, angle = orbit_camera(yaw, pitch, distance), np.deg2rad(roll)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
    pose = camera.camera_to_world.copy()
    pose[:3, :3] = pose[:3, :3] @ turn
    camera = dataclasses.replace(camera, fx=1.0, fy=1.0, cx=0.0, cy=0.0, camera_to_world=pose)
    seen = camera.project(points)[0]
    middle = seen.mean(0), landmarks.mean(0)
    focal = ((seen - middle[0]) * (landmarks - middle[1])).sum() / ((seen - middle[0]) ** 2).sum()
    cx, cy = middle[1] - focal * middle[0]
    return dataclasses.replace(camera, fx=focal, fy=focal, cx=cx, cy=cy)


def parts(pack, points, triangles):
    """What part of the skin each vertex belongs to, (n,) int."""
    marks = points[pack.landmarks["facemesh468_verts"]].mean(1)
    out = np.full(len(points), -1)
    used = np.unique(triangles)
    out[used] = BACK
    chin, brow = marks[152], marks[10]
    x, y, z = points.T
    out[used[(y[used] < chin[1] + 0.25 * (chin[2] - z[used]))]] = NECK
    out[used[(y[used] < brow[1]) & (z[used] > JAW_BACK) & (out[used] != NECK)]] = FACE
    out[np.flatnonzero(ears(pack))] = EAR
    out[pack.mouth_bag[0]] = -1
    out[y < BOTTOM] = -1
    return out


def dense_points(vertices, triangles, spacing):
    """Points (k, 3) float64 all over a mesh, at most about ``spacing`` metres apart, and the triangle (k,) of each."""
    corners = vertices[triangles].astype(np.float64)
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1).max(1)
    cuts = np.maximum(np.ceil(longest / spacing).astype(int), 1)
    points, owner = [], []
    for n in np.unique(cuts):
        i, j = np.meshgrid(np.arange(n), np.arange(n))
        inside = i + j < n
        share = np.stack([i[inside] + 1 / 3, j[inside] + 1 / 3], -1) / n
        which = np.flatnonzero(cuts == n)
        points.append(np.einsum("bk,mkd->mbd", np.column_stack([share, 1 - share.sum(1)]), corners[which]).reshape(-1, 3))
        owner.append(np.repeat(which, len(share)))
    return np.concatenate(points), np.concatenate(owner)
