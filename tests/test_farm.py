"""Batches beyond one machine: a Ray cluster on loopback, the OpenJD template and the Flamenco job types, carried out.

They need the dependency group "farm": scripts/run_tests.py -m farm.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from inference.__main__ import main
from inference.batch.items import list_photos
from inference.batch.run import run_batch
from inference.errors import PortraitError

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "farm" / "portraits.openjd.yaml"

pytestmark = pytest.mark.farm


@pytest.fixture
def photos(tmp_path):
    """Two portraits and two walls."""
    face = Path(pytest.importorskip("skimage").__file__).parent / "data" / "astronaut.png"
    (tmp_path / "photos").mkdir()
    for name in ("anna.png", "bert.png"):
        shutil.copy(face, tmp_path / "photos" / name)
    for name in ("wall.png", "yard.png"):
        Image.new("RGB", (300, 300), (120, 130, 140)).save(tmp_path / "photos" / name)
    return tmp_path / "photos"


WANTED = {"anna.png": "done", "bert.png": "done", "wall.png": "failed", "yard.png": "failed"}


def check(photos, out):
    """All was done, once, and nothing else is left."""
    assert {item.name: item.status for item in list_photos(photos, out)} == WANTED
    assert sorted(path.name for path in out.iterdir()) == ["anna", "batch.jsonl", "bert", "index.html"]
    for name in ("anna", "bert"):
        assert {"crop.png", "portrait.manifolds", "report.json"} <= {path.name for path in (out / name).iterdir()}
    assert not list(out.rglob(".unfinished-*"))


@pytest.fixture
def cluster():
    """A Ray cluster whose head does no work."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield made
    made.shutdown()


def test_ray_loses_nothing_with_a_machine(cluster, photos, tmp_path):
    """Two machines of one core; one is killed while both work on photos."""
    machines = [cluster.add_node(num_cpus=1) for _ in range(2)]
    killed = []

    def kill():
        killed.append(True)
        time.sleep(1.0)  # now it is in the middle of a portrait
        cluster.remove_node(machines[1], allow_graceful=False)

    def changed(item):
        states[item.name] = item.status
        if list(states.values()).count("working") == 2 and not killed:
            killed.append(thread := threading.Thread(target=kill))
            thread.start()

    states, out = {}, tmp_path / "out"
    items = run_batch(photos, out, workers=2, ray=cluster.address, changed=changed)
    assert {item.name: item.status for item in items} == WANTED and len(killed) == 2
    killed[0].join()
    check(photos, out)


def test_ray_that_is_not_there(photos, tmp_path):
    pytest.importorskip("ray")
    with pytest.raises(PortraitError, match="cannot be reached"):
        run_batch(photos, tmp_path / "out", ray="127.0.0.1:1")


def openjd(*arguments):
    pytest.importorskip("openjd")
    line = [sys.executable, "-m", "openjd", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, cwd=ROOT / "tests")


def test_openjd_template(photos, tmp_path):
    """It is valid, and its tasks, run one by one, make all portraits; a task with a failed photo says so."""
    assert (done := openjd("check", TEMPLATE)).returncode == 0, done.stdout + done.stderr
    out, failed = tmp_path / "out", 0
    given = {"Program": ROOT, "Photos": photos, "Results": out, "Python": sys.executable, "Parts": 2, "Threads": 1}
    parameters = [text for name, value in given.items() for text in ("-p", f"{name}={value}")]
    for part in (1, 2):
        done = openjd("run", TEMPLATE, "--step", "Portraits", *parameters, "-tp", f"Part={part}")
        assert '"status": "done"' in done.stdout and '"status": "failed"' in done.stdout, done.stdout + done.stderr
        failed += done.returncode != 0
    assert failed == 2
    check(photos, out)


def compiled(file, settings):
    """What a Flamenco manager makes of a job: [{name, type, commands: [{name, parameters}]}]."""
    quickjs = pytest.importorskip("quickjs")
    context = quickjs.Context()
    # What Flamenco's manager gives job types, as far as they use it.
    context.eval("""
        const author = {
            Command: (name, parameters) => ({name, parameters}),
            Task: (name, type) => ({name, type, commands: [], addCommand(command) { this.commands.push(command) }}),
        };
        function frameChunker(frames, size) {
            const [first, last] = frames.split("-").map(Number), chunks = [];
            for (let start = first; start <= last; start += size)
                chunks.push(start == last || size == 1 ? `${start}` : `${start}-${Math.min(start + size - 1, last)}`);
            return chunks;
        }
        const made = [], job = {addTask: task => made.push(task)};
    """)
    context.eval((ROOT / "farm" / file).read_text(encoding="utf-8").replace("const JOB_TYPE", "var JOB_TYPE"))
    known = json.loads(context.eval("JSON.stringify(JOB_TYPE)"))
    values = {}
    for setting in known["settings"]:
        assert setting["type"] in ("string", "int32", "bool", "float") and set(setting) <= {
            "key", "type", "subtype", "required", "default", "description", "visible", "eval",
        }  # fmt: skip
        assert setting["key"] in settings or not setting.get("required"), setting["key"]
        values[setting["key"]] = settings.get(setting["key"], setting.get("default"))
    assert known["label"] and set(settings) <= set(values)
    context.eval(f"job.settings = {json.dumps(values)}; compileJob(job)")
    return json.loads(context.eval("JSON.stringify(made)"))


def test_flamenco_portraits(photos, tmp_path, capsys):
    """The commands of its tasks are the command line's, and make all portraits."""
    out = tmp_path / "out"
    settings = {"photos": str(photos), "results": str(out), "parts": 2, "threads": 1, "views": "-20,20"}
    tasks = compiled("portraits.js", settings)
    assert [task["type"] for task in tasks] == ["blender", "blender"]
    for task in tasks:
        (command,) = task["commands"]
        assert command["name"] == "exec" and command["parameters"]["exe"] == "{blender}"
        assert command["parameters"]["args"][:2] == ["--command", "portrait_manifolds"]
        assert main(command["parameters"]["args"][2:]) == 3
    capsys.readouterr()
    check(photos, out)
    assert (out / "anna" / "view_-20.png").is_file()
    arguments = compiled("portraits.js", settings | {"mesh": True, "parts": 1})[0]["commands"][0]["parameters"]["args"]
    assert "--mesh" in arguments and "1/1" in arguments


def test_flamenco_frames():
    settings = {"blendfile": "/job/scene.blend", "frames": "1-5", "chunk_size": 2, "render_output": "/job/out/####"}
    tasks = compiled("portrait-frames.js", settings)
    commands = [task["commands"][0] for task in tasks]
    assert [command["name"] for command in commands] == ["blender-render"] * 3
    frames = [command["parameters"]["args"][-1] for command in commands]
    assert frames == ["1..2", "3..4", "5"] and commands[0]["parameters"]["blendfile"] == settings["blendfile"]
    engine = (ROOT / "operators" / "engine" / "render_engine.py").read_text(encoding="utf-8")
    assert f'bl_idname = "{commands[0]["parameters"]["args"][1]}"' in engine


def actors():
    """{number: CPU-seconds so far} of the processes that Ray has made for batches on this machine."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"ray::_Remote" in (folder / "cmdline").read_bytes():
                times = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
                found[int(folder.name)] = sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
        except OSError:
            pass  # it has just ended
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_two_ray_workers_take_no_more_than_one(cluster, tmp_path):
    """Photos per CPU-second, with their starts: by the clock two cores that are free then do twice as much."""
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    face = Path(pytest.importorskip("skimage").__file__).parent / "data" / "astronaut.png"
    (tmp_path / "photos").mkdir()
    for number in range(8):
        shutil.copy(face, tmp_path / "photos" / f"{number}.png")
    taken, clock = {}, {}
    for workers in (1, 2):
        seen = {}
        start = time.perf_counter()
        items = run_batch(
            tmp_path / "photos",
            tmp_path / f"by {workers}",
            workers=workers,
            ray=cluster.address,
            changed=lambda item, seen=seen: seen.update(actors()),
        )
        clock[workers], taken[workers] = time.perf_counter() - start, sum(seen.values())
        assert [item.status for item in items] == ["done"] * 8 and len(seen) == workers
    print({workers: f"{8 / taken[workers]:.3f} photos a CPU-second, {clock[workers]:.1f} s" for workers in taken})
    assert taken[1] / taken[2] > 0.7, taken  # a start more, of 8 photos


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_signal_ends_a_ray_batch_in_one_line(cluster, photos, tmp_path):
    """In the middle of photos; no actor is left, and the batch can be resumed."""
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    out = tmp_path / "out"
    line = [sys.executable, "-m", "inference", "batch", photos, "--out", out, "--quiet", "--workers", 2, "--resume"]
    line = [*map(str, line), "--ray", cluster.address]
    process = subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and sum(seconds > 1.5 for seconds in actors().values()) < 2:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[1]
    assert (process.returncode, said) == (128 + signal.SIGTERM, "cancelled\n")
    end = time.monotonic() + 30
    while actors() and time.monotonic() < end:
        time.sleep(0.1)
    assert not actors() and not (out / "batch.jsonl").exists()
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    check(photos, out)
