"""Fuzz one door for a while: the long run, by hand.

    python -m tests.fuzz.run photo --seconds 600
    python -m tests.fuzz.run portrait --seconds 600 --corpus build/fuzz/portrait

With atheris (dependency group `fuzz`, Linux) inputs that reach new code are kept in the corpus and changed further;
without it they are changed blindly. It ends with exit code 0, or with the traceback of what a door must not raise, and
the input in a file.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

KEPT = Path("build/fuzz")  # what is found, and the corpora
LIMITS = ["-rss_limit_mb=2048", "-timeout=15", "-max_len=20000", "-print_final_stats=1"]  # MB, seconds an input, bytes


def blind(door: str, seconds: float, seed: int = 0) -> tuple[int, int]:
    """Change the seeds until the time is over. Returns how many inputs there were, and how many were let in."""
    from tests.fuzz.doors import DOORS, seeds
    from tests.fuzz.mutate import mutated

    random, known, use = np.random.default_rng(seed), seeds(door), DOORS[door]
    tried = entered = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutated(random, known)
        try:
            entered += use(data)
        except Exception:
            KEPT.mkdir(parents=True, exist_ok=True)
            found = KEPT / f"{door}-{seed}-{tried}"
            found.write_bytes(data)
            print(f"the input is in {found}", file=sys.stderr)
            raise
        tried += 1
    return tried, entered


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("door", choices=("photo", "portrait", "model", "camera"))
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--corpus", type=Path, help="folder for inputs that reach new code; default: build/fuzz/DOOR")
    options = parser.parse_args()
    try:
        import atheris
    except ImportError:
        tried, entered = blind(options.door, options.seconds, int(time.time()))
        print(f"{tried} inputs changed blindly, {entered} let in, nothing foreign raised")
        return
    with atheris.instrument_imports(include=["inference", "PIL", "pi_heif", "numpy.lib"]):
        from tests.fuzz.doors import DOORS, seeds
    corpus = options.corpus or KEPT / options.door
    corpus.mkdir(parents=True, exist_ok=True)
    for index, data in enumerate(seeds(options.door)):
        (corpus / f"seed-{index:03}").write_bytes(data)
    limits = [*LIMITS, f"-max_total_time={options.seconds}", f"-artifact_prefix={corpus.parent}/{options.door}-"]
    atheris.Setup([sys.argv[0], *limits, str(corpus)], lambda data: DOORS[options.door](data) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
