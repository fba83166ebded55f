"""The project's virtual environment `.venv`: made, filled and checked by one call, quick when nothing changed.

Needs only Python 3.11 and pip. Run as a script it sets up everything the demo and the tests use:
`python3.11 scripts/environment.py [--groups runtime test blender]`. With `--training` it sets up `.venv-training`,
which has torch and any Python from 3.11 on; `--evaluation` adds what only evaluation needs, and `--labels` sets up
`.venv-labels` with MediaPipe (both: Python 3.11 or 3.12).
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
DEFAULT_GROUPS = ("runtime", "test", "blender")
TRAINING_VENV = ROOT / ".venv-training"
TRAINING_GROUPS = ("runtime", "test", "training")
FARM_GROUPS = ("farm",)  # into .venv
EVALUATION_GROUPS = ("evaluation",)  # into .venv-training
LABELS_VENV = ROOT / ".venv-labels"
LABELS_GROUPS = ("labels",)

# Shared libraries that the bpy wheel links against but does not carry, and the Debian/Ubuntu package of each.
SYSTEM_LIBRARIES = {
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libXext.so.6": "libxext6",
    "libXt.so.6": "libxt6",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
}


class SetupError(RuntimeError):
    """The environment cannot be made; the message says what to do."""


def settings() -> dict:
    """Content of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements(groups=DEFAULT_GROUPS) -> list[str]:
    """Requirement lines of the named dependency groups, in order, each once."""
    known = settings()["dependency-groups"]
    return list(dict.fromkeys(line for group in groups for line in known[group]))


def pins() -> dict[str, str]:
    """Requirement line by normalised distribution name (`opencv-python-headless`) of the runtime group."""
    return {re.split(r"[<>=!~ ;\[]", line)[0].lower().replace("_", "-"): line for line in requirements(["runtime"])}


def venv_python(folder: Path = VENV) -> Path:
    """The interpreter inside a virtual environment, on any system."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def create_venv(folder: Path, lines: list[str], base: str | None = None) -> Path:
    """Make `folder` a virtual environment holding the requirement `lines`; nothing is done if it already does.

    Parameters
    ----------
    folder : Path
    lines : list of str
        Requirement lines or wheel paths for pip.
    base : str, optional
        Interpreter to base it on; the running one by default.

    Returns
    -------
    Path
        The environment's interpreter.
    """
    base = base or sys.executable
    stamp = folder / "installed.json"
    wanted = {"base": str(Path(base).resolve()), "requirements": ["pip", *lines]}
    key = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
    python = venv_python(folder)
    if python.exists() and stamp.exists() and json.loads(stamp.read_text(encoding="utf-8")).get("key") == key:
        return python

    if shutil.disk_usage(folder.parent if folder.parent.exists() else ROOT).free < 3e9:
        raise SetupError(f"Less than 3 GB free on the disk of {folder.parent}: make room, then run this again.")
    print(f"Setting up {folder} (up to 1.5 GB, once) ...", flush=True)
    stamp.unlink(missing_ok=True)
    # Filled by the outer pip, which also works where Debian splits ensurepip off.
    if Path(base).resolve() == Path(sys.executable).resolve():
        venv.create(folder, clear=True, symlinks=os.name != "nt", with_pip=False)
    else:
        subprocess.run([base, "-m", "venv", "--clear", "--without-pip", str(folder)], check=True)
    install(python, wanted["requirements"])
    stamp.write_text(json.dumps({"key": key, **wanted}, indent=1), encoding="utf-8")
    return python


def install(python: Path, lines: list[str]) -> None:
    """Install requirement lines beside what an environment has. Raises SetupError."""
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    done = subprocess.run([*pip, "install", "--quiet", "--no-input", *lines])
    if done.returncode:
        raise SetupError(
            "pip could not install the requirements (its message is above). Needed: pip 22.3 or newer "
            f"(`{sys.executable} -m pip install --upgrade pip`) and a reachable package index."
        )


def missing_libraries() -> dict[str, str]:
    """Shared libraries bpy needs that this Linux lacks, with the Debian package of each; empty elsewhere."""
    if not sys.platform.startswith("linux"):
        return {}
    missing = {}
    for library, package in SYSTEM_LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing[library] = package
    return missing


def ensure_libraries() -> None:
    """Raise SetupError naming the missing system libraries; a CI job running as root installs them instead."""
    missing = missing_libraries()
    if not missing:
        return
    packages = sorted(set(missing.values()))
    automatic = os.environ.get("CI") == "true" and os.geteuid() == 0 and shutil.which("apt-get")
    if automatic:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-q"], env=environment, check=True, stdout=subprocess.DEVNULL)
        install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
        subprocess.run(install, env=environment, check=True, stdout=subprocess.DEVNULL)
        missing = missing_libraries()
    if missing:
        raise SetupError(
            f"Blender's Python module needs system libraries that are not here: {', '.join(sorted(missing))}.\n"
            f"On Debian or Ubuntu: sudo apt-get install {' '.join(packages)}"
        )


def ensure(groups=DEFAULT_GROUPS) -> Path:
    """Set up `.venv` with the given dependency groups and return its interpreter."""
    if Path(sys.prefix).resolve() == VENV.resolve():
        return Path(sys.executable)
    if sys.version_info[:2] != (3, 11):
        raise SetupError(
            f"This is Python {sys.version.split()[0]}; Blender's module bpy 4.5 exists for Python 3.11 only. "
            "Run the same command with python3.11 (Windows: py -3.11)."
        )
    if "blender" in groups:
        ensure_libraries()
    return create_venv(VENV, requirements(groups))


def ensure_farm() -> Path:
    """Set up `.venv` with Ray and what the tests of farm/ use as well, and return its interpreter."""
    python = ensure()
    install(python, requirements(FARM_GROUPS))
    return python


def ensure_training() -> Path:
    """Set up `.venv-training` with torch for the training system and return its interpreter."""
    if Path(sys.prefix).resolve() == TRAINING_VENV.resolve():
        return Path(sys.executable)
    return create_venv(TRAINING_VENV, requirements(TRAINING_GROUPS))


def ensure_evaluation() -> Path:
    """Set up `.venv-training` with what only evaluation needs as well, and return its interpreter."""
    python = ensure_training()
    install(python, requirements(EVALUATION_GROUPS))
    return python


def ensure_labels() -> Path:
    """Set up `.venv-labels` with MediaPipe, for the labels of photos, and return its interpreter."""
    return create_venv(LABELS_VENV, requirements(LABELS_GROUPS))


def command_line() -> argparse.ArgumentParser:
    """What can be asked for: one environment at a time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--groups", nargs="+", help=f"dependency groups of pyproject.toml ({' '.join(DEFAULT_GROUPS)})")
    for make, text in (
        (ensure_farm, "make .venv and add Ray and what the tests of farm/ use"),
        (ensure_training, "make .venv-training, the environment of training/"),
        (ensure_evaluation, "make .venv-training and add what only evaluation needs"),
        (ensure_labels, "make .venv-labels, which has MediaPipe"),
    ):
        name = make.__name__.removeprefix("ensure_")
        kinds.add_argument(f"--{name}", dest="make", action="store_const", const=make, help=text)
    return parser


def main() -> int:
    arguments = command_line().parse_args()
    print(arguments.make() if arguments.make else ensure(tuple(arguments.groups or DEFAULT_GROUPS)))
    return 0


def run(entry) -> None:
    """Run a script's main function; a SetupError becomes its message and exit code 2."""
    try:
        code = entry()
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    sys.exit(code)


if __name__ == "__main__":
    run(main)
