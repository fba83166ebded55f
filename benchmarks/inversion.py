"""Photo to manifolds, stage by stage, against the exported networks' own time.

    python benchmarks/inversion.py PHOTO [--runs 7] [--threads 2] [--json FILE]

networks: the sum of every session's run time on the same inputs, measured in the same process. cold: a fresh process
that imports, loads the model and inverts once. Medians.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from inference.networks.model import load_model  # noqa: E402
from inference.pipeline import invert_photo, peak_memory  # noqa: E402

COLD = """
import sys, time
start = time.perf_counter()
sys.path.insert(0, {root!r})
from inference.networks.model import load_model
from inference.pipeline import invert_photo
model = load_model(threads={threads})
for name in model.card["files"]:
    if name.endswith(".onnx"):
        model.session(name[:-5])
print(time.perf_counter() - start)
"""


class TimedSession:
    """An onnxruntime session that adds up the time spent in it."""

    def __init__(self, session, spent):
        self.session, self.spent = session, spent

    def run(self, *arguments):
        start = time.perf_counter()
        result = self.session.run(*arguments)
        self.spent.append(time.perf_counter() - start)
        return result

    def __getattr__(self, name):
        return getattr(self.session, name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    model = load_model(options.model, threads=options.threads)
    plain, spent = model.session, []
    model.session = lambda name: TimedSession(plain(name), spent)
    invert_photo(options.photo, model)
    walls, networks, stages = [], [], []
    for _ in range(options.runs):
        spent.clear()
        start = time.perf_counter()
        report = invert_photo(options.photo, model).report
        walls.append(time.perf_counter() - start)
        networks.append(sum(spent))
        stages.append(report["timings_ms"])
    code = COLD.format(root=str(ROOT), threads=options.threads)
    fresh = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(3)]
    out = {
        "threads": options.threads,
        "gmac": model.card["gmac_total"],
        "wall_ms": round(1000 * statistics.median(walls), 1),
        "networks_ms": round(1000 * statistics.median(networks), 1),
        "ratio": round(statistics.median(w / n for w, n in zip(walls, networks)), 2),
        "cold_start_ms": round(1000 * statistics.median(map(float, fresh)), 1),
        "peak_memory_mb": peak_memory(),
        "stages_ms": {name: round(statistics.median(s[name] for s in stages), 1) for name in stages[0]},
    }
    print(json.dumps(out, indent=1))
    if options.json:
        options.json.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
