"""The processes of a batch: signals, limits, deaths. What they work on is real, with the model that ships."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from inference import apart
from inference.batch.items import list_photos
from inference.batch.process import Process
from inference.batch.run import run_batch
from inference.errors import Cancelled, MachineExhausted
from inference.networks.model import DEFAULT_FOLDER
from inference.portrait import load_portrait
from tests.fakes import fake_model

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("a.png", "b.png", "c.png", "d.png")
SETTINGS = {"model": str(DEFAULT_FOLDER), "device": "cpu", "threads": 1, "memory": 0, "seconds": 0}

pytestmark = pytest.mark.skipif(os.name != "posix", reason="looks at processes as Unix shows them")


@pytest.fixture
def faces(tmp_path):
    """A folder of photos that take seconds each."""
    face = Path(pytest.importorskip("skimage").__file__).parent / "data" / "astronaut.png"
    (tmp_path / "photos").mkdir()
    for name in NAMES:
        shutil.copy(face, tmp_path / "photos" / name)
    return tmp_path / "photos"


def workers_of(process):
    """Numbers of the workers that a process has."""
    listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(process)], capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "inference.batch.worker" in line]


def until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "in vain"
        time.sleep(0.01)
    return value


def is_running(number):
    try:
        return "Z" not in Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def catches(process, number):
    """Whether a process has a handler of its own for a signal."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16) >> (number - 1) & 1


def command(*arguments, **options):
    line = [sys.executable, "-m", "inference", *map(str, arguments)]
    return subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def job(photo, out):
    wishes = {"model": "m", "mesh": False, "views": []}
    return {"photo": str(photo), "matte": None, "folder": str(out), "wishes": wishes, "threads": 1}


def test_cancel_ends_the_workers_at_once(faces, tmp_path):
    """Real processes with the real model, cancelled while they work: none is left, and nothing is half-written."""
    begun, states = [], []

    def progress(fraction, text):
        if begun:  # at once: a worker that is left alone soon has its result
            raise Cancelled

    def changed(item):
        states.append((item.name, item.status))
        if item.status == "working" and not begun:
            begun.append(time.monotonic())

    with pytest.raises(Cancelled):
        run_batch(faces, tmp_path / "out", workers=2, progress=progress, changed=changed)
    assert time.monotonic() - begun[0] < 2.0
    assert [item.status for item in list_photos(faces, tmp_path / "out")] == ["waiting"] * 4
    assert dict(states) == dict.fromkeys(NAMES, "waiting")
    assert [path.name for path in (tmp_path / "out").iterdir()] == []
    assert workers_of(os.getpid()) == []


def test_workers_die_without_stopping_the_batch(faces, tmp_path, monkeypatch):
    """Real processes: without a usable model each photo fails on its own, and nothing is left behind."""
    monkeypatch.setattr("inference.networks.model.load_model", lambda *a, **k: fake_model(tmp_path / "no model"))
    items = run_batch(faces, tmp_path / "out", workers=2)
    assert [item.status for item in items] == ["failed"] * 4
    assert all("no model in" in item.error for item in items)


@pytest.mark.parametrize("name", ("SIGTERM", "SIGINT", "SIGHUP"))
def test_signals_end_a_batch_in_one_line(faces, tmp_path, name):
    """To the whole group, as a terminal and a farm send them, while photos are worked on."""
    number, out = getattr(signal, name), tmp_path / "out"
    process = command("batch", faces, "--out", out, "--workers", 2, "--quiet", start_new_session=True)
    workers = until(lambda: len(found := workers_of(process.pid)) == 2 and found)
    os.killpg(process.pid, number)
    shown, said = process.communicate(timeout=60)
    assert (process.returncode, shown, said) == (128 + number, "", "cancelled\n")
    until(lambda: not any(map(is_running, workers)), 10)
    assert not out.exists() or [path.name for path in out.rglob("*")] == []


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc whether the handler is there")
@pytest.mark.parametrize("delay", (0.0, 0.1, 0.3))
def test_signals_during_imports_end_it_in_one_line(faces, tmp_path, delay):
    process = command("batch", faces, "--out", tmp_path / "out", "--quiet")
    until(lambda: catches(process.pid, signal.SIGTERM))
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "cancelled\n")


def test_a_signal_waits_for_the_end_of_an_import(tmp_path):
    """In its exec() the exception would have Python die of the signal in the end, whatever the exit code."""
    text = "import signal, time\nexec('signal.raise_signal(signal.SIGINT); time.sleep(0.1)')"
    (tmp_path / "slow.py").write_text(text)
    code = f"""
import sys, time
sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]
from inference import signals
try:
    with signals.interrupting():
        import slow
        time.sleep(30)
except KeyboardInterrupt:
    print("interrupted", sys.modules["slow"].time.__name__, signals.received())
sys.exit(130)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "interrupted time 2\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_workers_do_not_outlive_a_killed_batch(faces, tmp_path):
    """kill -9, in the middle of a photo: they end, and the next batch begins at once."""
    process = command("batch", faces, "--out", tmp_path / "out", "--workers", 2, "--quiet")
    workers = until(lambda: len(found := workers_of(process.pid)) == 2 and found)
    process.kill()
    process.communicate()
    until(lambda: not any(map(is_running, workers)), 10)


def test_a_photo_that_kills_its_worker_fails_alone(tmp_path):
    """The next photo gets a new process; what the dead one was writing is deleted."""
    Image.new("RGB", (300, 300)).save(tmp_path / "wall.png")
    worker, answers = Process(SETTINGS), []
    thread = threading.Thread(
        target=lambda: answers.append(worker.run(job(tmp_path / "wall.png", tmp_path / "out"), kill))
    )

    def kill(share, text):
        (number,) = workers_of(os.getpid())
        (tmp_path / "out").mkdir()
        other, half = (tmp_path / "out" / f".unfinished-{owner}-ab" for owner in ("0123456789-1", machine_of(number)))
        for path in (other, half):
            path.write_bytes(b"half")
        os.kill(number, signal.SIGKILL)

    def machine_of(number):
        from inference.temporary import temporary_path

        return temporary_path(tmp_path).name.split("-")[1] + f"-{number}"

    try:
        thread.start()
        thread.join(120)
        assert "the worker process died" in answers[0]
        assert [path.name for path in (tmp_path / "out").iterdir()] == [".unfinished-0123456789-1-ab"]
        assert "no face was found" in worker.run(job(tmp_path / "wall.png", tmp_path / "new"), lambda *_: None)
    finally:
        worker.close()


def test_processes_that_cannot_be_started(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    with pytest.raises(MachineExhausted, match="no process can be started"):
        Process(SETTINGS).run(job(tmp_path / "a.png", tmp_path / "out"), lambda *_: None)


def test_time_limits_leave_no_threads():
    for _ in range(50):
        before = threading.active_count()
        with apart._time_limit(None, None):
            pass
        assert threading.active_count() == before


def test_time_limit(faces, tmp_path):
    worker = Process(SETTINGS | {"seconds": 0.2})
    try:
        assert "took longer than 0.2 seconds" in worker.run(job(faces / "a.png", tmp_path / "out"), lambda *_: None)
    finally:
        worker.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_memory_limit(faces, tmp_path):
    """Too little for the networks: one line, the process goes on or is replaced, and nothing is written."""
    worker = Process(SETTINGS | {"memory": 300})
    try:
        error = worker.run(job(faces / "a.png", tmp_path / "out"), lambda *_: None)
        assert "memory" in error and "\n" not in error and not (tmp_path / "out").exists()
    finally:
        worker.close()


def test_few_open_files(tmp_path):
    """ulimit -n: 16 are enough; below, a line says so, whichever file is the one too many."""
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    Image.new("RGB", (300, 300)).save(photos / "wall.png")
    for files in (7, 8, 9, 10, 12, 16):
        line = f"ulimit -n {files}; exec {sys.executable} -m inference batch {photos} --out {out} --quiet"
        found = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, text=True)
        said = [line for line in found.stderr.splitlines() if "[W:onnxruntime" not in line]  # its own word for it
        assert found.returncode == 2 and said[-1].startswith("error: "), found.stderr
        if "no face was found" in said[0]:
            break
        assert len(said) == 1 and "open" in said[0] and not list(tmp_path.rglob(".unfinished-*"))
    assert "no face was found" in said[0] and files > 7


ROUNDS = int(os.environ.get("ROUNDS", "20"))


@pytest.fixture
def few(tmp_path):
    """A folder of one portrait and two walls."""
    face = Path(pytest.importorskip("skimage").__file__).parent / "data" / "astronaut.png"
    (tmp_path / "photos").mkdir()
    shutil.copy(face, tmp_path / "photos" / "anna.png")
    for name in ("wall.png", "yard.png"):
        Image.new("RGB", (300, 300), (120, 130, 140)).save(tmp_path / "photos" / name)
    return tmp_path / "photos"


def check(photos, out):
    """Everything was done, and nothing else is there."""
    states = {item.name: item.status for item in list_photos(photos, out)}
    assert states == {"anna.png": "done", "wall.png": "failed", "yard.png": "failed"}
    assert sorted(path.name for path in out.iterdir()) == ["anna", "batch.jsonl", "index.html"]
    names = sorted(path.name for path in (out / "anna").iterdir())
    assert names == ["crop.png", "portrait.manifolds", "report.json"]
    load_portrait(out / "anna" / "portrait.manifolds")


@pytest.mark.slow
def test_two_batches_on_one_folder(few, tmp_path):
    """ROUNDS times two commands at once: both say the same, every photo is worked on once."""
    for number in range(ROUNDS):
        out = tmp_path / str(number)
        both = [command("batch", few, "--out", out, "--quiet", "--threads", 1, "--json") for _ in range(2)]
        for process in both:
            shown, said = process.communicate(timeout=300)
            states = {(item := json.loads(line))["name"]: item["status"] for line in shown.splitlines()}
            assert process.returncode == 3 and "Traceback" not in said
            assert states == {"anna.png": "done", "wall.png": "failed", "yard.png": "failed"}
        check(few, out)
        assert len((out / "batch.jsonl").read_text().splitlines()) == 3
