"""Add Layers: the manifolds as textured geometry that EEVEE and Cycles render among other objects."""

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty

from . import strings
from .base import PortraitOperator
from .portraits import active_inverted, load

TRANSPARENT_BOUNCES = 64  # a ray can meet every sheet; Blender's default of 8 would turn the rest black
SPREAD = 0.002  # metres between the origins of neighbouring sheets, by which EEVEE sorts them


class PORTRAIT_MANIFOLDS_OT_add_layers(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.add_layers"
    bl_label = strings.ADD_LAYERS.label
    bl_description = strings.ADD_LAYERS.description
    bl_options = {"REGISTER", "UNDO"}

    count: EnumProperty(
        name=strings.LAYER_COUNT.label,
        description=strings.LAYER_COUNT.description,
        items=[(key, text.label, text.description) for key, text in strings.LAYER_COUNTS.items()],
        default="24",
    )
    resolution: IntProperty(
        name=strings.LAYER_RESOLUTION.label,
        description=strings.LAYER_RESOLUTION.description,
        min=4,
        max=160,
        default=40,
    )
    background: BoolProperty(name=strings.LAYER_BACKGROUND.label, description=strings.LAYER_BACKGROUND.description)

    @classmethod
    def poll(cls, context):
        if active_inverted(context) is None:
            cls.poll_message_set(strings.INVERT_FIRST)
            return False
        return True

    def run(self, context):
        made = add_layers(context, active_inverted(context), int(self.count), self.resolution, self.background)
        triangles = sum(len(child.data.polygons) * 2 for child in made)
        self.report({"INFO"}, strings.LAYERS_DONE.format(count=len(made), triangles=triangles))


def add_layers(context, obj, count=24, resolution=40, background=False):
    """One object per sheet, innermost last, parented to the portrait object. Returns the objects, outermost first.

    count: 24 keeps every manifold, 12 merges neighbours. resolution: quads along a sheet's side.
    Quads without any visible texel are left out. The background plane (manifold 24) is added only on demand.
    """
    import numpy as np
    from mathutils import Matrix

    from ..inference import layers
    from . import images, materials, meshes

    portrait = load(obj)
    stack = [(index, portrait.textures[index]) for index in range(len(portrait.radii))]
    if count == 12:
        stack = merge_pairs(stack)
    if background:
        stack.append((layers.BACKGROUND, portrait.textures[layers.BACKGROUND]))
    made, trash = [], []
    try:
        for order, (index, texture) in enumerate(stack):
            vertices, faces, uv = layers.sheet_mesh(portrait.radii, index, resolution)
            faces = visible_faces(faces, uv, texture[..., 3])
            if not len(faces):
                continue
            used, faces = np.unique(faces, return_inverse=True)
            faces = faces.reshape(-1, 4)
            name = f"{obj.name} {strings.LAYER} {index + 1:02d}"
            origin = np.array((0.0, order * SPREAD - 0.1, 0.1 - order * SPREAD * 0.3), np.float32)
            mesh = meshes.new_mesh(name, meshes.to_blender(vertices[used]) - origin, faces, uv[used])
            trash.append(mesh)
            image = images.new_image(name, texture)
            trash.append(image)
            material = materials.layer_material(name, image)
            trash.append(material)
            mesh.materials.append(material)
            child = bpy.data.objects.new(name, mesh)
            trash.append(child)
            child.matrix_basis = Matrix.Translation(origin.tolist())
            child.parent = obj
            made.append(child)
    except Exception:
        bpy.data.batch_remove(trash)
        raise
    for child in made:
        context.collection.objects.link(child)
    if hasattr(context.scene, "cycles"):
        cycles = context.scene.cycles
        cycles.transparent_max_bounces = max(cycles.transparent_max_bounces, TRANSPARENT_BOUNCES)
    return made


def merge_pairs(stack):
    """Composite each sheet over the one behind it: [(index, texture (h, w, 4) uint8)] of half the length.

    The merged texture lies on the sheet behind, which the texels of a solid subject mostly show.
    """
    import numpy as np

    merged = []
    for start in range(0, len(stack) - 1, 2):
        (_, front), (index, back) = stack[start : start + 2]
        front, back = front / np.float32(255), back / np.float32(255)
        share = front[..., 3:]
        rest = (1.0 - share) * back[..., 3:]
        alpha = share + rest
        colour = (share * front[..., :3] + rest * back[..., :3]) / np.maximum(alpha, 1e-6)
        colour = np.where(alpha > 0, colour, back[..., :3])
        texture = np.concatenate([colour, alpha], axis=-1)
        merged.append((index, np.rint(np.clip(texture, 0, 1) * 255).astype(np.uint8)))
    if len(stack) % 2:
        merged.append(stack[-1])
    return merged


def visible_faces(faces, uv, alpha):
    """The quads whose texels (and the neighbours that bilinear sampling reads) are not all transparent.

    faces: (m, 4) int; uv: (n, 2) in [0, 1], v up; alpha: (h, w) uint8.
    """
    import numpy as np

    height, width = alpha.shape
    corners = uv[faces]
    left = np.floor(corners[..., 0].min(1) * width - 1).clip(0, width).astype(int)
    right = np.ceil(corners[..., 0].max(1) * width + 1).clip(0, width).astype(int)
    top = np.floor((1 - corners[..., 1].max(1)) * height - 1).clip(0, height).astype(int)
    bottom = np.ceil((1 - corners[..., 1].min(1)) * height + 1).clip(0, height).astype(int)
    total = np.pad((alpha > 0).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inside = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
    return faces[inside > 0]


CLASSES = (PORTRAIT_MANIFOLDS_OT_add_layers,)
