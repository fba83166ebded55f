"""How much of a photo a mesh wears: the mesh and the portrait through the photo's camera, both against the photo.

    python -m benchmarks textures PHOTOS [--limit 12] [--size 768] [--threads 2] [--heads] [--sheet FILE]

PHOTOS: a folder; photos with fewer than two pixels per pixel of the crop are left out. In the face, which is what the
landmarks span where the portrait is solid; a mesh that does not reach there counts as black. At --size pixels, or at
the photo's own scale where that is less. PSNR, and the root mean square of the Laplacian as a share of the photo's, of
the engine's own view and of the closed mesh; the texture's side; and the processor time of texture and mesh. With
--heads also of the wrapped head, with the photo's expression.
--sheet draws the photo, the view and the mesh, and the mesh from in front, both sides and behind.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from benchmarks.sharpness import LEAST, hull, laplacian, resized
from inference.errors import PortraitError
from inference.geometry.cameras import CROP_SIZE, orbit_camera
from inference.head.extract import extract_head
from inference.mesh.extract import extract_mesh
from inference.networks.model import load_model
from inference.photo.images import save_png
from inference.pipeline import invert_photo
from inference.view.render import render_view
from training.data.photos import photos_in
from training.evaluation.metrics import psnr
from training.evaluation.rasteriser import over_each_other, picture
from training.evaluation.views import over

BACKDROP = 0.9  # sRGB of sheets
SIDES = 0.0, 45.0, -45.0, 180.0  # degrees


def measure(inversion, size, threads, heads=False):
    """Measures of one photo, its mesh, and pictures (size, size, 3) float of the photo, the view and the mesh."""
    portrait, alignment = inversion.portrait, inversion.alignment
    camera = portrait.camera.resized(size, size)
    photo = resized(alignment.detail, size).astype(np.float32) / 255
    view = render_view(portrait, camera, threads=threads)
    marks = []
    mesh = extract_mesh(portrait, closed=True, progress=lambda _, text: marks.append((text, time.process_time())))
    seen, alpha = picture(mesh, camera)
    worn = (seen * alpha[..., None]).astype(np.float32)
    shown = {"view": over(view, 0.0), "mesh": worn}
    if heads:
        colour, covered = over_each_other(extract_head(portrait, keys=False), camera)
        shown["head"] = (colour * covered[..., None]).astype(np.float32)
    face = hull(alignment.landmarks * (size / CROP_SIZE), size) & (view.alpha > 0.98)
    if alignment.beyond is not None:
        face &= resized(alignment.beyond.astype(np.uint8), size) == 0
    row = {"size": size}
    for name, pixels in shown.items():
        row[f"{name}, dB"] = psnr(pixels, photo, face)
        row[f"{name}'s sharpness"] = laplacian(pixels, face) / laplacian(photo, face)
    row["texels"] = len(mesh.texture)
    begun = next(when for text, when in marks if text == "texture")
    row["texture, CPU s"], row["mesh, CPU s"] = marks[-1][1] - begun, marks[-1][1] - marks[0][1]
    return row, mesh, [photo, over(view, BACKDROP), worn + BACKDROP * (1.0 - alpha[..., None])]


def sides(mesh, size):
    """A mesh from all sides, (size, size, 3) float each."""
    pictures = (picture(mesh, orbit_camera(yaw, 0.0, width=size, height=size), 2) for yaw in SIDES)
    return [colour * alpha[..., None] + BACKDROP * (1.0 - alpha[..., None]) for colour, alpha in pictures]


def main(arguments=None):
    how = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m benchmarks textures", description=__doc__, formatter_class=how)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--limit", type=int, default=12, help="how many photos, spread evenly over the folder; 0: all")
    parser.add_argument("--size", type=int, default=768, help="pixels")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--heads", action="store_true", help="the wrapped head as well")
    parser.add_argument("--sheet", type=Path, help=".png to write")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(options.threads)
    model, paths = load_model(threads=options.threads), photos_in(options.photos)
    if options.limit:
        paths = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, options.limit).round().astype(int))]
    rows, pictures = [], []
    for path in paths:
        try:
            inversion = invert_photo(path, model)
        except PortraitError as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            continue
        if np.sqrt(np.linalg.det(inversion.alignment.crop_to_photo[:, :2])) < LEAST:
            continue
        size = min(options.size, len(inversion.alignment.detail))
        row, mesh, shown = measure(inversion, size, options.threads, options.heads)
        rows.append(row)
        print(f"{path.stem}:", *(f"{name} {value:.4g}" for name, value in row.items()), sep="  ", flush=True)
        if options.sheet:
            shown = [cv2.resize(np.float32(one), (options.size, options.size)) for one in shown]
            pictures.append(np.hstack([*shown, *sides(mesh, options.size)]))
    for name in rows[0] if rows else ():
        print(f"{name:20} median {statistics.median(row[name] for row in rows):8.2f}", end="")
        print(f"  least {min(row[name] for row in rows):8.2f}  most {max(row[name] for row in rows):8.2f}")
    if options.sheet:
        save_png(np.rint(255 * np.clip(np.vstack(pictures), 0, 1)).astype(np.uint8), options.sheet)
