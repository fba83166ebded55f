"""Painting on the photo in a real Blender window; see test_window.py for what it needs."""

import json
import os
import shutil
from pathlib import Path

import pytest
from environment import ROOT

from .test_window import Machine, save_screenshots

pytestmark = pytest.mark.gui
SCREEN = "1600x1000"


def test_edit_in_a_window(tmp_path, extension_zip):
    skimage = pytest.importorskip("skimage")
    machine = Machine(tmp_path)
    shutil.copy(extension_zip, machine.lab / "extension.zip")
    photo = machine.lab / "astronaut.png"
    shutil.copy(Path(skimage.__file__).parent / "data" / "astronaut.png", photo)
    shutil.copy(ROOT / "tests" / "gui" / "drive_edit.py", machine.lab)
    before = photo.read_bytes()
    install = ["blender", "--command", "extension", "install-file", "-r", "user_default", "--enable"]
    said = machine.run(*install, machine.inside / "extension.zip", timeout=300)
    assert "ERROR" not in said and "Error" not in said, said
    blender = ["blender", "--window-geometry", "0", "0", *SCREEN.split("x"), "--enable-event-simulate"]
    script = ["--python", machine.inside / "drive_edit.py", "--", machine.inside / "astronaut.png"]
    display = ["xvfb-run", "-a", "-s", f"-screen 0 {SCREEN}x24 -noreset"]
    said = machine.run(*display, *blender, *script, machine.inside / "out", timeout=900)
    record = machine.lab / "out" / "result.json"
    assert record.exists(), said[-4000:]
    result = json.loads(record.read_text(encoding="utf-8"))
    if keep := os.environ.get("PORTRAIT_MANIFOLDS_SCREENSHOTS"):
        save_screenshots(machine.lab / "out", Path(keep))
    assert result["ok"], result.get("error", "") + said[-3000:]
    steps = {step["step"]: step for step in result["steps"]}
    assert steps["opened"]["mode"] == "PAINT" and steps["opened"]["shown"]
    assert steps["painted"]["share"] > 0.001 and steps["cancelled"]["same"]
    assert steps["applied"]["another"] and min(steps["applied"]["red"], steps["turned"]["red"]) > 0.001
    assert steps["undone"]["former"] and steps["undone"]["paint_kept"], "undo took the paint, too, or not the portrait"
    assert steps["undone"]["red"] < 0.3 * steps["turned"]["red"] and steps["redone"]["edited"]
    assert steps["strokes undone"] == {"step": "strokes undone", "former": True, "clean": True}
    assert photo.read_bytes() == before
