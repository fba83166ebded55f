"""Meshes as files: .glb, .obj with its material and texture, .ply."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import PortraitError
from ..files import PathLike, write_together
from ..geometry.sampling import sample_image
from .corners import normals_of, triangulated
from .gltf import glb
from .textured import TexturedMesh
from .wavefront import obj_files

SUFFIXES = ".glb", ".obj", ".ply"


def check_mesh_path(path: PathLike) -> None:
    """Raise PortraitError unless a mesh can be written under this name."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise PortraitError(f"cannot write a mesh as {Path(path).name}; name it .glb, .obj or .ply")


def save_mesh(mesh: TexturedMesh | Sequence[TexturedMesh], path: PathLike, unlit: bool = False) -> None:
    """Write a mesh, or the pieces of one, as .glb, .obj or .ply, all with smooth vertex normals.

    .glb holds all of a piece but that quads become triangles; .obj has neither shape keys nor weights of groups; .ply
    is one piece of triangles with vertex colours. unlit: a .glb's texture is shown as it is, without light.
    The file at ``path`` is replaced. An .obj has files beside it, named after it in letters every reader takes:
    ``my head.obj`` has my_head.mtl and my_head_texture.png, and one more for every other picture. Writing the same .obj
    again replaces those; a file of such a name that is another's, or that was changed since, is left alone, and the
    next free name is taken: my_head-2.mtl. All files are complete before the first one gets its name.
    Raises PortraitError.
    """
    check_mesh_path(path)
    path = Path(path)
    pieces = [mesh] if isinstance(mesh, TexturedMesh) else list(mesh)
    kind = path.suffix.lower()
    if kind == ".obj":
        write_together(obj_files(pieces, path))
    else:
        write_together([(path, glb(pieces, unlit) if kind == ".glb" else _ply(pieces))])


def _ply(pieces):
    import trimesh

    count = np.cumsum([0] + [len(piece.vertices) for piece in pieces])
    solid = trimesh.Trimesh(
        np.concatenate([piece.vertices for piece in pieces]),
        np.concatenate([triangulated(piece.faces, piece.vertices) + first for piece, first in zip(pieces, count)]),
        vertex_normals=np.concatenate([normals_of(piece) for piece in pieces]),
        vertex_colors=np.concatenate([_vertex_colours(piece) for piece in pieces]),
        process=False,
    )
    return solid.export(file_type="ply", vertex_normal=True)


def _vertex_colours(piece):
    """(n, 4) uint8, the texture where the vertices are; of a vertex at a seam, on one side of it."""
    uv = piece.uv
    if piece.face_uv is not None:
        uv = np.zeros((len(piece.vertices), 2), np.float32)
        uv[piece.faces] = piece.uv[piece.face_uv]
    height, width = piece.texture.shape[:2]
    colours = sample_image(piece.texture, uv[:, 0] * width, (1.0 - uv[:, 1]) * height)
    return np.pad(colours, ((0, 0), (0, 4 - colours.shape[1])), constant_values=255)
