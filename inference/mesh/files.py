"""Meshes as files: .glb, .obj with its material and texture, .ply."""

from pathlib import Path

import numpy as np

from ..errors import PortraitError
from ..files import write_atomically
from ..geometry.sampling import sample_image


def save_mesh(mesh, path):
    """Write .glb, .obj (with .mtl and .png beside it) or .ply. Raises PortraitError."""
    import trimesh
    from PIL import Image

    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("glb", "obj", "ply"):
        raise PortraitError(f"cannot write a mesh as {path.name}; name it .glb, .obj or .ply")
    image = Image.fromarray(mesh.texture)
    material = trimesh.visual.material.PBRMaterial(
        name="portrait", baseColorTexture=image, metallicFactor=0.0, roughnessFactor=1.0, doubleSided=True
    )
    visual = trimesh.visual.TextureVisuals(uv=mesh.uv, material=material)
    solid = trimesh.Trimesh(mesh.vertices, mesh.faces, visual=visual, process=False)
    if kind == "glb":
        data = trimesh.Scene({"portrait": solid}).export(file_type="glb")
        write_atomically(path, lambda stream: stream.write(data))
    elif kind == "ply":
        height, width = mesh.texture.shape[:2]
        colors = sample_image(mesh.texture, mesh.uv[:, 0] * width, (1.0 - mesh.uv[:, 1]) * height)
        plain = trimesh.Trimesh(mesh.vertices, mesh.faces, vertex_colors=colors, process=False)
        data = plain.export(file_type="ply")
        write_atomically(path, lambda stream: stream.write(data))
    else:
        _save_obj(mesh, image, path)


def _save_obj(mesh, image, path):
    """Texture and material first, so that the .obj appears when all of it is there."""
    stem = path.stem
    write_atomically(path.with_name(f"{stem}.png"), lambda stream: image.save(stream, "PNG"))
    material = f"newmtl portrait\nKa 0 0 0\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {stem}.png\n"
    write_atomically(path.with_name(f"{stem}.mtl"), lambda stream: stream.write(material.encode()))

    def write(stream):
        stream.write(f"mtllib {stem}.mtl\no portrait\n".encode())
        np.savetxt(stream, mesh.vertices, "v %.6f %.6f %.6f")
        np.savetxt(stream, mesh.uv, "vt %.6f %.6f")
        stream.write(b"usemtl portrait\ns 1\n")
        np.savetxt(stream, np.repeat(mesh.faces + 1, 2, axis=1), "f %d/%d %d/%d %d/%d")

    write_atomically(path, write)
