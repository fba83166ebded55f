"""Extract LODs: the portrait's mesh in several levels of detail, for game engines."""

import bpy
from bpy.props import IntProperty

from ..language import strings
from ..state.busy import check_free
from ..state.loaded import load_file
from ..state.option_groups import LodOptions
from ..state.portrait import INVERTED, active_inverted, find, reference
from ..state.portrait_files import file_of
from ..work.operator import JobOperator, needs
from .extract_mesh import add_mesh


@needs(INVERTED)
class PORTRAIT_MANIFOLDS_OT_extract_lods(LodOptions, JobOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.extract_lods"
    bl_label = strings.EXTRACT_LODS.label
    bl_description = strings.EXTRACT_LODS.description
    bl_options = {"REGISTER", "UNDO"}

    levels: IntProperty(
        name=strings.LOD_LEVELS.label, description=strings.LOD_LEVELS.description, min=2, max=5, default=3
    )

    def prepare(self, context):
        from ...inference.mesh.lods import levels_of_detail

        obj = active_inverted(context)
        self.subject, self.target = obj.name, reference(obj)
        check_free(obj)
        path, levels = file_of(obj), self.levels
        options = {
            "resolution": self.resolution,
            "faces": self.faces or None,
            "smoothing": self.smoothing,
            "closed": self.closed,
        }
        return lambda progress: levels_of_detail(load_file(path), levels, progress=progress, **options)

    def finish(self, context, result):
        obj = find(self.target)
        made = add_lods(context, obj, result, self.shade_smooth)
        obj.portrait_manifolds.show_proxy = False  # it lies in the mesh's own place
        counts = ", ".join(str(len(mesh.faces)) for mesh in result)
        self.report({"INFO"}, strings.LODS_DONE.format(counts=counts))
        for other in context.selected_objects:
            other.select_set(False)
        made[0].select_set(True)
        context.view_layer.objects.active = made[0]


def add_lods(context, obj, levels, smooth=True):
    """Link TexturedMeshes, the finest first, under the portrait object, in a collection of their own.

    They are called NAME_LOD0, NAME_LOD1, ..., as game engines know levels by. Only the first one is shown and rendered;
    all share its material. Returns the objects.
    """
    collection = bpy.data.collections.new(f"{obj.name} {strings.LODS}")
    context.collection.children.link(collection)
    made = []
    for level, textured in enumerate(levels):
        child = add_mesh(context, obj, textured, smooth)
        for other in child.users_collection:
            other.objects.unlink(child)
        collection.objects.link(child)
        child.name = child.data.name = f"{obj.name}_LOD{level}"
        if level:
            child.hide_render = True
            child.hide_set(True)
            _share_material(child.data, made[0].data)
        made.append(child)
    return made


def _share_material(mesh, first):
    (own,) = mesh.materials
    mesh.materials[0] = first.materials[0]
    pictures = {node.image for node in own.node_tree.nodes if node.type == "TEX_IMAGE" and node.image is not None}
    bpy.data.materials.remove(own)
    bpy.data.batch_remove({image for image in pictures if image.users == 0})


CLASSES = (PORTRAIT_MANIFOLDS_OT_extract_lods,)
