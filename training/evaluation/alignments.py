"""How the engine finds and frames the faces of look-alikes, without making a portrait of any: quick enough for a choice."""

import time

import numpy as np

from inference.alignment.align import align, find_faces
from inference.errors import PortraitError
from inference.photo.warp import invert_affine
from training.evaluation.look_alikes import KINDS, mapped
from training.evaluation.metrics import EYE_CORNERS, eye_distance
from training.evaluation.outcomes import compare_framing, percent
from training.evaluation.report import MISSING, median, share
from training.evaluation.sitters import EXACT

TURNS = ((0, 15), (15, 30), (30, 45), (45, 61))  # degrees of yaw, from and below, of the groups of turned heads


def measure(item, picture, model):
    """Align the first face of one look-alike and hold it against its truth: a plain dictionary.

    item: of truth.json; picture (h, w, 3) uint8. landmarks: mean distance to exact ones over that between the eyes.
    points: (468, 2) in the pixels of the true crop, for :func:`add_spread`; both only of the right face.
    """
    start = time.perf_counter()
    row = {"kind": item["kind"], "right": not item["faces"]}
    try:
        faces = find_faces(picture, model)
        alignment = align(picture, faces[0], model) if faces else None
    except PortraitError:  # too small, or turned too far
        alignment = None
    row["milliseconds"] = 1000 * (time.perf_counter() - start)
    if not item["faces"]:
        return row | {"right": not faces}
    truth = item["faces"][0]
    row |= {"sitter": truth["sitter"], "turn": abs(truth["yaw"])}
    if alignment is None:
        return row
    framed = compare_framing(alignment, truth)
    if not framed.pop("right_face"):
        return row
    true_landmarks = np.array(truth["landmarks"])
    if truth["pose_from"] == EXACT:
        apart = np.linalg.norm(faces[0].landmarks - true_landmarks, axis=1).mean()
        framed["landmarks"] = apart / eye_distance(true_landmarks[np.ravel(EYE_CORNERS)])
    to_crop = invert_affine(np.array(truth["crop_to_picture"]))
    return row | framed | {"right": True, "points": mapped(to_crop, faces[0].landmarks)}


def add_spread(rows):
    """Add ``spread`` to rows of photographed sitters: how far landmarks are from the median of the sitter's look-alikes.

    As a share of the distance between the eyes; it needs no truth, since all look-alikes of a sitter share one crop.
    """
    found = {}
    for row in rows:
        if "points" in row and "landmarks" not in row:
            found.setdefault(row["sitter"], []).append(row)
    for group in found.values():
        middle = np.median([row["points"] for row in group], axis=0)
        for row in group if len(group) > 1 else ():
            apart = np.linalg.norm(row["points"] - middle, axis=1).mean()
            row["spread"] = apart / eye_distance(middle[np.ravel(EYE_CORNERS)])


COLUMNS = (  # title, of the rows of one group
    ("photos", lambda rows: (len(rows), str(len(rows)))),
    ("right face, or rightly none", share(bool, "right")),
    ("landmarks, % of the eyes' distance", lambda rows: percent(rows, "landmarks")),
    ("their spread, %", lambda rows: percent(rows, "spread")),
    ("crop's centre, % of its side", lambda rows: percent(rows, "centre")),
    ("scale, %", lambda rows: percent(rows, "scale")),
    ("roll", median("roll", digits=1, unit="°")),
    ("yaw", median("yaw", digits=1, unit="°")),
    ("pitch", median("pitch", digits=1, unit="°")),
    ("yaw and pitch ≤ 5°", share(lambda x: x <= 5.0, "yaw", "pitch")),
    ("ms", median("milliseconds", digits=0)),
)


def table(rows):
    """Lines of strings by kind, turned heads by their yaw as well; the first line names the columns."""
    groups = {kind: [row for row in rows if row["kind"] == kind] for kind in KINDS}
    for low, high in TURNS:
        groups[f"turned by {low} to {min(high, 60)}°"] = [row for row in groups["turned"] if low <= row["turn"] < high]
    lines = [["kind", *(title for title, _ in COLUMNS)]]
    for name, group in (groups | {"all": rows}).items():
        if group:
            found = [value(group) for _, value in COLUMNS]
            lines.append([name, *(MISSING if value is None else value[1] for value in found)])
    return lines
