"""Zip files of strangers: opened only when their directory is small, read only as far as was agreed."""

import struct
import zipfile
from typing import BinaryIO

MAX_DIRECTORY_BYTES = 1 << 16  # several hundred members; the standard library reads all of them, 150,000 a second
_END = struct.Struct("<4s4H2IH")  # the zip format's end of central directory record
_MARK, _ZIP64_MARK, _LOCATOR_BYTES = b"PK\5\6", b"PK\6\7", 20  # its first bytes; the locator of ZIP64's lies before
MAX_COMMENT_BYTES = (1 << 16) - 1


def open_archive(file: BinaryIO) -> zipfile.ZipFile:
    """Open a zip file whose directory is small. Raises BadZipFile, OSError."""
    size = file.seek(0, 2)
    file.seek(max(size - MAX_COMMENT_BYTES - _END.size - _LOCATOR_BYTES, 0))
    tail = file.read()
    # the same record that zipfile takes: the one at the very end, else the last that begins like one
    at = len(tail) - _END.size
    if tail[at : at + 4] != _MARK or tail[-2:] != b"\0\0":
        at = tail.rfind(_MARK)
    if at < 0 or len(tail) - at < _END.size:
        raise zipfile.BadZipFile("its end is missing")
    directory_bytes = _END.unpack(tail[at : at + _END.size])[5]
    if directory_bytes > MAX_DIRECTORY_BYTES or tail[:at][-_LOCATOR_BYTES:].startswith(_ZIP64_MARK):
        raise zipfile.BadZipFile("it has too many members")
    return zipfile.ZipFile(file)


def read_member(archive: zipfile.ZipFile, name: str, limit: int, exact: bool = False) -> bytes:
    """Bytes of one member, at most ``limit``, or just so many, whatever the archive declares.

    Raises KeyError when there is none, ValueError when its size or packing is not what was agreed.
    """
    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
        raise ValueError(f"{name} is packed in an unknown way")
    if info.file_size > limit or (exact and info.file_size != limit):
        raise ValueError(f"{name} has the wrong size")
    with archive.open(info) as member:
        data = member.read(limit + 1)
    if len(data) != info.file_size:
        raise ValueError(f"{name} has the wrong size")
    return data
