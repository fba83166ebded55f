"""Mesh datablocks from arrays in portrait space."""

import bpy
import numpy as np


def to_blender(points):
    """(n, 3) portrait space -> (n, 3) float32 in the portrait object's space: (x, y, z) -> (x, -z, y)."""
    points = np.asarray(points, np.float32)
    return np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=-1)


def new_mesh(name, vertices, faces, uv, smooth=True, normals=None):
    """Mesh datablock.

    vertices: (n, 3) float, metres, object space. faces: (m, 3) or (m, 4) int, counter-clockwise from outside.
    uv: (n, 2) float per vertex, v up. normals: (n, 3) float, object space; None for those of the faces.
    """
    mesh = bpy.data.meshes.new(name)
    try:
        count, sides = faces.shape
        mesh.vertices.add(len(vertices))
        mesh.vertices.foreach_set("co", np.ascontiguousarray(vertices, np.float32).ravel())
        mesh.loops.add(count * sides)
        mesh.loops.foreach_set("vertex_index", np.ascontiguousarray(faces, np.int32).ravel())
        mesh.polygons.add(count)
        mesh.polygons.foreach_set("loop_start", np.arange(0, count * sides, sides, dtype=np.int32))
        mesh.polygons.foreach_set("use_smooth", np.full(count, smooth))
        layer = mesh.uv_layers.new(name="UVMap")
        layer.uv.foreach_set("vector", np.ascontiguousarray(uv[faces.ravel()], np.float32).ravel())
        mesh.update(calc_edges=True)
        if mesh.validate(clean_customdata=False):
            mesh.update()
        if normals is not None:
            mesh.normals_split_custom_set_from_vertices(normals)
    except Exception:
        bpy.data.meshes.remove(mesh)
        raise
    return mesh
