"""Measure a model: ``python -m training.evaluate --photos DIR --mattes DIR --heads DIR --out report.json``.

Real portraits: own view against the photo (PSNR, SSIM, silhouette), identity by dlib's public-domain face descriptor
(packages dlib or dlib-bin, and face_recognition_models). Unseen synthetic heads: novel views and depth against exact
truth. Everything goes through the same code and the same ONNX files that users run.
"""

import argparse
import json
import pathlib
import sys
import types

import cv2
import numpy as np
from tqdm import tqdm

from inference import cameras
from inference.model import load_model
from inference.portrait import Portrait
from inference.view import render_view

COLLAR = -0.105  # metres below the head centre; silhouettes and pictures are compared above it
YAWS = (-30.0, -15.0, 15.0, 30.0)


def psnr(a, b, mask):
    """Peak signal-to-noise ratio in dB of (h, w, 3) float images in [0, 1] over a (h, w) bool mask."""
    return float(-10 * np.log10(np.mean((a[mask] - b[mask]) ** 2) + 1e-12))


def collar_row(camera):
    """Image row of the collar in a camera of the crop."""
    return int(np.clip(camera.project(np.array([0.0, COLLAR, 0.03]))[0][1], 1, camera.height))


class Identity:
    """128-dimensional face descriptors; distance 0.6 is dlib's same-person threshold."""

    def __init__(self):
        import dlib
        import face_recognition_models as models

        self.dlib = dlib
        self.net = dlib.face_recognition_model_v1(models.face_recognition_model_location())
        self.shape = dlib.shape_predictor(models.pose_predictor_five_point_model_location())
        self.detector = dlib.get_frontal_face_detector()

    def __call__(self, image):
        """image (h, w, 3) uint8. Returns (128,) or None when no face is found."""
        image = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        found = self.detector(image, 0)
        if not found:
            return None
        box = max(found, key=lambda r: r.area())
        return np.array(self.net.compute_face_descriptor(image, self.shape(image, box), 1, 0.25))


def to_bytes(view):
    """A view over grey as (h, w, 3) uint8."""
    alpha = view.alpha[..., None]
    return np.round((view.color * alpha + 0.5 * (1 - alpha)) * 255).clip(0, 255).astype(np.uint8)


def evaluate_photos(model, folder, mattes, limit=None):
    """Measures per real portrait. Returns a list of dicts."""
    from skimage.metrics import structural_similarity

    from inference.errors import PortraitError
    from inference.pipeline import invert_photo

    identity, rows = Identity(), []
    photos = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))[:limit]
    for path in tqdm(photos, desc="portraits"):
        row = {"name": path.stem, "made": True}
        rows.append(row)
        try:
            inversion = invert_photo(path, model)
        except PortraitError as error:
            row |= {"made": False, "error": str(error)}
            continue
        portrait = inversion.portrait
        view = render_view(portrait, portrait.camera)
        crop = portrait.crop.astype(np.float32) / 255
        above = np.zeros(crop.shape[:2], bool)
        above[: collar_row(portrait.camera)] = True
        matte = None
        if mattes and (mattes / f"{path.stem}.png").exists():
            matte = cv2.imread(str(mattes / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE)
            matte = cv2.warpAffine(matte, np.asarray(portrait.crop_to_photo, np.float64), above.shape[::-1],
                                   flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_CONSTANT)  # fmt: skip
            ours, theirs = (view.alpha > 0.5) & above, (matte > 127) & above
            row["silhouette_iou"] = float((ours & theirs).sum() / max((ours | theirs).sum(), 1))
        # The head region is what the photo shows of the subject above the collar.
        region = above & ((matte > 250) if matte is not None else (view.alpha > 0.95))
        alpha = view.alpha[..., None]
        rendered = view.color * alpha + crop * (1 - alpha)
        rendered_black = view.color * alpha
        row["psnr"] = psnr(np.where(region[..., None], rendered_black, 0), crop, region)
        similarity = structural_similarity(rendered, crop, channel_axis=2, data_range=1.0, full=True)[1].mean(-1)
        row["ssim"] = float(similarity[region].mean())
        reference = identity(portrait.crop)
        if reference is None:
            continue
        for yaw, name in ((None, "identity_input"), (-30.0, "identity_-30"), (30.0, "identity_+30")):
            seen = view if yaw is None else render_view(portrait, cameras.orbit_camera(yaw=yaw))
            found = identity(to_bytes(seen))
            row[name] = None if found is None else float(np.linalg.norm(found - reference))
    return rows


def evaluate_heads(model, folder, limit=None):
    """Measures per unseen synthetic head. Returns a list of dicts."""
    from inference.inversion import invert_crop
    from training.synthetic_shards import open_shards

    rows = []
    for shard in open_shards([folder]):
        for index in tqdm(range(len(shard))[:limit], desc=shard.folder.name):
            photo = np.array(shard["photo"][index]).astype(np.float32) / 255
            backdrop = np.array([0.45, 0.5, 0.6], np.float32)
            crop = np.round((photo[..., :3] * photo[..., 3:] + backdrop * (1 - photo[..., 3:])) * 255).astype(np.uint8)
            camera = cameras.orbit_camera()
            camera = cameras.Camera(256, 256, camera.fx, camera.fy, 128, 128, np.array(shard["camera"][index], np.float64))
            # The aligner's landmarks differ from exact surface points by a known bias.
            mean, bias = model.geometry["mean_landmarks"], model.geometry["landmark_bias"]
            shift = camera.project(mean)[0] - camera.project(mean - bias)[0]
            alignment = types.SimpleNamespace(crop=crop, camera=camera, landmarks=shard["landmarks"][index] + shift)
            portrait = Portrait(*invert_crop(alignment, model), camera, crop, np.eye(2, 3),
                                (256, 256), "synthetic", model.id, model.sha256, {}, {})  # fmt: skip
            row = {}
            rows.append(row)
            view = render_view(portrait, camera)
            truth = np.array(shard["photo_depth"][index]).astype(np.float32)
            face = np.zeros(truth.shape, np.uint8)
            hull = cv2.convexHull(np.array(shard["landmarks"][index]).astype(np.int32))
            cv2.fillConvexPoly(face, hull, 1)
            use = (face > 0) & (truth > 0) & np.isfinite(view.depth)
            error = view.depth[use] - truth[use]
            row["depth_mm"] = float(np.median(np.abs(error)) * 1000)
            row["depth_centred_mm"] = float(np.median(np.abs(error - np.median(error))) * 1000)
            whole = (truth > 0) & np.isfinite(view.depth)
            row["depth_front_mm"] = float(np.median(np.abs(view.depth[whole] - truth[whole])) * 1000)
            row["input_psnr"] = psnr(view.color, photo[..., :3], (photo[..., 3] > 0.98) & (view.alpha > 0.5))
            row["input_iou"] = iou(view.alpha > 0.5, photo[..., 3] > 0.5)
            for which in range(2):
                matrix = np.array(shard["view_cameras"][index, which], np.float64)
                other = cameras.Camera(256, 256, camera.fx, camera.fy, 128, 128, matrix)
                seen = render_view(portrait, other)
                truth_view = np.array(shard["views"][index, which]).astype(np.float32) / 255
                alpha, true_alpha = seen.alpha[..., None], truth_view[..., 3:]
                ours, theirs = seen.color * alpha + 0.5 * (1 - alpha), truth_view[..., :3] * true_alpha + 0.5 * (1 - true_alpha)
                region = cv2.dilate(((true_alpha[..., 0] > 0.5) | (seen.alpha > 0.5)).astype(np.uint8), np.ones((5, 5))) > 0
                region[collar_row(other):] = False
                yaw = abs(np.degrees(np.arctan2(matrix[0, 2], matrix[2, 2])))
                for limit_yaw in (15, 30, 45):
                    if limit_yaw - 10 <= yaw < limit_yaw + 5:
                        row[f"novel_psnr_{limit_yaw}"] = psnr(ours, theirs, region)
    return rows


def iou(a, b):
    return float((a & b).sum() / max((a | b).sum(), 1))


def summary(rows, names):
    """Median of each measure over the rows that have it."""
    out = {}
    for name in names:
        values = [row[name] for row in rows if row.get(name) is not None]
        if values:
            out[name] = {"median": float(np.median(values)), "mean": float(np.mean(values)),
                         "worst10": float(np.percentile(values, 10)), "best10": float(np.percentile(values, 90)),
                         "count": len(values)}  # fmt: skip
    return out


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path)
    parser.add_argument("--photos", type=pathlib.Path, help="folder of real portraits")
    parser.add_argument("--mattes", type=pathlib.Path, help="folder of mattes by training.aligner.label_photos")
    parser.add_argument("--heads", type=pathlib.Path, help="folder of unseen synthetic shards")
    parser.add_argument("--limit", type=int, help="at most so many portraits, and heads per shard")
    parser.add_argument("--out", type=pathlib.Path, help="JSON to write")
    options = parser.parse_args(arguments)
    model, report = load_model(options.model), {}
    report["model"] = model.id
    if options.heads:
        rows = evaluate_heads(model, options.heads, options.limit)
        report["heads"] = summary(rows, sorted({name for row in rows for name in row}))
    if options.photos:
        rows = evaluate_photos(model, options.photos, options.mattes, options.limit)
        report["portraits"] = summary(rows, ("psnr", "ssim", "silhouette_iou", "identity_input", "identity_-30", "identity_+30"))
        report["portraits_made"] = f"{sum(r['made'] for r in rows)} of {len(rows)}"
        turned = [r[k] for r in rows for k in ("identity_-30", "identity_+30") if k in r]
        report["same_person_at_30"] = float(np.mean([v is not None and v < 0.6 for v in turned])) if turned else None
        report["rows"] = rows
    for group in ("heads", "portraits"):
        for name, value in report.get(group, {}).items():
            print(f"{group:10} {name:18} median {value['median']:8.3f}  mean {value['mean']:8.3f}  "
                  f"10 % {value['worst10']:8.3f}  90 % {value['best10']:8.3f}  n {value['count']}")  # fmt: skip
    for name in ("portraits_made", "same_person_at_30"):
        if name in report:
            print(f"{name}: {report[name]}")
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
