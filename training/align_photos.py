"""Align labelled photos for training: ``python -m training.align_photos PHOTOS --labels labels.npz --mattes DIR ...``.

Writes one .npz of aligned crops with mattes, landmarks and cameras, in the convention of the synthetic heads: what the
labelling detector sees elsewhere than exact surface points (``landmark_bias`` of geometry.npz) is taken off.
"""

import argparse
import pathlib

import cv2
import numpy as np
from tqdm import tqdm

from inference.alignment.align import align_landmarks
from inference.geometry.cameras import CROP_SIZE
from inference.photo.open import open_photo
from training.data.photos import crop_of, photos_in
from training.errors import TrainingError, command


def align_labelled(photo, matte, landmarks, mean_landmarks, bias):
    """Align one photo.

    photo: (H, W, 3) uint8. matte: (H, W) uint8. landmarks: (468, 2) photo pixels. mean_landmarks, bias: (468, 3) metres.
    Returns a dict: crops (256, 256, 3) u8, mattes and known (256, 256) u8, landmarks (468, 2) and cameras (4, 4) f32.
    """
    alignment = align_landmarks(photo, landmarks, mean_landmarks + bias)
    camera = alignment.camera
    shift = camera.project(mean_landmarks + bias)[0] - camera.project(mean_landmarks)[0]

    masks = {"mattes": matte, "known": np.full(matte.shape, 255, np.uint8)}
    return {
        "crops": alignment.crop,
        **{name: crop_of(mask, alignment.crop_to_photo, CROP_SIZE) for name, mask in masks.items()},
        "landmarks": (alignment.landmarks - shift).astype(np.float32),
        "cameras": camera.camera_to_world.astype(np.float32),
    }


def read_landmarks(path):
    """Mean landmarks on the exact surface and the bias of the labelling detector, (468, 3) float64 metres each.

    path: geometry.npz of training.population, or that of an exported model, whose mean landmarks hold the bias already
    (and which keeps its mean level inside the networks).
    """
    with np.load(path, allow_pickle=False) as data:
        mean, bias = data["mean_landmarks"].astype(np.float64), data["landmark_bias"].astype(np.float64)
        return (mean if "mean_level" in data.files else mean - bias), bias


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("--labels", type=pathlib.Path, required=True, help=".npz of training.aligner.label_photos")
    parser.add_argument("--mattes", type=pathlib.Path, required=True, help="folder of mattes by the same command")
    parser.add_argument("--geometry", type=pathlib.Path, required=True, help="geometry.npz of training.population or a model")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args(arguments)
    with np.load(options.labels, allow_pickle=False) as data:
        labels = dict(zip(data["names"].tolist(), data["landmarks"]))
    mean, bias = read_landmarks(options.geometry)
    rows = []
    for path in tqdm(photos_in(options.photos)):
        name = path.stem if path.stem in labels else path.name
        matte = cv2.imread(str(options.mattes / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE)
        if name in labels and matte is not None:
            rows.append(align_labelled(open_photo(path), matte, labels[name], mean, bias))
    if not rows:
        raise TrainingError(f"no photo in {options.photos} has both a label and a matte: run training.aligner.label_photos")
    np.savez(options.out, **{key: np.stack([row[key] for row in rows]) for key in rows[0]})
    print(f"{len(rows)} portraits in {options.out}")


if __name__ == "__main__":
    command(main)
