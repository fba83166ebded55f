"""glTF files that Blender's exporter writes, read without it."""

import dataclasses
import io
import json
import struct

import numpy as np


@dataclasses.dataclass
class Document:
    """A binary glTF file: its JSON and its buffer."""

    json: dict
    buffer: bytes

    @property
    def materials(self):
        return self.json["materials"]

    def bytes_of(self, view):
        view = self.json["bufferViews"][view]
        return self.buffer[view.get("byteOffset", 0) :][: view["byteLength"]]

    def image(self, texture):
        """(h, w, 4) uint8 of what a material says of a texture."""
        from PIL import Image

        source = self.json["images"][self.json["textures"][texture["index"]]["source"]]
        with Image.open(io.BytesIO(self.bytes_of(source["bufferView"]))) as image:
            return np.asarray(image.convert("RGBA"))

    def vectors(self, accessor):
        """(n, m) float32 of an accessor of vectors."""
        accessor = self.json["accessors"][accessor]
        return np.frombuffer(self.bytes_of(accessor["bufferView"]), "<f4").reshape(accessor["count"], -1)


def exported(path, objects):
    """The :class:`Document` of a .glb of some objects."""
    import addon_utils
    import bpy

    addon_utils.enable("io_scene_gltf2")
    bpy.ops.object.select_all(action="DESELECT")
    for obj in objects:
        obj.select_set(True)
    bpy.ops.export_scene.gltf(filepath=str(path), use_selection=True)
    data = path.read_bytes()
    (length,) = struct.unpack("<I", data[12:16])
    return Document(json.loads(data[20 : 20 + length]), data[28 + length :])
