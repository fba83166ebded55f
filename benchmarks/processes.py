"""What needs processes of its own: cold start, memory, batches."""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from inference.pipeline import peak_memory

from .timing import Row, spread

ROOT = Path(__file__).resolve().parent.parent
COLD, MEMORY, GAIN = 1000.0, 1024.0, 1.8  # ms to be ready; MB at most; photos per minute by two workers against one

LIBRARIES = "import cv2, numpy, onnxruntime"
READY = """
from inference.networks.model import load_model
from inference.pipeline import invert_photo
model = load_model(device="cpu", threads={threads})
for name in model.card["files"]:
    if name.endswith(".onnx"):
        model.session(name[:-5])
"""
EVERYTHING = """
import sys
from inference.geometry.cameras import orbit_camera
from inference.mesh.extract import extract_mesh
from inference.networks.model import load_model
from inference.pipeline import invert_photo
from inference.view.render import render_view
from benchmarks.processes import own_peak
import cv2, numpy, onnxruntime, skimage.measure
before = own_peak()
portrait = invert_photo(sys.argv[1], load_model(device="cpu", threads={threads})).portrait
after = own_peak()
render_view(portrait, orbit_camera(20.0, width=1024, height=1024))
extract_mesh(portrait, 256, 50000, closed=True)
print(before, after, own_peak())
"""
BATCH = """
import sys, time
from inference.batch.run import run_batch
start = time.perf_counter()
items = run_batch(sys.argv[1], sys.argv[2], None, workers={workers}, device="cpu", threads={workers})
assert all(item.status == "done" for item in items), [item.error for item in items]
print(time.perf_counter() - start)
"""
APART = """
import sys, time
from inference.batch.job import run_job
from inference.batch.process import Process
from inference.networks.model import load_model
settings = {{"device": "cpu", "threads": {threads}, "memory": 4096, "seconds": 900}}
model = load_model(device="cpu", threads={threads})
worker = Process(settings | {{"model": str(model.folder)}})
wishes = {{"model": model.sha256, "mesh": False, "views": []}}
ways = (lambda job: run_job(job, model)), (lambda job: worker.run(job, lambda share, text: None))
for number in range({runs} + 1):
    for way in ways:  # in turn, so that what disturbs the machine disturbs both
        job = {{"photo": sys.argv[1], "matte": None, "folder": f"{{sys.argv[2]}}/{{number}}", "wishes": wishes}}
        start = time.perf_counter()
        assert way(job | {{"threads": {threads}}}) == ""
        print(1000.0 * (time.perf_counter() - start))
worker.close()
"""


def fresh(code, *arguments):
    """What a fresh Python process prints, as numbers."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [float(word) for word in done.stdout.split()]


def own_peak():
    """Largest resident memory of this process so far, MB. What `resource` tells on Linux is at least the parent's."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return peak_memory()
    return next(float(line.split()[1]) / 1024.0 for line in lines if line.startswith("VmHWM"))


def timed(code):
    """The code with a line that prints the milliseconds it took."""
    return f"import time\nstart = time.perf_counter()\n{code}\nprint(1000.0 * (time.perf_counter() - start))"


def cold_rows(threads, runs):
    times = {"bare": [], "ready": []}
    for _ in range(runs):
        times["bare"] += fresh(timed(LIBRARIES))
        times["ready"] += fresh(timed(READY.format(threads=threads)))
    yield Row(
        "cold start", "imports and networks", statistics.median(times["ready"]), floor=statistics.median(times["bare"]),
        floor_is="the libraries imported", bar=COLD, of="value", spread=spread(times["ready"]),
    )  # fmt: skip


def memory_rows(photo, threads):
    before, inverted, whole = fresh(EVERYTHING.format(threads=threads), photo)
    yield Row("memory", "photo to portrait", inverted, "MB", before, "the libraries imported")
    also = "and a view of 1024, a mesh of 256"
    yield Row("memory", also, whole, "MB", before, "the libraries imported", bar=MEMORY, of="value")


def apart_rows(photo, threads, runs):
    """One photo after another with its files, in this process and in one with limits: what the latter costs."""
    with tempfile.TemporaryDirectory() as folder:
        times = fresh(APART.format(threads=threads, runs=runs), Path(photo).resolve(), folder)
    here, apart = times[::2], times[1::2]
    where = "in a thread"
    yield Row("process apart", "its first photo", apart[0], floor=here[0], floor_is=f"the first {where}")
    yield Row(
        "process apart", "photos after it", statistics.median(apart[1:]), floor=statistics.median(here[1:]),
        floor_is=where, spread=spread(apart[1:]),
    )  # fmt: skip


def batch_rows(photo, photos):
    """photos: how many copies of the photo are inverted. Each worker has one thread."""
    rates = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "photos").mkdir()
        for index in range(photos):
            shutil.copy(photo, folder / "photos" / f"{index:03d}{Path(photo).suffix}")
        for workers in (1, 2):
            code, out = BATCH.format(workers=workers), folder / f"by {workers}"
            (seconds,) = fresh(code, folder / "photos", out)
            rates[workers] = 60.0 * photos / seconds
    yield Row("batch", f"{photos} photos, 1 worker", rates[1], "photos/min")
    yield Row("batch", f"{photos} photos, 2 workers", rates[2], "photos/min", plain=rates[1], plain_is="1 worker")
    yield Row("batch", "gain by the second worker", rates[2] / rates[1], "x", bar=GAIN, of="least")


def blender_rows(portrait, photo, threads, seconds, percentage):
    """Rows of :mod:`benchmarks.in_blender`, in a process of its own; none where Blender's module is missing."""
    import importlib.util

    if importlib.util.find_spec("bpy") is None:
        print("bpy is not installed: register, F12, orbit and the interface are left out", file=sys.stderr)
        return
    command = [sys.executable, "-m", "benchmarks.in_blender", portrait, photo, threads, seconds, percentage]
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            yield Row(**json.loads(line))
