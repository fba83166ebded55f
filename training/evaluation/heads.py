"""Synthetic heads as photos with exact answers, and what a portrait of one is measured by."""

import types

import cv2
import numpy as np
from tqdm import tqdm

from inference.geometry import cameras
from inference.inversion.invert import invert_crop
from inference.portrait import Portrait
from inference.view.render import render_view
from training.data.shards import open_shards
from training.evaluation.columns import ear_columns, measure_columns
from training.evaluation.metrics import depth_errors, eye_distance_in_depth, iou, psnr
from training.evaluation.views import (
    above_collar,
    measure_consistency,
    measure_identity,
    of_sheets_alone,
    over,
    to_bytes,
    views_from_the_sides,
)

OURS, MEAN_HEAD = "ours", "mean head"  # methods whose depth is in metres from the camera
YAW_BINS = (15, 30, 45, 60)  # a view counts for the bin when its yaw lies from 10 below to 5 above
TURNED = 20.0, 45.0  # degrees of yaw between which a photo counts as turned
BACKDROP = (0.45, 0.5, 0.6)  # behind synthetic heads



class Head:
    """One synthetic head as a photo with exact answers."""

    def __init__(self, shard, index):
        photo = np.array(shard["photo"][index]).astype(np.float32) / 255
        self.name = f"{shard.folder.name}/{index}"
        self.colour, self.alpha = photo[..., :3], photo[..., 3]
        self.crop = photo_over_backdrop(photo)
        self.camera = crop_camera(shard["camera"][index])
        self.landmarks, self.landmarks68 = (np.array(shard[n][index], np.float64) for n in ("landmarks", "landmarks68"))
        depth = np.array(shard["photo_depth"][index]).astype(np.float64)
        self.depth = np.where(depth > 0, depth, np.inf)
        self.views = [(np.array(view).astype(np.float32) / 255, crop_camera(pose))
                      for view, pose in zip(shard["views"][index], shard["view_cameras"][index])]  # fmt: skip
        self.label = np.array(shard["dome_label"][index])
        exact = np.array(shard["dome_radius"][index]).astype(np.float32)
        self.radius = np.where(np.array(shard["dome_rgba"][index][..., 3]) > 127, exact, np.float32(0.0))
        face = np.zeros(self.alpha.shape, np.uint8)
        cv2.fillConvexPoly(face, cv2.convexHull(self.landmarks.astype(np.int32)), 1)
        self.face = (face > 0) & np.isfinite(self.depth)
        self.eye_distance = eye_distance_in_depth(self.depth, self.landmarks, self.camera)

    def alignment(self, model):
        """As the aligner would give it."""
        landmarks = found_landmarks(self.landmarks, self.camera, model)
        return types.SimpleNamespace(crop=self.crop, camera=self.camera, landmarks=landmarks, beyond=None, detail=None)


def found_landmarks(landmarks, camera, model):
    """Exact landmarks (468, 2) of a head as the aligner finds them, float32: beside the points by a known bias."""
    mean, bias = model.geometry["mean_landmarks"], model.geometry["landmark_bias"]
    return (landmarks + camera.project(mean)[0] - camera.project(mean - bias)[0]).astype(np.float32)


def photo_over_backdrop(photo):
    """A shard's photo (h, w, 4) float32 in [0, 1], straight alpha, before BACKDROP: (h, w, 3) uint8."""
    return to_bytes(photo[..., :3] * photo[..., 3:] + np.float32(BACKDROP) * (1 - photo[..., 3:]))


def crop_camera(camera_to_world):
    """The crop's camera in a given pose (4, 4)."""
    standard = cameras.orbit_camera()
    return cameras.Camera(standard.width, standard.height, standard.fx, standard.fy, standard.cx, standard.cy,
                          np.array(camera_to_world, np.float64))  # fmt: skip


def read_heads(folder, limit=None):
    """Heads of all shards of a folder, the first ``limit`` of each shard. Raises TrainingError when there are none."""
    return [Head(shard, index) for shard, index in places_of(folder, limit)]


def places_of(folder, limit=None):
    """The same as pairs of shard and row."""
    return [(shard, index) for shard in open_shards([folder]) for index in range(len(shard))[:limit]]


def portrait_of(head, model):
    """The model's portrait of a synthetic head."""
    textures, radii, _, rim, _ = invert_crop(head.alignment(model), model)
    return Portrait(textures, radii, head.camera, head.crop, np.eye(2, 3), (256, 256), head.name,
                    model.id, model.sha256, rim=rim)  # fmt: skip


def measure_head(portrait, head):
    """Measures of one portrait of a synthetic head but for depth; and the depth map of the photo's view."""
    view = render_view(portrait, head.camera)
    row = {"psnr": psnr(view.color, head.colour, (head.alpha > 0.98) & (view.alpha > 0.5)),
           "silhouette": iou(view.alpha > 0.5, head.alpha > 0.5),
           "silhouette_sheets": iou(of_sheets_alone(portrait, head.camera).alpha > 0.5, head.alpha > 0.5)}  # fmt: skip
    for truth, camera in head.views:
        decibels = psnr(*compared(portrait, truth, camera))
        row |= {f"novel_{centre}": decibels for centre in yaw_bins(camera)}
    row |= measure_consistency(portrait, head.crop.astype(np.float32) / 255, view)
    return row, view.depth.astype(np.float64)


def compared(portrait, truth, camera):
    """A view of a portrait and the true one, (h, w, 3) before grey, and where they are compared, (h, w) bool.

    truth: (h, w, 4) float32 in [0, 1], straight alpha, of ``camera``.
    """
    seen, true_alpha = render_view(portrait, camera), truth[..., 3:]
    subject = ((true_alpha[..., 0] > 0.5) | (seen.alpha > 0.5)).astype(np.uint8)
    region = (cv2.dilate(subject, np.ones((5, 5), np.uint8)) > 0) & above_collar(camera)
    return over(seen, 0.5), truth[..., :3] * true_alpha + 0.5 * (1 - true_alpha), region


def yaw_bins(camera):
    """Those of YAW_BINS for which a view by a camera counts."""
    return [centre for centre in YAW_BINS if centre - 10 <= yaw_of(camera) < centre + 5]


def yaw_of(camera):
    """How far a camera stands to either side, in degrees."""
    return abs(np.degrees(np.arctan2(camera.camera_to_world[0, 2], camera.camera_to_world[2, 2])))


def measure_turned(portrait, head, identity):
    """Of a head that the photo shows turned, how far the face from either side is from it, and from the worse one.

    identity: :class:`.metrics.Identity`, whose distances they are; None where it finds no face.
    """
    reference = identity(head.crop) if TURNED[0] <= yaw_of(head.camera) <= TURNED[1] else None
    if reference is None:
        return {}
    row = measure_identity(views_from_the_sides(portrait), reference, identity)
    return row | {"identity_worse": None if None in row.values() else max(row.values())}


def measure_depths(depths, head):
    """Depth errors of several methods on the same pixels: those of the face where all of them have a depth.

    depths: {method: (h, w) metres, inf where there is nothing, and the eye distance in it}. Returns {method: dict}.
    """
    common = head.face & np.all([np.isfinite(depth) for depth, _ in depths.values()], 0)
    rows = {}
    for method, (depth, eyes) in depths.items():
        shape, place = depth_errors(depth, head.depth, head.eye_distance / eyes, common)
        rows[method] = {"depth_mm": shape, "depth_share": float(common.sum() / head.face.sum())}
        if method in (OURS, MEAN_HEAD):  # weak perspective knows no distance
            rows[method]["depth_placed_mm"] = place
    return rows


def evaluate_heads(model, heads, peers=None, meshes=None, identity=None):
    """Measures per head and method.

    identity: :class:`.metrics.Identity`, None to leave it out.
    peers: {name: maker of a Portrait from alignment and matte}, given the exact matte.
    meshes: {name: :class:`training.peers.meshes.FaceMeshes` of all heads}. Returns {method: list of dicts}.
    """
    peers, meshes = peers or {}, meshes or {}
    rows = {method: [] for method in (OURS, *peers, *meshes)}
    for index, head in enumerate(tqdm(heads, desc="heads")):
        made = {OURS: portrait_of(head, model)}
        made |= {name: make(head.alignment(model), head.alpha) for name, make in peers.items()}
        measured, depths = {}, {}
        found = found_landmarks(head.landmarks, head.camera, model)
        ears = ear_columns(head.label, found, head.camera, model.geometry["mean_landmarks"])
        for method, portrait in made.items():
            measured[method], depth = measure_head(portrait, head)
            measured[method] |= measure_columns(portrait, head.radius, ears)
            measured[method] |= measure_turned(portrait, head, identity) if identity else {}
            depths[method] = depth, eye_distance_in_depth(depth, head.landmarks, head.camera)
        for method, faces in meshes.items():
            depth = faces.depth(index, head.depth.shape, head.eye_distance)
            if depth is not None:
                depths[method] = depth, head.eye_distance
        usable = {method: value for method, value in depths.items() if np.isfinite(value[1])}
        for method, row in measure_depths(usable, head).items():
            measured[method] = measured.get(method, {}) | row
        for method, row in measured.items():
            rows[method].append({"name": head.name} | row)
    return rows
