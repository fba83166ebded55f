"""Contact sheets of a model: what the numbers of training.evaluate cannot tell.

    python -m training.sheets portraits PHOTOS --out portraits.jpg   # a row per photo: it, own view, -45 to +45 degrees
    python -m training.sheets heads HEADS --out heads.jpg            # a row per unseen head: ours beside exact truth
"""

import argparse
import pathlib
import sys

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from inference.errors import PortraitError
from inference.geometry import cameras
from inference.networks.model import load_model
from inference.pipeline import invert_photo
from inference.view.render import render_view
from training.data.photos import photos_in
from training.errors import TrainingError, command
from training.evaluation.heads import Head, places_of, portrait_of
from training.evaluation.views import to_bytes

YAWS = (-45, -30, -15, 0, 15, 30, 45)
BACKDROP = (0.925, 0.925, 0.918)  # sRGB in [0, 1]
PHOTO_TITLES = ("photo", "own view", *(f"{yaw:+d}°" if yaw else "0°" for yaw in YAWS))
HEAD_TITLES = ("photo", "own view", "truth", "ours", "truth", "ours", "depth, truth", "depth, ours", "error ±10 mm")
DEPTH_RANGE = (-0.06, 0.14)  # metres about the face's middle, shown from white to black
ERROR_RANGE = 0.01  # metres shown at full colour
GAP = 4  # pixels
HEADLINE = 22  # pixels


def picture(portrait, camera, side):
    """A view over the backdrop, (side, side, 3) uint8; rendered twice as large, which smooths edges."""
    view = render_view(portrait, camera.resized(2 * side, 2 * side), BACKDROP)
    return cv2.resize(to_bytes(view.color), (side, side), interpolation=cv2.INTER_AREA)


def portrait_row(portrait, side):
    """Pictures of one portrait in the order of PHOTO_TITLES."""
    turns = [picture(portrait, cameras.orbit_camera(yaw=yaw), side) for yaw in YAWS]
    return [fitted(portrait.crop, side), picture(portrait, portrait.camera, side), *turns]


def head_row(portrait, head, side):
    """Pictures of one synthetic head in the order of HEAD_TITLES. head: :class:`training.evaluation.heads.Head`."""
    row = [fitted(head.crop, side), picture(portrait, head.camera, side)]
    for truth, camera in head.views:
        alpha = truth[..., 3:]
        row += [fitted(to_bytes(truth[..., :3] * alpha + (1 - alpha) * np.float32(BACKDROP)), side), picture(portrait, camera, side)]
    depth = render_view(portrait, head.camera).depth
    seen = head.face & np.isfinite(depth)
    middle = [np.median(d[seen]) if seen.any() else 0.0 for d in (head.depth, depth)]
    depths = [head.depth - middle[0], depth - middle[1]]
    error = np.where(np.isfinite(depth), depths[1], np.nan) - depths[0]
    return row + [fitted(image, side) for image in (*map(grey_depth, depths), signed(error))]


def grey_depth(depth):
    """Depth (h, w) metres about the face's middle as grey, near is bright; nothing is white paper."""
    near, far = DEPTH_RANGE
    grey = np.where(np.isfinite(depth), 0.9 * (far - np.where(np.isfinite(depth), depth, far)) / (far - near), BACKDROP[0])
    return to_bytes(np.repeat(grey[..., None], 3, -1))


def signed(error):
    """Depth error (h, w) metres: red where ours lies behind, blue where in front, white where equal."""
    known = np.isfinite(error)
    amount = np.clip(np.where(known, error, 0.0) / ERROR_RANGE, -1, 1)
    colour = 1.0 - np.stack([np.maximum(-amount, 0), np.abs(amount), np.maximum(amount, 0)], -1)
    return to_bytes(np.where(known[..., None], colour, 0.75))


def fitted(image, side):
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)


def board(rows, titles, names=None):
    """Rows of pictures (side, side, 3) uint8 under a line of titles, as a PIL image; names: one per row, drawn small."""
    side = rows[0][0].shape[0]
    sheet = Image.new("RGB", (len(titles) * (side + GAP) - GAP, HEADLINE + len(rows) * (side + GAP) - GAP), "white")
    draw, font, small = ImageDraw.Draw(sheet), ImageFont.load_default(14), ImageFont.load_default(10)
    for column, title in enumerate(titles):
        draw.text((column * (side + GAP) + side // 2, HEADLINE // 2), title, fill=(60, 60, 60), font=font, anchor="mm")
    for line, row in enumerate(rows):
        for column, pixels in enumerate(row):
            sheet.paste(Image.fromarray(pixels), (column * (side + GAP), HEADLINE + line * (side + GAP)))
        if names:
            draw.text((3, HEADLINE + line * (side + GAP) + side - 13), names[line], fill="white", font=small,
                      stroke_width=1, stroke_fill=(0, 0, 0))  # fmt: skip
    return sheet


def spread(items, count):
    """``count`` items spread evenly over a list."""
    return [items[i] for i in np.unique(np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int))]


def portraits_sheet(model, folder, count, names, side):
    """Rows and row names for photos of a folder; those that make no portrait are named on stderr."""
    photos = photos_in(folder)
    chosen = [p for p in photos if p.stem in names] if names else spread(photos, count)
    rows, labels = [], []
    for path in tqdm(chosen, desc="portraits"):
        try:
            rows.append(portrait_row(invert_photo(path, model).portrait, side))
            labels.append(path.stem)
        except PortraitError as error:
            print(f"{path.name}: {error}", file=sys.stderr)
    return rows, labels


def heads_sheet(model, folder, count, side):
    """Rows and row names for unseen heads."""
    heads = [Head(*place) for place in spread(places_of(folder), count)]
    rows = [head_row(portrait_of(head, model), head, side) for head in tqdm(heads, desc="heads")]
    return rows, [head.name for head in heads]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("portraits", "heads"))
    parser.add_argument("folder", type=pathlib.Path, help="photos, or synthetic shards that were not trained on")
    parser.add_argument("--model", type=pathlib.Path, help="folder of an exported model; the embedded one by default")
    parser.add_argument("--count", type=int, default=12, help="rows, spread evenly over the folder")
    parser.add_argument("--names", nargs="+", help="these photos instead, by file name without suffix")
    parser.add_argument("--side", type=int, default=144, help="pixels of each picture")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="picture to write, .jpg or .png")
    options = parser.parse_args(arguments)
    model = load_model(options.model, threads=options.threads)
    if options.kind == "portraits":
        rows, labels = portraits_sheet(model, options.folder, options.count, options.names, options.side)
    else:
        rows, labels = heads_sheet(model, options.folder, options.count, options.side)
    if not rows:
        raise TrainingError(f"nothing to draw in {options.folder}: give a folder of photos, or of synthetic shards")
    board(rows, PHOTO_TITLES if options.kind == "portraits" else HEAD_TITLES, labels).save(options.out, quality=90)
    print(f"{len(rows)} rows in {options.out}")
    return 0


if __name__ == "__main__":
    command(main)
