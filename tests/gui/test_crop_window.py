"""A crop adjusted with the pointer, refined, compared and undone in a real Blender window; and the window in German."""

import json
import os
import shutil
from pathlib import Path

import pytest
from environment import ROOT

from .test_window import SCREEN, Machine, save_screenshots

pytestmark = pytest.mark.gui


def test_crop_in_a_window(tmp_path, extension_zip):
    skimage = pytest.importorskip("skimage")
    machine = Machine(tmp_path)
    shutil.copy(extension_zip, machine.lab / "extension.zip")
    shutil.copy(Path(skimage.__file__).parent / "data" / "astronaut.png", machine.lab / "astronaut.png")
    shutil.copy(ROOT / "tests" / "gui" / "drive_crop.py", machine.lab)
    two_people(machine.lab / "astronaut.png", machine.lab / "people.png")
    install = ["blender", "--command", "extension", "install-file", "-r", "user_default", "--enable"]
    said = machine.run(*install, machine.inside / "extension.zip", timeout=300)
    assert "ERROR" not in said and "Error" not in said, said
    blender = ["blender", "--window-geometry", "0", "0", *SCREEN.split("x"), "--enable-event-simulate"]
    script = ["--python", machine.inside / "drive_crop.py", "--", machine.inside / "astronaut.png"]
    display = ["xvfb-run", "-a", "-s", f"-screen 0 {SCREEN}x24 -noreset"]
    script += [machine.inside / "out", machine.inside / "people.png"]
    said = machine.run(*display, *blender, *script, timeout=900)
    record = machine.lab / "out" / "result.json"
    assert record.exists(), said[-4000:]
    result = json.loads(record.read_text(encoding="utf-8"))
    if keep := os.environ.get("PORTRAIT_MANIFOLDS_SCREENSHOTS"):
        save_screenshots(machine.lab / "out", Path(keep))
    assert result["ok"], result.get("error", "") + said[-3000:]
    done = [step["step"] for step in result["steps"]]
    assert done == [
        "dropped", "escaped", "cropped", "undone and redone", "landmarks", "refined", "compared", "people", "german",
    ]  # fmt: skip


def two_people(portrait, path):
    """A picture of two faces, the right one larger, the left one too small to be without doubt."""
    from PIL import Image

    with Image.open(portrait) as image:
        head = image.convert("RGB").crop((96, 0, 352, 256))
    people = Image.new("RGB", (490, 256), (120, 120, 120))
    people.paste(head.resize((200, 200)), (0, 40))
    people.paste(head, (230, 0))
    people.save(path)
