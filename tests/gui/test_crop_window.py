"""A crop adjusted with the pointer, refined, compared and undone in a real Blender window; and the window in German."""

import pytest

from .test_window import Machine

pytestmark = pytest.mark.gui


def test_crop_in_a_window(tmp_path, extension_zip):
    machine = Machine(tmp_path, extension_zip)
    two_people(machine.lab / "astronaut.png", machine.lab / "people.png")
    result = machine.drive("drive_crop.py", "people.png")
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
