"""How sharp portraits are: with the photo's detail and rim and without, in one run.

    python -m benchmarks sharpness PHOTOS [--mattes MATTES] [--limit 12] [--size 768] [--threads 2]
        [--heads 12] [--data PACK] [--sheet FILE] [--json FILE]

PHOTOS: a folder; photos with fewer than two pixels per pixel of the crop are left out. own view: PSNR against the
photo at --size, or at the photo's own scale where that is less, and at 256 x 256; in the head above the collar, where
the photo's matte of the folder MATTES is solid as in training.evaluate, or the view where there is none. sharpness:
root mean square of the Laplacian in the face as a share of the photo's, in the own view and turned by 20 degrees; in
the head: the same of all that is solid above the collar, turned by 20 and 35 degrees. rim: PSNR within 12 pixels of the
silhouette, before the photo's own backdrop. consistency: of the photo with views turned by 20 degrees, as in
training.evaluate. small: root mean square between views of 64 and 128 pixels and the area averages of views four times
as large, over cameras parts of a pixel aside, in levels of 255: what sparkles. view, inversion: processor time with
detail by that without. --heads: synthetic heads, drawn at --size, whose looks from other sides are known (needs the
training environment and the data pack), see benchmarks/fresh_heads.py. --sheet draws the photo, and the own view and
views turned by -35, -20, 20 and 35 degrees without detail and with it.
"""

import argparse
import dataclasses
import json
import statistics
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from benchmarks.fresh_heads import features_by, fresh_heads, measure_head, portrait_of, rim_band
from inference.errors import PortraitError
from inference.geometry.cameras import CROP_SIZE, orbit_angles, orbit_camera
from inference.inversion.invert import invert_crop
from inference.networks.model import load_model
from inference.photo.images import save_png
from inference.pipeline import invert_photo
from inference.view.render import render_view, view_pixels
from training.data.photos import photos_in
from training.evaluation.metrics import psnr
from training.evaluation.photos import matte_of
from training.evaluation.views import above_collar, measure_consistency, over
from training.pack.folder import HELP

LEAST = 2.0  # photo pixels per pixel of the crop
TURN = 20.0  # degrees
TURNS = -35.0, -20.0, 20.0, 35.0  # degrees, of sheets and of the sharpness of heads
SMALL, SHIFTS, LARGER = (64, 128), (0, 1, 2, 3), 4  # pixels; shifts in those of views LARGER times as large
BACKDROP = (0.925, 0.925, 0.918)  # sRGB of sheets


def laplacian(image, where):
    """Root mean square of the Laplacian of an image (h, w, 3) float32, where (h, w) bool."""
    grey = cv2.cvtColor(np.ascontiguousarray(image, np.float32), cv2.COLOR_RGB2GRAY)
    return float(np.sqrt(np.square(cv2.Laplacian(grey, cv2.CV_32F))[where].mean()))


def hull(points, size):
    """(size, size) bool within the hull of points (n, 2), pixels."""
    mask = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.float32(points)).astype(np.int32), 1)
    return mask > 0


def resized(image, size):
    return cv2.resize(np.ascontiguousarray(image), (size, size), interpolation=cv2.INTER_AREA)


def landmark_points(alignment, view, camera):
    """Landmarks (n, 3) metres on the surface that a view of the photo's camera shows; those on nothing are left out."""
    pixel = alignment.landmarks * (camera.width / CROP_SIZE)
    column, row = np.clip(pixel, 0, camera.width - 1).astype(int).T
    found = np.isfinite(view.depth[row, column])
    origins, directions = camera.rays(*pixel[found].T)
    along = directions @ -camera.camera_to_world[:3, 2]
    return origins + directions * (view.depth[row, column][found] / along)[:, None]


def turned(camera, angle, size):
    """The photo's camera gone round the head by an angle, degrees."""
    yaw, pitch = orbit_angles(camera.camera_to_world)
    return orbit_camera(yaw + angle, pitch, width=size, height=size)


def sparkle(portrait, size, threads):
    """Root mean square between small views (size x size) and averages of large ones, over cameras a little aside."""
    many = LARGER * size
    large, errors = portrait.camera.resized(many, many), []
    for shift in SHIFTS:
        camera = large.cropped(shift, shift, many + shift, many + shift)
        whole = over(render_view(portrait, camera, threads=threads), 0.5)
        small = over(render_view(portrait, camera.scaled(size, size), threads=threads), 0.5)
        errors.append(np.square(small - resized(whole, size)).mean())
    return float(np.sqrt(np.mean(errors)))


def measure(portrait, alignment, matte, rim, size, threads):
    """Measures of one portrait, and the processor time of its view in ms.

    matte: (256, 256) float32 in [0, 1] of the crop, or None. rim: (size, size) bool, pixels near its silhouette.
    """
    row = {}
    for name, pixels in (("own view at 256", CROP_SIZE), ("own view", size)):
        camera = portrait.camera.resized(pixels, pixels)
        view = render_view(portrait, camera, threads=threads)
        photo = resized(alignment.detail, pixels).astype(np.float32) / 255
        solid = view.alpha > 0.95 if matte is None else cv2.resize(matte, (pixels, pixels)) > 0.98
        region = solid & above_collar(camera)
        if alignment.beyond is not None:
            region &= resized(alignment.beyond.astype(np.uint8), pixels) == 0
        row[name] = psnr(over(view, 0.0), photo, region)
    face = hull(alignment.landmarks * (size / CROP_SIZE), size) & region
    reference = laplacian(photo, face)
    row["sharpness"] = laplacian(view.color, face) / reference
    points = landmark_points(alignment, view, camera)
    whole = laplacian(photo, region)
    for angle in TURNS:
        other = turned(camera, angle, size)
        seen = render_view(portrait, other, threads=threads)
        solid = seen.alpha > 0.95
        if abs(angle) == TURN:
            face = hull(other.project(points)[0], size) & solid
            row[f"sharpness at {angle:.0f}"] = laplacian(seen.color, face) / reference
        inner = cv2.erode(solid.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        row[f"head's sharpness at {angle:.0f}"] = laplacian(seen.color, inner & above_collar(other)) / whole
    row["rim"] = psnr(render_view(portrait, camera, "source", threads).color, photo, rim & above_collar(camera))
    large = dataclasses.replace(portrait, camera=camera)
    row["consistency"] = measure_consistency(large, photo, view)["consistency_photo"]
    for small in SMALL:
        row[f"small {small}"] = 255.0 * sparkle(portrait, small, threads)
    times = []
    for _ in range(3):
        start = time.process_time()
        render_view(portrait, camera, threads=threads)
        times.append(1000.0 * (time.process_time() - start))
    return row, min(times)


def sheet_row(portrait, bare, alignment, size):
    """Pictures (size, size, 3) uint8: the photo, the own view without detail and with it, and turned views likewise."""
    camera = portrait.camera.resized(size, size)
    cameras = [camera, *(turned(camera, angle, size) for angle in TURNS)]
    views = [render_view(one, view, BACKDROP) for view in cameras for one in (bare, portrait)]
    return [resized(alignment.detail, size), *(view_pixels(view, False) for view in views)]


def without_detail(portrait):
    return dataclasses.replace(portrait, detail=None, rim=None)


def inversion_ratio(alignment, model, repeats=2):
    """Processor time of an inversion with detail by one without; the best of some, taken in turns."""
    best = {}
    for _ in range(repeats):
        for name, one in (("with", alignment), ("without", dataclasses.replace(alignment, detail=None))):
            start = time.process_time()
            invert_crop(one, model)
            best[name] = min(best.get(name, np.inf), time.process_time() - start)
    return best["with"] / best["without"]


def silhouette_band(portrait, alignment, matte, size, threads):
    """Pixels (size, size) bool near the silhouette, where the photo shows it: the matte's, or the portrait's own."""
    if matte is None:
        matte = render_view(without_detail(portrait), portrait.camera, threads=threads).alpha
    band = rim_band(cv2.resize(matte, (size, size)))
    return band if alignment.beyond is None else band & (resized(alignment.beyond.astype(np.uint8), size) == 0)


def report(row):
    shown = "  ".join(f"{name} {before:.3g} > {row['after'][name]:.3g}" for name, before in row["before"].items())
    print(f"{row['name']}: {shown}", *(f"{name} {value:.2f} x" for name, value in row["ratios"].items()), flush=True)


def summarize(what, rows):
    if not rows:
        return
    print(f"\nmedians of {len(rows)} {what:22} without  with")
    for name in rows[0]["before"]:
        numbers = (statistics.median(row[when][name] for row in rows) for when in ("before", "after"))
        print(f"{name:34}" + " ".join(f"{number:8.3f}" for number in numbers))
    for name in rows[0]["ratios"]:
        print(f"{name:34} {statistics.median(row['ratios'][name] for row in rows):.2f} x")


def main(arguments=None):
    how = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m benchmarks sharpness", description=__doc__, formatter_class=how)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--mattes", type=Path, help="folder of the photos' mattes, PNG by the photos' names")
    parser.add_argument("--limit", type=int, default=12, help="how many photos, spread evenly over the folder; 0: all")
    parser.add_argument("--names", nargs="+", help="these photos instead, by file name without suffix")
    parser.add_argument("--size", type=int, default=768, help="pixels; with --heads a multiple of 256")
    parser.add_argument("--heads", type=int, default=0, help="how many synthetic heads, too")
    parser.add_argument("--data", type=Path, help=HELP)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sheet", type=Path, help=".png to write")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    cv2.setNumThreads(options.threads)
    model = load_model(threads=options.threads)
    paths = photos_in(options.photos)
    if options.names:
        paths = [path for path in paths if path.stem in options.names]
    elif options.limit:
        paths = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, options.limit).round().astype(int))]
    rows, pictures = [], []
    for path in paths:
        try:
            inversion = invert_photo(path, model)
        except PortraitError as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            continue
        portrait, alignment = inversion.portrait, inversion.alignment
        if np.sqrt(np.linalg.det(alignment.crop_to_photo[:, :2])) < LEAST:
            continue
        bare = without_detail(portrait)
        size, matte = min(options.size, len(alignment.detail)), matte_of(portrait, options.mattes, path.stem)
        rim = silhouette_band(portrait, alignment, matte, size, options.threads)
        (before, plain), (after, sharp) = (
            measure(one, alignment, matte, rim, size, options.threads) for one in (bare, portrait)
        )
        ratios = {"view": sharp / plain, "inversion": inversion_ratio(alignment, model)}
        rows.append({"name": path.stem, "before": before, "after": after, "ratios": ratios})
        report(rows[-1])
        if options.sheet:
            pictures.append(np.hstack(sheet_row(portrait, bare, alignment, options.size)))
    heads, features = [], features_by(model)
    for number, head in enumerate(fresh_heads(options.heads, options.size, model.geometry, options.data)):
        portrait = portrait_of(head, model)
        before, after = (
            measure_head(one, head, features, options.threads) for one in (without_detail(portrait), portrait)
        )
        heads.append({"name": f"head {number}", "before": before, "after": after, "ratios": {}})
        report(heads[-1])
    for what, found in (("photos", rows), ("heads", heads)):
        summarize(what, found)
    if options.sheet:
        save_png(np.vstack(pictures), options.sheet)
    if options.json:
        options.json.write_text(json.dumps(rows + heads, indent=1) + "\n")
