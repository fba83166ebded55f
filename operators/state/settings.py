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
from . import proxy
from .background import show_planes
from .option_groups import (
    BatchOptions,
    CropOptions,
    FaceOptions,
    HandOptions,
    LayerOptions,
    MeshOptions,
    PoseOptions,
    options_of,
)

# Paths may be relative to the .blend; Blender 4.5 and later want to be told
RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
OVERRIDE = {"LIBRARY_OVERRIDABLE"}

BLUR_SAMPLES = 16  # four times the work of a sharp picture with its 2 x 2 samples

_told = {}  # {what changed: function (settings, context) of a floor above}, handed in by :func:`register`


def _folders_changed(settings, context):
    _told["folders"](settings, context)


def _face_picked(settings, index):
    _told["face"](settings.id_data, index)


def _portrait_changed(settings, context):
    settings.id_data.update_tag()  # a rendered viewport looks again; values set by scripts alone do not tell it


def _background_changed(settings, context):
    show_planes(settings.id_data)
    settings.id_data.update_tag()


def _proxy_changed(settings, context):
    proxy.shown_changed(settings.id_data)


class PortraitFace(bpy.types.PropertyGroup):
    """A face found in the photo."""

    box: FloatVectorProperty(name=strings.FACE_BOX.label, description=strings.FACE_BOX.description, size=4)
    score: FloatProperty(name=strings.FACE_SURE.label, description=strings.FACE_SURE.description)
    eyes: FloatProperty(name=strings.FACE_SIZE.label, description=strings.FACE_SIZE.description)


class PortraitSettings(
    options_of(FaceOptions, override=OVERRIDE),
    options_of(HandOptions, override=OVERRIDE),
    options_of(CropOptions, "crop_", override=OVERRIDE),
    options_of(PoseOptions, override=OVERRIDE),
    bpy.types.PropertyGroup,
):
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
    matte: PointerProperty(
        type=bpy.types.Image, name=strings.MATTE.label, description=strings.MATTE.description, override=OVERRIDE
    )
    edit: PointerProperty(
        type=bpy.types.Image,
        name=strings.EDIT_IMAGE.label,
        description=strings.EDIT_IMAGE.description,
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
    show_proxy: BoolProperty(
        name=strings.SHOW_PROXY.label,
        description=strings.SHOW_PROXY.description,
        default=True,
        update=_proxy_changed,
        override=OVERRIDE,
    )
    faces: CollectionProperty(type=PortraitFace)
    # of the panel's list: a click takes the face, values that scripts give to `face` do not
    face_row: IntProperty(
        name=strings.FACE.label,
        description=strings.FACE.description,
        options={"HIDDEN"},
        get=lambda settings: settings.face,
        set=_face_picked,
    )
    doubts: StringProperty(options={"HIDDEN"}, override=OVERRIDE)  # see state.doubts
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


class SceneSettings(
    options_of(LayerOptions, "layer_"),
    options_of(MeshOptions, "mesh_"),
    options_of(BatchOptions, "batch_"),
    bpy.types.PropertyGroup,
):
    """Lives on the scene: options of the panels."""

    view_path: StringProperty(
        name=strings.VIEW_PATH.label, description=strings.VIEW_PATH.description, subtype="FILE_PATH", options=RELATIVE
    )
    pack: BoolProperty(name=strings.PACK.label, description=strings.PACK.description)
    samples: EnumProperty(
        name=strings.SAMPLES.label,
        description=strings.SAMPLES.description,
        items=[(key, text.label, text.description) for key, text in strings.SAMPLE_COUNTS.items()],
        default="2",
    )
    device: EnumProperty(
        name=strings.DRAWN_BY.label,
        description=strings.DRAWN_BY.description,
        items=[(key, text.label, text.description) for key, text in strings.DRAWING_DEVICES.items()],
        default="AUTOMATIC",
    )
    blur_samples: IntProperty(
        name=strings.BLUR_SAMPLES.label,
        description=strings.BLUR_SAMPLES.description,
        default=BLUR_SAMPLES,
        min=1,
        soft_max=256,
        max=4096,
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


class RenderedApart(bpy.types.PropertyGroup):
    """Lives on the scene: see `portraits_scene`."""

    scene: PointerProperty(type=bpy.types.Scene, options={"HIDDEN"})  # that renders the portraits of this one
    of: PointerProperty(type=bpy.types.Scene, options={"HIDDEN"})  # whose portraits this one renders
    before: StringProperty(options={"HIDDEN"})  # what Render with Scene changed, JSON


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

CLASSES = (PortraitFace, PortraitSettings, SceneSettings, RenderedApart, ViewLayerSettings, JobState)


def register(folders_changed, face_picked):
    """Hang the groups on their owners.

    folders_changed: update (settings, context) of the batch's folders. face_picked: takes a face (object, index).
    """
    _told["folders"], _told["face"] = folders_changed, face_picked
    bpy.types.Object.portrait_manifolds = PointerProperty(type=PortraitSettings, override=OVERRIDE)
    bpy.types.Scene.portrait_manifolds = PointerProperty(type=SceneSettings)
    bpy.types.Scene.portrait_manifolds_apart = PointerProperty(type=RenderedApart)
    bpy.types.ViewLayer.portrait_manifolds = PointerProperty(type=ViewLayerSettings)
    bpy.types.WindowManager.portrait_manifolds_job = PointerProperty(type=JobState)


def unregister():
    """Take them off again."""
    del bpy.types.WindowManager.portrait_manifolds_job
    del bpy.types.ViewLayer.portrait_manifolds
    del bpy.types.Scene.portrait_manifolds_apart
    del bpy.types.Scene.portrait_manifolds
    del bpy.types.Object.portrait_manifolds
