"""Set up `.venv` and run the tests: `python3.11 scripts/run_tests.py [pytest arguments]`.

Without arguments it runs the default suite; `-m slow`, `-m blender_matrix` and `-m gui` run the marked rest.
"""

from __future__ import annotations

import subprocess
import sys

from environment import ROOT, ensure, run


def main() -> int:
    python = ensure()
    return subprocess.run([str(python), "-m", "pytest", *sys.argv[1:]], cwd=ROOT).returncode


if __name__ == "__main__":
    run(main)
