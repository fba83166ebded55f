"""What the zip holds: the extension and its wheels, nothing else, and small enough."""

import ast
import tomllib
import zipfile
from pathlib import PurePosixPath

import pytest
from build_extension import PYTHONS, SIZE_LIMIT, build
from environment import settings


@pytest.fixture(scope="module")
def names(extension_zip):
    with zipfile.ZipFile(extension_zip) as archive:
        return archive.namelist()


def wheels_of(names):
    return [PurePosixPath(name).name for name in names if name.endswith(".whl")]


def test_size(extension_zip):
    assert extension_zip.stat().st_size < SIZE_LIMIT


def test_only_the_extension(names):
    allowed = {path.split("/")[0] for path in settings()["tool"]["extension"]["paths"]} | {"wheels"}
    assert {name.split("/")[0] for name in names} <= allowed
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".py~"))]
    for needed in ("blender_manifest.toml", "__init__.py", "inference/__init__.py", "LICENSE"):
        assert needed in names
    assert {"models/head/head.npz", "models/head/card.json"} <= {*names}


def test_wheels_for_every_python_and_no_numpy(names):
    wheels = wheels_of(names)
    assert not [wheel for wheel in wheels if wheel.lower().startswith(("numpy-", "torch-", "bpy-", "scipy-"))]
    for distribution in settings()["tool"]["extension"]["bundled"]:
        prefix = distribution.lower().replace("-", "_") + "-"
        mine = [wheel for wheel in wheels if wheel.lower().startswith(prefix)]
        for python in PYTHONS:
            tags = (f"-cp{python.replace('.', '')}-", "-abi3-", "-py3-none-any", "-py2.py3-none-any")
            assert any(tag in wheel for wheel in mine for tag in tags), (distribution, python, mine)


def test_manifest_lists_the_wheels(extension_zip, names, host_platform):
    with zipfile.ZipFile(extension_zip) as archive:
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
    assert sorted(PurePosixPath(path).name for path in manifest["wheels"]) == sorted(wheels_of(names))
    built_for = manifest.get("build", {}).get("generated", {}).get("platforms", manifest.get("platforms"))
    assert built_for == [host_platform]


def test_sources_import_relatively(extension_zip, names):
    """In Blender the package is called bl_ext.<repository>.portrait_manifolds, so absolute imports would fail."""
    own = {"inference", "operators", "ui", "portrait_manifolds", "training"}
    with zipfile.ZipFile(extension_zip) as archive:
        for name in names:
            if not name.endswith(".py"):
                continue
            for node in ast.walk(ast.parse(archive.read(name))):
                absolute = []
                if isinstance(node, ast.Import):
                    absolute = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    absolute = [node.module]
                assert not [module for module in absolute if module.split(".")[0] in own], (name, node.lineno)


@pytest.mark.slow
def test_all_platforms(tmp_path):
    zips = build(tmp_path)
    assert [archive.stem.split("-")[-1] for archive in zips] == ["linux_x64", "macos_arm64", "windows_x64"]
    for archive in zips:
        with zipfile.ZipFile(archive) as content:
            wheels = wheels_of(content.namelist())
        system = {"linux_x64": "manylinux", "macos_arm64": "macosx", "windows_x64": "win_amd64"}
        expected = system[archive.stem.split("-")[-1]]
        assert all(expected in wheel or wheel.endswith("none-any.whl") for wheel in wheels)
