"""Mesh datablocks from arrays in portrait space."""

import bpy
import numpy as np


def to_blender(points):
    """(n, 3) portrait space -> (n, 3) float32 in the portrait object's space: (x, y, z) -> (x, -z, y)."""
    points = np.asarray(points, np.float32)
    return np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=-1)


def new_mesh(name, vertices, faces, uv, smooth=True, normals=None, face_uv=None):
    """Mesh datablock.

    vertices: (n, 3) float, metres, object space. faces: (m, 3) or (m, 4) int, counter-clockwise from outside.
    uv: (k, 2) float, v up. normals: (n, 3) float, object space; None for those of the faces. face_uv: int of the faces'
    shape, rows of uv at their corners; None where a vertex has the row of its number.
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
        corners = uv[(faces if face_uv is None else face_uv).ravel()]
        layer.uv.foreach_set("vector", np.ascontiguousarray(corners, np.float32).ravel())
        mesh.update(calc_edges=True)
        if mesh.validate(clean_customdata=False):
            mesh.update()
        if normals is not None:
            mesh.normals_split_custom_set_from_vertices(normals)
    except Exception:
        bpy.data.meshes.remove(mesh)
        raise
    return mesh


def add_groups(obj, groups):
    """Vertex groups of a mesh object. groups: per name, (n,) float in [0, 1]; weights are kept to a 255th."""
    for name, weights in groups.items():
        group = obj.vertex_groups.new(name=name)
        levels = np.rint(255.0 * weights).astype(np.uint8)
        order = np.argsort(levels, kind="stable")
        bounds = np.searchsorted(levels[order], np.arange(257))
        for level in range(1, 256):  # a call takes many vertices, but one weight
            chosen = order[bounds[level] : bounds[level + 1]]
            if len(chosen):
                group.add(chosen.tolist(), level / 255.0, "REPLACE")


def add_colours(mesh, name, colours):
    """A colour attribute of a mesh's vertices. colours: (n, 3) float in [0, 1], linear."""
    attribute = mesh.color_attributes.new(name, "FLOAT_COLOR", "POINT")
    opaque = np.pad(np.asarray(colours, np.float32), ((0, 0), (0, 1)), constant_values=1.0)
    attribute.data.foreach_set("color", opaque.ravel())


def add_shape_keys(obj, shape_keys, values):
    """Shape keys of a mesh object. shape_keys: per name, (n, 3) float, metres, object space, what to add to the
    vertices; values: per name, how far a key is on; those without one are off."""
    if not shape_keys:
        return
    rest = np.empty(3 * len(obj.data.vertices), np.float32)
    obj.data.vertices.foreach_get("co", rest)
    obj.shape_key_add(name="Basis", from_mix=False)
    for name, moved in shape_keys.items():
        key = obj.shape_key_add(name=name, from_mix=False)
        key.data.foreach_set("co", rest + np.ascontiguousarray(moved, np.float32).ravel())
        key.value = values.get(name, 0.0)


def follow_keys(leader, others):
    """Have the shape keys of other objects take the values of those of the same names on a leader."""
    if leader.data.shape_keys is None:
        return
    names = set(leader.data.shape_keys.key_blocks.keys())
    for obj in others:
        blocks = obj.data.shape_keys.key_blocks[1:] if obj.data.shape_keys is not None else ()
        for block in blocks:
            if block.name in names:
                driver = block.driver_add("value").driver
                driver.type = "SUM"  # needs no script that Blender would have to trust
                target = driver.variables.new().targets[0]
                target.id_type = "KEY"
                target.id = leader.data.shape_keys
                target.data_path = f'key_blocks["{block.name}"].value'
