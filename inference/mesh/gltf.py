"""Binary glTF 2.0 (.glb) of textured meshes, as the Khronos specification has it; sections are named by its numbers.

trimesh writes neither morph targets nor a texture coordinate per corner, and packages that only know the JSON's names
would leave all that this file does to be done.
"""

import io
import json
import re
import struct
from collections.abc import Sequence

import numpy as np

from .corners import normals_of, split_at_seams, triangulated, vertex_normals
from .textured import TexturedMesh

FLOAT, UNSIGNED_INT = 5126, 5125  # 3.6.2.2
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963  # 3.6.2.4
LINEAR, LINEAR_MIPMAP_LINEAR, CLAMP_TO_EDGE = 9729, 9987, 33071  # 3.8.4
KINDS = {1: "SCALAR", 2: "VEC2", 3: "VEC3"}
ALPHA_CUTOFF = 0.5  # hair is cut, not blended: layers of it would have to be sorted, which viewers do not
UNLIT = "KHR_materials_unlit"


def glb(pieces: Sequence[TexturedMesh], unlit: bool = False) -> bytes:
    """The bytes of a .glb with one node, mesh and material per piece, named after it.

    Quads become triangles, vertices are split where their texture has a seam, shape keys become morph targets with
    normals, named in ``extras.targetNames``, and groups attributes ``_NAME``, as which Blender reads them.
    unlit: viewers show the texture as it is, without light.
    """
    document = _Document()
    meshes = [_mesh(document, piece, _material(document, piece, unlit)) for piece in pieces]
    names = [piece.name for piece in pieces]
    tree = {
        "asset": {"version": "2.0", "generator": "Portrait Manifolds"},
        "scene": 0,
        "scenes": [{"nodes": list(range(len(pieces)))}],
        "nodes": [{"name": name, "mesh": index} for index, name in enumerate(names)],
        "meshes": [{"name": name} | mesh for name, mesh in zip(names, meshes)],
        "samplers": [
            {
                "magFilter": LINEAR,
                "minFilter": LINEAR_MIPMAP_LINEAR,
                "wrapS": CLAMP_TO_EDGE,
                "wrapT": CLAMP_TO_EDGE,
            }
        ],
        "textures": [{"sampler": 0, "source": index} for index in range(len(document.images))],
        **document.lists(),
    }
    if unlit:
        tree["extensionsUsed"] = [UNLIT]
    return _container(json.dumps(tree, separators=(",", ":")).encode(), document.buffer)


def _mesh(document, piece, material):
    """A mesh of one primitive (3.7.2)."""
    source, uv, faces = split_at_seams(piece)
    normals = normals_of(piece)
    triangles = triangulated(faces, piece.vertices[source])
    attributes = {
        "POSITION": document.vectors(piece.vertices[source], bounds=True),
        "NORMAL": document.vectors(normals[source]),
        "TEXCOORD_0": document.vectors(np.stack([uv[:, 0], 1.0 - uv[:, 1]], -1)),
    }
    for name, weight in piece.groups.items():
        attributes["_" + re.sub(r"\W", "_", name).upper()] = document.vectors(weight[source][:, None])
    primitive = {"attributes": attributes, "indices": document.indices(triangles), "material": material}
    mesh = {"primitives": [primitive]}
    if piece.shape_keys:
        at_rest = vertex_normals(piece.vertices, piece.faces)
        primitive["targets"] = [
            {
                "POSITION": document.vectors(moved[source], bounds=True),
                "NORMAL": document.vectors((vertex_normals(piece.vertices + moved, piece.faces) - at_rest)[source]),
            }
            for moved in piece.shape_keys.values()
        ]
        mesh["weights"] = [float(piece.weights.get(name, 0.0)) for name in piece.shape_keys]
        mesh["extras"] = {"targetNames": list(piece.shape_keys)}
    return mesh


def _material(document, piece, unlit):
    """Index of a matte material (3.9)."""
    material = {
        "name": piece.name,
        "pbrMetallicRoughness": {
            "baseColorTexture": {"index": document.texture(piece.texture)},
            "metallicFactor": 0.0,
            "roughnessFactor": 1.0,
        },
        "doubleSided": True,
    }
    if piece.normal_map is not None:
        material["normalTexture"] = {"index": document.texture(piece.normal_map)}
    if piece.texture.shape[2] == 4:
        material |= {"alphaMode": "MASK", "alphaCutoff": ALPHA_CUTOFF}
    if unlit:
        material["extensions"] = {UNLIT: {}}
    document.materials.append(material)
    return len(document.materials) - 1


class _Document:
    """The buffer of a file and what lies where in it."""

    def __init__(self):
        self.buffer = bytearray()
        self.views, self.accessors, self.images, self.materials = [], [], [], []
        self._textures = {}  # of arrays that pieces share

    def lists(self):
        return {
            "materials": self.materials,
            "images": self.images,
            "accessors": self.accessors,
            "bufferViews": self.views,
            "buffers": [{"byteLength": len(self.buffer)}],
        }

    def vectors(self, values, bounds=False):
        """Index of an accessor (3.6.2) of values (n, k) as float32; bounds: with its least and greatest."""
        values = np.ascontiguousarray(values, "<f4")
        accessor = {"componentType": FLOAT, "count": len(values), "type": KINDS[values.shape[1]]}
        if bounds:
            accessor |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        return self._accessor(accessor, values.tobytes(), ARRAY_BUFFER)

    def indices(self, triangles):
        data = np.ascontiguousarray(triangles, "<u4").tobytes()
        accessor = {"componentType": UNSIGNED_INT, "count": triangles.size, "type": "SCALAR"}
        return self._accessor(accessor, data, ELEMENT_ARRAY_BUFFER)

    def texture(self, pixels):
        """Index of the texture of pixels (h, w, 3 or 4) uint8; equal arrays are written once."""
        if id(pixels) not in self._textures:
            self._textures[id(pixels)] = len(self.images)
            self.images.append({"bufferView": self._view(png(pixels)), "mimeType": "image/png"})
        return self._textures[id(pixels)]

    def _accessor(self, accessor, data, target):
        self.accessors.append({"bufferView": self._view(data, target=target)} | accessor)
        return len(self.accessors) - 1

    def _view(self, data, **more):
        self.views.append({"buffer": 0, "byteOffset": len(self.buffer), "byteLength": len(data)} | more)
        self.buffer += data + bytes(-len(data) % 4)
        return len(self.views) - 1


def png(pixels: np.ndarray) -> bytes:
    """A PNG of pixels (h, w, 3 or 4) uint8."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=3)  # a third of the time of 6, a tenth more bytes
    return stream.getvalue()


def _container(tree, buffer):
    """The two chunks of a .glb behind their header (4.4)."""
    tree += b" " * (-len(tree) % 4)
    chunks = struct.pack("<I4s", len(tree), b"JSON") + tree + struct.pack("<I4s", len(buffer), b"BIN\0") + buffer
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
