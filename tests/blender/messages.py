"""Collects every text the user can read: of strings.py, and what engine and operators raise or show as progress."""

import ast
import pathlib

ROOT = pathlib.Path(__file__).parents[2]
SECTION_OF_NAMES = "# Names of what is made"  # of strings.py; names of datablocks are not translated


def texts_of_strings(strings):
    """Every text of the module strings.py but the names of datablocks."""
    source = (ROOT / "operators" / "language" / "strings.py").read_text(encoding="utf-8")
    section = source.split(SECTION_OF_NAMES)[1].split("\n# ")[0]
    names = {target.id for node in ast.parse(section.partition("\n")[2]).body for target in node.targets}
    found = set()

    def collect(value):
        if isinstance(value, str):
            found.add(str(value))
        elif isinstance(value, dict):
            collect(tuple(value.values()))
        elif isinstance(value, tuple):
            for part in value:
                collect(part)

    for name, value in vars(strings).items():
        if name.isupper() and name not in names:
            collect(value)
    return found - {""}


def raised_texts(errors):
    """{text: where} of every error of the module `errors` that engine or operators raise with a text of their own.

    f-strings become texts with fields, called after the variable that fills them: f"{a.name!r} is {len(b)}" is
    "{name} is {value0}". The command line's own errors are left out; Blender never shows them.
    """
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, ValueError)}
    return {text: where for text, where in _texts(_is_error(kinds)) if text}


def progress_texts():
    """{text: where} of every step that is shown while a job runs, and of warnings in reports."""
    return {text: where for text, where in _texts(_is_progress) if text}


def literal_reports():
    """Where operators or panels show a text that does not stand in strings.py."""
    shown = {"text", "name", "description", "bl_label", "bl_description"}
    for path in [*sorted((ROOT / "operators").rglob("*.py")), *sorted((ROOT / "ui").glob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call) and _called(node) in ("report", "poll_message_set"):
                yield from ((where, text) for text in map(_template, node.args) if text)
            elif isinstance(node, ast.Call) and _called(node) in ("label", "operator", "prop", "menu", "progress"):
                values = (keyword.value for keyword in node.keywords if keyword.arg in shown)
                yield from ((where, text) for text in map(_template, values) if text and text.strip(" {}0"))
            elif isinstance(node, ast.Call) and _called(node).endswith("Property"):
                values = (keyword.value for keyword in node.keywords if keyword.arg in shown)
                yield from ((where, text) for text in map(_template, values) if text)
            elif isinstance(node, ast.Assign) and _assigned(node) in ("bl_label", "bl_description"):
                if text := _template(node.value):
                    yield where, text


def _texts(wanted):
    folders = (ROOT / "inference").rglob("*.py"), (ROOT / "operators").rglob("*.py")
    for path in (path for folder in folders for path in sorted(folder) if path.name != "__main__.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield from ((_template(part), f"{path.name}:{node.lineno}") for part in wanted(node))
            elif wanted is _is_progress and isinstance(node, ast.Assign) and _assigned(node) == "STAGES":
                yield from ((_template(part), f"{path.name}:{node.lineno}") for part in node.value.elts)


def _is_error(kinds):
    return lambda node: node.args[:1] if _called(node) in kinds else ()


def _is_progress(node):
    name = _called(node)
    if name in ("progress", "report") and len(node.args) == 2 and not isinstance(node.args[0], ast.Set):
        return node.args[1:]
    if name == "stage" and len(node.args) >= 3:
        return node.args[2:3]
    if name == "Doubt":
        return node.args[1:]
    return ()


def _assigned(node):
    return getattr(node.targets[0], "id", "")


def _called(node):
    return getattr(node.func, "id", None) or getattr(node.func, "attr", "")


def _template(node):
    """Text of a constant or an f-string, "" of anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return ""
    text, unnamed = "", 0
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += part.value
            continue
        name = getattr(part.value, "id", None) or getattr(part.value, "attr", None)
        if name is None:
            name, unnamed = f"value{unnamed}", unnamed + 1
        text += "{" + name + "}"
    return text
