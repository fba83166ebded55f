"""Extract Mesh: the portrait's surface as a clean textured mesh at the portrait's place."""

import bpy

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
        from ...inference.mesh.extract import extract_mesh

        obj = active_inverted(context)
        self.subject, self.target = obj.name, reference(obj)
        check_free(obj)
        path = file_of(obj)
        options = {
            "resolution": self.resolution,
            "faces": self.faces or None,
            "smoothing": self.smoothing,
            "closed": self.closed,
        }
        return lambda progress: extract_mesh(load_file(path), progress=progress, **options)

    def finish(self, context, result):
        obj = find(self.target)
        made = add_mesh(context, obj, result, self.shade_smooth)
        self.report({"INFO"}, strings.MESH_DONE.format(vertices=len(result.vertices), faces=len(result.faces)))
        for other in context.selected_objects:
            other.select_set(False)
        made.select_set(True)
        context.view_layer.objects.active = made


def add_mesh(context, obj, textured, smooth=True):
    """Link a TexturedMesh under the portrait object. Returns the mesh object."""
    name = f"{obj.name} {strings.MESH}"
    mesh = meshes.new_mesh(name, meshes.to_blender(textured.vertices), textured.faces, textured.uv, smooth)
    trash = [mesh]
    try:
        image = images.new_image(name, textured.texture)
        trash.append(image)
        material = materials.surface_material(name, image)
        trash.append(material)
        mesh.materials.append(material)
        made = bpy.data.objects.new(name, mesh)
    except Exception:
        bpy.data.batch_remove(trash)
        raise
    made.parent = obj
    context.collection.objects.link(made)
    return made


CLASSES = (PORTRAIT_MANIFOLDS_OT_extract_mesh,)
