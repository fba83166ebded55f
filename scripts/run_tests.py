"""Set up `.venv` and run the tests: `python3.11 scripts/run_tests.py [pytest arguments]`.

Without arguments it runs the default suite, on two cores; `-m slow`, `-m blender_matrix`, `-m gui` and `-m farm` run
the marked rest. `-m training` makes `.venv-training`, which has torch, and runs the tests of the training system there.
From then on, and in continuous integration, the default suite includes them.
"""

from __future__ import annotations

import os
import subprocess
import sys

from environment import ROOT, TRAINING_VENV, ensure, ensure_farm, ensure_training, run

TRAINING_TESTS = "tests/training"
SPREAD = "--numprocesses=2", "--dist=loadfile"  # a file's tests share what it makes once


def pytest(python, *arguments) -> int:
    return subprocess.run([str(python), "-m", "pytest", *arguments], cwd=ROOT).returncode


def main() -> int:
    arguments = sys.argv[1:]
    if arguments[:2] == ["-m", "training"]:
        return pytest(ensure_training(), *(arguments[2:] or [TRAINING_TESTS]))
    if arguments[:2] == ["-m", "farm"]:
        return pytest(ensure_farm(), *arguments)
    code = pytest(ensure(), *(arguments or SPREAD))
    if not arguments and (TRAINING_VENV.exists() or os.environ.get("CI") == "true"):
        code = pytest(ensure_training(), TRAINING_TESTS) or code
    return code


if __name__ == "__main__":
    run(main)
