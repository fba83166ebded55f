"""Render View: the portrait through the scene's camera, into an image and optionally a file."""

import bpy
import numpy as np
from bpy.props import EnumProperty, StringProperty

from ..datablocks import images
from ..engine import cameras
from ..engine.composite import portrait_planes
from ..language import strings
from ..state.loaded import load
from ..state.options import preferences
from ..state.portrait import INVERTED, active_inverted
from ..work.operator import PortraitOperator, needs


@needs(INVERTED)
class PORTRAIT_MANIFOLDS_OT_render_view(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.render_view"
    bl_label = strings.RENDER_VIEW.label
    bl_description = strings.RENDER_VIEW.description
    bl_options = {"REGISTER"}

    filepath: StringProperty(
        name=strings.VIEW_PATH.label,
        description=strings.VIEW_PATH.description,
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    background: EnumProperty(
        name=strings.BACKGROUND.label,
        description=strings.BACKGROUND.description,
        items=[(key, text.label, text.description) for key, text in strings.BACKGROUNDS.items()],
        default="none",
    )

    def run(self, context):
        view = view_through_camera(context, active_inverted(context), self.background)
        image = images.show_view(strings.VIEW_IMAGE, view)
        if self.filepath:
            path = bpy.path.ensure_ext(bpy.path.abspath(self.filepath), ".png")
            images.save_view(path, view)
        for area in context.screen.areas if context.screen else ():
            if area.type == "IMAGE_EDITOR":
                area.spaces.active.image = image
        self.report({"INFO"}, strings.VIEW_DONE.format(image=image.name, width=image.size[0], height=image.size[1]))


def view_through_camera(context, obj, background="none"):
    """View (straight sRGB) of one portrait through the scene's camera at the scene's render size and border.

    In a scene without a camera it is the one that took the crop of the photo, as on the command line.
    """
    from ...inference.view.render import finish, render_view

    portrait, threads = load(obj), preferences().threads
    if context.scene.camera is None:
        return render_view(portrait, portrait.camera, background, threads=threads)
    depsgraph = context.evaluated_depsgraph_get()
    camera = cameras.world_camera(context.scene.camera, depsgraph, context.scene)
    matrix = obj.evaluated_get(depsgraph).matrix_world
    planes = portrait_planes(portrait, camera, matrix, threads, with_plane=background == "source")
    return finish(np.zeros((5, camera.height, camera.width), np.float32) if planes is None else planes)


CLASSES = (PORTRAIT_MANIFOLDS_OT_render_view,)
