"""Painting on the photo in a real Blender window; see test_window.py for what it needs."""

import pytest

from .test_window import Machine

pytestmark = pytest.mark.gui
SCREEN = "1600x1000"


def test_edit_in_a_window(tmp_path, extension_zip):
    machine = Machine(tmp_path, extension_zip)
    photo = machine.lab / "astronaut.png"
    before = photo.read_bytes()
    result = machine.drive("drive_edit.py", screen=SCREEN)
    steps = {step["step"]: step for step in result["steps"]}
    assert steps["opened"]["mode"] == "PAINT" and steps["opened"]["shown"]
    assert steps["painted"]["share"] > 0.001 and steps["cancelled"]["same"]
    assert steps["applied"]["another"] and min(steps["applied"]["red"], steps["turned"]["red"]) > 0.001
    assert steps["undone"]["former"] and steps["undone"]["paint_kept"], "undo took the paint, too, or not the portrait"
    assert steps["undone"]["red"] < 0.3 * steps["turned"]["red"] and steps["redone"]["edited"]
    assert steps["strokes undone"] == {"step": "strokes undone", "former": True, "clean": True}
    assert photo.read_bytes() == before
