"""Imports point one way: ui -> operators -> inference and training -> inference; nothing else."""

import ast
import subprocess
import sys

import pytest
from environment import ROOT

# What the modules of a folder must never import.
FORBIDDEN = {
    "inference": {"bpy", "bpy_extras", "bmesh", "mathutils", "torch", "operators", "ui", "training"},
    "operators": {"torch", "ui", "training"},
    "ui": {"torch", "training"},
    "training": {"bpy", "operators", "ui"},
}
IN_BLENDER = {"training/synthetic/cycles_render.py"}  # scripts that a Blender of their own runs, not imported by others


def imported_modules(path, folder):
    """First names of the modules that the file imports; relative imports seen from the repository root."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0], node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            if base:
                yield base[0], node.lineno
            else:  # from .. import operators, from ..operators import base
                yield from (((node.module or alias.name).split(".")[0], node.lineno) for alias in node.names)


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_imports_point_one_way(folder):
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.relative_to(ROOT).as_posix() not in IN_BLENDER
        for module, line in imported_modules(path, folder)
        if module in FORBIDDEN[folder]
    ]
    assert not wrong, "\n".join(wrong)


def test_inference_loads_neither_bpy_nor_torch():
    """Also not through its libraries: the engine runs where neither is installed."""
    files = (path.relative_to(ROOT).with_suffix("") for path in (ROOT / "inference").rglob("*.py"))
    modules = sorted(".".join(file.parts) for file in files if not file.stem.startswith("__"))
    code = (
        "import importlib, sys\n"
        "for name in ('bpy', 'torch', 'scipy'):\n"  # scipy: the extension zip does not carry it
        "    sys.modules[name] = None\n"
        f"for name in {modules}:\n"
        "    importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
