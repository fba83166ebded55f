"""Extract Mesh: the portrait's surface as a clean textured mesh at the portrait's place."""

import bpy
import numpy as np

from ..datablocks import images, materials, meshes
from ..language import strings
from ..state.busy import check_free
from ..state.loaded import load_file
from ..state.option_groups import MeshOptions
from ..state.portrait import INVERTED, active_inverted, find, reference
from ..state.portrait_files import file_of
from ..work.operator import JobOperator, needs


@needs(INVERTED)
class PORTRAIT_MANIFOLDS_OT_extract_mesh(MeshOptions, JobOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.extract_mesh"
    bl_label = strings.EXTRACT_MESH.label
    bl_description = strings.EXTRACT_MESH.description
    bl_options = {"REGISTER", "UNDO"}

    def prepare(self, context):
        from ...inference.head.extract import extract_head
        from ...inference.mesh.extract import extract_mesh
        from ...inference.mesh.textured import HEAD

        obj = active_inverted(context)
        self.subject, self.target = obj.name, reference(obj)
        check_free(obj)
        path = file_of(obj)
        if self.topology == HEAD:
            options = {
                "texture": int(self.texture) or None,
                "keys": self.keys,
                "closed": self.closed,
                "delit": self.delit,
            }
            return lambda progress: extract_head(load_file(path), progress=progress, **options)
        options = {
            "resolution": self.resolution,
            "faces": self.faces or None,
            "smoothing": self.smoothing,
            "closed": self.closed,
            "texture": int(self.texture) or None,
            "delit": self.delit,
        }
        return lambda progress: extract_mesh(load_file(path), progress=progress, **options)

    def finish(self, context, result):
        from ...inference.mesh.textured import HEAD

        obj = find(self.target)
        if self.topology == HEAD:
            made = add_head(context, obj, result, self.shade_smooth, self.subdivision, self.unlit)
            self.report({"INFO"}, strings.HEAD_DONE.format(quads=len(result[0].faces), parts=len(result) - 1))
        else:
            made = add_mesh(context, obj, result, self.shade_smooth, self.unlit)
            self.report({"INFO"}, strings.MESH_DONE.format(vertices=len(result.vertices), faces=len(result.faces)))
        obj.portrait_manifolds.show_proxy = False  # it lies in the mesh's own place, and would shine through
        for other in context.selected_objects:
            other.select_set(False)
        made.select_set(True)
        context.view_layer.objects.active = made


def add_mesh(context, obj, textured, smooth=True, unlit=False):
    """Link a TexturedMesh under the portrait object. Returns the mesh object."""
    (made,) = add_pieces(context.collection, obj, [textured], smooth, unlit)
    return made


def add_head(context, obj, pieces, smooth=True, subdivision=0, unlit=False):
    """Link a head's pieces under the portrait object, in a collection of their own. Returns the skin's object.

    The other pieces' shape keys follow those of the same names on the skin. subdivision: levels on pieces of quads.
    """
    collection = bpy.data.collections.new(f"{obj.name} {strings.HEAD}")
    try:
        skin, *others = add_pieces(collection, obj, pieces, smooth, unlit)
    except Exception:
        bpy.data.collections.remove(collection)
        raise
    context.collection.children.link(collection)
    meshes.follow_keys(skin, others)
    for child, piece in zip((skin, *others), pieces, strict=True):
        if subdivision and piece.faces.shape[1] == 4:
            modifier = child.modifiers.new(strings.MESH_SUBDIVISION.label, "SUBSURF")
            modifier.levels = modifier.render_levels = subdivision
    return skin


def add_pieces(collection, obj, pieces, smooth=True, unlit=False):
    """Link TexturedMesh pieces under the portrait object, in a collection. Returns the mesh objects.

    A piece that is more than the portrait's mesh has its name in its object's. Pieces that share an array of pixels
    share an image. unlit: their textures shine as they are; a switch in the material.
    """
    from ...inference.mesh.textured import TexturedMesh
    from ...inference.portrait import PARTS

    made, known, trash = [], {}, []

    def image(name, pixels):
        if id(pixels) not in known:
            known[id(pixels)] = images.new_image(name, pixels)
            trash.append(known[id(pixels)])
        return known[id(pixels)]

    try:
        for piece in pieces:
            name = f"{obj.name} {strings.MESH if piece.name == TexturedMesh.name else piece.name}"
            normals = None if piece.normals is None or not smooth else meshes.to_blender(piece.normals)
            mesh = meshes.new_mesh(
                name, meshes.to_blender(piece.vertices), piece.faces, piece.uv, smooth, normals, piece.face_uv
            )
            trash.append(mesh)
            normal_map = None
            if piece.normal_map is not None:
                normal_map = image(f"{name} {strings.NORMALS}", piece.normal_map)
                normal_map.colorspace_settings.name = "Non-Color"
            alpha = piece.texture.shape[2] == 4
            material = materials.surface_material(name, image(name, piece.texture), normal_map, alpha)
            trash.append(material)
            materials.set_unlit(material, unlit)
            mesh.materials.append(material)
            child = bpy.data.objects.new(name, mesh)
            trash.append(child)
            meshes.add_groups(child, piece.groups)
            if set(PARTS) <= piece.groups.keys():
                meshes.add_colours(mesh, strings.PARTS, np.stack([piece.groups[part] for part in PARTS], -1))
            moved = {key: meshes.to_blender(offsets) for key, offsets in piece.shape_keys.items()}
            meshes.add_shape_keys(child, moved, piece.weights)
            child.parent = obj
            made.append(child)
    except Exception:
        bpy.data.batch_remove(trash)
        raise
    for child in made:
        collection.objects.link(child)
    return made


CLASSES = (PORTRAIT_MANIFOLDS_OT_extract_mesh,)
