"""State kept in the .blend (on objects and scenes) and the state of the running job (not saved)."""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..language import strings
from ..work import jobs
from .background import show_planes

# Paths may be relative to the .blend; Blender 4.5 and later want to be told
RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()


OVERRIDE = {"LIBRARY_OVERRIDABLE"}


_told = {}  # {what changed: function (settings, context) of a floor above}, handed in by :func:`register`


def _folders_changed(settings, context):
    _told["folders"](settings, context)


def _portrait_changed(settings, context):
    settings.id_data.update_tag()  # a rendered viewport looks again; values set by scripts alone do not tell it


def _background_changed(settings, context):
    show_planes(settings.id_data)
    settings.id_data.update_tag()


class PortraitFace(bpy.types.PropertyGroup):
    """A face found in the photo."""

    box: FloatVectorProperty(size=4, description=strings.FACE_BOX.description)
    score: FloatProperty()


class PortraitSettings(bpy.types.PropertyGroup):
    """Lives on the portrait object: where its files are, how it was made, and how to make it again."""

    is_portrait: BoolProperty(options={"HIDDEN"}, override=OVERRIDE)
    photo_path: StringProperty(
        name=strings.PHOTO.label,
        description=strings.PHOTO.description,
        subtype="FILE_PATH",
        options=RELATIVE,
        override=OVERRIDE,
    )
    portrait_path: StringProperty(
        name=strings.PORTRAIT_FILE.label,
        description=strings.PORTRAIT_FILE.description,
        subtype="FILE_PATH",
        options=RELATIVE,
        update=_portrait_changed,
        override=OVERRIDE,
    )
    # where the files were last; for objects appended elsewhere
    portrait_absolute: StringProperty(options={"HIDDEN"}, override=OVERRIDE)
    photo_absolute: StringProperty(options={"HIDDEN"}, override=OVERRIDE)
    packed: PointerProperty(
        type=bpy.types.Text, name=strings.PACKED.label, description=strings.PACKED.description, override=OVERRIDE
    )
    photo_size: FloatVectorProperty(size=2, options={"HIDDEN"}, override=OVERRIDE)
    landmarks: StringProperty(options={"HIDDEN"}, override=OVERRIDE)  # see crops.landmarks_of
    show_background: BoolProperty(
        name=strings.SHOW_BACKGROUND.label,
        description=strings.SHOW_BACKGROUND.description,
        update=_background_changed,
        override=OVERRIDE,
    )
    faces: CollectionProperty(type=PortraitFace)
    face: IntProperty(
        name=strings.FACE.label,
        description=strings.FACE.description,
        min=0,
        default=0,
        override=OVERRIDE,
    )
    use_crop: BoolProperty(name=strings.USE_CROP.label, description=strings.USE_CROP.description, override=OVERRIDE)
    crop_centre: FloatVectorProperty(
        name=strings.CROP_CENTRE.label,
        description=strings.CROP_CENTRE.description,
        size=2,
        precision=1,
        step=100,
        override=OVERRIDE,
    )
    crop_size: FloatProperty(
        name=strings.CROP_SIZE.label,
        description=strings.CROP_SIZE.description,
        min=16.0,
        default=256.0,
        precision=1,
        step=100,
        override=OVERRIDE,
    )
    crop_roll: FloatProperty(
        name=strings.CROP_ROLL.label,
        description=strings.CROP_ROLL.description,
        min=-180.0,
        max=180.0,
        precision=1,
        step=10,
        override=OVERRIDE,
    )
    pose: FloatVectorProperty(
        name=strings.POSE.label, description=strings.POSE.description, size=3, precision=1, override=OVERRIDE
    )
    model_id: StringProperty(
        name=strings.MODEL_ID.label, description=strings.MODEL_ID.description, override=OVERRIDE
    )
    model_sha256: StringProperty(
        name=strings.MODEL_SHA256.label, description=strings.MODEL_SHA256.description, override=OVERRIDE
    )
    report: StringProperty(options={"HIDDEN"}, override=OVERRIDE)


class SceneSettings(bpy.types.PropertyGroup):
    """Lives on the scene: options of the panels."""

    view_path: StringProperty(
        name=strings.VIEW_PATH.label, description=strings.VIEW_PATH.description, subtype="FILE_PATH", options=RELATIVE
    )
    pack: BoolProperty(name=strings.PACK.label, description=strings.PACK.description)
    add_camera: BoolProperty(name=strings.WITH_CAMERA.label, description=strings.WITH_CAMERA.description, default=True)
    samples: EnumProperty(
        name=strings.SAMPLES.label,
        description=strings.SAMPLES.description,
        items=[(key, text.label, text.description) for key, text in strings.SAMPLE_COUNTS.items()],
        default="2",
    )
    layer_look: EnumProperty(
        name=strings.LAYER_LOOK.label,
        description=strings.LAYER_LOOK.description,
        items=[(key, text.label, text.description) for key, text in strings.LAYER_LOOKS.items()],
        default="emission",
    )
    layer_count: EnumProperty(
        name=strings.LAYER_COUNT.label,
        description=strings.LAYER_COUNT.description,
        items=[(key, text.label, text.description) for key, text in strings.LAYER_COUNTS.items()],
        default="24",
    )
    layer_triangles: IntProperty(
        name=strings.LAYER_TRIANGLES.label,
        description=strings.LAYER_TRIANGLES.description,
        min=3_000,
        max=1_000_000,
        soft_max=100_000,
        default=50_000,
    )
    mesh_resolution: IntProperty(
        name=strings.MESH_RESOLUTION.label,
        description=strings.MESH_RESOLUTION.description,
        min=32,
        max=512,
        default=192,
    )
    mesh_faces: IntProperty(
        name=strings.MESH_FACES.label, description=strings.MESH_FACES.description, min=0, max=2_000_000, default=0
    )
    mesh_smoothing: IntProperty(
        name=strings.MESH_SMOOTHING.label, description=strings.MESH_SMOOTHING.description, min=0, max=10, default=1
    )
    mesh_closed: BoolProperty(name=strings.MESH_CLOSED.label, description=strings.MESH_CLOSED.description)
    mesh_shade_smooth: BoolProperty(
        name=strings.SHADE_SMOOTH.label, description=strings.SHADE_SMOOTH.description, default=True
    )
    batch_folder: StringProperty(
        name=strings.BATCH_FOLDER.label,
        description=strings.BATCH_FOLDER.description,
        subtype="DIR_PATH",
        options=RELATIVE,
        update=_folders_changed,
    )
    batch_out: StringProperty(
        name=strings.BATCH_OUT.label,
        description=strings.BATCH_OUT.description,
        subtype="DIR_PATH",
        options=RELATIVE,
        update=_folders_changed,
    )
    batch_workers: IntProperty(
        name=strings.BATCH_WORKERS.label, description=strings.BATCH_WORKERS.description, min=1, max=64, default=1
    )
    batch_mesh: BoolProperty(name=strings.BATCH_MESH.label, description=strings.BATCH_MESH.description)
    batch_views: StringProperty(name=strings.BATCH_VIEWS.label, description=strings.BATCH_VIEWS.description)
    batch_resume: BoolProperty(
        name=strings.BATCH_RESUME.label, description=strings.BATCH_RESUME.description, default=True
    )


def _passes_changed(settings, context):
    context.view_layer.update_render_passes()


class ViewLayerSettings(bpy.types.PropertyGroup):
    """Lives on the view layer: passes of the render engine beside Blender's own."""

    use_pass_alpha: BoolProperty(
        name=strings.PASS_ALPHA.label, description=strings.PASS_ALPHA.description, update=_passes_changed
    )


class JobState(bpy.types.PropertyGroup):
    """Lives on the window manager: what scripts may ask about the running job; `jobs.queue` knows it."""

    running: BoolProperty(get=lambda self: bool(jobs.queue.pending()))
    fraction: FloatProperty(min=0.0, max=1.0, subtype="FACTOR", get=lambda self: _running("state")[0])
    text: StringProperty(get=lambda self: _running("state")[1])
    seconds: FloatProperty(get=lambda self: _running("seconds"))


def _running(name):
    return getattr(jobs.queue.running or _IDLE, name)


_IDLE = jobs.Job(None)

CLASSES = (PortraitFace, PortraitSettings, SceneSettings, ViewLayerSettings, JobState)


def register(folders_changed):
    """Hang the groups on their owners. folders_changed: update (settings, context) of the batch's folders."""
    _told["folders"] = folders_changed
    bpy.types.Object.portrait_manifolds = PointerProperty(type=PortraitSettings, override=OVERRIDE)
    bpy.types.Scene.portrait_manifolds = PointerProperty(type=SceneSettings)
    bpy.types.ViewLayer.portrait_manifolds = PointerProperty(type=ViewLayerSettings)
    bpy.types.WindowManager.portrait_manifolds_job = PointerProperty(type=JobState)


def unregister():
    """Take them off again."""
    del bpy.types.WindowManager.portrait_manifolds_job
    del bpy.types.ViewLayer.portrait_manifolds
    del bpy.types.Scene.portrait_manifolds
    del bpy.types.Object.portrait_manifolds
