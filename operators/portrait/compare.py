"""Compare with Photo: the photo and the portrait through its camera, side by side in an image editor."""

import os

import bpy
import numpy as np
from bpy.props import BoolProperty, IntProperty

from ...inference.photo.open import open_photo
from ...inference.photo.warp import square_to_photo, warp_to_crop
from ..datablocks import images
from ..language import strings
from ..state.loaded import load
from ..state.options import preferences
from ..state.portrait import INVERTED, active_inverted
from ..state.portrait_files import photo_of
from ..work.operator import PortraitOperator, needs


@needs(INVERTED)
class PORTRAIT_MANIFOLDS_OT_compare(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.compare"
    bl_label = strings.COMPARE.label
    bl_description = strings.COMPARE.description
    bl_options = {"REGISTER", "UNDO"}

    size: IntProperty(
        name=strings.COMPARE_SIZE.label, description=strings.COMPARE_SIZE.description, min=64, max=2048, default=512
    )
    difference: BoolProperty(name=strings.DIFFERENCE.label, description=strings.DIFFERENCE.description, default=True)
    open_editor: BoolProperty(
        name=strings.OPEN_EDITOR.label, description=strings.OPEN_EDITOR.description, default=True
    )

    def run(self, context):
        obj = active_inverted(context)
        photo, view, error = compare(obj, self.size)
        picture = side_by_side(photo, view, self.difference)
        image = images.show_pixels(strings.COMPARISON, picture)
        show_in_editor(context, image, self.open_editor)
        self.report({"INFO"}, strings.COMPARED.format(error=error[0], decibel=error[1]))


def compare(obj, size):
    """The crop of the photo and the portrait through its camera.

    Returns photo and view, (size, size, 3) uint8 sRGB, and (mean absolute difference of 255, PSNR in dB) where the
    subject is. The photo's own pixels are used where it is at hand, else the 256-pixel crop kept with the portrait.
    Raises PortraitError.
    """
    from ...inference.view.render import render_view

    portrait = load(obj)
    side = portrait.camera.width
    path = photo_of(obj)
    source, to_source = portrait.crop, square_to_photo((side / 2, side / 2), side, 0.0, size)
    if path and os.path.isfile(path):
        photo = open_photo(path)
        if photo.shape[1::-1] == tuple(portrait.photo_size):
            linear, offset = portrait.crop_to_photo[:, :2], portrait.crop_to_photo[:, 2:]
            source, to_source = photo, np.concatenate([linear * side / size, offset], 1)
    expected = warp_to_crop(source, to_source, size)
    view = render_view(portrait, portrait.camera.scaled(size, size), "source", threads=preferences().threads)
    seen = np.rint(255 * np.clip(view.color * view.alpha[..., None], 0, 1)).astype(np.uint8)
    subject = render_view(portrait, portrait.camera, threads=preferences().threads).alpha > 0.5
    small = (warp_to_crop(pixels, square_to_photo((size / 2, size / 2), size, 0.0)) for pixels in (expected, seen))
    first, second = (pixels.astype(np.float64)[subject] for pixels in small)
    squared = np.mean((first - second) ** 2) if subject.any() else 0.0
    decibel = 99.0 if squared < 1e-5 else 10 * np.log10(255**2 / squared)
    return expected, seen, (float(np.abs(first - second).mean()) if subject.any() else 0.0, float(decibel))


def side_by_side(photo, view, difference=True):
    """One picture (h, n w, 4) uint8 of photo, view and, if wanted, their difference, three times as strong."""
    parts = [photo, view]
    if difference:
        parts.append(np.clip(3 * np.abs(photo.astype(np.int16) - view), 0, 255).astype(np.uint8))
    picture = np.concatenate(parts, 1)
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])


def show_in_editor(context, image, split, beside=False):
    """Show an image in the screen's image editors; without any, split the area for one if wanted.

    beside: the new editor stands at the area's side instead of under it. Returns the editors' spaces.
    """
    screen = context.screen
    editors = [area for area in screen.areas if area.type == "IMAGE_EDITOR"] if screen else []
    if not editors and split and not bpy.app.background and context.area is not None:
        editors = [_split(context, beside)]
    for area in editors:
        area.spaces.active.image = image
        area.tag_redraw()
        region = next(region for region in area.regions if region.type == "WINDOW")
        if not bpy.app.background:
            with context.temp_override(area=area, region=region, space_data=area.spaces.active):
                bpy.ops.image.view_all(fit_view=True)
    return [area.spaces.active for area in editors]


def _split(context, beside):
    """An image editor under the area the user is in, or at its side."""
    how = {"direction": "VERTICAL", "factor": 0.5} if beside else {"direction": "HORIZONTAL", "factor": 0.4}
    before = {area.as_pointer() for area in context.screen.areas}
    with context.temp_override(area=context.area):
        bpy.ops.screen.area_split(**how)
    area = next(area for area in context.screen.areas if area.as_pointer() not in before)
    area.type = "IMAGE_EDITOR"
    return area


CLASSES = (PORTRAIT_MANIFOLDS_OT_compare,)
