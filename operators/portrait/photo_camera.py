"""Add Camera, Match Photo: a Blender camera that reproduces the photo exactly, and a scene that renders it."""

import bpy
from bpy.props import BoolProperty

from ...inference.photo.open import open_photo
from ..datablocks import images
from ..engine import cameras
from ..language import strings
from ..state.loaded import load
from ..state.portrait import INVERTED, active_inverted
from ..state.portrait_files import photo_of
from ..work.operator import PortraitOperator, needs

# Custom properties of cameras that reproduce the "photo" or its "crop": which of them, and where it was put for that
KIND, PLACE = "portrait_manifolds_camera", "portrait_manifolds_place"


class _PhotoCamera(PortraitOperator):
    bl_options = {"REGISTER", "UNDO"}

    background: BoolProperty(
        name=strings.CAMERA_BACKGROUND.label, description=strings.CAMERA_BACKGROUND.description, default=True
    )


@needs(INVERTED)
class PORTRAIT_MANIFOLDS_OT_add_camera(_PhotoCamera, bpy.types.Operator):
    bl_idname = "portrait_manifolds.add_camera"
    bl_label = strings.ADD_CAMERA.label
    bl_description = strings.ADD_CAMERA.description

    whole_photo: BoolProperty(name=strings.WHOLE_PHOTO.label, description=strings.WHOLE_PHOTO.description)

    def run(self, context):
        camera = add_photo_camera(context, active_inverted(context), self.whole_photo, self.background)
        if context.scene.camera is None:  # as Blender's own Add ▸ Camera does
            context.scene.camera = camera


@needs(INVERTED)
class PORTRAIT_MANIFOLDS_OT_match_photo(_PhotoCamera, bpy.types.Operator):
    bl_idname = "portrait_manifolds.match_photo"
    bl_label = strings.MATCH_PHOTO.label
    bl_description = strings.MATCH_PHOTO.description

    whole_photo: BoolProperty(
        name=strings.WHOLE_PHOTO.label, description=strings.WHOLE_PHOTO.description, default=True
    )

    def run(self, context):
        camera = match_photo(context, active_inverted(context), self.whole_photo, self.background)
        render = context.scene.render
        size = {"width": render.resolution_x, "height": render.resolution_y}
        self.report({"INFO"}, strings.MATCHED.format(camera=camera.name, **size))


def add_photo_camera(context, obj, whole_photo=False, background=True):
    """Link a camera under the portrait object and return it.

    whole_photo: the camera shows the photo as it was taken, else the upright 256-pixel crop the networks saw.
    background: show the photo behind the camera's view.
    """
    camera, picture = _camera_of(load(obj), whole_photo), None
    if background:
        picture = _picture_of(obj, whole_photo)
    name = f"{obj.name} {strings.PHOTO_CAMERA if whole_photo else strings.CROP_CAMERA}"
    new = cameras.new_camera_object(name, camera, obj)
    new[KIND] = _kind(whole_photo)
    new[PLACE] = _place(new)
    if picture is not None:
        new.data.show_background_images = True
        slot = new.data.background_images.new()
        slot.image, slot.alpha, slot.frame_method = picture, 1.0 if whole_photo else 0.5, "FIT"
    new.parent = obj
    context.collection.objects.link(new)
    return new


def match_photo(context, obj, whole_photo=True, background=True):
    """Make the scene render what the photo (or its crop) shows: camera, render size, square pixels. Returns the camera.

    A camera that :func:`add_photo_camera` made and that still stands there is taken, else one is added.
    """
    scene, kind = context.scene, _kind(whole_photo)
    made = (child for child in obj.children if child.name in scene.objects and _reproduces(child))
    camera = next((child for child in made if child[KIND] == kind), None)
    scene.camera = camera or add_photo_camera(context, obj, whole_photo, background)
    seen, render = _camera_of(load(obj), whole_photo), scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = seen.width, seen.height, 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    return scene.camera


def follow_photo(obj):
    """Make the cameras under a portrait object that reproduce its photo do so again, after another inversion.

    Cameras that were moved since belong to the user.
    """
    portrait = load(obj)
    for child in obj.children:
        if child.library is not None or not _reproduces(child):
            continue
        whole_photo = child[KIND] == "photo"
        cameras.set_camera_object(child, _camera_of(portrait, whole_photo))
        child[PLACE] = _place(child)
        if child.data.background_images and not whole_photo:
            child.data.background_images[0].image = _picture_of(obj, False)


def _kind(whole_photo):
    return "photo" if whole_photo else "crop"


def _reproduces(child):
    """True for a camera that was made to reproduce the photo or its crop, and was not moved since."""
    if child.type != "CAMERA" or KIND not in child:
        return False
    return max(abs(a - b) for a, b in zip(child[PLACE], _place(child), strict=True)) <= 1e-6


def _place(camera):
    return [value for row in camera.matrix_basis for value in row]


def _camera_of(portrait, whole_photo):
    if not whole_photo:
        return portrait.camera
    from ...inference.alignment.align import photo_camera

    return photo_camera(portrait, portrait.photo_size)


def _picture_of(obj, whole_photo):
    """Image datablock of the photo, None when it is not at hand; or of its crop."""
    if not whole_photo:
        return images.new_image(f"{obj.name} crop", load(obj).crop)
    path = photo_of(obj)
    return images.photo_image(path, open_photo(path)) if path else None


CLASSES = (PORTRAIT_MANIFOLDS_OT_add_camera, PORTRAIT_MANIFOLDS_OT_match_photo)
