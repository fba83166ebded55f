"""What belongs to the data pack: manifest.json beside this file, and a folder held against it.

The manifest is a list of parts. A part says ``name``, ``origin``, ``licence``, ``condition`` (what must be kept when it is
passed on), ``elsewhere`` (where else it can be had) and ``patterns`` of paths; a file belongs to the first part that
matches. ``files`` gives size in bytes and SHA-256 by path.
"""

import fnmatch
import json
import os
import pathlib

from tqdm import tqdm

from inference.errors import PortraitError
from inference.files import sha256, write_atomically
from training.errors import TrainingError

MANIFEST = pathlib.Path(__file__).with_name("manifest.json")
MISSING, DIFFERENT, FOREIGN, UNREADABLE = "missing", "different", "foreign", "unreadable"


def read_manifest(path=MANIFEST):
    """The parts, a list of dicts."""
    return json.loads(path.read_text(encoding="utf-8"))


def files_of(parts):
    """{path: (bytes, SHA-256)} of all parts; paths have forward slashes and are relative to the pack's folder."""
    return {path: tuple(entry) for part in parts for path, entry in part["files"].items()}


def paths_in(folder):
    """Paths of all files in a folder, relative to it, with forward slashes, sorted. Raises TrainingError."""

    def refuse(error):
        raise TrainingError(f"cannot read {error.filename} ({error.strerror}): give the folder of the data pack")

    folder, found = pathlib.Path(folder), []
    for place, _, names in os.walk(folder, onerror=refuse):
        found += [(pathlib.Path(place) / name).relative_to(folder).as_posix() for name in names]
    return sorted(found)


def differences(folder, parts, quiet=False):
    """{path: MISSING, DIFFERENT, FOREIGN or UNREADABLE} of every file that is not as the manifest says, sorted by path.

    Raises TrainingError when the folder cannot be read.
    """
    wanted, there, wrong = files_of(parts), set(paths_in(folder)), {}
    for path in tqdm(sorted(wanted), desc="data pack", unit="file", disable=quiet, leave=False):
        verdict = _verdict(pathlib.Path(folder) / path, *wanted[path]) if path in there else MISSING
        if verdict:
            wrong[path] = verdict
    return dict(sorted((wrong | dict.fromkeys(there - wanted.keys(), FOREIGN)).items()))


def _verdict(path, size, digest):
    """What is wrong with a file that is there, None if nothing."""
    try:
        return None if path.stat().st_size == size and sha256(path) == digest else DIFFERENT
    except (OSError, PortraitError):
        return UNREADABLE


def record(folder, parts):
    """The parts with the files that a folder holds now. Raises TrainingError for a file that no part's patterns match."""
    parts = [part | {"files": {}} for part in parts]
    for path in tqdm(paths_in(folder), desc="data pack", unit="file", leave=False):
        part = next((part for part in parts if any(fnmatch.fnmatch(path, p) for p in part["patterns"])), None)
        if part is None:
            raise TrainingError(f"{path} belongs to no part of the data pack: say in {MANIFEST.name} where it comes from")
        whole = pathlib.Path(folder) / path
        part["files"][path] = (whole.stat().st_size, sha256(whole))
    return parts


def write_manifest(parts, path=MANIFEST):
    """Write the parts with one line per file, so that a difference of two versions can be read."""
    texts = []
    for part in parts:
        head = json.dumps({name: value for name, value in part.items() if name != "files"}, indent=1, ensure_ascii=False)
        files = ",\n".join(f"  {json.dumps(name)}: {json.dumps(list(entry))}" for name, entry in sorted(part["files"].items()))
        texts.append(head.removesuffix("\n}") + ',\n "files": {\n' + files + "\n }\n}")
    write_atomically(path, lambda stream: stream.write(("[\n" + ",\n".join(texts) + "\n]\n").encode()))
