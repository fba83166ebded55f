"""Do the tests notice wrong lines? ``python3.11 scripts/mutate.py [--only NAME ...] [--workers N]``

Applies every mutation of ``scripts/mutations.py``, one at a time, to a copy of the repository and runs the tests that
should see it until the first fails. Prints who killed what; the exit code is 1 when a mutation survives or its text is
no longer found, 2 when the tests fail without any. On demand, not part of the suite.

mutmut and cosmic-ray make mutants by rules (a plus becomes a minus): thousands of them, most of which break nothing
that anybody sees. Neither takes a list of stages that somebody might leave out, which is what is asked for here.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from environment import ROOT, ensure
from mutations import MUTATIONS, Mutation

COPIED = ("inference", "models", "scripts", "tests", "training", "pyproject.toml")
LEFT_OUT = ("__pycache__", ".pytest_cache", "blender", "gui", "*.onnx")
TIMEOUT = 600  # seconds; a mutation that hangs is noticed, too


def copy_of_the_repository(folder: Path) -> Path:
    """What the mutations' tests need; the networks, which nobody changes, are links."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns(*LEFT_OUT))
        else:
            shutil.copy(source, folder / name)
    for network in (ROOT / "models").rglob("*.onnx"):
        (folder / network.relative_to(ROOT)).symlink_to(network)
    return folder


def run_tests(python, folder: Path, tests) -> tuple[int, str]:
    """Exit code of pytest, which stops at the first failure, and the name of the test that failed."""
    command = [str(python), "-m", "pytest", "-x", "-q", "-rfE", "--tb=no", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}  # a file may change twice in a clock tick
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return 1, "(never ends)"
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return done.returncode, failed[1] if failed else done.stdout[-500:] + done.stderr[-500:]


def apply(mutation: Mutation, folder: Path, python) -> tuple[str, str]:
    """What came of a mutation, "killed", "SURVIVED", "NOT FOUND" or "BROKEN", and by which test."""
    path = folder / mutation.file
    source = path.read_text(encoding="utf-8")
    if source.count(mutation.text) != 1:
        return "NOT FOUND", f"{source.count(mutation.text)} times in {mutation.file}"
    path.write_text(source.replace(mutation.text, mutation.becomes), encoding="utf-8")
    try:
        code, test = run_tests(python, folder, mutation.tests)
    finally:
        path.write_text(source, encoding="utf-8")
    return {0: "SURVIVED", 1: "killed"}.get(code, "BROKEN"), test if code else ""


def chosen(names) -> list[Mutation]:
    """Mutations whose name holds one of the names, all without any."""
    return [mutation for mutation in MUTATIONS if not names or any(name in mutation.name for name in names)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="mutations whose name holds one of these")
    parser.add_argument("--workers", type=int, default=1, help="how many are tried at once; each takes one core")
    options = parser.parse_args()
    mutations = chosen(options.only)
    python = sys.executable if importlib.util.find_spec("pytest") else ensure()
    with tempfile.TemporaryDirectory(prefix="mutations-") as place:
        copies = queue.SimpleQueue()
        for number in range(options.workers):
            (folder := Path(place) / str(number)).mkdir()
            copies.put(copy_of_the_repository(folder))
        tests = sorted({test for mutation in mutations for test in mutation.tests})
        code, test = run_tests(python, folder, tests)
        if code:
            print(f"the tests fail without any mutation: {test}")
            return 2

        def work(mutation):
            folder = copies.get()
            try:
                return apply(mutation, folder, python)
            finally:
                copies.put(folder)

        alive = 0
        with ThreadPoolExecutor(options.workers) as pool:
            for mutation, (verdict, test) in zip(mutations, pool.map(work, mutations), strict=True):
                alive += verdict != "killed"
                print(f"{verdict:9}  {mutation.file}: {mutation.name:32}  {test}", flush=True)
    print(f"{len(mutations) - alive} of {len(mutations)} mutations are killed")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
