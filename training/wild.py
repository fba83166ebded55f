"""Look-alikes of photos of the world: made once with exact truth, then every model is measured on them.

    python -m training.wild make --photos TEST_PHOTOS --mattes MATTES --backdrops PLACES --heads TURNED_HEADS --out wild
    python -m training.wild measure wild --model models/default --out wild.json --markdown wild.md
    python -m training.wild align wild --half report
    python -m training.wild sheet wild --count 24 --out wild.jpg

``make`` needs pymatting (MIT), mattes by training.aligner.label_photos, panoramas (env/backdrops of the data pack) and
shards by ``training.synthetic.generate --yaw-range 15 60``. ``measure`` goes on where it was stopped; ``align`` finds and
frames the faces alone, ten a second. Tune on the half ``tune`` alone and report the half ``report``.
:mod:`training.evaluation.truth` describes what a set holds.
"""

import argparse
import json
import pathlib

import cv2
import numpy as np
from tqdm import tqdm

from inference.errors import PortraitError
from inference.files import sha256, write_atomically
from inference.geometry import cameras
from inference.networks.model import load_model
from inference.photo.warp import warp_to_crop
from inference.pipeline import invert_photo
from training import sheets
from training.data.photos import photos_in
from training.errors import TrainingError, command
from training.evaluation import alignments, outcomes, report, truth
from training.evaluation.look_alikes import HALVES, KINDS, make_all, shuffled
from training.evaluation.places import open_places
from training.evaluation.sitters import photographed_sitters, synthetic_sitters

SAVE_EVERY = 10  # measured look-alikes between two writes of the results
SIDES = (-30, 30)  # degrees of yaw on the sheet
TITLES = ("photo", "crop", "own view", *(f"{yaw:+d}°" for yaw in SIDES))


def make(options):
    """Make a set of look-alikes."""
    model = load_model(options.model, threads=options.threads)
    places = open_places(options.backdrops)
    photos = photographed_sitters(photos_in(options.photos), options.mattes, options.out / "sitters", model)
    synthetic = synthetic_sitters(options.heads, model.geometry["mean_landmarks"]) if options.heads else []
    items = make_all({"photo": photos, "synthetic": synthetic}, places, options.seed, options.part)
    reference = {"id": model.id, "sha256": model.sha256}
    made = truth.write_set(tqdm(items, desc="look-alikes", unit="photo"), options.out, options.seed, reference)["items"]
    counts = {kind: sum(item["kind"] == kind for item in made) for kind in KINDS}
    print(f"{len(made)} look-alikes in {options.out}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))


def measure(options):
    """Measure a model on a set, or go on with it."""
    model, known = load_model(options.model, threads=options.threads), truth.read_set(options.set)
    subject = {"model": model.id, "sha256": model.sha256, "set": sha256(options.set / truth.TRUTH)}
    rows = earlier_rows(options.out, subject)
    done = {row["id"] for row in rows}
    items = [item for item in known["items"] if chosen(item, options) and item["id"] not in done]
    items = sorted(items, key=lambda item: shuffled(item["id"]))[: options.limit]  # all kinds from the start
    for number, item in enumerate(tqdm(items, desc="look-alikes", unit="photo"), 1):
        rows.append(outcomes.measure(item, *truth.open_item(options.set, item), model))
        if number % SAVE_EVERY == 0 or number == len(items):
            save_rows(options.out, subject, rows)
    names = {item["id"] for item in known["items"] if chosen(item, options)}
    lines = tables([row for row in rows if row["id"] in names])
    print("\n\n".join(f"{title}\n{report.as_text(cells)}" for title, cells in lines))
    if options.markdown:
        text = "\n".join(f"**{title}**\n\n{report.as_markdown(cells)}" for title, cells in lines)
        write_atomically(options.markdown, lambda stream: stream.write(text.encode()))


def align(options):
    """Find and frame the faces of a set, without portraits; those too small are left out."""
    model, known = load_model(options.model, threads=options.threads), truth.read_set(options.set)
    items = [item for item in known["items"] if chosen(item, options) and item["kind"] != "too small"]
    progress = tqdm(items, desc="look-alikes", unit="photo")
    rows = [alignments.measure(item, truth.open_item(options.set, item)[0], model) for item in progress]
    alignments.add_spread(rows)
    lines = alignments.table(rows)
    print(report.as_text(lines))
    if options.out:
        write_atomically(options.out, lambda stream: stream.write(report.as_markdown(lines).encode()))


def chosen(item, options):
    return options.half in ("both", item["half"]) and (not options.kinds or item["kind"] in options.kinds)


def tables(rows):
    """Pairs of title and lines of strings: one table by half and its messages. rows of :func:`outcomes.measure`."""
    halves = {half: [row for row in rows if row["half"] == half] for half in HALVES}
    found = [(f"half: {half}", outcomes.table(part)) for half, part in halves.items() if part]
    return [*found, ("messages", outcomes.messages(rows))]


def earlier_rows(path, subject):
    """Rows of an interrupted measurement of the same model and set; none where the file is not there."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise TrainingError(f"cannot go on from {path} ({error}): remove it or give another --out") from None
    if {key: found.get(key) for key in subject} != subject:
        raise TrainingError(f"{path} holds measures of another model or set: remove it or give another --out")
    return found["rows"]


def save_rows(path, subject, rows):
    text = json.dumps(subject | {"rows": rows}, indent=1, ensure_ascii=False) + "\n"
    write_atomically(path, lambda stream: stream.write(text.encode()))


def sheet(options):
    """Draw a contact sheet of a set: photo, the true crop, own view, the sides; refused photos say so."""
    model, known = load_model(options.model, threads=options.threads), truth.read_set(options.set)
    items = [item for item in known["items"] if chosen(item, options) and item["faces"]]
    rows, names = [], []
    for item in tqdm(sheets.spread(items, options.count), desc="rows"):
        picture, _ = truth.open_item(options.set, item)
        rows.append(sheet_row(item, picture, model, options.side))
        names.append(item["id"])
    if not rows:
        raise TrainingError(f"nothing to draw in {options.set}: choose other kinds or the other half")
    sheets.board(rows, TITLES, names).save(options.out, quality=90)
    print(f"{len(rows)} rows in {options.out}")


def sheet_row(item, picture, model, side):
    """Pictures of one look-alike in the order of TITLES, (side, side, 3) uint8."""
    true_crop = warp_to_crop(picture, np.array(item["faces"][0]["crop_to_picture"]))
    row = [letterboxed(picture, side), sheets.fitted(true_crop, side)]
    try:
        portrait = invert_photo(picture, model).portrait
    except PortraitError:
        return row + [np.full((side, side, 3), (90, 60, 60), np.uint8)] * (1 + len(SIDES))
    views = [portrait.camera, *(cameras.orbit_camera(yaw=yaw) for yaw in SIDES)]
    return row + [sheets.picture(portrait, camera, side) for camera in views]


def letterboxed(picture, side):
    """A picture (h, w, 3) uint8 within a white square (side, side, 3)."""
    scale = side / max(picture.shape[:2])
    width, height = (max(1, round(scale * length)) for length in picture.shape[1::-1])
    board = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    board[top : top + height, left : left + width] = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return board


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    outputs = {make: "folder of the set", measure: "JSON to write, and to go on from", align: "Markdown table to write",
               sheet: "picture to write, .jpg or .png"}  # fmt: skip
    for run, output in outputs.items():
        child = commands.add_parser(run.__name__, help=run.__doc__.splitlines()[0])
        child.set_defaults(run=run)
        child.add_argument("--model", type=pathlib.Path, help="folder of an exported model; the embedded one by default")
        child.add_argument("--threads", type=int, default=1, help="threads of the networks; 0 lets ONNX Runtime decide")
        child.add_argument("--out", type=pathlib.Path, required=run is not align, help=output)
        if run is make:
            child.add_argument("--photos", type=pathlib.Path, required=True, help="folder of portraits that nothing was trained on")
            child.add_argument("--mattes", type=pathlib.Path, required=True, help="folder of their mattes")
            child.add_argument("--backdrops", type=pathlib.Path, required=True, help="folder of equirectangular panoramas, .webp")
            child.add_argument("--heads", type=pathlib.Path, help="folder of shards of turned heads")
            child.add_argument("--seed", type=int, default=0)
            child.add_argument("--part", type=float, default=1.0, help="of the counts of every kind, for a first look")
            continue
        child.add_argument("set", type=pathlib.Path, help="folder made by make")
        child.add_argument("--half", choices=(*HALVES, "both"), default="both")
        child.add_argument("--kinds", nargs="+", choices=list(KINDS), help="these kinds alone")
        if run is measure:
            child.add_argument("--limit", type=int, help="at most so many more")
            child.add_argument("--markdown", type=pathlib.Path, help="Markdown tables to write")
        if run is sheet:
            child.add_argument("--count", type=int, default=24, help="rows, spread evenly over the set")
            child.add_argument("--side", type=int, default=144, help="pixels of each picture")
    options = parser.parse_args(arguments)
    options.run(options)
    return 0


if __name__ == "__main__":
    command(main)
