"""Write scripts/pylock.extension.toml: every wheel that an extension zip may carry, with its size and SHA-256.

    python3.11 scripts/lock_wheels.py

Run it after a version in pyproject.toml changes, and look at the difference before it is committed. Nothing is
downloaded but metadata: pip reports what it would install for each platform and Python. The file is a PEP 751 lock
file; scripts/build_extension.py takes no wheel that is not in it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from environment import ROOT, SetupError, run

LOCK_FILE = ROOT / "scripts" / "pylock.extension.toml"


def locked_wheels() -> dict[str, str]:
    """SHA-256 by file name of the wheels in the lock file."""
    packages = tomllib.loads(LOCK_FILE.read_text(encoding="utf-8"))["packages"]
    return {wheel["name"]: wheel["hashes"]["sha256"] for package in packages for wheel in package["wheels"]}


def report(lines: list[str], platform: str, python: str) -> list[dict]:
    """What pip would install of the requirement lines: [{"name", "version", "url", "sha256"}]."""
    from build_extension import wheel_options

    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed"]
        command += ["--target", folder, "--report", str(answer), *wheel_options(platform, python), *lines]
        if subprocess.run(command).returncode:
            raise SetupError(f"pip does not find all wheels for Python {python} on {platform}, or no package index.")
        found = json.loads(answer.read_text(encoding="utf-8"))["install"]
    return [
        {
            "name": one["metadata"]["name"].lower().replace("_", "-"),
            "version": one["metadata"]["version"],
            "url": one["download_info"]["url"],
            "sha256": one["download_info"]["archive_info"]["hashes"]["sha256"],
        }
        for one in found
    ]


def main() -> int:
    from build_extension import GPU_PLATFORMS, PLATFORM_TAGS, PYTHONS, bundled_requirements

    wheels = {}
    for platform in PLATFORM_TAGS:
        for python in PYTHONS:
            lines = bundled_requirements() + bundled_requirements(gpu=True) * (platform in GPU_PLATFORMS)
            for line in dict.fromkeys(lines):
                (found,) = report([line], platform, python)
                wheels[found["url"].rpartition("/")[2]] = found
    text = ['lock-version = "1.0"', 'created-by = "scripts/lock_wheels.py"', f'requires-python = ">={PYTHONS[0]}"']
    for name, version in sorted({(wheel["name"], wheel["version"]) for wheel in wheels.values()}):
        text += ["", "[[packages]]", f'name = "{name}"', f'version = "{version}"']
        for file, wheel in sorted(wheels.items()):
            if wheel["name"] == name:
                text += ["", "[[packages.wheels]]", f'name = "{file}"', f'url = "{wheel["url"]}"']
                text += [f'hashes = {{ sha256 = "{wheel["sha256"]}" }}']
    LOCK_FILE.write_text("\n".join(text) + "\n", encoding="utf-8")
    print(f"{LOCK_FILE}  {len(wheels)} wheels")
    return 0


if __name__ == "__main__":
    run(main)
