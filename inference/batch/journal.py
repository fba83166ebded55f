"""The journal of a folder of results: one line of JSON for each photo that ended, by any batch, on any machine."""

import contextlib
import json
import os
from pathlib import Path

from ..files import unwritable
from ..log import log

NAME = "batch.jsonl"
MAX_LINE_BYTES = 1 << 16  # an entry has about 300


class Journal:
    """Written to at its end only; a line that was cut off, by a full disk or a kill, is passed over.

    The caller sees to it that one writes at a time.
    """

    def __init__(self, out: Path) -> None:
        self._path, self._offset = out / NAME, 0

    def news(self) -> list[dict]:
        """Entries since the last call, at first all of them; each has a name, a text."""
        found = []
        with contextlib.suppress(OSError), open(self._path, "rb") as stream:
            stream.seek(self._offset)
            while line := stream.readline(MAX_LINE_BYTES):
                if not line.endswith(b"\n") and len(line) < MAX_LINE_BYTES:
                    break  # being written
                self._offset += len(line)
                try:
                    entry = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(entry, dict) and isinstance(entry.get("name"), str):
                    found.append(entry)
        return found

    def append(self, entry: dict) -> None:
        """Add a line, which is on the disk when this returns. Raises PortraitError."""
        line = json.dumps(entry).encode() + b"\n"  # ASCII, so that every name survives
        try:
            with open(self._path, "a+b") as stream:
                end = stream.seek(0, os.SEEK_END)
                if end:
                    stream.seek(end - 1)
                    line = line if stream.read(1) == b"\n" else b"\n" + line
                stream.write(line)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            log.info("the journal cannot be written: %s", error)
            raise unwritable(self._path, error) from None
