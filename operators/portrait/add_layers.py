"""Add Layers: the manifolds as textured geometry that EEVEE and Cycles render among other objects."""

import bpy
import numpy as np
from bpy.props import BoolProperty, EnumProperty
from mathutils import Matrix

from ...inference.errors import PortraitError
from ..datablocks import images, materials, meshes
from ..language import strings
from ..state.layers import LAYER, grant
from ..state.loaded import load
from ..state.option_groups import LayerOptions
from ..state.portrait import INVERTED, active_inverted
from ..work.operator import PortraitOperator, needs

SPREAD = 0.046  # metres between the origins of the first sheet and the last, by which EEVEE sorts them
BACKGROUND_RESOLUTION = 1  # quads along the side of the background plane
SHADOW_RESOLUTION = 64  # quads along the side of the surface that casts the shadows
SHADOW_INSET = 0.004  # metres behind the surface, so that it does not shade the sheets that show the surface


@needs(INVERTED)
class PORTRAIT_MANIFOLDS_OT_add_layers(LayerOptions, PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.add_layers"
    bl_label = strings.ADD_LAYERS.label
    bl_description = strings.ADD_LAYERS.description
    bl_options = {"REGISTER", "UNDO"}

    blending: EnumProperty(
        name=strings.LAYER_BLENDING.label,
        description=strings.LAYER_BLENDING.description,
        items=[(key, text.label, text.description) for key, text in strings.LAYER_BLENDINGS.items()],
        default="BLENDED",
    )
    detail: EnumProperty(
        name=strings.LAYER_DETAIL.label,
        description=strings.LAYER_DETAIL.description,
        items=[(key, text.label, text.description) for key, text in strings.LAYER_DETAILS.items()],
        default="SHARED",
    )
    shadow: BoolProperty(name=strings.LAYER_SHADOW.label, description=strings.LAYER_SHADOW.description, default=True)
    background: BoolProperty(name=strings.LAYER_BACKGROUND.label, description=strings.LAYER_BACKGROUND.description)
    prepare: BoolProperty(
        name=strings.PREPARE_SCENE.label, description=strings.PREPARE_SCENE.description, default=True
    )

    def run(self, context):
        made = add_layers(
            context,
            active_inverted(context),
            int(self.count),
            self.triangles,
            lit=self.look == "lit",
            delit=self.delit,
            blending=self.blending,
            detail=self.detail,
            shadow=self.shadow,
            background=self.background,
        )
        if self.prepare:
            grant(context.scene)
        sheets = made[:-1] if self.shadow else made
        triangles = sum(len(child.data.polygons) * 2 for child in sheets)
        self.report({"INFO"}, strings.LAYERS_DONE.format(count=len(sheets), triangles=triangles))


def add_layers(
    context,
    obj,
    count=24,
    triangles=100_000,
    lit=False,
    delit=False,
    blending="BLENDED",
    detail="SHARED",
    shadow=True,
    background=False,
):
    """One object per sheet, parented to the portrait object, in a new collection. Returns them, outermost sheet first.

    count: how many layers at most; with fewer than the portrait has sheets, neighbours are merged. triangles: budget of
    all of them together; quads without any visible texel are left out. lit: the scene's lights fall on the layers
    instead of their shining by themselves. delit: take the photo's light off them. blending: BLENDED or DITHERED, how
    EEVEE draws them. detail: SHARED, the photo's detail is an image that all materials add, or BAKED, part of every
    sheet's texture. shadow: add, as last object, the surface that casts the portrait's shadow. background: add the
    portrait's flat background, too.
    Raises PortraitError when nothing of the portrait is visible.
    """
    from ...inference.mesh import layers
    from ...inference.mesh.delight import Light
    from ...inference.mesh.surface import find_surface

    portrait = load(obj)
    try:
        surface = find_surface(portrait.textures, portrait.radii) if lit or delit or shadow else None
    except ValueError:
        raise PortraitError(strings.NO_SURFACE.format(name=obj.name)) from None
    textures, radii = layers.merge_sheets(portrait.textures, portrait.radii, count)
    fine = portrait.detail
    if delit:
        light = Light(portrait, surface)
        textures = layers.delit_sheets(textures, light)
        fine = None if fine is None else layers.delit_detail(fine, surface.color, light)
    visible = [layers.VisibleQuads(texture[..., 3]) for texture in textures]
    resolution = layers.grid_resolution(visible, triangles)
    stack = _Stack(obj, lit, blending)
    try:
        shared = {"normals": stack.normals(surface, resolution) if lit else None}
        if fine is not None and detail == "SHARED":
            shared["detail"] = stack.detail_group(fine)
        for index, texture in enumerate(textures):
            seen = visible[index](resolution)
            if seen.any():
                offset = SPREAD * index / max(len(textures) - 1, 1)
                if fine is not None and detail == "BAKED":
                    texture = layers.with_detail(texture, fine)
                stack.sheet(index, layers.sheet_mesh(radii, index, resolution), seen, texture, offset, **shared)
        if background:
            plane = layers.sheet_mesh(radii, len(radii), BACKGROUND_RESOLUTION)
            stack.sheet(len(radii), plane, None, portrait.textures[-1], SPREAD * 1.5)
        if not stack.made:
            raise PortraitError(strings.NO_SURFACE.format(name=obj.name))
        if shadow:
            stack.shadow(surface)
    except Exception:
        bpy.data.batch_remove(stack.trash)
        raise
    collection = bpy.data.collections.new(f"{obj.name} {strings.LAYERS}")
    for child in stack.made:
        collection.objects.link(child)
    context.collection.children.link(collection)
    return stack.made


def add_shadow(obj, collection):
    """The surface that casts a portrait's shadow, alone, in a collection. Raises PortraitError as `add_layers` does."""
    from ...inference.mesh.surface import find_surface

    portrait = load(obj)
    stack = _Stack(obj, lit=False, blending="BLENDED")
    try:
        stack.shadow(find_surface(portrait.textures, portrait.radii))
    except ValueError:
        raise PortraitError(strings.NO_SURFACE.format(name=obj.name)) from None
    except Exception:
        bpy.data.batch_remove(stack.trash)
        raise
    (shadow,) = stack.made
    del shadow[LAYER]  # cameras need not look through it
    collection.objects.link(shadow)
    return shadow


class _Stack:
    """The objects under construction; ``trash`` holds every datablock made, for the case that something fails."""

    def __init__(self, obj, lit, blending):
        self.obj, self.lit, self.blending = obj, lit, blending
        self.made, self.trash = [], []

    def sheet(self, index, mesh, seen, texture, offset, detail=None, normals=None):
        """Add a sheet. mesh: vertices, faces, uv. seen: which quads to keep, or None for all. offset: of its origin.

        detail, normals: what the sheets share, of :meth:`detail_group` and :meth:`normals`.
        """
        name = f"{self.obj.name} {strings.LAYER} {index + 1:02d}"
        image = self._image(name, texture)
        if self.lit:
            material = materials.lit_layer_material(name, image, detail, None if normals is None else normals[1])
        else:
            material = materials.layer_material(name, image, detail)
        material.surface_render_method = self.blending
        self.trash.append(material)
        # EEVEE sorts objects by the depth of their origins. These lie on a line that any camera in front of the
        # portrait sees in the sheets' order.
        origin = (0.0, offset - 0.1, 0.1 - 0.05 * offset)
        child = self._object(name, mesh, seen, material, origin, None if normals is None else normals[0])
        child.visible_shadow = False

    def shadow(self, surface):
        """Add what casts the shadow: the surface, a little inside, with the portrait's opacity."""
        from ...inference.geometry.grids import corner_grid
        from ...inference.mesh.layers import VisibleQuads, sheet_mesh

        name = f"{self.obj.name} {strings.SHADOW}"
        opacity = np.rint(255 * surface.opacity).astype(np.uint8)
        image = self._image(name, np.repeat(opacity[..., None], 3, -1))
        material = materials.shadow_material(name, image)
        self.trash.append(material)
        radii = corner_grid(surface.radius, SHADOW_RESOLUTION + 1, SHADOW_RESOLUTION + 1)[None] - SHADOW_INSET
        mesh = sheet_mesh(radii, 0, SHADOW_RESOLUTION)
        child = self._object(name, mesh, VisibleQuads(opacity)(SHADOW_RESOLUTION), material, (0.0, 0.0, 0.0))
        for ray in ("camera", "diffuse", "glossy", "transmission", "volume_scatter"):
            setattr(child, f"visible_{ray}", False)
        child.display_type = "BOUNDS"

    def detail_group(self, detail):
        """Node group that adds a detail map (h, w, 3) uint8, shared by all sheets."""
        name = f"{self.obj.name} {strings.DETAIL}"
        group = materials.detail_group(name, self._image(name, detail))
        self.trash.append(group)
        return group

    def normals(self, surface, quads):
        """Normals of the surface, which the light shall see in place of the sheets' own curvature; shared by all.

        Returns those at the vertices of the sheets' meshes, (n, 3), and an image of the finer ones in tangent space.
        """
        from ...inference.mesh.surface import surface_normals

        coarse, fine = surface_normals(surface.radius, quads)
        name = f"{self.obj.name} {strings.NORMALS}"
        image = self._image(name, np.rint(127.5 + 127.5 * fine).astype(np.uint8))
        image.colorspace_settings.name = "Non-Color"
        return meshes.to_blender(coarse), image

    def _image(self, name, pixels):
        image = images.new_image(name, pixels)
        self.trash.append(image)
        return image

    def _object(self, name, mesh, seen, material, origin, normals=None):
        vertices, faces, uv = mesh
        if seen is not None:
            faces = faces[seen.ravel()]
        used, faces = np.unique(faces, return_inverse=True)
        place = np.array(origin, np.float32)
        normals = None if normals is None else normals[used]
        vertices, faces = meshes.to_blender(vertices[used]) - place, faces.reshape(-1, 4)
        data = meshes.new_mesh(name, vertices, faces, uv[used], normals=normals)
        self.trash.append(data)
        data.materials.append(material)
        child = bpy.data.objects.new(name, data)
        self.trash.append(child)
        child.matrix_basis = Matrix.Translation(origin)
        child.parent = self.obj
        child[LAYER] = len(self.made)
        self.made.append(child)
        return child


CLASSES = (PORTRAIT_MANIFOLDS_OT_add_layers,)
