"""Measure a model, and peers beside it: one table, on real portraits and on synthetic heads it never saw.

    python -m training.evaluate --model models/default --photos PHOTOS --mattes MATTES --heads HEADS --out report.json

Real portraits: own view, silhouette, identity by dlib's face descriptor, consistency of two views. Synthetic heads: novel
views, depth and surface against exact truth, identity of turned ones, consistency. Everything goes through the code and the ONNX files that users run.

Peers, on the same photos and heads in the same run: the photo on the mean head (always), MediaPipe's face mesh
(``--mediapipe``, ``--mediapipe-python``) and the Surrey face model fitted by eos (``--eos-share``, ``--eos-python``).
Peers that make no pictures are measured in depth alone. eos is given the exact 68 landmarks.
"""

import argparse
import importlib.util
import json
import pathlib
import sys

import numpy as np

from inference.files import write_atomically
from inference.networks.model import load_model
from training.errors import command
from training.evaluation import report
from training.evaluation.heads import MEAN_HEAD, OURS, evaluate_heads, read_heads
from training.evaluation.metrics import Identity
from training.evaluation.photos import evaluate_photos
from training.evaluation.report import Line, median, share
from training.evaluation.views import TURNS
from training.peers import eos_fit, mediapipe_mesh
from training.peers.mean_head import MeanHead
from training.peers.meshes import PeerError

MEDIAPIPE, EOS = "MediaPipe", "eos + Surrey"
SAME_PERSON = 0.6  # dlib's threshold on the distance of two descriptors
REAL, HEADS = "real portraits", "unseen heads"

LINES = (
    Line("a face is found and a portrait made", REAL, share(bool, "made"), 1.0, True, "100 %"),
    Line("own view at 256², head region", REAL, median("psnr", unit=" dB"), 28.0, True, "≥ 28 dB"),
    Line("own view, SSIM", REAL, median("ssim", digits=3), 0.88, True, "≥ 0.88"),
    Line("silhouette above the collar, IoU with the matte", REAL, median("silhouette", digits=3), 0.93, True, "≥ 0.93"),
    Line("the same, without the photo's rim", REAL, median("silhouette_sheets", digits=3)),
    Line("no background on the subject at ±30°", REAL, bar_text="12 of 12 by eye", elsewhere="training.sheets"),
    Line("identity, own view", REAL, median("identity_own", digits=3), 0.25, False, "≤ 0.25"),
    Line("identity at ±30°", REAL, median(*TURNS, digits=3), 0.45, False, "≤ 0.45"),
    Line("same person at ±30°", REAL, share(lambda x: x < SAME_PERSON, *TURNS), 0.95, True, "≥ 95 %"),
    Line("novel views, ±15°", HEADS, median("novel_15", unit=" dB"), 26.5, True, "≥ 26.5 dB"),
    Line("novel views, ±30°", HEADS, median("novel_30", unit=" dB"), 25.0, True, "≥ 25 dB"),
    Line("novel views, ±45°", HEADS, median("novel_45", unit=" dB"), 24.0, True, "≥ 24 dB"),
    Line("novel views, ±60°", HEADS, median("novel_60", unit=" dB"), 21.0, True, "≥ 21 dB"),
    Line("face depth, scaled by eye distance", HEADS, median("depth_mm", unit=" mm"), 1.2, False, "≤ 1.2 mm, below peers", True),
    Line("face depth, the head's distance included", HEADS, median("depth_placed_mm", unit=" mm")),
    Line("surface of all columns", HEADS, median("columns_mm", unit=" mm"), 3.0, False, "≤ 3.0 mm"),
    Line("surface of bare ears", HEADS, median("ears_mm", unit=" mm"), 3.0, False, "≤ 3.0 mm"),
    Line("photos turned by 20 to 45°: identity, worse side", HEADS, median("identity_worse", digits=3), 0.42, False, "≤ 0.42"),
    Line("the same: the same person", HEADS, share(lambda x: x < SAME_PERSON, "identity_worse"), 0.95, True, "≥ 95 %"),
    Line("own view", HEADS, median("psnr", unit=" dB")),
    Line("own view, silhouette IoU", HEADS, median("silhouette", digits=3)),
    Line("the same, without the photo's rim", HEADS, median("silhouette_sheets", digits=3)),
    Line("consistency: photo seen 20° away", REAL, median("consistency_photo", unit=" dB"), 30.0, True, "≥ 30 dB"),
    Line("consistency: photo seen 20° away", HEADS, median("consistency_photo", unit=" dB"), 30.0, True, "≥ 30 dB"),
    Line("consistency: own view seen 20° away", REAL, median("consistency", unit=" dB")),
    Line("consistency: own view seen 20° away", HEADS, median("consistency", unit=" dB")),
    Line("camera match in Blender", "all cameras", bar_text="≤ 0.05 px", elsewhere="tests/blender/test_cameras.py"),
    Line("own renderer against Cycles", "a portrait", bar_text="≥ 35 dB", elsewhere="tests/blender/test_views.py"),
)  # fmt: skip


def peer_meshes(options, heads):
    """Face meshes of the peers that were asked for, {name: FaceMeshes}; those that cannot run are named on stderr."""
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
    model = load_model(options.model, threads=options.threads)
    makers, rows = {MEAN_HEAD: MeanHead(model)}, {}
    identity = Identity() if options.photos or importlib.util.find_spec("dlib") else None  # heads alone do without
    if options.heads:
        heads = read_heads(options.heads, options.limit)
        rows[HEADS] = evaluate_heads(model, heads, makers, peer_meshes(options, heads), identity)
    if options.photos:
        rows[REAL] = evaluate_photos(model, options.photos, options.mattes, options.limit, makers, identity)
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
