"""Temporary files say whose they are, so that what a dead process left is told from what another one is writing."""

import contextlib
import functools
import hashlib
import os
import platform
import secrets
import shutil
import time
from pathlib import Path

PREFIX = ".unfinished-"
ABANDONED_SECONDS = 24 * 3600  # of an owner that cannot be asked, on another machine: no photo takes a day


def temporary_path(folder: str | os.PathLike) -> Path:
    """A new name in a folder, for a file or folder that will be moved to its place when it is complete."""
    return Path(folder) / f"{PREFIX}{_machine()}-{os.getpid()}-{secrets.token_hex(8)}"


def remove_abandoned(folder: str | os.PathLike, owned: bool = False) -> None:
    """Delete what dead processes left in a folder; of processes that live nothing is touched.

    owned: the caller alone may write there (it holds a lock), so what stems from other machines is abandoned, too.
    """
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if entry.name.startswith(PREFIX) and _is_abandoned(entry, owned):
                _remove(entry)


def remove_of(process: int, folder: str | os.PathLike) -> None:
    """Delete what a process of this machine, which has ended, left in a folder."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if entry.name.startswith(f"{PREFIX}{_machine()}-{process}-"):
                _remove(entry)


def without_temporary(path: str | os.PathLike) -> Path:
    """A path as people know it: without the temporary folder that it may lie in."""
    return Path(*(part for part in Path(path).parts if not part.startswith(PREFIX)))


def _is_abandoned(entry, owned):
    machine, _, process = entry.name.removeprefix(PREFIX).rpartition("-")[0].partition("-")
    if machine == _machine() and process.isdecimal() and os.name == "posix":  # elsewhere kill() would really kill
        return not _lives(int(process))
    return owned or time.time() - entry.stat(follow_symlinks=False).st_mtime > ABANDONED_SECONDS


def _remove(entry):
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.unlink(entry.path)


def _lives(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    try:  # one that ended while nobody waits for it: its parent was killed, and process 1 of a container cares for none
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):  # systems without these files
        return True


@functools.cache
def _machine():
    """A word for where process numbers hold: this boot of this machine, or of this container."""
    known = [platform.node()]
    with contextlib.suppress(OSError):
        known += [Path("/proc/sys/kernel/random/boot_id").read_text(), os.readlink("/proc/self/ns/pid")]
    return hashlib.sha256("\n".join(known).encode("utf-8", "surrogateescape")).hexdigest()[:10]
