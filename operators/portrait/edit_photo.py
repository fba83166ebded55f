"""Edit Photo and Apply Edit: the crop as a picture to paint on, and the portrait made anew from what was painted."""

import os

import bpy
import numpy as np
from bpy.props import BoolProperty

from ...inference.errors import PortraitError
from ...inference.photo.open import open_with_alpha
from ...inference.photo.pixels import over_grey
from ...inference.photo.warp import detail_side, rescaled, warp_to_crop
from ..datablocks import images
from ..language import strings
from ..state.loaded import load
from ..state.portrait import INVERTED, active_inverted, check_editable
from ..state.portrait_files import photo_of
from ..work.operator import PortraitOperator, needs
from .compare import show_in_editor
from .invert import RemakeOperator

CROP = "portrait_manifolds_crop"  # custom property of pictures to paint on: the crop they show, its map to the photo


def _edited(context):
    obj = active_inverted(context)
    return obj is not None and obj.portrait_manifolds.edit is not None


@needs(INVERTED)
class PORTRAIT_MANIFOLDS_OT_edit_photo(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.edit_photo"
    bl_label = strings.EDIT_PHOTO.label
    bl_description = strings.EDIT_PHOTO.description
    bl_options = {"REGISTER", "UNDO"}

    open_editor: BoolProperty(
        name=strings.OPEN_EDITOR.label, description=strings.OPEN_EDITOR.description, default=True
    )

    def run(self, context):
        obj = active_inverted(context)
        self.subject = obj.name
        check_editable(obj)
        image = picture_to_paint(obj)
        for editor in show_in_editor(context, image, self.open_editor, beside=True):
            editor.ui_mode = "PAINT"
        self.report({"INFO"}, strings.EDIT_READY.format(image=image.name))


@needs(INVERTED, (_edited, strings.NO_EDIT))
class PORTRAIT_MANIFOLDS_OT_apply_edit(RemakeOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.apply_edit"
    bl_label = strings.APPLY_EDIT.label
    bl_description = strings.APPLY_EDIT.description
    bl_options = {"REGISTER"}  # in an image editor that paints, UNDO would keep a step of the picture alone

    done = strings.EDITED

    def prepare(self, context):
        from ...inference.editing import whole_square

        obj = active_inverted(context)
        self.take(obj)
        pixels = painted(obj)
        return self.work_on(obj, pixels, like=load(obj), crop_to_picture=whole_square(len(pixels)))

    def finish(self, context, result):
        with context.temp_override(area=None, region=None):
            bpy.ops.ed.undo_push(message=strings.EDIT_IMAGE.label)  # undoing up to a brush's stroke changes that alone
            outcome = super().finish(context, result)
            bpy.ops.ed.undo_push(message=self.bl_label)
        return outcome


def picture_to_paint(obj):
    """The image with which a portrait's photo is edited: the one there is for its crop, else a new one. It is packed,
    so the photo's file stays as it is. Raises PortraitError.
    """
    portrait, settings = load(obj), obj.portrait_manifolds
    crop = [float(value) for value in np.ravel(portrait.crop_to_photo)]
    image = settings.edit
    if image is None or (CROP in image and not np.allclose(image[CROP], crop)):
        image = images.new_image(f"{obj.name} {strings.EDIT}", _crop_pixels(obj, portrait))
        image[CROP] = crop
        settings.edit = image
    return image


def painted(obj):
    """The image with which a portrait is edited, (s, s, 4) uint8 sRGB, straight alpha. Raises PortraitError."""
    image = obj.portrait_manifolds.edit
    width, height = image.size
    if width != height or not width or image.is_float or len(image.pixels) != 4 * width * height:
        raise PortraitError(strings.EDIT_UNUSABLE.format(name=image.name))
    return np.rint(255.0 * images.get_pixels(image)).astype(np.uint8)


def keep_edits():
    """Keep what was painted since in the .blend that is about to be saved, where the pictures are."""
    for obj in bpy.data.objects:
        image = obj.portrait_manifolds.edit
        if image is not None and image.library is None and CROP in image and image.is_dirty:
            image.pack()


def _crop_pixels(obj, portrait):
    """What a portrait's crop shows of its photo, at the photo's own resolution, (s, s, 3) or with alpha (s, s, 4).

    The 256 pixels kept with the portrait where the photo is not at hand.
    """
    path, side = photo_of(obj), detail_side(portrait.crop_to_photo) or len(portrait.crop)
    if path and os.path.isfile(path):
        photo, alpha = open_with_alpha(path)
        if photo.shape[1::-1] == tuple(portrait.photo_size):
            photo = over_grey(photo, alpha)
            photo = photo if alpha is None else np.dstack([photo, alpha])
            return warp_to_crop(photo, rescaled(portrait.crop_to_photo, side), side)
    return portrait.crop


CLASSES = (PORTRAIT_MANIFOLDS_OT_edit_photo, PORTRAIT_MANIFOLDS_OT_apply_edit)
