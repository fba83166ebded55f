"""Camera moves for showing a portrait: a swing around the head, and a dolly zoom."""

import math

import bpy
from bpy.props import FloatProperty, IntProperty

from ..engine.cameras import new_camera_data, render_size
from ..language import strings
from ..state.portrait import INVERTED, active_inverted
from ..work.operator import PortraitOperator, needs

FILL = 0.36  # metres at the head that fill the smaller image side


@needs(INVERTED)
class _Move(PortraitOperator):
    bl_options = {"REGISTER", "UNDO"}

    def set_frames(self, scene):
        scene.frame_start, scene.frame_end = 1, self.frames
        scene.frame_set(1)


class PORTRAIT_MANIFOLDS_OT_add_turntable(_Move, bpy.types.Operator):
    bl_idname = "portrait_manifolds.add_turntable"
    bl_label = strings.TURNTABLE.label
    bl_description = strings.TURNTABLE.description

    frames: IntProperty(name=strings.FRAMES.label, description=strings.FRAMES.description, min=2, default=72)
    swing: FloatProperty(
        name=strings.SWING.label,
        description=strings.SWING.description,
        subtype="ANGLE",
        min=0.0,
        max=math.radians(60),
        default=math.radians(30),
    )
    lens: FloatProperty(name=strings.LENS.label, description=strings.LENS.description, min=10, max=500, default=85)

    def run(self, context):
        obj, scene = active_inverted(context), context.scene
        pivot = bpy.data.objects.new(f"{obj.name} {strings.PIVOT}", None)
        pivot.empty_display_size, pivot.parent = 0.1, obj
        camera = new_frontal_camera(context, f"{obj.name} {strings.TURNTABLE_CAMERA}", obj, self.lens)
        camera.parent = pivot
        context.collection.objects.link(pivot)
        context.collection.objects.link(camera)
        # it starts and ends at one extreme, where it stands still, so the loop has no seam
        for frame, angle in ((1, -self.swing), (1 + self.frames / 2, self.swing), (1 + self.frames, -self.swing)):
            pivot.rotation_euler.z = angle
            pivot.keyframe_insert("rotation_euler", index=2, frame=frame)
        scene.camera = camera
        self.set_frames(scene)


class PORTRAIT_MANIFOLDS_OT_add_dolly_zoom(_Move, bpy.types.Operator):
    bl_idname = "portrait_manifolds.add_dolly_zoom"
    bl_label = strings.DOLLY_ZOOM.label
    bl_description = strings.DOLLY_ZOOM.description

    frames: IntProperty(name=strings.FRAMES.label, description=strings.FRAMES.description, min=2, default=72)
    # metres whatever the scene's unit, which the subtype DISTANCE would show instead
    near: FloatProperty(name=strings.NEAR.label, description=strings.NEAR.description, min=0.3, default=0.5)
    far: FloatProperty(name=strings.FAR.label, description=strings.FAR.description, min=0.3, default=4.0)

    def run(self, context):
        obj, scene = active_inverted(context), context.scene
        camera = new_frontal_camera(context, f"{obj.name} {strings.DOLLY_CAMERA}", obj, 50.0)
        context.collection.objects.link(camera)
        per_metre = camera.data.lens / -camera.location.y
        # distance and lens have the same two keys and so the same easing: their proportion holds at every frame
        for frame, distance in ((1, self.far), (self.frames, self.near)):
            camera.location.y = -distance
            camera.data.lens = per_metre * distance
            camera.keyframe_insert("location", index=1, frame=frame)
            camera.data.keyframe_insert("lens", frame=frame)
        scene.camera = camera
        self.set_frames(scene)


def new_frontal_camera(context, name, portrait, lens):
    """A camera in front of the head, at the distance at which the head fills the smaller image side; not linked."""
    data = new_camera_data(name, portrait)
    data.lens = lens
    camera = bpy.data.objects.new(name, data)
    camera.parent = portrait
    width, height = render_size(context.scene)
    smaller = data.sensor_width * min(width, height) / max(width, height)
    camera.location = (0.0, -FILL * lens / smaller, 0.0)
    camera.rotation_euler = (math.pi / 2, 0.0, 0.0)
    return camera


CLASSES = (PORTRAIT_MANIFOLDS_OT_add_turntable, PORTRAIT_MANIFOLDS_OT_add_dolly_zoom)
