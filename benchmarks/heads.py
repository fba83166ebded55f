"""The wrapped head: the whole command, and what its time goes into."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from inference.head.extract import TEXTURE, extract_head

from .meshes import spent
from .processes import ROOT
from .timing import Row, spread

COMMAND = 6000.0  # ms that `mesh --topology head` may take on two quiet cores


def command(portrait):
    """Wall and processor time, ms, of the command as a process."""
    before, start = os.times(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        call = [sys.executable, "-m", "inference", "mesh", str(portrait), "--topology", "head"]
        subprocess.run([*call, "--out", Path(folder) / "head.glb"], check=True, cwd=ROOT, capture_output=True)
    after = os.times()
    used = sum(getattr(after, name) - getattr(before, name) for name in ("children_user", "children_system"))
    return 1000.0 * (time.perf_counter() - start), 1000.0 * used


def rows(path, portrait, runs, texture=TEXTURE):
    """path: a portrait's file; portrait: what it holds."""
    walls, cpus = zip(*(command(path) for _ in range(runs)), strict=True)
    yield Row(
        "head", "mesh --topology head", statistics.median(walls), bar=COMMAND, of="value",
        cpu=statistics.median(cpus), spread=spread(walls),
    )  # fmt: skip
    for text, ms in spent(lambda progress: extract_head(portrait, texture, progress=progress)):
        yield Row("head", f"of it: {text}", ms)
