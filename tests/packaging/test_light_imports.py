"""What is imported when: nothing heavy while the extension is enabled, and the engine by its relative name."""

import ast

from environment import ROOT

HEAVY = {"onnxruntime", "cv2", "skimage", "trimesh", "PIL", "scipy", "torch", "tqdm", "mcubes"}


def modules(folder):
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path, top_level_only=False):
    """Absolute dotted names a module imports, relative ones resolved against the repository."""
    package = list(path.relative_to(ROOT).with_suffix("").parts[:-1])
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in executed(tree) if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            prefix = base + (node.module.split(".") if node.module else [])
            if len(prefix) > (0 if node.level else 1) or node.module:
                yield ".".join(prefix)
            yield from (".".join([*prefix, alias.name]) for alias in node.names)


def executed(tree):
    """Nodes that run when the module is imported: what is not in functions nor only for type checkers."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            continue
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting.extend(ast.iter_child_nodes(node))


def test_engine_imports_are_relative():
    """In Blender the engine is not called `inference`."""
    wrong = [
        str(path.relative_to(ROOT))
        for path in modules("inference")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "inference")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "inference" for alias in node.names))
    ]
    assert not wrong


def test_registration_imports_nothing_heavy():
    """Follow what importing the extension executes."""
    seen, waiting, wrong = set(), [ROOT / "__init__.py", *modules("operators"), *modules("ui")], []
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imports(path, top_level_only=True):
            if name.split(".")[0] in HEAVY:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
            stem = ROOT.joinpath(*name.split("."))
            waiting.extend(file for file in (stem.with_suffix(".py"), stem / "__init__.py") if file.is_file())
    assert not wrong


def test_the_check_sees_imports(tmp_path):
    path = ROOT / "inference" / "__init__.py"
    tree = ast.parse("if True:\n    import cv2\ndef f():\n    import torch\nif TYPE_CHECKING:\n    import PIL\n")
    names = [node.names[0].name for node in executed(tree) if isinstance(node, ast.Import)]
    assert names == ["cv2"] and path.is_file()
