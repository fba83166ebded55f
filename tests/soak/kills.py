"""A batch killed with -9 again and again, at random moments, and resumed: nothing is lost, nothing half-written.

    python -m tests.soak.kills PHOTO --rounds 200

A batch of copies of PHOTO and of a picture without a face is started, killed and started again until it has ended by
itself, then the next one in a new folder, until there were as many kills. After each kill every file under its final
name must be whole, and a photo that was complete must be as it was. Ends with an AssertionError where it is not. POSIX.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from inference.batch.items import list_photos
from inference.portrait import load_portrait

ROOT = Path(__file__).resolve().parents[2]
FACES, WALLS = ("anna", "bert"), ("wall",)
LATEST = 1.2  # of the seconds a batch takes that nobody disturbs: some kills come when it has ended


def make_photos(folder: Path, face: Path) -> Path:
    """Fill a new folder with the photos. Returns it."""
    folder.mkdir()
    for name in FACES:
        shutil.copy(face, folder / f"{name}{face.suffix}")
    for name in WALLS:
        Image.new("RGB", (300, 300), (120, 130, 140)).save(folder / f"{name}.png")
    return folder


def start(photos: Path, out: Path, workers: int) -> subprocess.Popen:
    """A batch that resumes."""
    line = [sys.executable, "-m", "inference", "batch", photos, "--out", out, "--quiet", "--resume"]
    line += ["--threads", workers, "--workers", workers]
    return subprocess.Popen(list(map(str, line)), cwd=ROOT, stderr=subprocess.DEVNULL)


def check_whole(out: Path, known: dict[Path, bytes]) -> None:
    """Whatever is there is whole. known: reports that were there before, {path: bytes}; new ones are added."""
    for path, before in known.items():
        assert path.read_bytes() == before, f"{path} was complete and is made again"
    for folder in (out / name for name in FACES):
        report = folder / "report.json"
        if report.exists() and report not in known:
            known[report] = report.read_bytes()
            json.loads(known[report])
            assert {"portrait.manifolds", "crop.png"} < {path.name for path in folder.iterdir()}
        for portrait in folder.glob("portrait.manifolds"):
            load_portrait(portrait)
        for crop in folder.glob("crop.png"):
            with Image.open(crop) as picture:
                picture.load()


def check_complete(photos: Path, out: Path) -> None:
    """Everything was done, and nothing else is there."""
    states = {Path(item.name).stem: item.status for item in list_photos(photos, out)}
    assert states.keys() == {*FACES, *WALLS} and all(states[name] == "failed" for name in WALLS), states
    assert all(states[name] in ("done", "skipped") for name in FACES), states
    assert sorted(path.name for path in out.iterdir()) == sorted([*FACES, "batch.jsonl", "index.html"])
    for name in FACES:
        files = sorted(path.name for path in (out / name).iterdir())
        assert files == ["crop.png", "portrait.manifolds", "report.json"], files


def soak(face: Path, rounds: int, seed: int, place: Path, tell=print) -> int:
    """Kill `rounds` times. Returns how many batches were completed."""
    chance, photos = random.Random(seed), make_photos(place / "photos", face)
    began = time.monotonic()
    assert start(photos, place / "undisturbed", 1).wait() == 3
    check_complete(photos, place / "undisturbed")
    longest = LATEST * (time.monotonic() - began)
    kills = done = 0
    while kills < rounds:
        out, known = place / f"out{done}", {}
        while True:
            process = start(photos, out, chance.choice((1, 2)))
            try:
                code = process.wait(chance.uniform(0.0, longest) if kills < rounds else None)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
                if out.exists():
                    check_whole(out, known)
                continue
            assert code == 3, f"the batch ended with {code}"
            check_complete(photos, out)
            check_whole(out, known)
            break
        shutil.rmtree(out)
        done += 1
        tell(f"{kills} kills, {done} batches whole and complete")
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=16)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        soak(options.photo, options.rounds, options.seed, Path(place), lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
