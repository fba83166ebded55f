"""Many photos by one batch: memory, handles and threads of it and of its worker stay where they are.

    python -m tests.soak.photos PHOTOS --count 500

PHOTOS, a folder, is gone through again and again. Every photo becomes a portrait, a mesh and a view. It ends with exit
code 1 when something grew: what the last photos found is compared with what those after the first ones did. Linux.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from inference.batch.items import ENDED, find_photos
from inference.batch.run import run_batch

WARM = 0.2  # share of the photos for which caches and the allocator's heaps may grow
WINDOW = 0.2  # share of the photos over which medians are taken: photos differ in size
GROWTH = 16.0  # MB that may be between the medians; one leaked crop per photo would be 80 in 400 photos


def child_of(process: int) -> int:
    """The one process that a process has started."""
    found = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(process)], capture_output=True, text=True).stdout
    (number,) = (int(line.split()[0]) for line in found.splitlines() if "inference.batch.worker" in line)
    return number


def state_of(process: int) -> dict[str, float]:
    """Of a process: resident memory in MB, open handles, threads."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    handles = len(os.listdir(f"/proc/{process}/fd"))
    return {"MB": float(status["VmRSS"].split()[0]) / 1024.0, "handles": handles, "threads": int(status["Threads"])}


def soak(photos: Path, count: int, out: Path, tell=print) -> list[dict]:
    """Work on `count` photos with one process of one thread. Returns what was found after each: {of: state_of}."""
    folder = out / "photos"
    folder.mkdir(parents=True)
    for number, photo in zip(range(count), itertools.cycle(find_photos(photos))):
        (folder / f"{number:04}{photo.suffix}").symlink_to(photo.resolve())
    found = []

    def changed(item):
        if item.status in ENDED:
            found.append({"batch": state_of(os.getpid()), "worker": state_of(child_of(os.getpid()))})
            if len(found) % 20 == 0:
                tell(json.dumps({"photos": len(found)} | found[-1]))

    items = run_batch(folder, out / "portraits", device="cpu", threads=1, mesh=True, views=(20,), changed=changed)
    tell(f"{sum(item.status == 'done' for item in items)} of {count} photos became portraits")
    return found


def growth(found: list[dict]) -> dict[str, dict[str, float]]:
    """By how much the median of each number grew from the photos after the first ones to the last ones."""
    warm, window = int(WARM * len(found)), max(1, int(WINDOW * len(found)))

    def median(part, of, name):
        return statistics.median(state[of][name] for state in part)

    return {
        of: {name: median(found[-window:], of, name) - median(found[warm : warm + window], of, name) for name in state}
        for of, state in found[-1].items()
    }


def is_flat(grown: dict[str, dict[str, float]]) -> bool:
    """Whether nothing grew."""
    return all(state["MB"] <= GROWTH and state["handles"] <= 0 and state["threads"] <= 0 for state in grown.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as out:
        found = soak(options.photos, options.count, Path(out), lambda line: print(line, flush=True))
    grown = growth(found)
    print(json.dumps({"grown": grown}))
    return 0 if is_flat(grown) else 1


if __name__ == "__main__":
    sys.exit(main())
