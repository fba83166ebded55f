"""The portrait object: which one is meant, where it stands, and whether it can be changed."""

import bpy
from mathutils import Matrix

from ...inference.errors import PortraitError
from ..language import strings
from .options import apply_defaults, preferences

# Portrait space (x right, y up, z to the viewer) to Blender (z up, faces -Y): (x, y, z) -> (x, -z, y).
PORTRAIT_TO_OBJECT = Matrix(((1, 0, 0, 0), (0, 0, -1, 0), (0, 1, 0, 0), (0, 0, 0, 1)))


def is_portrait(obj):
    """True for the object that carries a portrait."""
    return obj is not None and obj.portrait_manifolds.is_portrait


def active_portrait(context):
    """The portrait the user means: the active object, its nearest portrait parent, or the scene's only one."""
    obj = context.view_layer.objects.active if context.view_layer else None
    while obj is not None:
        if is_portrait(obj):
            return obj
        obj = obj.parent
    found = [obj for obj in context.scene.objects if is_portrait(obj)] if context.scene else []
    return found[0] if len(found) == 1 else None


def active_inverted(context):
    """Like :func:`active_portrait`, but None unless the portrait has been inverted."""
    obj = active_portrait(context)
    return obj if obj is not None and obj.portrait_manifolds.portrait_path else None


def has_photo(context):
    """True when there is an active portrait, and it came with a photo."""
    obj = active_portrait(context)
    return obj is not None and bool(obj.portrait_manifolds.photo_path)


# What an operator may need (see work.operator.needs), with what to say without it
PORTRAIT = active_portrait, strings.SELECT_PORTRAIT
INVERTED = active_inverted, strings.INVERT_FIRST
PHOTO = has_photo, strings.NEEDS_PHOTO


def reference(obj):
    """What to remember of a portrait object while a job runs; undo and rename make it find another way."""
    return obj.session_uid, obj.name


def find(target):
    """The portrait object of a :func:`reference`. Raises PortraitError when it is gone."""
    uid, name = target
    obj = next((obj for obj in bpy.data.objects if obj.session_uid == uid), None) or bpy.data.objects.get(name)
    if not is_portrait(obj):
        raise PortraitError(strings.DELETED.format(name=name))
    return obj


def is_editable(obj):
    """False for an object that lives in another .blend and is no override the user may change."""
    override = obj.override_library
    return obj.library is None and (override is None or not override.is_system_override)


def check_editable(obj):
    """Raise PortraitError for an object that lives in another .blend and is no override the user may change."""
    if not is_editable(obj):
        raise PortraitError(strings.LINKED.format(name=obj.name))


def new_portrait_object(context, name):
    """An empty, life-size and facing -Y; not yet linked, so that a failure leaves nothing in the scene."""
    obj = bpy.data.objects.new(name, None)
    obj.empty_display_type = "SPHERE"
    obj.empty_display_size = 0.11  # metres, about a head
    unit = context.scene.unit_settings
    if unit.system != "NONE" and unit.scale_length > 0:
        obj.scale = [1.0 / unit.scale_length] * 3
    obj.location = context.scene.cursor.location
    obj.portrait_manifolds.is_portrait = True
    if not preferences().proxy:
        obj.portrait_manifolds.show_proxy = False
    apply_defaults(context.scene)
    return obj


def portrait_size(matrix_world):
    """How many units of the scene a metre of the portrait is, on average over the axes; 1 where it is nothing."""
    return abs(matrix_world.to_3x3().determinant()) ** (1 / 3) or 1.0
