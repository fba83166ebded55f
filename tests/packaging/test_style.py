"""The linter is content with every file, and the engine's public functions say what they take and give."""

import ast
import subprocess
import sys

from environment import ROOT


def test_ruff():
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def public_functions(body):
    """Functions of a module and methods of its public classes that others may call."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body)
        elif isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name == "__call__"):
            yield node


def test_public_functions_of_the_engine_are_annotated():
    bare = []
    for path in sorted((ROOT / "inference").rglob("*.py")):
        for function in public_functions(ast.parse(path.read_text(encoding="utf-8")).body):
            given = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
            names = [one.arg for one in given if one.annotation is None and one.arg not in ("self", "cls")]
            if names or function.returns is None:
                bare.append(f"{path.relative_to(ROOT)}:{function.lineno} {function.name} {' '.join(names)}")
    assert not bare, "\n".join(bare)


def test_no_parameter_hides_a_function_beside_it():
    """One name, one thing: a parameter called like a function or a module-level import of the same file is two."""
    twice = []
    for path in sorted((ROOT / "inference").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        for node in tree.body:
            if isinstance(node, ast.ImportFrom):
                names |= {alias.asname or alias.name for alias in node.names}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                hidden = names & {one.arg for one in node.args.args + node.args.kwonlyargs}
                twice += [f"{path.relative_to(ROOT)}:{node.lineno} {node.name}({', '.join(hidden)})"] if hidden else []
    assert not twice, "\n".join(twice)
