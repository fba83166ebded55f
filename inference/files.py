"""Reading files of strangers, and writing files so that a reader never sees half of one."""

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from .errors import FolderFull, FolderUnusable, PortraitError
from .limits import FULL
from .temporary import temporary_path, without_temporary

PathLike = str | os.PathLike


def open_regular(path: PathLike) -> BinaryIO:
    """Open a file for reading.

    Raises OSError with a `strerror` for people: what it raises anyway, IsADirectoryError for a folder, and EINVAL for
    pipes and devices, which may never end. Raises ValueError for a path with NUL in it.
    """
    if stat.S_ISDIR(os.stat(path).st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    # without O_NONBLOCK, opening a pipe that nobody writes to would wait
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return os.fdopen(handle, "rb")


def one_line(text: str, limit: int | None = None) -> str:
    """A text of strangers on one line: what is not printable, lone surrogates included, becomes "?".

    limit: characters to which it is shortened in the middle.
    """
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if limit is None or len(text) <= limit else f"{text[: limit // 3]}...{text[-limit // 2 :]}"


def write_atomically(path: PathLike, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write(binary_stream)`` fill a temporary file beside ``path``, then move it there.

    On any exception the temporary file is removed and an older file at ``path`` stays as it was. Problems of
    the file system (no such folder, no permission, disk full) become a PortraitError.
    """
    with _unfinished(path, write) as name:
        _move(name, path)


def write_together(files: Sequence[tuple[PathLike, bytes]]) -> None:
    """Write several files, (path, bytes) each, that belong together: all are complete on the disk before the first one
    is moved to its place, and they are moved in the given order. Errors as for :func:`write_atomically`."""
    with contextlib.ExitStack() as stack:
        names = [stack.enter_context(_unfinished(path, lambda s, data=data: s.write(data))) for path, data in files]
        for name, (path, _) in zip(names, files):
            _move(name, path)


@contextlib.contextmanager
def _unfinished(path, write):
    """A complete temporary file beside ``path``; removed at the end unless it was moved away."""
    name = temporary_path(Path(path).parent)
    try:
        handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        raise unwritable(path, error) from None
    try:
        try:
            with os.fdopen(handle, "w+b") as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise unwritable(path, error) from None
        yield name
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)


def _move(name, path):
    try:
        os.replace(name, path)
    except OSError as error:
        raise unwritable(path, error) from None


@contextlib.contextmanager
def staged(folder: PathLike, last: str) -> Iterator[Path]:
    """Let several files of a folder appear when all of them are complete.

    Yields a temporary folder inside of `folder`, which is made if need be. When the block ends, its files take the
    places of those of their names, `last` after all others: a folder with this file is complete. When it raises, what
    was there stays as it was. Problems of the file system become a PortraitError.
    """
    folder = Path(folder)
    is_new = not folder.exists()
    stage = temporary_path(make_folder(folder))
    try:
        try:
            stage.mkdir()
            yield stage
            (folder / last).unlink(missing_ok=True)
            names = sorted(os.listdir(stage), key=lambda name: (name == last, name))
        except OSError as error:
            raise unwritable(folder, error) from None
        for name in names:
            _move(stage / name, folder / name)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        if is_new:
            with contextlib.suppress(OSError):  # it holds results
                folder.rmdir()


def make_folder(path: PathLike) -> Path:
    """Create a folder and its parents. Raises PortraitError when that cannot be."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None
    return Path(path)


def unwritable(path: PathLike, error: OSError) -> FolderUnusable:
    """The PortraitError for an OSError while writing ``path``."""
    reason, path = error.strerror or type(error).__name__, without_temporary(path)
    kind = FolderFull if error.errno in FULL else FolderUnusable
    return kind(f"cannot write {path} ({reason}); choose a folder that exists, is writable and has space")


def sha256(path: PathLike) -> str:
    """Hexadecimal SHA-256 of a file. Raises PortraitError when it cannot be read."""
    try:
        with open_regular(path) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise PortraitError(f"cannot read {path} ({error.strerror}); check the path and its permissions") from None
