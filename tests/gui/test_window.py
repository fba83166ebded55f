"""The extension in a real Blender window: install the zip, drop a photo, invert, look, render, extract, save, reopen.

`-m gui` needs a Blender with a window, Xvfb and ImageMagick: in the folder $PORTRAIT_MANIFOLDS_GUI_ROOT (a Debian
system to chroot into; default ~/.cache/blender-trixie), or installed on this machine if that folder is missing.
With $PORTRAIT_MANIFOLDS_SCREENSHOTS set to a folder the pictures are kept there.
"""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from environment import ROOT

pytestmark = pytest.mark.gui
SCREEN = "1280x800"


class Machine:
    """Where Blender runs, a chroot or this system, with the extension installed.

    `lab` is a folder both sides see, `inside` its name there; in it lies the photo of an astronaut.
    """

    def __init__(self, tmp_path, archive):
        photo = Path(pytest.importorskip("skimage").__file__).parent / "data" / "astronaut.png"
        root = Path(os.environ.get("PORTRAIT_MANIFOLDS_GUI_ROOT", Path.home() / ".cache" / "blender-trixie"))
        if (root / "usr" / "bin" / "blender").exists():
            self.lab, self.inside, self.prefix = root / "lab" / "gui_test", Path("/lab/gui_test"), ["chroot", str(root)]
        elif shutil.which("blender") and shutil.which("xvfb-run") and shutil.which("import"):
            self.lab, self.inside, self.prefix = tmp_path / "lab", tmp_path / "lab", []
        else:
            pytest.skip("no Blender with a window here; see the head of this file")
        shutil.rmtree(self.lab, ignore_errors=True)
        (self.lab / "out").mkdir(parents=True)
        shutil.copy(photo, self.lab)
        shutil.copy(archive, self.lab / "extension.zip")
        install = ["blender", "--command", "extension", "install-file", "-r", "user_default", "--enable"]
        said = self.run(*install, self.inside / "extension.zip", timeout=300)
        assert "ERROR" not in said and "Error" not in said, said

    def run(self, *command, timeout):
        """Run a command with a home of its own; returns what it printed."""
        environment = ["env", f"HOME={self.inside / 'home'}", "LC_ALL=C.UTF-8"]
        (self.lab / "home").mkdir(exist_ok=True)
        done = subprocess.run(
            [*self.prefix, *environment, *map(str, command)], capture_output=True, text=True, timeout=timeout
        )
        return done.stdout + done.stderr

    def drive(self, script, *files, screen=SCREEN, timeout=900):
        """Let a script drive a Blender with a window; files: of the lab, for it. Returns its result.

        It must say that all went well. `ended` is when Blender had quit, as of time.time().
        """
        for name in (script, "driver.py"):
            shutil.copy(ROOT / "tests" / "gui" / name, self.lab)
        display = ["xvfb-run", "-a", "-s", f"-screen 0 {screen}x24 -noreset"]
        blender = ["blender", "--window-geometry", "0", "0", *screen.split("x"), "--enable-event-simulate"]
        arguments = [self.inside / name for name in ("astronaut.png", "out", *files)]
        said = self.run(*display, *blender, "--python", self.inside / script, "--", *arguments, timeout=timeout)
        self.ended = time.time()
        record = self.lab / "out" / "result.json"
        assert record.exists(), said[-4000:]
        result = json.loads(record.read_text(encoding="utf-8"))
        if keep := os.environ.get("PORTRAIT_MANIFOLDS_SCREENSHOTS"):
            save_screenshots(self.lab / "out", Path(keep))
        assert result["ok"], result.get("error", "") + said[-3000:]
        return result


def test_window(tmp_path, extension_zip):
    machine = Machine(tmp_path, extension_zip)
    command = ["blender", "--command", "portrait_manifolds", "invert", machine.inside / "astronaut.png"]
    said = machine.run(*command, "--out", machine.inside / "cli", "--quiet", timeout=300)
    assert (machine.lab / "cli" / "portrait.manifolds").is_file(), said

    result = machine.drive("drive_window.py")
    steps = {step["step"]: step for step in result["steps"]}
    fractions = [fraction for fraction, _ in result["inversion"]]
    assert fractions == sorted(fractions), "progress went backwards"
    assert len(set(fractions)) > 2, "progress stood still: Blender's window was blocked"
    assert steps["cancel"]["seconds"] < 1.0
    assert steps["rendered"]["engine"] == "PORTRAIT_MANIFOLDS"
    assert min(*steps["rendered"]["coloured"], steps["orbited"]["coloured"]) > 0.1, "the portrait is not seen"
    assert steps["orbited"]["changed"] > 0.1, "the rendered view did not follow the orbit"
    for device in ("CPU", "GPU"):
        orbit = steps[f"orbit at 60 Hz, {device}"]  # a machine without a GPU draws its window a few times a second only
        assert orbit["pictures"] >= min(orbit["draws"] // 2, 10) > 0, "the picture froze while the view moved"
        axis = steps[f"axis behind the face, {device}"]
        assert axis["beside"] > 100 and axis["before"] < 0.05 * axis["beside"], "the axis shows through the face"
    assert steps["background"]["changed"] > 0.1, "the background did not appear in the rendered view"
    assert steps["f12"]["size"] == [512, 512] and steps["f12"]["varied"] > 0.1
    assert steps["mesh"]["vertices"] > 5000 and steps["mesh"]["parent"] == steps["drop"]["portrait"]
    assert steps["reopened"]["stored"].startswith("//"), "the file did not keep its portrait beside it"
    assert steps["reopened"]["difference"] < 0.01, "the reopened file looks different"
    assert steps["reopened undo"]["coloured"] > 0.1, "the reopened portrait is not seen after an undo"
    assert steps["closed while it draws"]["working"] == []


def save_screenshots(source, target):
    """Write the pictures as small PNGs: 256 colours are enough for an interface."""
    from PIL import Image

    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(source.glob("*.png")):
        with Image.open(file) as picture:
            small = picture.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        small.save(target / f"window_{file.stem}.png", optimize=True)
