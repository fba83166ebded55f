"""What the zip is made of is locked, listed with its licence, and the same files give the same bytes."""

import hashlib
import json
import os
import re
import tomllib
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from bill_of_materials import LICENCES, library_name
from build_extension import PLATFORM_TAGS, PYTHONS, build, bundled_requirements, check_wheel, pack_again
from environment import ROOT, SetupError
from lock_wheels import LOCK_FILE, locked_wheels


@pytest.fixture(scope="module")
def bill(extension_zip):
    return json.loads(extension_zip.with_suffix(".cdx.json").read_text(encoding="utf-8"))


def all_components(bill):
    for component in bill["components"]:
        yield component
        yield from component.get("components", ())


def test_the_lock_has_every_bundled_version():
    packages = {p["name"]: p for p in tomllib.loads(LOCK_FILE.read_text(encoding="utf-8"))["packages"]}
    for line in {*bundled_requirements(), *bundled_requirements(gpu=True)}:
        name, version = line.lower().split("==")
        assert packages[name.replace("_", "-")]["version"] == version
    for name, package in packages.items():
        files = [wheel["name"] for wheel in package["wheels"]]
        assert all(re.fullmatch(r"[0-9a-f]{64}", wheel["hashes"]["sha256"]) for wheel in package["wheels"])
        if not any(re.search("none-any|abi3", file) for file in files) and name != "onnxruntime-gpu":
            assert len(files) == len(PLATFORM_TAGS) * len(PYTHONS), name


def test_wheels_of_the_zip_are_locked(extension_zip):
    known = locked_wheels()
    with zipfile.ZipFile(extension_zip) as archive:
        wheels = [name for name in archive.namelist() if name.endswith(".whl")]
        assert wheels
        for name in wheels:
            assert hashlib.sha256(archive.read(name)).hexdigest() == known[name.rpartition("/")[2]]


def test_other_wheels_are_refused(tmp_path):
    name, locked = next(iter(locked_wheels().items()))
    (tmp_path / name).write_bytes(b"another wheel")
    with pytest.raises(SetupError, match="not the locked one"):
        check_wheel(tmp_path / name, {name: locked})
    with pytest.raises(SetupError, match="not in"):
        check_wheel(tmp_path / name, {})
    check_wheel(tmp_path / name, {name: hashlib.sha256(b"another wheel").hexdigest()})


def test_the_bill_lists_everything(extension_zip, bill):
    """Wheels, networks, and each shared library inside a wheel, found here by its first bytes."""
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    hashes = {component["hashes"][0]["content"] for component in all_components(bill)}
    with zipfile.ZipFile(extension_zip) as archive:
        for name in archive.namelist():
            if not name.endswith((".whl", ".onnx", ".npz")):
                continue
            data = archive.read(name)
            assert hashlib.sha256(data).hexdigest() in hashes, name
            if name.endswith(".whl"):
                with archive.open(name) as stream, zipfile.ZipFile(stream) as wheel:
                    for part in wheel.namelist():
                        with wheel.open(part) as member:
                            native = member.read(4) in (b"\x7fELF", b"\xcf\xfa\xed\xfe") or part.endswith(".dll")
                        module = re.search(r"(cpython-\d+|cp\d+|abi3|pybind11_state)[^/]*\.(so|pyd)$", part)
                        if native and not module:
                            assert hashlib.sha256(wheel.read(part)).hexdigest() in hashes, (name, part)
    assert len(hashes) > 30


def test_everything_has_a_licence(extension_zip, bill):
    references = [component["bom-ref"] for component in all_components(bill)]
    assert len(references) == len(set(references))
    listed = extension_zip.with_suffix(".licences.txt").read_text(encoding="utf-8")
    for component in all_components(bill):
        (said,) = component["licenses"]
        licence = said.get("expression") or said["license"].get("id") or said["license"]["name"]
        assert re.search(rf"^ *{re.escape(component['name'])} .*{re.escape(licence)}$", listed, re.M), component["name"]


def test_third_party_names_the_licences_of_wheels(bill):
    text = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    for component in bill["components"]:
        if component["type"] == "library":
            (row,) = re.findall(rf"^\| \[{component['name']}\].*$", text, re.M | re.I)
            assert component["licenses"][0]["license"]["id"] in row


def test_names_of_libraries():
    assert library_name("libpng16-ef62451c.so.16.44.0") == ("libpng16", "16.44.0")
    assert library_name("libstdc++-6-110c9d51f08f0d1d0f38fa2f49cf7128.dll") == ("libstdc++", "")
    assert library_name("libz.1.3.1.zlib-ng.dylib") == ("libz", "1.3.1")
    assert library_name("libopenblas-r0-f650aae0.3.3.so") == ("libopenblas-r0", "")
    assert library_name("opencv_videoio_ffmpeg4110_64.dll") == ("opencv_videoio_ffmpeg", "4110")
    assert library_name("libonnxruntime_providers_shared.so") == ("libonnxruntime_providers_shared", "")


def test_an_unknown_library_stops_the_build(tmp_path, monkeypatch, extension_zip):
    from bill_of_materials import bill_of

    fewer = tmp_path / LICENCES.name
    text = LICENCES.read_text(encoding="utf-8")
    fewer.write_text(re.sub(r'^"libheif" = .*\n', "", text, flags=re.M), encoding="utf-8")
    monkeypatch.setattr("bill_of_materials.LICENCES", fewer)
    with pytest.raises(SetupError, match="libheif"):
        bill_of(extension_zip)


def test_same_files_same_zip(tmp_path):
    """Packed in another order, at another time, with other rights."""
    packed = []
    for index, names in enumerate((["a.py", "b/c.whl", "d.txt"], ["d.txt", "b/c.whl", "a.py"])):
        source = tmp_path / f"source{index}.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for name in names:
                entry = zipfile.ZipInfo(name, (2000 + index, 1, 1, 0, 0, 0))
                entry.external_attr = (0o600 + index) << 16
                archive.writestr(entry, name * 100)
        pack_again(source, tmp_path / f"{index}.zip")
        packed.append((tmp_path / f"{index}.zip").read_bytes())
    assert packed[0] == packed[1]


def test_two_builds_give_the_same_bytes(tmp_path, monkeypatch):
    """Without wheels, which the first test above compares with their hashes; files were touched in between."""
    made = []
    for index in range(2):
        os.utime(ROOT / "LICENSE", (1_000_000_000 + index, 1_000_000_000 + index))
        (archive,) = build(tmp_path / str(index), bundle=False)
        made.append([archive.with_suffix(suffix).read_bytes() for suffix in (".zip", ".cdx.json", ".licences.txt")])
    assert made[0] == made[1]


def test_builds_at_once_do_not_meet(tmp_path):
    """As on two cores, where tests of two files pack the zip, or two terminals."""
    with ThreadPoolExecutor() as pool:
        zips = list(pool.map(lambda name: build(tmp_path / name, bundle=False)[0], "ab"))
    assert zips[0].read_bytes() == zips[1].read_bytes()
