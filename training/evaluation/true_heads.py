"""The exact mesh of a synthetic head of a shard, as its photo and its dome show it."""

import dataclasses
import json

import numpy as np

from inference.geometry.cameras import orbit_camera
from training.evaluation.heads import crop_camera
from training.synthetic.generate import warp_points
from training.synthetic.heads import Person, build_head, landmark_points
from training.synthetic.skin_quads import skin_quads


def parameters_of(shard, row):
    """{name: values} of a head, whatever the version of the generator that made it."""
    layout = json.loads((shard.folder.parent / "parameters.json").read_text())
    values, found = np.array(shard["parameters"][row]), {}
    for name, length in layout:
        found[name], values = values[:length], values[length:]
    return found


def is_bare(shard, row):
    """Whether a head shows its scalp: no hair, no hat, nothing else on it."""
    values = parameters_of(shard, row)
    worn = ("hair", "hat", "headwear", "scarf")  # older generators have fewer
    return not any(values[name][0] for name in worn if name in values) and values["strands"][0] < 0.0


def true_person(shard, row):
    """The :class:`training.synthetic.heads.Person` of a head."""
    values = parameters_of(shard, row)
    single = ("sex", "age", "muscle", "weight")
    return Person(**{field.name: float(values[field.name][0]) if field.name in single else values[field.name]
                     for field in dataclasses.fields(Person)})  # fmt: skip


def true_vertices(pack, shard, row, template, weights, expression=True):
    """All vertices (19158, 3) float64 of a head with its expression or without, metres, portrait space of the photo's
    camera.

    template, weights: as of :func:`training.synthetic.heads.build_head`.
    """
    head = build_head(pack, true_person(shard, row), template, weights)
    exact = head.to_portrait(landmark_points(pack, head.posed))
    camera = _true_camera(parameters_of(shard, row)["true_camera"], exact, np.array(shard["landmarks"][row], np.float64))
    shape = head.posed if expression else head.body
    return warp_points(head.to_portrait(shape), camera, crop_camera(shard["camera"][row]))


def source_vertices(pack):
    """Which of MakeHuman's vertices the head's base consists of, (n,) int, in its order."""
    base, helpers = pack.base, ("l-eye", "r-eye", "upper-teeth", "lower-teeth", "tongue")
    groups = [list(base["group_names"]).index(f"helper-{name}") for name in helpers]
    chosen = [skin_quads(base), *(base["face_group"] == group for group in groups)]
    return np.concatenate([np.unique(base["faces"][faces]) for faces in chosen])


def _true_camera(numbers, points, pixels):
    """The camera of which a shard keeps yaw, pitch, roll and distance; its focal length and principal point follow from
    where it sees points (L, 3): at pixels (L, 2)."""
    yaw, pitch, roll, distance = (float(number) for number in numbers)
    camera = orbit_camera(yaw, pitch, distance)
    cosine, sine = np.cos(np.deg2rad(roll)), np.sin(np.deg2rad(roll))
    pose = camera.camera_to_world.copy()
    pose[:3, :3] = pose[:3, :3] @ [[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]]
    plain = dataclasses.replace(camera, fx=1.0, fy=1.0, cx=0.0, cy=0.0, camera_to_world=pose).project(points)[0]
    one, none = np.ones(len(plain)), np.zeros(len(plain))
    system = np.concatenate([np.stack([plain[:, 0], one, none], -1), np.stack([plain[:, 1], none, one], -1)])
    focal, cx, cy = np.linalg.lstsq(system, pixels.T.ravel(), rcond=None)[0]
    return dataclasses.replace(camera, fx=focal, fy=focal, cx=cx, cy=cy, camera_to_world=pose)
