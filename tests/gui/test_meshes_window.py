"""Proxy, head and mesh in a real Blender window; see test_window.py for what it needs."""

import pytest

from .test_window import Machine

pytestmark = pytest.mark.gui
SCREEN = "1600x1000"


def test_meshes_in_a_window(tmp_path, extension_zip):
    result = Machine(tmp_path, extension_zip).drive("drive_meshes.py", screen=SCREEN)
    steps = {step["step"]: step for step in result["steps"]}
    assert steps["proxy"]["coloured"] > 0.02 and steps["proxy"]["clicked"]
    assert steps["head"]["keys"] >= 52 and steps["head"]["photo"] and steps["head"]["coloured"] > 0.02
    assert steps["posed"]["changed"] > 0.002
    assert steps["round trip"] == {"step": "round trip", "pieces": True, "keys": steps["head"]["keys"]}
    assert steps["closed"]["watertight"] and steps["closed"]["groups"] == ["cloth", "hair", "skin"]
    assert steps["light"]["changed"] > 0.01
    assert steps["asset"] == {"step": "asset", "marked": True, "preview": [256, 256]}
