"""A set of look-alikes on disk: pictures, mattes and ``truth.json``.

    {"format": "portrait look-alikes", "version": 1, "seed": 0, "reference": {"id": …, "sha256": …}, "items": [{
        "id": "cluttered-A000365-0", "kind": "cluttered", "variant": "0", "half": "tune" or "report",
        "picture": "pictures/….jpg", "width": …, "height": …,
        "matte": "mattes/….png" or null,      of the first face's sitter, 8-bit grey, the picture's size, exact
        "expected": ["made", …],              any of "made", "made with a warning", "refused"
        "reason": "small" or null,            a word that the message of a refusal has to hold
        "faces": [{                           the largest first; none where there is nobody
            "sitter": "A000365", "box": [x0, y0, x1, y1], "landmarks": [[x, y], … 468, MediaPipe's FaceMesh],
            "crop_to_picture": [[a, b, x], [c, d, y]],   the aligned crop of 256² as the engine frames it
            "yaw": …, "pitch": …, "roll": …,  degrees, as in report.json
            "pose_from": "exact" or "reference"}]}]}

Pixels have their corners at integers, y down. Poses and crops of synthetic heads are exact; those of real portraits are
what the model named as reference found on the untouched photo, carried along: a reference, not truth.
"""

import json

import cv2
import numpy as np

from inference.errors import PortraitError
from inference.files import make_folder, write_atomically
from inference.photo.open import open_photo
from training.errors import TrainingError
from training.evaluation.look_alikes import HALVES, MADE, REFUSED, WARNED, half_of
from training.evaluation.sitters import EXACT, REFERENCE

FORMAT, VERSION = "portrait look-alikes", 1
TRUTH = "truth.json"
LANDMARKS = 468
ITEM = {"id": str, "kind": str, "variant": str, "half": str, "picture": str, "width": int, "height": int,
        "matte": (str, type(None)), "expected": list, "reason": (str, type(None)), "faces": list}  # fmt: skip
FACE = {"sitter": str, "yaw": (int, float), "pitch": (int, float), "roll": (int, float), "pose_from": str}
ARRAYS = {"box": (4,), "landmarks": (LANDMARKS, 2), "crop_to_picture": (2, 3)}


def write_set(items, folder, seed, reference):
    """Write look-alikes and their truth into a folder; truth.json comes last. Raises PortraitError.

    items: of :class:`training.evaluation.look_alikes.LookAlike`. reference: {"id", "sha256"} of the model of the poses.
    Returns what truth.json holds.
    """
    pictures, mattes = make_folder(folder / "pictures"), make_folder(folder / "mattes")
    truth = {"format": FORMAT, "version": VERSION, "seed": seed, "reference": reference, "items": []}
    for item in items:
        _write(pictures / f"{item.id}.jpg", item.picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, item.quality])
        if item.matte is not None:
            _write(mattes / f"{item.id}.png", item.matte)
        truth["items"].append(describe(item))
    text = json.dumps(truth, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(folder / TRUTH, lambda stream: stream.write(text.encode()))
    return truth


def describe(item):
    """What truth.json says of a look-alike."""
    height, width = item.picture.shape[:2]
    return {
        "id": item.id, "kind": item.kind, "variant": item.variant, "half": half_of(item.id),
        "picture": f"pictures/{item.id}.jpg", "width": width, "height": height,
        "matte": None if item.matte is None else f"mattes/{item.id}.png",
        "expected": list(item.expected), "reason": item.reason,
        "faces": [{
            "sitter": face.sitter, "box": face.box.round(2).tolist(), "landmarks": face.landmarks.round(2).tolist(),
            "crop_to_picture": face.crop_to_picture.round(6).tolist(),
            "yaw": round(face.yaw, 2), "pitch": round(face.pitch, 2), "roll": round(face.roll, 2), "pose_from": face.pose_from,
        } for face in item.faces],
    }  # fmt: skip


def read_set(folder):
    """What truth.json of a folder holds, checked. Raises TrainingError with one line that says what is wrong."""
    path = folder / TRUTH
    try:
        truth = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainingError(f"cannot read {path} ({error.strerror}): make the set with training.wild make") from None
    except ValueError as error:
        raise TrainingError(f"{path} is broken ({error}): make the set again") from None
    try:
        if (truth["format"], truth["version"]) != (FORMAT, VERSION):
            raise ValueError(f"it is no {FORMAT} of version {VERSION}")
        for item in truth["items"]:
            _check(item)
        if len({item["id"] for item in truth["items"]}) != len(truth["items"]):
            raise ValueError("two items have one id")
    except (KeyError, TypeError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else error
        raise TrainingError(f"{path} is broken ({what}): make the set again") from None
    return truth


def _check(item):
    name = item["id"]
    for field, kinds in ITEM.items():
        if not isinstance(item[field], kinds):
            raise ValueError(f"{name}: {field} is of a wrong type")
    if item["half"] not in HALVES or not item["expected"] or not set(item["expected"]) <= {MADE, WARNED, REFUSED}:
        raise ValueError(f"{name}: half or what is expected is unknown")
    for field in ("picture", "matte"):
        parts = (item[field] or "").replace("\\", "/").split("/")
        if ".." in parts or item[field] and (parts[0] == "" or ":" in parts[0]):
            raise ValueError(f"{name}: {field} lies outside of the set")
    if not item["faces"] and item["expected"] != [REFUSED]:
        raise ValueError(f"{name}: a portrait is expected of nobody")
    for face in item["faces"]:
        for field, kinds in FACE.items():
            if not isinstance(face[field], kinds):
                raise ValueError(f"{name}: {field} of a face is of a wrong type")
        for field, shape in ARRAYS.items():
            array = np.array(face[field], np.float64)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"{name}: {field} of a face must be {shape} finite numbers")
        if face["pose_from"] not in (EXACT, REFERENCE):
            raise ValueError(f"{name}: nobody knows where its pose is from")


def open_item(folder, item):
    """The picture (h, w, 3) uint8 and the matte (h, w) uint8, or None, of an item. Raises TrainingError."""
    try:
        picture = open_photo(folder / item["picture"])
    except PortraitError as error:
        raise TrainingError(f"{error}: make the set again") from None
    matte = None if item["matte"] is None else cv2.imread(str(folder / item["matte"]), cv2.IMREAD_GRAYSCALE)
    size = item["height"], item["width"]
    if picture.shape[:2] != size or (item["matte"] is not None and (matte is None or matte.shape != size)):
        raise TrainingError(f"picture or matte of {item['id']} is not the one of {TRUTH}: make the set again")
    return picture, matte


def _write(path, image, parameters=()):
    data = cv2.imencode(path.suffix, image, list(parameters))[1].tobytes()
    write_atomically(path, lambda stream: stream.write(data))
