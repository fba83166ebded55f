"""Build the Blender extension: one zip per platform in dist/, with wheels for every supported Python, without numpy.

    python3.11 scripts/build_extension.py                          # linux-x64, windows-x64, macos-arm64
    python3.11 scripts/build_extension.py --platforms linux-x64    # one of them
    python3.11 scripts/build_extension.py --gpu                    # onnxruntime-gpu instead of onnxruntime

The files and the bundled distributions stand in pyproject.toml ([tool.extension]); their versions in its dependency
groups, and the hash of every wheel in scripts/pylock.extension.toml. Wheels are kept in build/wheels, so a second build
needs no network. The zips are built and validated by Blender's own blender_ext.py, which comes with the bpy wheel, and
packed again so that the same files give the same bytes. Beside each lies what it is made of: a CycloneDX bill of
materials (.cdx.json) and a list of licences (.licences.txt).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from bill_of_materials import write_bill
from environment import ROOT, SetupError, ensure, pins, requirements, run, settings
from lock_wheels import LOCK_FILE, locked_wheels

PYTHONS = ("3.11", "3.13")  # Blender 4.2 to 5.0, and 5.1 on

# pip's platform tags for each of Blender's platform names, the newest that Blender's own minimum systems accept.
PLATFORM_TAGS = {
    "linux-x64": [f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 24, 17, 12, 5)] + ["manylinux2014_x86_64"],
    "windows-x64": ["win_amd64"],
    "macos-arm64": [f"macosx_{major}_0_arm64" for major in (14, 13, 12, 11)] + ["macosx_11_0_universal2"],
}
GPU_PLATFORMS = ("linux-x64", "windows-x64")
SIZE_LIMIT = 200e6  # bytes; the extensions platform refuses larger files


def bundled_requirements(gpu: bool = False) -> list[str]:
    """Pinned requirement lines of the distributions that the zip carries."""
    lines = [pins()[name.lower()] for name in settings()["tool"]["extension"]["bundled"]]
    if gpu:
        (replacement,) = requirements(["gpu"])
        lines = [replacement if line.startswith("onnxruntime==") else line for line in lines]
    return lines


def fetch_wheels(platform: str, python: str, gpu: bool = False, cache: Path = ROOT / "build" / "wheels") -> list[Path]:
    """Wheels of the bundled distributions for one platform and Python, from the cache or the package index.

    Parameters
    ----------
    platform : str
        One of PLATFORM_TAGS.
    python : str
        Such as "3.11".
    """
    cache.mkdir(parents=True, exist_ok=True)
    known = locked_wheels()
    index_file = cache / "index.json"
    index = json.loads(index_file.read_text(encoding="utf-8")) if index_file.exists() else {}
    wheels = []
    for line in bundled_requirements(gpu):
        key = f"{line} {python} {platform}"
        if key not in index or not (cache / index[key]).exists():
            index[key] = _download(line, platform, python, cache)
            part = cache / f"index.{os.getpid()}.json"  # another build may read it at the same time
            part.write_text(json.dumps(index, indent=1, sort_keys=True), encoding="utf-8")
            part.replace(index_file)
        check_wheel(cache / index[key], known)
        wheels.append(cache / index[key])
    return wheels


def check_wheel(wheel: Path, known: dict[str, str]) -> None:
    """Raise SetupError when a wheel is not the one that is locked. known: SHA-256 by file name."""
    if wheel.name not in known:
        raise SetupError(f"{wheel.name} is not in {LOCK_FILE.name}: run scripts/lock_wheels.py, look at what changes.")
    with open(wheel, "rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != known[wheel.name]:
        raise SetupError(f"{wheel} is not the locked one (SHA-256 {found}): delete it and build again.")


def wheel_options(platform: str, python: str) -> list[str]:
    """pip's options for wheels of one platform and Python, whatever this machine is."""
    options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--python-version", python]
    return options + [option for tag in PLATFORM_TAGS[platform] for option in ("--platform", tag)]


def _download(line: str, platform: str, python: str, cache: Path) -> str:
    """Download one wheel into the cache and return its file name."""
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        command = [sys.executable, "-m", "pip", "download", line, "--quiet", "--dest", folder]
        command += wheel_options(platform, python)
        if subprocess.run(command).returncode:
            raise SetupError(f"There is no wheel of {line} for Python {python} on {platform}, or no package index.")
        (wheel,) = Path(folder).glob("*.whl")
        wheel.replace(cache / wheel.name)
    return wheel.name


def with_wheels(manifest: str, platforms: list[str], wheels: list[str]) -> str:
    """The manifest text with its `platforms` and `wheels` lists replaced by the given ones.

    They are top-level keys, so they go before the first table.
    """
    manifest = re.sub(r"^(platforms|wheels)\s*=\s*\[[^\]]*\]\s*?\n", "", manifest, flags=re.M)
    lists = "".join(
        f"{key} = [\n" + "".join(f'    "{value}",\n' for value in values) + "]\n"
        for key, values in (("platforms", platforms), ("wheels", wheels))
        if values
    )
    head, table, tail = re.match(r"(.*?)(^\[|\Z)(.*)\Z", manifest, flags=re.M | re.S).groups()
    return f"{head.rstrip()}\n{lists}\n{table}{tail}"


def stage(folder: Path, platforms: list[str], wheels: list[Path]) -> None:
    """Lay out the extension's source in `folder`: its files, the wheels, and the manifest that lists them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in settings()["tool"]["extension"]["paths"]:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*"))
        elif source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
        else:
            raise SetupError(f"{name} is missing from the checkout: the extension cannot be built.")
    (folder / "wheels").mkdir()
    for wheel in wheels:
        shutil.copy2(wheel, folder / "wheels" / wheel.name)
    manifest = folder / "blender_manifest.toml"
    text = with_wheels(manifest.read_text(encoding="utf-8"), platforms, [f"./wheels/{wheel.name}" for wheel in wheels])
    manifest.write_text(text, encoding="utf-8")


def blender_ext(python: Path, *arguments: str) -> None:
    """Run Blender's extension command line tool of the bpy module installed beside `python`."""
    tools = list(python.parent.parent.glob("**/bl_pkg/cli/blender_ext.py"))
    if not tools:
        raise SetupError("blender_ext.py is not in .venv: delete the folder .venv and run this again.")
    # It returns 0 on some errors (a platform without wheels, for one), so its words count as well.
    done = subprocess.run([str(python), str(tools[0]), *arguments], capture_output=True, text=True)
    output = done.stdout + done.stderr
    if done.returncode or re.search(r"\b(FATAL_)?ERROR\b", output):
        raise SetupError(f"blender_ext.py {arguments[0]} failed:\n{output.strip()}")


def pack_again(archive: Path, target: Path) -> None:
    """Copy a zip so that it depends on nothing but its files' names and bytes: sorted, without times and owners."""
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(target, "w") as packed:
        for name in sorted(source.namelist()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr, entry.create_system = 0o644 << 16, 3
            stored = name.endswith((".whl", ".onnx", ".npz"))  # they are packed already
            packed.writestr(entry, source.read(name), zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED, 9)


def build(
    output: Path,
    platforms: list[str] | None = None,
    pythons: tuple[str, ...] = PYTHONS,
    gpu: bool = False,
    bundle: bool = True,
) -> list[Path]:
    """Build and validate the zips.

    Parameters
    ----------
    output : Path
        Folder for the zips.
    platforms : list of str, optional
        Subset of PLATFORM_TAGS; all (GPU: those with a wheel) by default.
    pythons : tuple of str
        Python versions to bundle wheels for.
    gpu : bool
        Bundle onnxruntime-gpu. Such zips are larger than the limit of the extensions platform.
    bundle : bool
        False leaves all wheels out: one zip for a Blender whose Python has the libraries already.

    Returns
    -------
    list of Path
    """
    python = ensure()
    platforms = list(platforms or (GPU_PLATFORMS if gpu else PLATFORM_TAGS)) if bundle else []
    wheels = {
        wheel.name: wheel
        for platform in platforms
        for version in pythons
        for wheel in fetch_wheels(platform, version, gpu)
    }
    output.mkdir(parents=True, exist_ok=True)
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as work:
        source, made = Path(work) / "source", Path(work) / "made"
        stage(source, platforms, [wheels[name] for name in sorted(wheels)])
        made.mkdir()
        split = ["--split-platforms"] if platforms else []
        blender_ext(python, "build", "--source-dir", str(source), "--output-dir", str(made), *split)

        zips = []
        for archive in sorted(made.glob("*.zip")):
            blender_ext(python, "validate", str(archive))
            size = archive.stat().st_size
            if size > SIZE_LIMIT and not gpu:
                raise SetupError(f"{archive.name} has {size / 1e6:.0f} MB; the limit is {SIZE_LIMIT / 1e6:.0f} MB.")
            target = output / (archive.name.replace(".zip", "-gpu.zip") if gpu else archive.name)
            pack_again(archive, target)
            write_bill(target)
            zips.append(target)
    return zips


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--platforms", nargs="+", choices=list(PLATFORM_TAGS), help="default: all")
    parser.add_argument("--pythons", nargs="+", default=list(PYTHONS), help="Python versions to bundle wheels for")
    parser.add_argument("--gpu", action="store_true", help="bundle onnxruntime-gpu (CUDA) instead of onnxruntime")
    parser.add_argument("--no-wheels", action="store_true", help="leave the wheels out (Blender's Python has them)")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="DIR", help="default: dist/")
    arguments = parser.parse_args()
    zips = build(
        arguments.out.resolve(), arguments.platforms, tuple(arguments.pythons), arguments.gpu, not arguments.no_wheels
    )
    for archive in zips:
        print(f"{archive}  {archive.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    run(main)
