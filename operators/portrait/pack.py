"""Pack and Unpack: portraits inside the .blend, or as files beside it."""

import bpy
from bpy.props import BoolProperty

from ...inference.errors import PortraitError
from ..language import strings
from ..state import health
from ..state.folders import storage_folder
from ..state.portrait import PORTRAIT, active_portrait, is_editable, is_portrait
from ..work.operator import PortraitOperator, needs
from . import packing


def chosen(context):
    """The active portrait and the selected ones that can be changed here."""
    active = active_portrait(context)
    found = {obj.session_uid: obj for obj in (active, *context.selected_objects) if is_portrait(obj)}
    return [obj for obj in found.values() if is_editable(obj)]


@needs(PORTRAIT)
class PORTRAIT_MANIFOLDS_OT_pack(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.pack"
    bl_label = strings.PACK_PORTRAITS.label
    bl_description = strings.PACK_PORTRAITS.description
    bl_options = {"REGISTER", "UNDO"}

    photo: BoolProperty(name=strings.PACK_PHOTO.label, description=strings.PACK_PHOTO.description, default=True)

    def run(self, context):
        sizes = [size for obj in chosen(context) if (size := packing.pack(obj, self.photo))]
        if not sizes:
            raise PortraitError(strings.NOTHING_TO_PACK)
        health.forget()
        self.report({"INFO"}, strings.PACKED_DONE.format(count=len(sizes), megabytes=sum(sizes) / 1e6))


@needs(PORTRAIT)
class PORTRAIT_MANIFOLDS_OT_unpack(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.unpack"
    bl_label = strings.UNPACK_PORTRAITS.label
    bl_description = strings.UNPACK_PORTRAITS.description
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context):
        packed = [obj for obj in chosen(context) if obj.portrait_manifolds.packed is not None]
        if not packed:
            raise PortraitError(strings.NOTHING_TO_UNPACK)
        folder = storage_folder()
        for obj in packed:
            packing.unpack(obj, folder)
        health.forget()
        self.report({"INFO"}, strings.UNPACKED_DONE.format(count=len(packed), folder=folder))


def pack_on_save():
    """Before saving: pack the portraits of the scenes that ask for it; what cannot be packed stays beside."""
    for scene in bpy.data.scenes:
        if scene.library is not None or not scene.portrait_manifolds.pack:
            continue
        for obj in scene.objects:
            if is_portrait(obj) and is_editable(obj):
                try:
                    packing.pack(obj)
                except PortraitError as error:
                    print(strings.NOT_PACKED.format(name=obj.name, reason=error))


CLASSES = (PORTRAIT_MANIFOLDS_OT_pack, PORTRAIT_MANIFOLDS_OT_unpack)
