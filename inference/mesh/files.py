"""Meshes as files: .glb, .obj with its material and texture, .ply."""

import contextlib
import hashlib
import io
import json
import os
import re
import unicodedata
from pathlib import Path

import numpy as np

from ..errors import PortraitError
from ..files import PathLike, sha256, write_together
from ..geometry import domes
from ..geometry.sampling import sample_image
from .textured import TexturedMesh

SUFFIXES = ".glb", ".obj", ".ply"
RECORD = "# portrait-manifolds "  # begins an .obj's first line: JSON of the .obj's name and its side files' SHA-256


def check_mesh_path(path: PathLike) -> None:
    """Raise PortraitError unless a mesh can be written under this name."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise PortraitError(f"cannot write a mesh as {Path(path).name}; name it .glb, .obj or .ply")


def save_mesh(mesh: TexturedMesh, path: PathLike) -> None:
    """Write a TexturedMesh as .glb, .obj or .ply, all with smooth vertex normals; .ply has vertex colours.

    The file at ``path`` is replaced. An .obj has two files beside it, named after it in letters every reader takes:
    ``my head.obj`` has my_head.mtl and my_head_texture.png. Writing the same .obj again replaces those two; a file of
    such a name that is another's, or that was changed since, is left alone, and the next free name is taken:
    my_head-2.mtl. All files are complete before the first one gets its name. Raises PortraitError.
    """
    import trimesh
    from PIL import Image

    check_mesh_path(path)
    path = Path(path)
    kind = path.suffix.lower()
    image = Image.fromarray(mesh.texture)
    if kind == ".obj":
        write_together(_obj_files(mesh, image, path))
        return
    solid = trimesh.Trimesh(
        mesh.vertices, mesh.faces, vertex_normals=vertex_normals(mesh.vertices, mesh.faces), process=False
    )
    if kind == ".glb":
        material = trimesh.visual.material.PBRMaterial(
            name="portrait", baseColorTexture=image, metallicFactor=0.0, roughnessFactor=1.0, doubleSided=True
        )
        solid.visual = trimesh.visual.TextureVisuals(uv=mesh.uv, material=material)
        data = trimesh.Scene({"portrait": solid}).export(file_type="glb", include_normals=True)
    else:
        height, width = mesh.texture.shape[:2]
        solid.visual.vertex_colors = sample_image(
            mesh.texture, mesh.uv[:, 0] * width, (1.0 - mesh.uv[:, 1]) * height
        )
        data = solid.export(file_type="ply", vertex_normal=True)
    write_together([(path, data)])


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Outward unit normals, (n, 3) float32: the mean of the adjacent faces' normals, weighted with their areas.

    vertices: (n, 3) float; faces: (m, 3) int, counter-clockwise from outside.
    """
    corners = vertices[faces].astype(np.float64)
    areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.stack(
        [np.bincount(faces.ravel(), np.repeat(areas[:, axis], 3), len(vertices)) for axis in range(3)], -1
    )
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    # where all faces are slivers without area: away from the axis of the dome
    outwards = vertices - np.array([0.0, domes.EQUATOR_Y, domes.AXIS_Z])
    normals = np.where(length > 0.0, normals, outwards)
    return (normals / np.linalg.norm(normals, axis=-1, keepdims=True)).astype(np.float32)


def _obj_files(mesh, image, path):
    """(path, bytes) of the texture, the material and the .obj that names it, in the order in which they may appear."""
    written = _record(path)
    stem = _plain(path.stem)
    picture = io.BytesIO()
    image.save(picture, "PNG")
    texture = _free(path.parent, f"{stem}_texture", ".png", written)
    material = _free(path.parent, stem, ".mtl", written)
    lines = f"newmtl portrait\nKa 0 0 0\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {texture}\n"
    sides = [(path.with_name(texture), picture.getvalue()), (path.with_name(material), lines.encode())]
    record = {"mesh": path.name, "sha256": {side.name: hashlib.sha256(data).hexdigest() for side, data in sides}}

    stream = io.BytesIO()
    stream.write(f"{RECORD}{json.dumps(record)}\nmtllib {material}\no portrait\n".encode())
    np.savetxt(stream, mesh.vertices, "v %.6f %.6f %.6f")
    np.savetxt(stream, mesh.uv, "vt %.6f %.6f")
    np.savetxt(stream, vertex_normals(mesh.vertices, mesh.faces), "vn %.4f %.4f %.4f")
    stream.write(b"usemtl portrait\ns 1\n")
    np.savetxt(stream, np.repeat(mesh.faces + 1, 3, axis=1), "f %d/%d/%d %d/%d/%d %d/%d/%d")
    return [*sides, (path, stream.getvalue())]


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
