"""Measure a model, and peers beside it: one table, on real portraits and on synthetic heads it never saw.

    python -m training.evaluate --model models/default --photos PHOTOS --mattes MATTES --heads HEADS --out report.json

Real portraits: own view, silhouette, identity by dlib's face descriptor, consistency of two views. Synthetic heads: novel
views and depth against exact truth, consistency. Everything goes through the code and the ONNX files that users run.

Peers, on the same photos and heads in the same run: the photo on the mean head (always), MediaPipe's face mesh
(``--mediapipe``, ``--mediapipe-python``) and the Surrey face model fitted by eos (``--eos-share``, ``--eos-python``).
Peers that make no pictures are measured in depth alone. eos is given the exact 68 landmarks.
"""

import argparse
import json
import pathlib
import sys
import types

import cv2
import numpy as np
from tqdm import tqdm

from inference.errors import PortraitError
from inference.files import write_atomically
from inference.geometry import cameras
from inference.networks.model import load_model
from inference.portrait import Portrait
from inference.view.render import render_view
from training.errors import TrainingError, command
from training.evaluation import report
from training.evaluation.metrics import (
    CONSISTENCY_ANGLE,
    Identity,
    consistency,
    depth_errors,
    eye_distance_in_depth,
    iou,
    psnr,
    ssim,
    turned,
)
from training.evaluation.report import Line, median, share
from training.peers.meshes import PeerError

OURS, MEAN_HEAD, MEDIAPIPE, EOS = "ours", "mean head", "MediaPipe", "eos + Surrey"
COLLAR = -0.105  # metres below the head centre; silhouettes and pictures are compared above it
SAME_PERSON = 0.6  # dlib's threshold on the distance of two descriptors
TURNS = {"identity_left": -30.0, "identity_right": 30.0}  # yaw in degrees
YAW_BINS = (15, 30, 45)  # a view counts for the bin when its yaw lies from 10 below to 5 above
BACKDROP = (0.45, 0.5, 0.6)  # behind synthetic heads
REAL, HEADS = "real portraits", "unseen heads"

LINES = (
    Line("a face is found and a portrait made", REAL, share(bool, "made"), 1.0, True, "100 %"),
    Line("own view at 256², head region", REAL, median("psnr", unit=" dB"), 28.0, True, "≥ 28 dB"),
    Line("own view, SSIM", REAL, median("ssim", digits=3), 0.88, True, "≥ 0.88"),
    Line("silhouette above the collar, IoU with the matte", REAL, median("silhouette", digits=3), 0.93, True, "≥ 0.93"),
    Line("no background on the subject at ±30°", REAL, bar_text="12 of 12 by eye", elsewhere="training.sheets"),
    Line("identity, own view", REAL, median("identity_own", digits=3), 0.25, False, "≤ 0.25"),
    Line("identity at ±30°", REAL, median(*TURNS, digits=3), 0.45, False, "≤ 0.45"),
    Line("same person at ±30°", REAL, share(lambda x: x < SAME_PERSON, *TURNS), 0.95, True, "≥ 95 %"),
    Line("novel views, ±15°", HEADS, median("novel_15", unit=" dB"), 25.0, True, "≥ 25 dB"),
    Line("novel views, ±30°", HEADS, median("novel_30", unit=" dB"), 23.0, True, "≥ 23 dB"),
    Line("novel views, ±45°", HEADS, median("novel_45", unit=" dB"), 21.0, True, "≥ 21 dB"),
    Line("face depth, scaled by eye distance", HEADS, median("depth_mm", unit=" mm"), 3.0, False, "≤ 3 mm, below peers", True),
    Line("face depth, the head's distance included", HEADS, median("depth_placed_mm", unit=" mm")),
    Line("own view", HEADS, median("psnr", unit=" dB")),
    Line("own view, silhouette IoU", HEADS, median("silhouette", digits=3)),
    Line("consistency: photo seen 20° away", REAL, median("consistency_photo", unit=" dB"), 30.0, True, "≥ 30 dB"),
    Line("consistency: photo seen 20° away", HEADS, median("consistency_photo", unit=" dB"), 30.0, True, "≥ 30 dB"),
    Line("consistency: own view seen 20° away", REAL, median("consistency", unit=" dB")),
    Line("consistency: own view seen 20° away", HEADS, median("consistency", unit=" dB")),
    Line("camera match in Blender", "all cameras", bar_text="≤ 0.05 px", elsewhere="tests/blender/test_cameras.py"),
    Line("own renderer against Cycles", "a portrait", bar_text="≥ 35 dB", elsewhere="tests/blender/test_views.py"),
)  # fmt: skip


def open_model(folder=None, threads=0):
    """An exported model, the embedded one by default. Raises TrainingError."""
    try:
        return load_model(folder, threads=threads)
    except PortraitError as error:
        raise TrainingError(str(error)) from None


def photos_in(folder):
    """Paths of a folder's photos, sorted. Raises TrainingError when there are none."""
    try:
        found = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    except OSError as error:
        raise TrainingError(f"cannot read {folder} ({error.strerror}); give a folder of photos") from None
    if not found:
        raise TrainingError(f"no photos (.jpg, .png, .webp) in {folder}; give a folder of photos")
    return found


def above_collar(camera):
    """Bool mask (h, w) of the crop above the collar."""
    mask = np.zeros((camera.height, camera.width), bool)
    row = camera.project(np.array([0.0, COLLAR, 0.03]))[0][1]
    mask[: int(np.clip(row, 1, camera.height))] = True
    return mask


def over(view, colour):
    """A view over a colour or picture: (h, w, 3) float32."""
    alpha = view.alpha[..., None]
    return view.color * alpha + np.asarray(colour, np.float32) * (1 - alpha)


def to_bytes(image):
    return np.round(image * 255).clip(0, 255).astype(np.uint8)


def measure_consistency(portrait, photo, view):
    """Consistency between the photo's view and views turned by 20° to either side; means over the sides."""
    row = {"consistency_photo": [], "consistency": [], "consistency_share": []}
    for degrees in (-CONSISTENCY_ANGLE, CONSISTENCY_ANGLE):
        camera = turned(portrait.camera, degrees)
        other = render_view(portrait, camera)
        row["consistency_photo"].append(consistency(photo, view, portrait.camera, other, camera)[0])
        decibels, visible = consistency(view.color, view, portrait.camera, other, camera)
        row["consistency"].append(decibels)
        row["consistency_share"].append(visible)
    return {name: float(np.mean(values)) for name, values in row.items()}


def measure_photo(portrait, matte, region, identity, reference):
    """Measures of one portrait of a real photo.

    matte: (h, w) float in [0, 1] of the crop or None; region: (h, w) bool, the head; identity: :class:`Identity`;
    reference: descriptor of the photo, or None.
    """
    camera, photo = portrait.camera, portrait.crop.astype(np.float32) / 255
    view = render_view(portrait, camera)
    black = over(view, 0.0)
    row = {"made": True, "psnr": psnr(black, photo, region), "ssim": ssim(np.where(region[..., None], black, photo), photo, region)}
    if matte is not None:
        above = above_collar(camera)
        row["silhouette"] = iou((view.alpha > 0.5) & above, (matte > 0.5) & above)
    row |= measure_consistency(portrait, photo, view)
    if reference is not None:
        views = {"identity_own": view} | {n: render_view(portrait, cameras.orbit_camera(yaw=yaw)) for n, yaw in TURNS.items()}
        for name, seen in views.items():
            found = identity(to_bytes(over(seen, 0.5)))
            row[name] = None if found is None else float(np.linalg.norm(found - reference))
    return row


def matte_of(portrait, folder, stem):
    """The photo's matte in the crop, (h, w) float32 in [0, 1]; None where there is none."""
    path = folder / f"{stem}.png" if folder else None
    if path is None or not path.exists():
        return None
    matte = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    matrix = np.array(portrait.crop_to_photo, np.float64)  # corners to the pixel centres that OpenCV counts in
    matrix[:, 2] += 0.5 * matrix[:, :2].sum(1) - 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(matte, matrix, portrait.crop.shape[1::-1], flags=flags).astype(np.float32) / 255


def evaluate_photos(model, folder, mattes=None, limit=None, peers=None, identity=None):
    """Measures per photo and method. peers: {name: maker of a Portrait from alignment and matte}.

    Returns {method: list of dicts}, one dict per photo.
    """
    from inference.pipeline import invert_photo

    identity, peers = identity or Identity(), peers or {}
    rows = {method: [] for method in (OURS, *peers)}
    for path in tqdm(photos_in(folder)[:limit], desc="portraits"):
        try:
            inversion = invert_photo(path, model)
        except PortraitError as error:
            rows[OURS].append({"name": path.stem, "made": False, "error": str(error)})
            continue
        portrait = inversion.portrait
        matte = matte_of(portrait, mattes, path.stem)
        # The head region is what the photo shows of the subject above the collar.
        solid = matte > 0.98 if matte is not None else render_view(portrait, portrait.camera).alpha > 0.95
        region, reference = above_collar(portrait.camera) & solid, identity(portrait.crop)
        made = {OURS: portrait} | {name: make(inversion.alignment, matte) for name, make in peers.items()}
        for method, result in made.items():
            rows[method].append({"name": path.stem} | measure_photo(result, matte, region, identity, reference))
    return rows


class Head:
    """One synthetic head as a photo with exact answers."""

    def __init__(self, shard, index):
        photo = np.array(shard["photo"][index]).astype(np.float32) / 255
        self.name = f"{shard.folder.name}/{index}"
        self.colour, self.alpha = photo[..., :3], photo[..., 3]
        self.crop = to_bytes(self.colour * self.alpha[..., None] + np.float32(BACKDROP) * (1 - self.alpha[..., None]))
        self.camera = crop_camera(shard["camera"][index])
        self.landmarks, self.landmarks68 = (np.array(shard[n][index], np.float64) for n in ("landmarks", "landmarks68"))
        depth = np.array(shard["photo_depth"][index]).astype(np.float64)
        self.depth = np.where(depth > 0, depth, np.inf)
        self.views = [(np.array(view).astype(np.float32) / 255, crop_camera(pose))
                      for view, pose in zip(shard["views"][index], shard["view_cameras"][index])]  # fmt: skip
        face = np.zeros(self.alpha.shape, np.uint8)
        cv2.fillConvexPoly(face, cv2.convexHull(self.landmarks.astype(np.int32)), 1)
        self.face = (face > 0) & np.isfinite(self.depth)
        self.eye_distance = eye_distance_in_depth(self.depth, self.landmarks, self.camera)

    def alignment(self, model):
        """As the aligner would give it: its landmarks lie beside the exact points by a known bias."""
        mean, bias = model.geometry["mean_landmarks"], model.geometry["landmark_bias"]
        shift = self.camera.project(mean)[0] - self.camera.project(mean - bias)[0]
        landmarks = (self.landmarks + shift).astype(np.float32)
        return types.SimpleNamespace(crop=self.crop, camera=self.camera, landmarks=landmarks)


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
    from training.data.shards import open_shards

    try:
        return [(shard, index) for shard in open_shards([folder]) for index in range(len(shard))[:limit]]
    except FileNotFoundError as error:
        raise TrainingError(str(error)) from None


def portrait_of(head, model):
    """The model's portrait of a synthetic head."""
    from inference.inversion.invert import invert_crop

    textures, radii = invert_crop(head.alignment(model), model)
    return Portrait(textures, radii, head.camera, head.crop, np.eye(2, 3), (256, 256), head.name,
                    model.id, model.sha256)  # fmt: skip


def measure_head(portrait, head):
    """Measures of one portrait of a synthetic head but for depth; and the depth map of the photo's view."""
    view = render_view(portrait, head.camera)
    row = {"psnr": psnr(view.color, head.colour, (head.alpha > 0.98) & (view.alpha > 0.5)),
           "silhouette": iou(view.alpha > 0.5, head.alpha > 0.5)}  # fmt: skip
    for truth, camera in head.views:
        seen, true_alpha = render_view(portrait, camera), truth[..., 3:]
        subject = ((true_alpha[..., 0] > 0.5) | (seen.alpha > 0.5)).astype(np.uint8)
        region = (cv2.dilate(subject, np.ones((5, 5), np.uint8)) > 0) & above_collar(camera)
        decibels = psnr(over(seen, 0.5), truth[..., :3] * true_alpha + 0.5 * (1 - true_alpha), region)
        yaw = abs(np.degrees(np.arctan2(camera.camera_to_world[0, 2], camera.camera_to_world[2, 2])))
        row |= {f"novel_{centre}": decibels for centre in YAW_BINS if centre - 10 <= yaw < centre + 5}
    row |= measure_consistency(portrait, head.crop.astype(np.float32) / 255, view)
    return row, view.depth.astype(np.float64)


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


def evaluate_heads(model, heads, peers=None, meshes=None):
    """Measures per head and method.

    peers: {name: maker of a Portrait from alignment and matte}, given the exact matte.
    meshes: {name: :class:`training.peers.meshes.FaceMeshes` of all heads}. Returns {method: list of dicts}.
    """
    peers, meshes = peers or {}, meshes or {}
    rows = {method: [] for method in (OURS, *peers, *meshes)}
    for index, head in enumerate(tqdm(heads, desc="heads")):
        made = {OURS: portrait_of(head, model)}
        made |= {name: make(head.alignment(model), head.alpha) for name, make in peers.items()}
        measured, depths = {}, {}
        for method, portrait in made.items():
            measured[method], depth = measure_head(portrait, head)
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


def peer_meshes(options, heads):
    """Face meshes of the peers that were asked for, {name: FaceMeshes}; those that cannot run are named on stderr."""
    from training.peers import eos_fit, mediapipe_mesh

    size, found = (256, 256), {}
    ways = {}
    if options.mediapipe or options.mediapipe_python:
        crops = np.stack([head.crop for head in heads])
        ways[MEDIAPIPE] = lambda: mediapipe_mesh.face_meshes(crops, options.mediapipe_python)
    if options.eos_share:
        points = np.stack([head.landmarks68 for head in heads])
        ways[EOS] = lambda: eos_fit.face_meshes(points, size, options.eos_share, options.eos_python)
    for name, way in ways.items():
        try:
            found[name] = way()
        except PeerError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, help="folder of an exported model; the embedded one by default")
    parser.add_argument("--photos", type=pathlib.Path, help="folder of real portraits")
    parser.add_argument("--mattes", type=pathlib.Path, help="folder of mattes by training.aligner.label_photos")
    parser.add_argument("--heads", type=pathlib.Path, help="folder of unseen synthetic shards")
    parser.add_argument("--limit", type=int, help="at most so many portraits, and heads per shard")
    parser.add_argument("--mediapipe", action="store_true", help="measure MediaPipe's mesh with this interpreter")
    parser.add_argument("--mediapipe-python", type=pathlib.Path, help="interpreter that has mediapipe 0.10.21")
    parser.add_argument("--eos-share", type=pathlib.Path, help="folder with the Surrey face model: share/ of eos")
    parser.add_argument("--eos-python", type=pathlib.Path, help="interpreter that has eos-py; this one by default")
    parser.add_argument("--threads", type=int, default=0, help="threads of the networks; 0 lets ONNX Runtime decide")
    parser.add_argument("--out", type=pathlib.Path, help="JSON to write")
    parser.add_argument("--markdown", type=pathlib.Path, help="Markdown table to write")
    options = parser.parse_args(arguments)
    if not (options.photos or options.heads):
        parser.error("give --photos, --heads or both")
    from training.peers.mean_head import MeanHead

    model = open_model(options.model, options.threads)
    makers, rows = {MEAN_HEAD: MeanHead(model)}, {}
    if options.heads:
        heads = read_heads(options.heads, options.limit)
        rows[HEADS] = evaluate_heads(model, heads, makers, peer_meshes(options, heads))
    if options.photos:
        rows[REAL] = evaluate_photos(model, options.photos, options.mattes, options.limit, makers)
    peers = [name for name in (MEAN_HEAD, MEDIAPIPE, EOS) if any(name in methods for methods in rows.values())]
    table = report.fill_in(LINES, rows, OURS, peers)
    cells = report.cells(table, OURS, peers)
    print(report.as_text(cells))
    counts = {on: {method: len(r) for method, r in methods.items()} for on, methods in rows.items()}
    statistics = {on: {method: report.statistics(r) for method, r in methods.items()} for on, methods in rows.items()}
    data = {"model": model.id, "sha256": model.sha256, "counts": counts, "table": table, "statistics": statistics, "rows": rows}
    if options.out:
        text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
        write_atomically(options.out, lambda stream: stream.write(text.encode()))
    if options.markdown:
        write_atomically(options.markdown, lambda stream: stream.write(report.as_markdown(cells).encode()))
    return 0


if __name__ == "__main__":
    command(main)
