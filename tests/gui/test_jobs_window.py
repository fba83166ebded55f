"""Jobs, batch and preferences in a real Blender window; see test_window.py for what it needs."""

import pytest

from .test_window import Machine

pytestmark = pytest.mark.gui
SCREEN = "1280x1500"  # tall, so that the whole sidebar is seen


def test_jobs_window(tmp_path, extension_zip):
    machine = Machine(tmp_path, extension_zip)
    result = machine.drive("drive_jobs.py", screen=SCREEN, timeout=1200)
    record = machine.lab / "out" / "result.json"
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
    assert machine.ended - record.stat().st_mtime < 15, "Blender took long to quit during a job"
    assert not list(machine.lab.glob("**/.unfinished-*"))
    assert steps["gaps"]["turn_ms"] <= 50.0, steps["gaps"]
    if 0.0 < steps["gaps"]["idle_ms"] < 25.0:  # else the machine is too busy, or draws too slowly, to tell
        assert steps["gaps"]["working_ms"] <= 50.0, steps["gaps"]
    print(steps["gaps"], steps["cancel_running"])
