"""Jobs, batch and preferences in a real Blender window; see test_window.py for what it needs."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from environment import ROOT

from .test_window import Machine, save_screenshots

pytestmark = pytest.mark.gui
SCREEN = "1280x1500"  # tall, so that the whole sidebar is seen


def test_jobs_window(tmp_path, extension_zip):
    skimage = pytest.importorskip("skimage")
    machine = Machine(tmp_path)
    shutil.copy(extension_zip, machine.lab / "extension.zip")
    shutil.copy(Path(skimage.__file__).parent / "data" / "astronaut.png", machine.lab / "astronaut.png")
    shutil.copy(ROOT / "tests" / "gui" / "drive_jobs.py", machine.lab)
    install = ["blender", "--command", "extension", "install-file", "-r", "user_default", "--enable"]
    said = machine.run(*install, machine.inside / "extension.zip", timeout=300)
    assert "ERROR" not in said and "Error" not in said, said

    blender = ["blender", "--window-geometry", "0", "0", *SCREEN.split("x"), "--enable-event-simulate"]
    script = ["--python", machine.inside / "drive_jobs.py", "--", machine.inside / "astronaut.png"]
    display = ["xvfb-run", "-a", "-s", f"-screen 0 {SCREEN}x24 -noreset"]
    said = machine.run(*display, *blender, *script, machine.inside / "out", timeout=1200)
    ended = time.time()
    record = machine.lab / "out" / "result.json"
    assert record.exists(), said[-4000:]
    result = json.loads(record.read_text(encoding="utf-8"))
    keep = os.environ.get("PORTRAIT_MANIFOLDS_SCREENSHOTS")
    if keep:
        save_screenshots(machine.lab / "out", Path(keep))
    assert result["ok"], result.get("error", "") + said[-3000:]
    steps = {step["step"]: step for step in result["steps"]}
    assert steps["queue"]["pending"] == 3 and steps["queue"]["waiting"] == 2
    assert steps["queue_done"]["made"] == [True, True, False]
    assert steps["cancel_waiting"]["seconds"] <= 0.2 and steps["cancel_running"]["seconds"] <= 0.2
    assert steps["undo"]["problems"] == []
    assert "portrait_manifolds.crop_by_hand" in steps["problem"]["repairs"]
    assert steps["repaired"] == {"step": "repaired", "use_crop": True, "problems": 0}
    states = steps["batch_after"]["states"]
    assert states == dict.fromkeys(("anna.png", "bert.png", "carl.png", "dora.png"), "done") | {"wall.png": "failed"}
    assert steps["install_model"]["chosen"].startswith("mine-") and steps["install_model"]["problems"] == []
    assert steps["quit"] == {"step": "quit", "batch": True, "job": True}
    assert ended - record.stat().st_mtime < 15, "Blender took long to quit during a job"
    assert not list(machine.lab.glob("**/.unfinished-*"))
    assert steps["gaps"]["turn_ms"] <= 50.0, steps["gaps"]
    if steps["gaps"]["idle_ms"] < 25.0:  # else the machine is too busy, or draws too slowly, to tell
        assert steps["gaps"]["working_ms"] <= 50.0, steps["gaps"]
    print(steps["gaps"], steps["cancel_running"])
