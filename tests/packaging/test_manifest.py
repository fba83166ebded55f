"""The manifest agrees with Blender's rules and with the project's own settings."""

import tomllib

import pytest
from build_extension import PLATFORM_TAGS, bundled_requirements, with_wheels
from environment import ROOT, pins, requirements, settings


@pytest.fixture(scope="module")
def manifest():
    return tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))


def test_identity_and_licence(manifest):
    assert manifest["id"] == "portrait_manifolds"
    assert manifest["type"] == "add-on"
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]
    assert manifest["blender_version_min"] == "4.2.0"
    assert manifest["version"] == settings()["project"]["version"]


def test_texts_fit_the_extensions_platform(manifest):
    assert len(manifest["tagline"]) <= 64 and manifest["tagline"][-1].isalnum()
    assert set(manifest["permissions"]) == {"files"}, "the extension reads and writes files, nothing else"
    assert all(len(reason) <= 64 and not reason.endswith(".") for reason in manifest["permissions"].values())


def test_platforms_are_those_built(manifest):
    assert set(manifest["platforms"]) == set(PLATFORM_TAGS)


def test_wheel_lists_replace_old_ones():
    old = 'id = "x"\nplatforms = ["a", "b"]\nwheels = [\n  "./wheels/old.whl",\n]\n\n[permissions]\nfiles = "why"\n'
    new = tomllib.loads(with_wheels(old, ["linux-x64"], ["./wheels/new.whl"]))
    assert new == {
        "id": "x",
        "platforms": ["linux-x64"],
        "wheels": ["./wheels/new.whl"],
        "permissions": {"files": "why"},
    }
    assert "wheels" not in tomllib.loads(with_wheels(old, [], []))


def test_bundled_distributions_are_pinned():
    lines = bundled_requirements()
    assert all("==" in line for line in lines)
    assert not any(line.startswith("numpy") for line in lines)
    assert any(line.startswith("onnxruntime-gpu==") for line in bundled_requirements(gpu=True))


def test_groups_name_each_distribution_once():
    names = [line.split("=")[0].split(">")[0].lower() for line in requirements()]
    assert len(names) == len(set(names))
    assert "numpy" in pins() and "onnxruntime" in pins()
