"""Textured meshes as Wavefront .obj, with a material library and pictures beside it."""

import contextlib
import hashlib
import io
import json
import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import PortraitError
from ..files import sha256
from .corners import normals_of
from .gltf import png
from .textured import TexturedMesh

RECORD = "# portrait-manifolds "  # begins an .obj's first line: JSON of the .obj's name and its side files' SHA-256
MEMBER = 0.5  # weight, the mean of a face's corners, from which on the face belongs to a group


def obj_files(pieces: Sequence[TexturedMesh], path: Path) -> list[tuple[Path, bytes]]:
    """(path, bytes) of the pictures, the material and the .obj that names it, in the order in which they may appear.

    Every piece is an object ``o``, its groups are groups ``g``, and quads stay quads. A face belongs to all groups that
    it has :data:`MEMBER` of.
    """
    written = _record(path)
    stem = _plain(path.stem)
    sides, pictures, library = [], {}, []

    def picture(pixels, kind):
        if id(pixels) not in pictures:
            pictures[id(pixels)] = name = _free(path.parent, f"{stem}_{kind}", ".png", written)
            sides.append((path.with_name(name), png(pixels)))
        return pictures[id(pixels)]

    for piece in pieces:
        own = "" if piece is pieces[0] else f"{piece.name}_"
        texture = picture(piece.texture, f"{own}texture")
        library.append(f"newmtl {piece.name}\nKa 0 0 0\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {texture}\n")
        if piece.texture.shape[2] == 4:
            library.append(f"map_d {texture}\n")
        if piece.normal_map is not None:
            library.append(f"norm {picture(piece.normal_map, f'{own}normals')}\n")
    material = _free(path.parent, stem, ".mtl", written)
    sides.append((path.with_name(material), "".join(library).encode()))
    record = {"mesh": path.name, "sha256": {side.name: hashlib.sha256(data).hexdigest() for side, data in sides}}

    stream = io.BytesIO()
    stream.write(f"{RECORD}{json.dumps(record)}\nmtllib {material}\n".encode())
    first = np.ones(3, np.int64)  # numbers of the piece's first vertex, texture coordinate and normal
    for piece in pieces:
        _write_piece(stream, piece, first)
        first += len(piece.vertices), len(piece.uv), len(piece.vertices)
    return [*sides, (path, stream.getvalue())]


def _write_piece(stream, piece, first):
    stream.write(f"o {piece.name}\n".encode())
    np.savetxt(stream, piece.vertices, "v %.6f %.6f %.6f")
    np.savetxt(stream, piece.uv, "vt %.6f %.6f")
    np.savetxt(stream, normals_of(piece), "vn %.4f %.4f %.4f")
    stream.write(f"usemtl {piece.name}\ns 1\n".encode())
    face_uv = piece.faces if piece.face_uv is None else piece.face_uv
    corners = np.stack([piece.faces, face_uv, piece.faces], -1) + first
    line = "f" + " %d/%d/%d" * piece.faces.shape[1]
    for names, faces in _by_groups(piece):
        if piece.groups:
            stream.write(f"g {names}\n".encode())
        np.savetxt(stream, corners[faces].reshape(len(faces), -1), line)


def _by_groups(piece):
    """(names of groups, indices of the faces that belong to just these), every face once."""
    member = np.zeros(len(piece.faces), np.int64)
    for bit, weight in enumerate(piece.groups.values()):
        member |= (weight[piece.faces].mean(1) >= MEMBER).astype(np.int64) << bit
    for bits in np.unique(member):
        names = [name for bit, name in enumerate(piece.groups) if bits >> bit & 1]
        yield " ".join(names) or "default", np.flatnonzero(member == bits)


def _record(path):
    """SHA-256 by name of the side files that this program wrote with the .obj now at path."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError), open(path, "rb") as stream:
        line = stream.readline(4096)
        record = json.loads(line.removeprefix(RECORD.encode()))
        if line.startswith(RECORD.encode()) and record["mesh"] == path.name:
            return dict(record["sha256"])
    return {}


def _free(folder, stem, suffix, written):
    """Name of a file that is not there yet, or is there as it was written."""
    name, number = f"{stem}{suffix}", 1
    while os.path.lexists(folder / name) and not _unchanged(folder / name, written.get(name)):
        number += 1
        name = f"{stem}-{number}{suffix}"
    return name


def _unchanged(path, digest):
    with contextlib.suppress(PortraitError):
        return path.is_file() and not path.is_symlink() and sha256(path) == digest
    return False


def _plain(name):
    """A file name's stem in ASCII letters, digits, dot, hyphen and underscore: readers of .obj and .mtl split names at
    blanks, take # for a comment and a leading hyphen for an option, and guess at encodings."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "_", letters).strip("._-")[:64] or "mesh"
