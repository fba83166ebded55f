"""docs/training.md can be worked through from top to bottom: its commands exist, and what they read is made before."""

import os

import environment
import pytest

from inference.__main__ import _parser
from tests.training_guide import INTERPRETERS, ROOT, commands, lines, named_in_text
from training.pack.folder import VARIABLE
from training.pack.manifest import files_of, read_manifest

# Options whose value is read, and those whose value is written; a module's own come first.
READ = {"--heads", "--real", "--geometry", "--checkpoint", "--photos", "--labels", "--mattes", "--model",
        "--detected", "--unseen", "--unseen-photos",
        "--prior", "--data", "--mediapipe-python", "--backdrops", "--strands", "--write"}  # fmt: skip
WRITTEN = {"--out", "--markdown", "--columns"}
OWN = {  # module: options that are written or mean no file there
    "training.aligner.label_photos": ({"--mattes"}, set()),
    "training.synthetic.cycles": (set(), {"--heads"}),
    "training.synthetic.generate": (set(), {"--heads"}),
}
SUBCOMMANDS = {"training.sheets", "training.wild", "training.ablate", "training.data_pack", "inference"}
PACK = f"${VARIABLE}"


def files(command):
    """Paths that a command reads and writes, two lists."""
    written, neither = OWN.get(command.module, (set(), set()))
    words, option, read, wrote = list(command.arguments), None, [], []
    if command.module in SUBCOMMANDS:
        words.pop(0)
    for word in words:
        if word.startswith("--"):
            option = word
        elif option in WRITTEN | written:
            wrote.append(word)
        elif option is None or option in READ - neither:
            read.append(word)
    return read, wrote


def in_pack(path):
    """Whether a file or folder belongs to the data pack."""
    return any(f"{name}/".startswith(f"{path}/") for name in files_of(read_manifest())) or not path


def test_what_a_command_reads_is_there_by_then():
    made = {".venv-labels"}  # of scripts/environment.py --labels
    for command in commands():
        read, wrote = files(command)
        for path in read:
            if path.startswith(PACK):
                assert in_pack(path.removeprefix(PACK).strip("/")), f"{command}: {path} is not in the data pack"
            else:
                earlier = any(f"{path}/".startswith(f"{place}/") for place in made)
                assert earlier, f"{command}: nothing made {path} before"
        made |= set(wrote)


def test_a_file_that_nothing_made_would_be_noticed():
    (first, *_) = [command for command in commands() if command.module == "training.population"]
    assert files(first) == (["heads", "detected.npz"], ["geometry.npz"])
    assert in_pack("portraits/test") and in_pack("heads/mh_base.npz") and not in_pack("portraits/tes")


@pytest.mark.parametrize("command", commands(), ids=str)
def test_every_command_is_a_module_with_a_main(command):
    assert command.interpreter in INTERPRETERS
    assert 'if __name__ == "__main__"' in command.path.read_text(encoding="utf-8")
    if command.module == "inference":
        _parser().parse_args(command.arguments)


def test_modules_named_in_the_text_exist():
    for name in named_in_text():
        place = ROOT.joinpath(*name.split("."))
        assert place.is_dir() or place.with_suffix(".py").is_file(), name


def test_the_environments_can_be_made_as_the_guide_says():
    asked = [line[2:] for line in lines() if line[1:2] == ["scripts/environment.py"]]
    assert [["--training"], ["--labels"], ["--evaluation"], []] == asked
    makers = [environment.command_line().parse_args(arguments).make for arguments in asked]
    assert makers == [environment.ensure_training, environment.ensure_labels, environment.ensure_evaluation, None]
    rest = [line for line in lines() if line[1:2] not in (["-m"], ["scripts/environment.py"])]
    scripts = [line.pop(0) for line in rest if line[0].startswith("scripts/")]
    assert all(os.access(ROOT / script, os.X_OK) for script in scripts)
    assert [line for line in rest if line[0] in ("source", "export")] == [
        ["source", ".venv-training/bin/activate"], ["export", f"{VARIABLE}=/path/to/data"]
    ]  # fmt: skip
    assert len(rest) == 2 + len(scripts)


def test_every_group_of_an_environment_is_in_pyproject():
    known = environment.settings()["dependency-groups"]
    for groups in (environment.TRAINING_GROUPS, environment.EVALUATION_GROUPS, environment.LABELS_GROUPS):
        assert all(known[group] for group in groups)
    for group in ("training", "evaluation", "labels"):
        assert all("==" in line for line in known[group]), f"versions of {group}"
