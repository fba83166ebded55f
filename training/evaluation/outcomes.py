"""What became of a look-alike: made, made with a warning or refused, of the right face, framed and cut out how well."""

import re
import time

import numpy as np

from inference.errors import PortraitError
from inference.geometry.cameras import CROP_SIZE
from inference.pipeline import invert_photo
from inference.view.render import render_view
from training.data.photos import crop_of
from training.evaluation.look_alikes import KINDS, MADE, REFUSED, WARNED
from training.evaluation.metrics import iou
from training.evaluation.report import MISSING, median, share
from training.evaluation.views import above_collar

CRASHED = "crashed"  # an error that is not meant for people: always wrong
ELSEWHERE = 0.2  # of the crop's side, a distance between the eyes: a crop further away shows something else
OTHER_SCALE = 1.6  # so many times larger or smaller, it does too
UPSIDE_DOWN = 60.0  # degrees of roll from which on it is not the face that was seen
TIED = 0.93  # IoU that 95 % of the silhouettes are to reach
CERTAIN = 0.05, 0.95  # exact opacities below and above which a pixel is backdrop and sitter without a doubt


def measure(item, picture, matte, model):
    """Invert one look-alike and hold the result against its truth: a plain dictionary.

    item: of truth.json; picture (h, w, 3) uint8; matte (h, w) uint8 or None, as :func:`truth.open_item` gives them.
    message: the codes of the warnings, or the words of the refusal.
    """
    start = time.perf_counter()
    row = {"id": item["id"], "kind": item["kind"], "half": item["half"]}
    try:
        inversion = invert_photo(picture, model)
    except PortraitError as error:
        row |= {"outcome": REFUSED, "message": str(error)}
        row["as_expected"] = REFUSED in item["expected"] and (item["reason"] or "") in str(error)
    except Exception as error:  # noqa: BLE001 - whatever a picture brings down is the finding
        row |= {"outcome": CRASHED, "message": f"{type(error).__name__}: {error}", "as_expected": False}
    else:
        warnings = inversion.report["warnings"]
        row |= {"outcome": WARNED if warnings else MADE, "message": ", ".join(warning["code"] for warning in warnings)}
        row |= compare(item, inversion.portrait, inversion.alignment, matte)
        row["as_expected"] = row["outcome"] in item["expected"] and row["right_face"]
    return row | {"seconds": round(time.perf_counter() - start, 2)}


def compare(item, portrait, alignment, matte):
    """Framing and pose against the largest face's, and the own view's silhouette against the matte: a dictionary.

    centre: distance of the crops' centres over the true crop's side; scale: how much larger or smaller the crop is, over
    one; roll, yaw, pitch: degrees off. silhouette: IoU above the collar, where the picture shows anything; kept, lost:
    backdrop in the head and sitter not in it over the sitter's area. All but right_face are left out for a wrong face.
    """
    if not item["faces"]:
        return {"right_face": False}
    row = compare_framing(alignment, item["faces"][0])
    if not row["right_face"]:
        return row
    if matte is not None:
        row |= silhouette(render_view(portrait, portrait.camera).alpha, *in_crop(matte, portrait), above_collar(portrait.camera))
    return {name: value if isinstance(value, bool) else round(float(value), 4) for name, value in row.items()}


def compare_framing(alignment, face):
    """An alignment against a face of truth.json: right_face and, for that one, centre, scale, roll, yaw and pitch."""
    row = framing(alignment.crop_to_photo, np.array(face["crop_to_picture"]))
    if row["centre"] > ELSEWHERE or row["scale"] > OTHER_SCALE - 1 or row["roll"] > UPSIDE_DOWN:
        return {"right_face": False}
    return row | {"right_face": True} | {name: abs(getattr(alignment, name) - face[name]) for name in ("yaw", "pitch")}


def framing(found, true):
    """How far a crop is off, both (2, 3) affines of crop pixels to the picture's: centre, scale and roll as in compare."""
    middle = np.array([CROP_SIZE / 2, CROP_SIZE / 2, 1.0])
    sides = [np.hypot(*crop[:, 0]) for crop in (found, true)]
    ratio = sides[0] / sides[1]
    turns = [np.degrees(np.arctan2(crop[1, 0], crop[0, 0])) for crop in (found, true)]
    return {
        "centre": np.linalg.norm((found - true) @ middle) / (CROP_SIZE * sides[1]),
        "scale": max(ratio, 1 / ratio) - 1,
        "roll": abs((turns[0] - turns[1] + 180.0) % 360.0 - 180.0),
    }


def in_crop(matte, portrait):
    """A matte (h, w) uint8 of the photo in the portrait's crop: (n, n) float32 in [0, 1], and where the photo is, bool."""
    shown = [crop_of(image, portrait.crop_to_photo, len(portrait.crop)) for image in (matte, np.full_like(matte, 255))]
    return shown[0].astype(np.float32) / 255, shown[1] == 255


def silhouette(alpha, matte, known, above):
    """alpha (n, n) of the own view against the matte (n, n), where known and above the collar (n, n) bool."""
    use, head = known & above, alpha > 0.5
    area = max(float(((matte > 0.5) & use).sum()), 1.0)
    return {
        "silhouette": iou(head & use, (matte > 0.5) & use),
        "kept": float((head & (matte < CERTAIN[0]) & use).sum()) / area,
        "lost": float((~head & (matte > CERTAIN[1]) & use).sum()) / area,
    }


COLUMNS = (  # title, of the rows of one kind, the bar of all
    ("photos", lambda rows: (len(rows), str(len(rows))), ""),
    ("as expected", share(bool, "as_expected"), "100 %"),
    (MADE, lambda rows: counted(rows, MADE), ""),
    ("with a warning", lambda rows: counted(rows, WARNED), ""),
    (REFUSED, lambda rows: counted(rows, REFUSED), ""),
    ("wrong face", lambda rows: counted(rows, False, "right_face"), "0"),
    ("IoU, median", median("silhouette", digits=3), "≥ 0.97"),
    (f"IoU ≥ {TIED}", share(lambda x: x >= TIED, "silhouette"), "≥ 95 %"),
    ("backdrop > 3 %", share(lambda x: x > 0.03, "kept"), "≤ 2 %"),
    ("> 10 %", share(lambda x: x > 0.1, "kept"), ""),
    ("lost > 5 %", share(lambda x: x > 0.05, "lost"), ""),
    ("crop's centre, % of its side", lambda rows: percent(rows, "centre"), ""),
    ("scale, %", lambda rows: percent(rows, "scale"), ""),
    ("roll", median("roll", digits=1, unit="°"), ""),
    ("yaw", median("yaw", digits=1, unit="°"), "≤ 2°"),
    ("pitch", median("pitch", digits=1, unit="°"), "≤ 2°"),
    ("yaw and pitch ≤ 5°", share(lambda x: x <= 5.0, "yaw", "pitch"), "≥ 95 %"),
)  # fmt: skip


def counted(rows, value, name="outcome"):
    """How many rows have a value, and the text."""
    number = sum(row.get(name) is value or row.get(name) == value for row in rows if name in row)
    return number, str(number)


def percent(rows, name):
    """Median of a share in per cent, and the text; None where nothing was measured."""
    found = [100 * row[name] for row in rows if name in row]
    return (float(np.median(found)), f"{np.median(found):.1f}") if found else None


def table(rows):
    """Lines of strings by kind, then all together, then the bars; the first line names the columns."""
    kinds = [kind for kind in KINDS if any(row["kind"] == kind for row in rows)]
    groups = {kind: [row for row in rows if row["kind"] == kind] for kind in kinds} | {"all": rows}
    lines = [["kind", *(title for title, _, _ in COLUMNS)]]
    for name, group in groups.items():
        found = [value(group) for _, value, _ in COLUMNS]
        lines.append([name, *(MISSING if value is None else value[1] for value in found)])
    return [*lines, ["bar", *(bar for *_, bar in COLUMNS)]]


def messages(rows):
    """Lines of strings: what was refused, warned of or brought down with which words, how often, by kind; numbers left out."""
    found = {}
    for row in rows:
        if row["message"]:
            key = row["outcome"], row["kind"], re.sub(r"-?\d+(\.\d+)?", "…", row["message"])
            found[key] = found.get(key, 0) + 1
    return [["outcome", "kind", "photos", "message"], *([*key[:2], str(count), key[2]] for key, count in sorted(found.items()))]
