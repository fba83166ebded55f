"""The commands of docs/training.md, in the order in which a reader types them."""

import dataclasses
import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
INTERPRETERS = ("python", ".venv/bin/python", ".venv-labels/bin/python")


@dataclasses.dataclass(frozen=True)
class Command:
    """``interpreter -m module arguments`` of a line of the guide."""

    interpreter: str
    module: str
    arguments: tuple

    def __str__(self):
        return f"{self.module} {' '.join(self.arguments)}"

    @property
    def path(self):
        """The file that is run."""
        place = ROOT.joinpath(*self.module.split("."))
        return place / "__main__.py" if place.is_dir() else place.with_suffix(".py")


def lines():
    """All command lines, each as a list of words."""
    blocks = re.findall(r"```bash\n(.*?)```", GUIDE, flags=re.S)
    return [shlex.split(line) for block in blocks for line in block.replace("\\\n", " ").splitlines()]


def commands():
    """Those that run a module."""
    return [Command(line[0], line[2], tuple(line[3:])) for line in lines() if line[1] == "-m"]


def named_in_text():
    """Modules that the text calls by ``training.name``, beside the commands."""
    return set(re.findall(r"`(training(?:\.[a-z_]+)+)`", GUIDE))
