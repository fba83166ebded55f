"""What an extension zip is made of: a CycloneDX 1.6 bill of materials and a list of licences, read from the zip itself.

    python3.11 scripts/bill_of_materials.py dist/portrait_manifolds-0.1.0-linux_x64.zip

Listed are the wheels, the native libraries inside them, and the networks. Libraries that are linked into a wheel's
own extension modules are those of its project; its notices inside the wheel name them. The same zip gives the same
bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

from environment import ROOT, SetupError, run

LICENCES = ROOT / "scripts" / "native_licences.toml"
_NATIVE = re.compile(r"\.(dll|dylib|pyd|so(\.[\d.]+)?)$")
_MODULE = re.compile(r"(\.(cpython-\d+|cp\d+|abi3)[^/]*\.(so|pyd)|\.pyd|_pybind11_state\.so)$")  # the wheel's own code


def write_bill(archive: Path) -> None:
    """Write ZIP.cdx.json and ZIP.licences.txt beside a zip. Raises SetupError where a licence is not known."""
    bill = bill_of(archive)
    text = json.dumps(bill, indent=1, ensure_ascii=False) + "\n"
    archive.with_suffix(".cdx.json").write_text(text, encoding="utf-8", newline="\n")
    archive.with_suffix(".licences.txt").write_text(licence_list(bill), encoding="utf-8", newline="\n")


def bill_of(archive: Path) -> dict:
    """The bill of materials of a zip as CycloneDX JSON."""
    licences = tomllib.loads(LICENCES.read_text(encoding="utf-8"))
    with zipfile.ZipFile(archive) as content:
        manifest = tomllib.loads(content.read("blender_manifest.toml").decode("utf-8"))
        components = []
        for name in sorted(content.namelist()):
            path = PurePosixPath(name)
            if path.suffix == ".whl":
                components.append(_wheel(path.name, content.read(name), licences))
            elif path.suffix in (".onnx", ".npz"):
                components.append(_network(path, content.read(name), licences["networks"]))
    program = {
        "type": "application",
        "bom-ref": manifest["id"],
        "name": manifest["name"],
        "version": manifest["version"],
        "licenses": _licences(manifest["license"][0].removeprefix("SPDX:")),
        "hashes": _hashes(archive.read_bytes()),
    }
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": program},
        "components": components,
    }


def _wheel(file, data, licences):
    name = file.split("-")[0].lower().replace("_", "-")
    with zipfile.ZipFile(io.BytesIO(data)) as wheel:
        (metadata,) = (part for part in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", part))
        said = HeaderParser().parsestr(wheel.read(metadata).decode("utf-8"))
        licence = said["License-Expression"] or licences["distributions"].get(name)
        if licence is None:
            raise SetupError(f"the licence of {name} is not known: look it up and add it to {LICENCES.name}.")
        inside = [_library(file, part, wheel.read(part), licences["libraries"]) for part in _libraries(wheel)]
    reference = f"pkg:pypi/{name}@{said['Version']}?file_name={file}"
    component = {
        "type": "library",
        "bom-ref": reference,
        "name": name,
        "version": said["Version"],
        "purl": reference,
        "licenses": _licences(licence),
        "hashes": _hashes(data),
    }
    return component | ({"components": inside} if inside else {})


def _libraries(wheel):
    return sorted(name for name in wheel.namelist() if _NATIVE.search(name) and not _MODULE.search(name))


def _library(wheel, path, data, licences):
    stem, version = library_name(PurePosixPath(path).name)
    licence = licences.get(f"{stem} {version.split('.')[0]}") or licences.get(stem)
    if licence is None:
        raise SetupError(f"the licence of {stem} in {wheel} is not known: look it up and add it to {LICENCES.name}.")
    component = {"type": "library", "bom-ref": f"{wheel}/{path}", "name": stem}
    component |= {"version": version} if version else {}
    return component | {"licenses": _licences(licence), "hashes": _hashes(data)}


def library_name(file: str) -> tuple[str, str]:
    """Name and version of a shared library, without the hash that wheels put into file names; the version may be ""."""
    version = re.search(r"\.so\.([\d.]+)$", file) or re.search(r"\.(\d[\d.]*)(\.zlib-ng)?\.dylib$", file)
    stem = re.sub(r"-([0-9a-f]{8}|[0-9a-f]{32})$", "", file.split(".")[0])
    stem = re.sub(r"-\d+$", "", stem)
    if found := re.fullmatch(r"(opencv_videoio_ffmpeg)(\d+)(_64)?", stem):
        return found[1], found[2]
    return stem, version[1] if version else ""


def _network(path, data, licences):
    return {
        "type": "machine-learning-model",
        "bom-ref": str(path),
        "name": str(path),
        "licenses": _licences(licences[path.parent.name]),
        "hashes": _hashes(data),
    }


def _licences(expression):
    """A lone SPDX identifier, or an expression, or a name that SPDX does not list."""
    if expression.startswith("LicenseRef-"):
        return [{"license": {"name": expression.removeprefix("LicenseRef-")}}]
    return [{"expression": expression} if " " in expression else {"license": {"id": expression}}]


def _hashes(data):
    return [{"alg": "SHA-256", "content": hashlib.sha256(data).hexdigest()}]


def licence_list(bill: dict) -> str:
    """The bill as lines for people: name, version, licence; what lies inside a wheel is indented."""

    def line(component, indent=""):
        said = component["licenses"][0]
        licence = said.get("expression") or said["license"].get("id") or said["license"]["name"]
        title = f"{indent}{component['name']} {component.get('version', '')}".rstrip()
        return f"{title:<56} {licence}"

    program = bill["metadata"]["component"]
    lines = [line(program), ""]
    for component in bill["components"]:
        lines += [line(component), *(line(inside, "    ") for inside in component.get("components", ()))]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zips", type=Path, nargs="+", metavar="ZIP")
    for archive in parser.parse_args().zips:
        write_bill(archive)
        print(archive.with_suffix(".cdx.json"), archive.with_suffix(".licences.txt"))
    return 0


if __name__ == "__main__":
    run(main)
