"""Mark as Asset: a portrait, its mesh or its levels of detail in the asset browser, with the engine's view of it."""

import bpy
import numpy as np

from ..language import strings
from ..state.loaded import load
from ..state.portrait import INVERTED, active_inverted
from ..work.operator import PortraitOperator, needs

PREVIEW = 256  # pixels, as large as Blender shows previews
TAGS = "portrait", "head"


@needs(INVERTED)
class PORTRAIT_MANIFOLDS_OT_mark_asset(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.mark_asset"
    bl_label = strings.MARK_ASSET.label
    bl_description = strings.MARK_ASSET.description
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context):
        obj = active_inverted(context)
        self.subject = obj.name
        marked = mark(asset_of(context.view_layer.objects.active, obj), obj)
        self.report({"INFO"}, strings.ASSET_MARKED.format(name=marked.name))


def asset_of(active, portrait):
    """What is meant by the active object: levels of detail belong together, in their collection."""
    if active is None or active == portrait or active.parent != portrait or active.type != "MESH":
        return portrait
    return next((one for one in active.users_collection if _are_levels(one, portrait)), active)


def mark(block, portrait):
    """Mark an object or collection as asset, with what the photo's camera sees of the portrait as its preview."""
    from ...inference.view.render import render_view, view_pixels

    shown = load(portrait)
    view = render_view(shown, shown.camera.resized(PREVIEW, PREVIEW))
    block.asset_mark()
    block.asset_data.description = strings.ASSET_OF.format(photo=shown.photo_name or portrait.name)
    for tag in TAGS:
        block.asset_data.tags.new(tag, skip_if_exists=True)
    preview = block.preview_ensure()
    preview.image_size = PREVIEW, PREVIEW
    pixels = view_pixels(view)[::-1].astype(np.float32) / 255
    preview.image_pixels_float.foreach_set(np.ascontiguousarray(pixels).ravel())
    return block


def _are_levels(collection, portrait):
    """True for a collection of nothing but several meshes of the portrait."""
    objects = collection.objects
    return len(objects) > 1 and all("_LOD" in one.name and one.parent == portrait for one in objects)


CLASSES = (PORTRAIT_MANIFOLDS_OT_mark_asset,)
