"""Every command in the README works: the engine's commands run here, the others where KNOWN says."""

import ast
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODEL = ROOT / "models" / "default" / "card.json"

# Commands that are not run here, and the test that runs them.
KNOWN = {
    "make demo": "tests/packaging/test_install.py",  # the same script, smaller
    "make test": ".ci/run",
    "python3.11 scripts/build_extension.py": "tests/packaging/test_zip.py",
    "python3.11 scripts/build_extension.py --platforms linux-x64": "tests/packaging/test_zip.py",
    "python3.11 scripts/build_extension.py --platforms linux-x64 --gpu": "tests/packaging/test_zip.py",
    "python3.11 scripts/run_tests.py -m slow": ".ci/run",
    "python3.11 scripts/run_tests.py -m blender_matrix": "tests/packaging/test_install.py",
    "python3.11 scripts/run_tests.py -m gui": "tests/gui/test_window.py",
    "blender --command portrait_manifolds invert photo.jpg --out out": "tests/gui/test_window.py",
}


def blocks(language):
    """Contents of the README's code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.S)


COMMANDS = [line for block in blocks("bash") for line in block.splitlines() if line.strip()]
ENGINE = [line for line in COMMANDS if line.startswith("python -m inference")]


def test_every_command_is_run_somewhere():
    rest = [line for line in COMMANDS if line not in ENGINE]
    assert set(rest) == set(KNOWN)
    for place in KNOWN.values():
        assert (ROOT / place).exists()


def test_make_targets_call_existing_scripts():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", "\n".join(COMMANDS), flags=re.M):
        (script,) = re.findall(rf"^{target}:.*\n\t\$\(PYTHON\) (\S+)", makefile, flags=re.M)
        assert (ROOT / script).is_file()
        assert script.replace("/", "\\") in README, "the README gives the same call for Windows"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Working folder with the files that the README's commands name."""
    from PIL import Image

    skimage = pytest.importorskip("skimage")
    path = tmp_path_factory.mktemp("readme")
    with Image.open(Path(skimage.__file__).parent / "data" / "astronaut.png") as photo:
        photo.convert("RGB").save(path / "photo.jpg", quality=95)
    shutil.copy(path / "photo.jpg", path / "retouched.jpg")
    (path / "photos").mkdir()
    for name in ("first.jpg", "second.jpg"):
        shutil.copy(path / "photo.jpg", path / "photos" / name)
    (path / "camera.json").write_text(blocks("json")[0], encoding="utf-8")
    return path


def run(arguments, folder):
    """Run the engine's command line in `folder`."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from inference.__main__ import main; sys.exit(main())"
    return subprocess.run([sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True)


def test_engine_commands_run_in_order(folder):
    """As a reader would type them; without the embedded model those that need none, on a closed-form portrait."""
    if not MODEL.exists():
        from inference.portrait import save_portrait
        from tests.portraits import analytic_portrait

        (folder / "out").mkdir()
        save_portrait(analytic_portrait(), folder / "out" / "portrait.manifolds")
    for line in ENGINE:
        command = shlex.split(line)[3:]
        if not MODEL.exists() and (command[0] in ("invert", "batch") or "--model" in command):
            continue
        done = run(command, folder)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        if "--out" in command:
            assert (folder / command[command.index("--out") + 1]).exists()
        if command[0] == "info":
            assert json.loads(done.stdout)["versions"]
    if MODEL.exists():
        for name in ("portrait.manifolds", "report.json", "crop.png"):
            assert (folder / "out" / name).is_file()


def test_engine_subcommands_have_help(folder):
    for name in ("invert", "render", "mesh", "splats", "batch", "info"):
        done = run([name, "--help"], folder)
        assert done.returncode == 0 and "--threads" in done.stdout
        assert f"python -m inference {name}" in README


def test_bad_input_is_one_line_and_code_2(folder):
    done = run(["render", "missing.manifolds", "--out", "x.png", "--quiet"], folder)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (folder / "x.png").exists()


def test_python_calls_name_real_operators_and_options():
    bpy_calls = re.findall(r"bpy\.ops\.portrait_manifolds\.(\w+)\((.*?)\)", blocks("python")[0])
    assert len(bpy_calls) == 6
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "operators").rglob("*.py"))
    classes = {node.name: node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}

    def options(name):
        """Of a class and its mix-ins."""
        own = {node.target.id for node in classes[name].body if isinstance(node, ast.AnnAssign)}
        mixins = {base.id for base in classes[name].bases if isinstance(base, ast.Name)} & classes.keys()
        return own.union(*map(options, mixins))

    for operator, arguments in bpy_calls:
        name = f"PORTRAIT_MANIFOLDS_OT_{operator}"
        assert name in classes, f"there is no operator {operator}"
        unknown = set(re.findall(r"(\w+)=", arguments)) - options(name)
        assert not unknown, f"{operator} has no {unknown}"


def test_guide():
    """Its commands are the README's, what it sets in bold is on a button, and its pictures are small."""
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    commands = "".join(re.findall(r"```bash\n(.*?)```", guide, flags=re.S)).splitlines()
    assert commands and set(commands) <= set(COMMANDS)
    texts = (ROOT / "operators" / "language" / "strings.py").read_text(encoding="utf-8")
    keys, advice = {"N", "A", "Esc", "Enter", "Tab"}, {"Several faces", "No face, or a bad crop"}
    for bold in set(re.findall(r"\*\*(.+?)\*\*", guide)) - keys - advice:
        assert re.search(f'"{bold}[" ]', texts), f"nothing in Blender is called {bold}"
    pictures = re.findall(r"!\[.+?\]\((.+?)\)", guide)
    assert len(pictures) <= 12
    assert all((ROOT / "docs" / picture).stat().st_size < 150_000 for picture in pictures)


def test_links_and_pictures_exist():
    for text in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (text.parent / target).exists(), f"{text.name} points to {target}"


def test_versions_agree():
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    from inference.pipeline import VERSION

    assert manifest["version"] == VERSION
