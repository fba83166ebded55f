"""What the user can choose, declared once: groups of options, for operators and, under longer names, for settings."""

from bpy.props import BoolProperty, EnumProperty, FloatProperty, FloatVectorProperty, IntProperty, StringProperty

from ..language import strings

HEAD = "head"  # of the topologies, as inference.mesh.textured names them
SURFACE_ONLY = "mesh_resolution", "mesh_faces", "mesh_smoothing"
HEAD_ONLY = "mesh_keys", "mesh_subdivision"
LOOK = "mesh_texture", "mesh_delit", "mesh_unlit", "mesh_shade_smooth"  # not what the mesh is, but how it looks


class LayerOptions:
    """How the layers are made."""

    look: EnumProperty(
        name=strings.LAYER_LOOK.label,
        description=strings.LAYER_LOOK.description,
        items=[(key, text.label, text.description) for key, text in strings.LAYER_LOOKS.items()],
        default="emission",
    )
    delit: BoolProperty(name=strings.MESH_DELIT.label, description=strings.LAYER_DELIT)
    count: EnumProperty(
        name=strings.LAYER_COUNT.label,
        description=strings.LAYER_COUNT.description,
        items=[(key, text.label, text.description) for key, text in strings.LAYER_COUNTS.items()],
        default="24",
    )
    triangles: IntProperty(
        name=strings.LAYER_TRIANGLES.label,
        description=strings.LAYER_TRIANGLES.description,
        min=3_000,
        max=1_000_000,
        soft_max=200_000,
        default=100_000,
    )


class MeshOptions:
    """How the mesh is made; some are for one topology only."""

    topology: EnumProperty(
        name=strings.MESH_TOPOLOGY.label,
        description=strings.MESH_TOPOLOGY.description,
        items=[(key, text.label, text.description) for key, text in strings.MESH_TOPOLOGIES.items()],
        default="marching-cubes",
    )
    resolution: IntProperty(
        name=strings.MESH_RESOLUTION.label,
        description=strings.MESH_RESOLUTION.description,
        min=32,
        max=512,
        default=192,
    )
    faces: IntProperty(
        name=strings.MESH_FACES.label, description=strings.MESH_FACES.description, min=0, max=2_000_000, default=20_000
    )
    smoothing: IntProperty(
        name=strings.MESH_SMOOTHING.label, description=strings.MESH_SMOOTHING.description, min=0, max=10, default=1
    )
    closed: BoolProperty(name=strings.MESH_CLOSED.label, description=strings.MESH_CLOSED.description)
    texture: EnumProperty(
        name=strings.MESH_TEXTURE.label,
        description=strings.MESH_TEXTURE.description,
        items=[("0", strings.AS_THE_PHOTO.label, strings.AS_THE_PHOTO.description)]
        + [(str(side), f"{side}²", "") for side in (512, 1024, 2048, 4096)],
        default="0",
    )
    keys: BoolProperty(name=strings.MESH_KEYS.label, description=strings.MESH_KEYS.description, default=True)
    subdivision: IntProperty(
        name=strings.MESH_SUBDIVISION.label, description=strings.MESH_SUBDIVISION.description, min=0, max=3, default=0
    )
    delit: BoolProperty(name=strings.MESH_DELIT.label, description=strings.MESH_DELIT.description)
    unlit: BoolProperty(name=strings.MESH_UNLIT.label, description=strings.MESH_UNLIT.description)
    shade_smooth: BoolProperty(
        name=strings.SHADE_SMOOTH.label, description=strings.SHADE_SMOOTH.description, default=True
    )


class LodOptions:
    """How levels of detail are made: those of a mesh that marching cubes know."""

    __annotations__ = {
        name: MeshOptions.__annotations__[name]
        for name in ("resolution", "faces", "smoothing", "closed", "shade_smooth")
    }


class BatchOptions:
    """What a batch makes of each photo, and how."""

    mesh: BoolProperty(name=strings.BATCH_MESH.label, description=strings.BATCH_MESH.description)
    topology: EnumProperty(
        name=strings.MESH_TOPOLOGY.label,
        description=strings.MESH_TOPOLOGY.description,
        items=[(key, text.label, text.description) for key, text in strings.MESH_TOPOLOGIES.items()],
        default="marching-cubes",
    )
    views: StringProperty(name=strings.BATCH_VIEWS.label, description=strings.BATCH_VIEWS.description)
    resume: BoolProperty(
        name=strings.BATCH_RESUME.label, description=strings.BATCH_RESUME.description, default=True
    )
    workers: IntProperty(
        name=strings.BATCH_WORKERS.label, description=strings.BATCH_WORKERS.description, min=1, max=64, default=1
    )


class FaceOptions:
    """Which face of the photo is meant."""

    face: IntProperty(
        name=strings.FACE.label,
        description=strings.FACE.description,
        min=0,
        default=0,
    )


class CropOptions:
    """The crop that is set by hand, in pixels of the photo."""

    centre: FloatVectorProperty(
        name=strings.CROP_CENTRE.label,
        description=strings.CROP_CENTRE.description,
        size=2,
        precision=1,
        step=100,
    )
    size: FloatProperty(
        name=strings.CROP_SIZE.label,
        description=strings.CROP_SIZE.description,
        min=16.0,
        default=256.0,
        precision=1,
        step=100,
    )
    roll: FloatProperty(
        name=strings.CROP_ROLL.label,
        description=strings.CROP_ROLL.description,
        min=-180.0,
        max=180.0,
        precision=1,
        step=10,
    )


class PoseOptions:
    """Where the photo's camera stands, set by hand, in degrees."""

    yaw: FloatProperty(
        name=strings.POSE_YAW.label,
        description=strings.POSE_YAW.description,
        min=-60.0,
        max=60.0,
        precision=1,
        step=100,
    )
    pitch: FloatProperty(
        name=strings.POSE_PITCH.label,
        description=strings.POSE_PITCH.description,
        min=-60.0,
        max=60.0,
        precision=1,
        step=100,
    )


class HandOptions:
    """What is set by hand instead of found."""

    use_crop: BoolProperty(name=strings.USE_CROP.label, description=strings.USE_CROP.description)
    use_landmarks: BoolProperty(name=strings.USE_LANDMARKS.label, description=strings.USE_LANDMARKS.description)
    use_pose: BoolProperty(name=strings.USE_POSE.label, description=strings.USE_POSE.description)


def options_of(group, prefix="", **changes):
    """A mix-in with the options of a group, called after it with a prefix, as mesh_faces for MeshOptions.faces.

    changes: arguments of the properties that are others here, such as their default.
    """
    declared = {
        prefix + name: option.function(**option.keywords | changes) for name, option in group.__annotations__.items()
    }
    return type(group.__name__, (), {"__annotations__": declared})


def names_of(group, prefix):
    """The names that :func:`options_of` gives to the options of a group."""
    return tuple(prefix + name for name in group.__annotations__)


def hand_over(settings, group, prefix, operator):
    """Give the operator of a button the options of a group as they are in the settings."""
    for name in group.__annotations__:
        setattr(operator, name, getattr(settings, prefix + name))
