"""Measure how the engine finds faces and landmarks against MediaPipe's own labels.

    python -m training.aligner.evaluate --photos DATA/portraits/test --labels test.npz --data DATA --out aligner.json

The networks are the same; what differs is how they are used: the detector, the square around the face, the resampling.

Prints one table and writes JSON: landmark error as a share of the eye distance (NME), angle between the poses solved
from both sets of landmarks, misses, stress (small and tilted faces), false faces on images without any, and times.
"""

import argparse
import json
import math
import pathlib
import time

import cv2
import numpy as np
from PIL import Image, ImageOps

from inference.alignment.align import align, align_landmarks, find_faces
from inference.alignment.detection import face_square
from inference.networks.model import load_model
from inference.photo.warp import square_to_photo
from training.errors import TrainingError, command
from training.evaluation.metrics import EYE_CORNERS, eye_distance
from training.synthetic.cycles_textures import srgb


def eyes_apart(landmarks):
    """Pixels between the eyes' centres of landmarks (468, 2)."""
    return eye_distance(landmarks[np.ravel(EYE_CORNERS)])


def matches(face, truth):
    """Whether a found face is the labelled one: centres less than half an eye distance apart."""
    return np.linalg.norm(face.landmarks.mean(0) - truth.mean(0)) < 0.5 * eyes_apart(truth)


def angle_between(first, second):
    """Degrees between two (4, 4) poses."""
    trace = np.trace(first[:3, :3].T @ second[:3, :3])
    return math.degrees(math.acos(np.clip((trace - 1) / 2, -1, 1)))


def photo_rotation(alignment):
    """The head's pose in the photo, (4, 4): the crop camera's with the removed roll."""
    roll = math.radians(alignment.roll)
    turn = np.eye(4)
    turn[:2, :2] = [[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]]
    return alignment.camera.camera_to_world @ turn


def evaluate_photos(photos, labels, model):
    rows, missed, extra, times = [], [], 0, []
    for name, photo, truth in labelled(photos, labels):
        start = time.perf_counter()
        faces = find_faces(photo, model)
        found = align(photo, faces[0], model) if faces else None
        times.append(1000 * (time.perf_counter() - start))
        extra += max(len(faces) - 1, 0)
        if not faces or not matches(faces[0], truth):
            missed.append(name)
            continue
        expected = align_landmarks(photo, truth, model.geometry["mean_landmarks"])
        distance = np.linalg.norm(faces[0].landmarks - truth, axis=1).mean() / eyes_apart(truth)
        scale = np.linalg.norm(found.crop_to_photo[:, 0]) / np.linalg.norm(expected.crop_to_photo[:, 0])
        rows.append(
            {
                "name": name,
                "nme": float(distance),
                "pose": angle_between(photo_rotation(found), photo_rotation(expected)),
                "yaw": found.yaw - expected.yaw,
                "pitch": found.pitch - expected.pitch,
                "roll": found.roll - expected.roll,
                "scale": float(scale - 1),
                "confidence": faces[0].score,
            }
        )
    if not rows:
        raise TrainingError(f"none of the {len(missed)} labelled faces was found")
    values = {key: np.array([row[key] for row in rows]) for key in rows[0] if key != "name"}
    return {
        "photos": len(rows) + len(missed),
        "missed": missed,
        "further_faces": extra,
        "nme_mean": float(values["nme"].mean()),
        "nme_max": float(values["nme"].max()),
        "pose_mean_degrees": float(values["pose"].mean()),
        "pose_95_degrees": float(np.percentile(values["pose"], 95)),
        "pose_max_degrees": float(values["pose"].max()),
        "yaw_bias_degrees": float(values["yaw"].mean()),
        "pitch_bias_degrees": float(values["pitch"].mean()),
        "scale_rms": float(np.sqrt((values["scale"] ** 2).mean())),
        "confidence_min": float(values["confidence"].min()),
        "milliseconds_median": float(np.median(times)),
        "rows": rows,
    }


def evaluate_stress(photos, labels, model, data, shares=(0.06, 0.1, 0.25, 0.5, 0.85), rolls=(0, 20, 45)):
    """Share of faces found when the photo is pasted small or tilted into a picture without a face."""
    backgrounds = environment_images(data, 18)
    outcome = {}
    for share in shares:
        for roll in rolls:
            found = false = total = 0
            for index, (_, photo, truth) in enumerate(list(labelled(photos, labels))[::4]):
                picture, points = paste(photo, truth, backgrounds[index % len(backgrounds)], share, roll, index)
                faces = find_faces(picture, model)
                good = [matches(face, points) for face in faces]
                found, false, total = found + any(good), false + good.count(False), total + 1
            outcome[f"face {share:.0%} of the picture, tilted {roll}"] = {
                "found": found / total,
                "false_faces": false,
                "photos": total,
            }
    return outcome


def evaluate_negatives(model, data, folder=None):
    """False faces on pictures without any: environment maps, textures, gradients, noise, the user's folder."""
    random = np.random.default_rng(1)
    pictures = {f"environment {i}": image for i, image in enumerate(environment_images(data, 36))}
    for kind in ("hair", "suit"):
        for path in sorted((pathlib.Path(data) / "heads" / "textures" / kind).glob("*.webp")):
            pictures[path.stem] = np.asarray(Image.open(path).convert("RGB"))
    for i in range(10):
        pictures[f"noise {i}"] = random.integers(0, 256, (400, 300 + 40 * i, 3), dtype=np.uint8)
        field = random.integers(0, 256, (3 + i // 2, 3, 3), dtype=np.uint8)
        pictures[f"gradient {i}"] = cv2.resize(field, (480, 640), interpolation=cv2.INTER_CUBIC)
        pictures[f"colour {i}"] = np.full((300, 400, 3), random.integers(0, 256, 3), np.uint8)
    for path in sorted(pathlib.Path(folder).iterdir()) if folder else ():
        pictures[path.name] = np.asarray(Image.open(path).convert("RGB"))
    false = [name for name, picture in pictures.items() if find_faces(picture, model)]
    return {"pictures": len(pictures), "with_false_faces": false}


def labelled(photos, labels):
    """Names, photos (H, W, 3) uint8 and landmarks (468, 2) of a labelled folder."""
    labels = np.load(labels, allow_pickle=False)
    paths = {path.stem: path for path in pathlib.Path(photos).iterdir()}
    for name, truth in zip(labels["names"], labels["landmarks"], strict=True):
        yield str(name), np.asarray(ImageOps.exif_transpose(Image.open(paths[str(name)])).convert("RGB")), truth


def environment_images(data, count):
    """Parts (480, 640, 3) uint8 of the data pack's environment maps."""
    random = np.random.default_rng(2)
    maps = np.load(pathlib.Path(data) / "env" / "hdri_512x256.npz")
    names = [name for name in maps.files if maps[name].ndim == 3]
    return [environment_part(maps[names[i % len(names)]], random, (640, 480)) for i in range(count)]


def environment_part(radiance, random, size):
    """A tone-mapped random part (height, width, 3) uint8 of an environment map (256, 512, 3); size: width, height."""
    image = np.roll(np.asarray(radiance, np.float32), random.integers(radiance.shape[1]), 1)
    image = np.round(255 * srgb(1 - np.exp(-image / (image.mean() + 1e-6) * random.uniform(0.4, 2.0)))).astype(np.uint8)
    span = random.integers(70, 256)
    height = max(1, round(span * size[1] / size[0]))
    y, x = random.integers(0, image.shape[0] - height + 1), random.integers(0, image.shape[1] - span + 1)
    return cv2.resize(image[y : y + height, x : x + span], size, interpolation=cv2.INTER_CUBIC)


def paste(photo, landmarks, background, share, roll, seed):
    """Paste a photo so that its face spans a share of the picture's longer side, tilted; returns picture, landmarks."""
    random = np.random.default_rng(seed)
    width, height = 1200, 900
    picture = cv2.resize(background, (width, height), interpolation=cv2.INTER_CUBIC)
    centre, side, own_roll = face_square(landmarks)
    goal = share * width if share < 0.5 else share * height
    margin = min(0.55 * goal, height / 2)
    where = random.uniform((margin, margin), (width - margin + 1e-3, height - margin + 1e-3))
    factor = min(1.0, 1.5 * goal / side)
    small = cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    ratio = np.array(small.shape[1::-1]) / photo.shape[1::-1]
    span = side * ratio[0]
    back = square_to_photo(centre * ratio, span / goal, own_roll - math.radians(roll), 1)
    linear = np.linalg.inv(back[:, :2])
    offset = where - linear @ (centre * ratio)
    matrix = np.column_stack([linear, linear @ (0.5, 0.5) + offset - 0.5])
    cover = cv2.warpAffine(np.ones(small.shape[:2], np.float32), matrix, (width, height))[..., None]
    pasted = cv2.warpAffine(small, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    mixed = (cover * pasted + (1 - cover) * picture).astype(np.uint8)
    return mixed, (landmarks * ratio) @ linear.T + offset


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, help="folder of an exported model; the embedded one by default")
    parser.add_argument("--photos", required=True, help="folder of labelled photos")
    parser.add_argument("--labels", required=True, help="their labels, .npz")
    parser.add_argument(
        "--data", help="data pack: also pastes the photos into environment maps and looks for false faces"
    )
    parser.add_argument("--negatives", help="folder of further pictures without a face")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", help="JSON to write")
    arguments = parser.parse_args(arguments)
    model = load_model(arguments.model, threads=arguments.threads)
    result = {"photos": evaluate_photos(arguments.photos, arguments.labels, model)}
    if arguments.data:
        result["stress"] = evaluate_stress(arguments.photos, arguments.labels, model, arguments.data)
        result["negatives"] = evaluate_negatives(model, arguments.data, arguments.negatives)
    for key, value in result["photos"].items():
        if key != "rows":
            print(f"{key:24} {value if not isinstance(value, float) else round(value, 4)}")
    for key, value in result.get("stress", {}).items():
        print(f"{key:44} found {value['found']:.0%}  false faces {value['false_faces']}")
    if "negatives" in result:
        print("pictures without a face:", result["negatives"])
    if arguments.out:
        pathlib.Path(arguments.out).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    command(main)
