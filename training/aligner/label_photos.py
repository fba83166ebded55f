"""Label a folder of portrait photos with MediaPipe: 468 face landmarks and a matte of the person.

The labels teach the aligner and the inversion networks on real photos. MediaPipe is needed only here; its last
version that carries the models inside the wheel is 0.10.21 (Python 3.12 or older), so it has an environment of
its own, ``.venv-labels``: ``python3.11 scripts/environment.py --labels`` makes it.

    python -m training.aligner.label_photos PHOTOS --out labels.npz --mattes MATTES

writes ``names`` (N,), ``landmarks`` (N, 468, 2) float32, pixels of the photo after its EXIF rotation, corners at
integers, and one 8-bit grey PNG of the photo's size per photo. Photos without a face are listed and left out.

    python -m training.aligner.label_photos SHARDS --shards --out synthetic.npz

labels synthetic heads instead: one array (n, 468, 2) per shard, NaN where no face was found. MediaPipe places some
points elsewhere than the exact surface points (1-2 mm); the network should learn one convention.
"""

import argparse
import os
import pathlib
import sys

import cv2
import numpy as np
from PIL import Image, ImageOps

from inference.photo.guided_filter import guided_filter
from training.data.photos import photos_in
from training.errors import TrainingError, command

HEAD_SIDE = 2.4  # side of the square around the head in heights of the face mesh
EDGE_RADIUS = 0.012  # radius of the guided filter relative to that side
EDGE_EPSILON = 2e-3  # its regularisation, squared intensity in 0..1


def find_landmarks(photo, mesher):
    """Landmarks of the largest face of a photo (H, W, 3) uint8: (468, 2) float32 pixels, or None."""
    height, width = photo.shape[:2]
    found = mesher.process(photo).multi_face_landmarks
    if not found:
        return None
    faces = [np.array([(p.x, p.y) for p in face.landmark[:468]]) * (width, height) for face in found]
    return max(faces, key=lambda face: np.prod(np.ptp(face, axis=0))).astype(np.float32)


def find_matte(photo, landmarks, segmenter):
    """Opacity of the person in a photo (H, W, 3) uint8: (H, W) float32, 0..1.

    The segmentation network sees 256² pixels, so the head is segmented a second time in a square of its own and
    the edge is snapped to the photo's edges by a guided filter (He et al., ECCV 2010).
    """
    height, width = photo.shape[:2]
    matte = np.array(segmenter.process(photo).segmentation_mask, np.float32)
    low, high = landmarks.min(0), landmarks.max(0)
    side = HEAD_SIDE * (high[1] - low[1])
    centre = np.array([0.5 * (low[0] + high[0]), 0.62 * low[1] + 0.38 * high[1]])
    x0, y0 = np.floor(np.maximum(centre - side / 2, 0)).astype(int)
    x1, y1 = np.ceil(np.minimum(centre + side / 2, (width, height))).astype(int)
    head = np.ascontiguousarray(photo[y0:y1, x0:x1])
    mask = np.asarray(segmenter.process(head).segmentation_mask, np.float32)
    # fade to the coarse mask over a tenth of the square, except where the square ends with the photo
    ramp_x = np.minimum(
        np.ones(x1 - x0) if x0 == 0 else np.arange(x1 - x0) / (0.1 * side),
        np.ones(x1 - x0) if x1 == width else np.arange(x1 - x0)[::-1] / (0.1 * side),
    )
    ramp_y = np.minimum(
        np.ones(y1 - y0) if y0 == 0 else np.arange(y1 - y0) / (0.1 * side),
        np.ones(y1 - y0) if y1 == height else np.arange(y1 - y0)[::-1] / (0.1 * side),
    )
    weight = np.clip(np.minimum(ramp_x[None], ramp_y[:, None]), 0, 1).astype(np.float32)
    matte[y0:y1, x0:x1] = weight * mask + (1 - weight) * matte[y0:y1, x0:x1]
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    refined = guided_filter(grey[..., None], matte, max(2, round(EDGE_RADIUS * side)), EDGE_EPSILON)
    # the filter softens: steepen a little so that inside is 1 and outside is 0
    return np.clip((refined - 0.5) * 1.3 + 0.5, 0, 1)


def mediapipe(solution):
    """One of MediaPipe's solutions, which other environments do not have. Raises TrainingError."""
    try:
        import mediapipe as mp

        return getattr(mp.solutions, solution)
    except (ImportError, AttributeError):
        raise TrainingError("this interpreter has no MediaPipe with its models inside: python3.11 scripts/environment.py "
                            "--labels makes .venv-labels, which has") from None  # fmt: skip


def label_folder(folder, out, mattes=None):
    """Label every photo of a folder; see the module's text. Returns the names of photos without a face."""
    face_mesh, selfie = mediapipe("face_mesh"), mediapipe("selfie_segmentation")
    paths = photos_in(pathlib.Path(folder))
    if mattes is not None:
        pathlib.Path(mattes).mkdir(parents=True, exist_ok=True)
    names, landmarks, missing = [], [], []
    mesher = face_mesh.FaceMesh(static_image_mode=True, max_num_faces=4, min_detection_confidence=0.3)
    segmenter = selfie.SelfieSegmentation(model_selection=0)
    with mesher, segmenter:
        for index, path in enumerate(paths):
            photo = np.ascontiguousarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
            points = find_landmarks(photo, mesher)
            if points is None:
                missing.append(path.stem)
                continue
            names.append(path.stem)
            landmarks.append(points)
            if mattes is not None:
                matte = find_matte(photo, points, segmenter)
                Image.fromarray((matte * 255).round().astype(np.uint8)).save(pathlib.Path(mattes) / f"{path.stem}.png")
            print(f"\r{index + 1}/{len(paths)} {path.name}", end="", file=sys.stderr)
    print(file=sys.stderr)
    temporary = f"{out}.part.npz"
    np.savez(temporary, names=np.array(names), landmarks=np.array(landmarks, np.float32).reshape(-1, 468, 2))
    os.replace(temporary, out)
    return missing


def label_shards(folder, out):
    """Landmarks of the photos of synthetic shards (photo.npy, RGBA) as MediaPipe sees them over grey."""
    found = {}
    with mediapipe("face_mesh").FaceMesh(static_image_mode=True, min_detection_confidence=0.3) as mesher:
        for shard in sorted(pathlib.Path(folder).glob("shard_*")):
            photos = np.load(shard / "photo.npy", mmap_mode="r")
            points = np.full((len(photos), 468, 2), np.nan, np.float32)
            for index, photo in enumerate(photos):
                opacity = photo[..., 3:] / np.float32(255)
                opaque = (photo[..., :3] * opacity + 128 * (1 - opacity)).astype(np.uint8)
                larger = cv2.resize(opaque, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
                face = find_landmarks(larger, mesher)
                points[index] = points[index] if face is None else face / 2
            found[shard.name] = points
            print(shard.name, f"{np.isfinite(points[:, 0, 0]).mean():.0%} found", file=sys.stderr)
    np.savez(out, **found)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="folder of photos")
    parser.add_argument("--out", required=True, help="labels, .npz")
    parser.add_argument("--mattes", help="folder for the mattes, left out when not given")
    parser.add_argument("--shards", action="store_true", help="the folder holds shards of training.synthetic")
    arguments = parser.parse_args(arguments)
    if arguments.shards:
        return label_shards(arguments.folder, arguments.out)
    missing = label_folder(arguments.folder, arguments.out, arguments.mattes)
    for name in missing:
        print(f"no face found in {name}", file=sys.stderr)


if __name__ == "__main__":
    command(main)
