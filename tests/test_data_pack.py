"""The data pack's manifest and the command that holds a folder against it."""

import os

import pytest

from tests.data_pack import DATA_PACK, needs_data_pack
from training import data_pack
from training.errors import TrainingError
from training.pack import folder as place
from training.pack import manifest

FIELDS = {"name", "origin", "licence", "condition", "elsewhere", "patterns", "files"}
PART = {"name": "all", "origin": "here", "licence": "CC0-1.0", "condition": "", "elsewhere": ""}


@pytest.fixture
def pack(tmp_path, monkeypatch):
    """A folder of two files that the command takes for the whole pack."""
    root = tmp_path / "pack"
    (root / "heads").mkdir(parents=True)
    (root / "heads" / "mh_base.npz").write_bytes(b"mesh")
    (root / "README.md").write_bytes(b"text")
    path = tmp_path / "manifest.json"
    parts = [PART | {"patterns": ["heads/*"]}, PART | {"name": "rest", "patterns": ["*.md"]}]
    manifest.write_manifest(manifest.record(root, parts), path)
    monkeypatch.setattr(data_pack, "read_manifest", lambda: manifest.read_manifest(path))
    return root


def test_a_whole_pack_passes(pack, capsys):
    assert data_pack.main(["check", str(pack)]) == 0
    assert "2 files" in capsys.readouterr().out


SPOILT = [("README.md", None, "missing"), ("README.md", b"tex2", "different"), ("README.md", b"longer", "different"),
          ("heads/mine.npz", b"", "foreign")]  # fmt: skip


@pytest.mark.parametrize(("path", "content", "verdict"), SPOILT)
def test_every_file_that_is_not_as_it_should_be_is_named(pack, capsys, path, content, verdict):
    (pack / path).unlink() if content is None else (pack / path).write_bytes(content)
    with pytest.raises(TrainingError, match=rf"not the data pack of this version \(1 {verdict}\)"):
        data_pack.main(["check", str(pack)])
    assert capsys.readouterr().out.split() == [verdict, path]


def test_a_link_to_nothing_is_unreadable(pack, capsys):
    (pack / "README.md").unlink()
    os.symlink(pack / "nowhere", pack / "README.md")
    with pytest.raises(TrainingError, match="1 unreadable"):
        data_pack.main(["check", str(pack)])


@pytest.mark.parametrize("name", ["nowhere", "README.md"])
def test_a_folder_that_cannot_be_read_is_one_line(pack, name):
    with pytest.raises(TrainingError, match=f"cannot read .*{name} .*give the folder of the data pack"):
        data_pack.main(["check", str(pack / name)])


def test_recording_names_what_no_part_expects(pack):
    with pytest.raises(TrainingError, match="README.md belongs to no part"):
        manifest.record(pack, [PART | {"patterns": ["heads/*"]}])


def test_list_says_origin_and_licence(pack, capsys):
    data_pack.main(["list"])
    assert "licence: CC0-1.0" in capsys.readouterr().out
    data_pack.main(["list", "--files"])
    assert {line.split()[2] for line in capsys.readouterr().out.splitlines()} == {"README.md", "heads/mh_base.npz"}


def test_the_committed_manifest_is_complete_and_small():
    parts = manifest.read_manifest()
    assert all(part.keys() == FIELDS and part["origin"] and part["licence"] and part["files"] for part in parts)
    paths = [path for part in parts for path in part["files"]]
    assert len(paths) == len(set(paths)) and place.FIRST in paths
    assert all(size > 0 and len(digest) == 64 for size, digest in manifest.files_of(parts).values())
    assert manifest.MANIFEST.stat().st_size < 150_000


@needs_data_pack
def test_the_pack_of_this_machine_is_the_manifests():
    assert manifest.differences(DATA_PACK, manifest.read_manifest(), quiet=True) == {}


def test_the_pack_is_never_looked_for_by_itself(pack, monkeypatch):
    monkeypatch.delenv(place.VARIABLE, raising=False)
    with pytest.raises(TrainingError, match=f"--data or in the variable {place.VARIABLE}"):
        place.pack_folder()
    assert place.pack_folder(pack) == pack
    monkeypatch.setenv(place.VARIABLE, str(pack))
    assert place.pack_folder() == pack
    with pytest.raises(TrainingError, match="is not the data pack"):
        place.pack_folder(pack / "heads")
