"""Who works on what in a folder of results. The system itself drops the locks of a process that dies."""

import contextlib
import errno
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import PortraitError
from ..files import make_folder, unwritable
from ..log import log

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

FOLDER = ".batch"  # in the folder of results; it is there while batches work
RUN, CLAIM = ".run", ".claim"
TICK = 0.02  # seconds between tries to get the mutex
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)  # what file systems without locks say
BEYOND = 1 << 30  # Windows keeps others from reading what is locked, so that lies behind the content


class Claims:
    """The share of one batch in a folder of results, on one machine or on several that have it mounted.

    out: the folder, which exists. wishes: what is made of each photo, as JSON has it.
    Raises PortraitError when a batch with other wishes works there.
    """

    def __init__(self, out: Path, wishes: dict) -> None:
        self._folder = out / FOLDER
        self._held = {}  # file: its descriptor
        text = json.dumps(wishes, sort_keys=True)
        with self.alone():
            if any(other != text for other in self._runs()):
                raise PortraitError(
                    f"another batch makes something else in {out.name}; wait for its end or choose another folder"
                )
            run = self._folder / f"{secrets.token_hex(8)}{RUN}"
            self._held[run] = _held(run)
            os.write(self._held[run], text.encode())

    def shared(self) -> bool:
        """Whether other batches work in this folder now."""
        with self.alone():
            return len(list(self._runs())) > 0

    def claim(self, name: str) -> bool:
        """Take the photo whose folder is called so; False while another one has it."""
        path = self._claim(name)
        handle = _held(path)
        if handle is not None:
            self._held[path] = handle
        return handle is not None

    def release(self, name: str) -> None:
        """Leave a photo to others."""
        self._release(self._claim(name))

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """While the context lasts, no other batch is in one for this folder."""
        path = self._folder / "mutex"
        while (handle := _held(path)) is None:
            time.sleep(TICK)
        try:
            yield
        finally:
            _let_go(path, handle)

    def close(self) -> None:
        """Leave everything to others; the last one takes the locks' folder away."""
        for path in list(self._held):
            self._release(path)
        with contextlib.suppress(OSError):  # others are at work
            for path in self._folder.glob(f"*{CLAIM}"):  # of killed batches
                if (handle := _held(path)) is not None:
                    _let_go(path, handle)
            self._folder.rmdir()

    def _claim(self, name):
        return self._folder / (hashlib.sha256(os.fsencode(name)).hexdigest()[:32] + CLAIM)

    def _release(self, path):
        _let_go(path, self._held.pop(path))

    def _runs(self):
        """What the other batches make that are at work; what killed ones left is deleted."""
        for path in self._folder.glob(f"*{RUN}"):
            if path in self._held:
                continue
            if (handle := _held(path)) is not None:
                _let_go(path, handle)
            else:
                with contextlib.suppress(OSError):
                    yield path.read_text()


def _held(path):
    """Lock a file, which is made if need be. Returns its descriptor, None when another one has it."""
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # the last one has just taken the folder away
            make_folder(path.parent)
            continue
        except OSError as error:
            raise unwritable(path, error) from None
        if not _locked(handle):
            os.close(handle)
            return None
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                return handle
        os.close(handle)  # whoever had it has just deleted it


def _locked(handle):
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            os.lseek(handle, BEYOND, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            os.lseek(handle, 0, os.SEEK_SET)
    except OSError as error:
        if error.errno in NO_LOCKS:
            log.warning("this file system has no locks; let one batch at a time work in a folder")
            return True
        return False
    return True


def _let_go(path, handle):
    if os.name == "posix":  # while it is locked, so that nobody has it open for long
        with contextlib.suppress(OSError):
            os.unlink(path)
        os.close(handle)
    else:
        os.close(handle)
        with contextlib.suppress(OSError):
            os.unlink(path)
