"""Add Camera: a Blender camera that reproduces the photo exactly."""

import bpy
from bpy.props import BoolProperty

from . import strings
from .base import PortraitOperator
from .portraits import absolute_path, active_inverted, load


class PORTRAIT_MANIFOLDS_OT_add_camera(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.add_camera"
    bl_label = strings.ADD_CAMERA.label
    bl_description = strings.ADD_CAMERA.description
    bl_options = {"REGISTER", "UNDO"}

    whole_photo: BoolProperty(name=strings.WHOLE_PHOTO.label, description=strings.WHOLE_PHOTO.description)
    background: BoolProperty(
        name=strings.CAMERA_BACKGROUND.label, description=strings.CAMERA_BACKGROUND.description, default=True
    )
    set_resolution: BoolProperty(
        name=strings.SET_RESOLUTION.label, description=strings.SET_RESOLUTION.description, default=True
    )

    @classmethod
    def poll(cls, context):
        if active_inverted(context) is None:
            cls.poll_message_set(strings.INVERT_FIRST)
            return False
        return True

    def run(self, context):
        add_photo_camera(context, active_inverted(context), self.whole_photo, self.background, self.set_resolution)


def add_photo_camera(context, obj, whole_photo=False, background=True, set_resolution=True):
    """Link a camera under the portrait object, make it the scene's, and return it.

    whole_photo: the camera shows the photo as it was taken, else the upright 256-pixel crop the networks saw.
    background: show the photo behind the camera's view. set_resolution: give the render the image's size.
    """
    from . import cameras, images

    portrait = load(obj)
    camera, picture = portrait.camera, None
    if whole_photo:
        from ..inference.alignment import photo_camera
        from ..inference.photo import open_photo

        camera = photo_camera(portrait, portrait.photo_size)
        if background and obj.portrait_manifolds.photo_path:
            path = absolute_path(obj, obj.portrait_manifolds.photo_path)
            picture = images.photo_image(path, open_photo(path))
    elif background:
        picture = images.new_image(f"{obj.name} crop", portrait.crop)
    name = f"{obj.name} {strings.PHOTO_CAMERA if whole_photo else strings.CROP_CAMERA}"
    new = cameras.new_camera_object(name, camera)
    if picture is not None:
        new.data.show_background_images = True
        slot = new.data.background_images.new()
        slot.image, slot.alpha, slot.frame_method = picture, 1.0 if whole_photo else 0.5, "FIT"
    new.parent = obj
    context.collection.objects.link(new)
    scene = context.scene
    scene.camera = new
    if set_resolution:
        render = scene.render
        render.resolution_x, render.resolution_y = camera.width, camera.height
        render.pixel_aspect_x = render.pixel_aspect_y = 1.0
        render.resolution_percentage = 100
    return new


CLASSES = (PORTRAIT_MANIFOLDS_OT_add_camera,)
