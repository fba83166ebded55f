"""Imports point one way: ui -> operators -> inference and training -> inference, and in each folder downwards."""

import ast
import graphlib
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
# The rooms of each folder, from the ground up: subfolders, and modules that lie in the folder itself. A room may import
# what is on its own floor or below; no two rooms import each other. Imports inside functions count like all others.
FLOORS = {
    "inference": (
        "apart archives errors files limits log own_arrays progress report signals temporary threads",
        "geometry",
        "photo",
        "networks",
        "alignment",
        "inversion",
        "older_portraits portrait",
        "view mesh splats editing",
        "head",
        "pipeline",
        "batch trial",
        "__main__",
    ),
    "operators": (
        "language",
        "datablocks work",
        "state",
        "engine models",
        "batch crop portrait preferences service",
        "handlers",
        "__init__",
    ),
    "training": (
        "errors",
        "model",
        "aligner completing data evaluation head pack peers run synthetic weights",
        COMMANDS := "commands",  # every module that lies in the folder itself
    ),
    "ui": ("doubts face_list job_list preset_menus", "panels", "batch_panel menus", "__init__"),
}
IN_BLENDER = {  # scripts that a Blender of their own runs, not imported by others
    "training/synthetic/cycles_render.py",
    "training/synthetic/strands.py",
}


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


def imports_of(folder, root=ROOT):
    """{module: {module it imports: line}} of the modules of a folder, by names such as "operators.state.folders"."""
    found = {}
    for path in sorted((root / folder).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph = {}
    for name, path in found.items():
        graph[name] = targets = {}
        package = path.relative_to(root).parts[:-1]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                wanted = [(alias.name, "") for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                above = package[: len(package) - node.level + 1] if node.level else ()
                base = ".".join([*above, *([node.module] if node.module else [])])
                wanted = [(f"{base}.{alias.name}", base) for alias in node.names]
            else:
                continue
            for module, otherwise in wanted:  # from x import y: the module x.y, or y of the module x
                target = module if module in found else otherwise
                if target in found and target != name:
                    targets.setdefault(target, node.lineno)
    return graph


def room_of(module):
    """"state" of "operators.state.folders", "__init__" of "operators"."""
    return (*module.split(".")[1:], "__init__")[0]


def rooms_of(graph):
    """{room: {room it imports}} of what :func:`imports_of` returns."""
    rooms = {}
    for module, targets in graph.items():
        others = {room_of(target) for target in targets} - {room_of(module)}
        rooms.setdefault(room_of(module), set()).update(others)
    return rooms


def circle(graph):
    """A circle of the graph {node: nodes}, or None."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return None


def upward_imports(graph, floors):
    """["where imports what"] of imports that point to a higher floor."""
    level = {room: number for number, rooms in enumerate(floors) for room in rooms.split()}
    folders = {module.rpartition(".")[0].partition(".")[2] for module in graph if module.count(".") >= 2}

    def floor(module):
        room = room_of(module)
        if room not in folders and COMMANDS in level:
            return level.get(room, level[COMMANDS])
        assert room in level, f"{module} has no floor yet: give {room} one"
        return level[room]

    return [
        f"{module}, line {line}, imports {target}"
        for module, targets in graph.items()
        for target, line in targets.items()
        if floor(target) > floor(module)
    ]


@pytest.mark.parametrize("folder", FLOORS)
def test_no_circle_of_modules_or_rooms(folder):
    graph = imports_of(folder)
    assert len(graph) > 5 and any(graph.values())
    assert circle(graph) is None
    assert circle(rooms_of(graph)) is None


@pytest.mark.parametrize("folder", FLOORS)
def test_no_import_points_upwards(folder):
    wrong = upward_imports(imports_of(folder), FLOORS[folder])
    assert not wrong, "\n".join(wrong)


def test_circles_and_upward_imports_are_found(tmp_path):
    """Also those inside functions, of packages, and between rooms whose modules make no circle."""
    sources = {
        "house/__init__.py": "from .top import last",
        "house/ground/stone.py": "def late():\n    from ..top import first",
        "house/ground/sand.py": "import house.ground.stone",
        "house/top/first.py": "",
        "house/top/last.py": "from ..ground import sand",
    }
    for name, source in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    graph = imports_of("house", tmp_path)
    assert graph["house.ground.sand"] == {"house.ground.stone": 1} and graph["house.top.first"] == {}
    assert circle(graph) is None and set(circle(rooms_of(graph))) == {"ground", "top"}
    floors = ("ground", "top", "__init__")
    assert upward_imports(graph, floors) == ["house.ground.stone, line 2, imports house.top.first"]
    (tmp_path / "house/top/first.py").write_text("from .. import top\nfrom ..ground.sand import grain")
    assert set(circle(imports_of("house", tmp_path))) == {"house.ground.sand", "house.ground.stone", "house.top.first"}


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
