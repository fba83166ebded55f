"""The portrait object: where it stands, which file it shows, and how it keeps that file."""

import os
import pathlib
import re
import shutil
import tempfile
import threading

import bpy
from mathutils import Matrix

from ..language import strings
from . import packing

EXTENSION = __package__.rsplit(".", 2)[0]
SUFFIX = ".manifolds"

# Portrait space (x right, y up, z to the viewer) to Blender (z up, faces -Y): (x, y, z) -> (x, -z, y).
PORTRAIT_TO_OBJECT = Matrix(((1, 0, 0, 0), (0, 0, -1, 0), (0, 1, 0, 0), (0, 0, 0, 1)))

_CACHE_SIZE = 4  # portraits; about 12 MB each
_cache = {}
_cache_lock = threading.Lock()


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


def reference(obj):
    """What to remember of a portrait object while a job runs; undo and rename make it find another way."""
    return obj.session_uid, obj.name


def find(target):
    """The portrait object of a :func:`reference`. Raises PortraitError when it is gone."""
    from ...inference.errors import PortraitError

    uid, name = target
    obj = next((obj for obj in bpy.data.objects if obj.session_uid == uid), None) or bpy.data.objects.get(name)
    if not is_portrait(obj):
        raise PortraitError(strings.DELETED.format(name=name))
    return obj


def new_portrait_object(context, name):
    """An empty, life-size and facing -Y; not yet linked, so that a failure leaves nothing in the scene."""
    from ..preferences.preferences import apply_defaults

    obj = bpy.data.objects.new(name, None)
    obj.empty_display_type = "SPHERE"
    obj.empty_display_size = 0.11  # metres, about a head
    unit = context.scene.unit_settings
    if unit.system != "NONE" and unit.scale_length > 0:
        obj.scale = [1.0 / unit.scale_length] * 3
    obj.location = context.scene.cursor.location
    obj.portrait_manifolds.is_portrait = True
    apply_defaults(context.scene)
    return obj


def portrait_to_world(matrix_world):
    """Split an object's world matrix into a rigid 4x4 portrait-to-world matrix and its scale.

    Raises PortraitError for a scale that differs between axes or mirrors: no camera sees such a portrait.
    """
    from ...inference.errors import PortraitError

    location, _, scale = matrix_world.decompose()
    size = abs(scale[0])
    rigid = matrix_world.to_3x3() * (1.0 / size) if size > 0 else Matrix.Identity(3)
    defect = max(abs(value) for row in (rigid.transposed() @ rigid - Matrix.Identity(3)) for value in row)
    if size == 0 or defect > 1e-3 or rigid.determinant() < 0:
        raise PortraitError(strings.UNEVEN_SCALE)
    return Matrix.Translation(location) @ rigid.to_4x4() @ PORTRAIT_TO_OBJECT, size


def storage_folder(blend_path=None):
    """Folder for new portrait files: beside the saved .blend, else the extension's own user folder."""
    blend_path = bpy.data.filepath if blend_path is None else blend_path
    if blend_path:
        path = pathlib.Path(blend_path)
        return path.parent / f"{path.stem}_portraits"
    return user_folder() / "portraits"


def user_folder():
    """The extension's user folder, or the preferences' choice, or a temporary one when run as a plain module."""
    from ..preferences.preferences import preferences

    chosen = preferences().cache_folder
    if chosen:
        return pathlib.Path(bpy.path.abspath(chosen))
    try:
        return pathlib.Path(bpy.utils.extension_path_user(EXTENSION, create=True))
    except ValueError:  # not installed as an extension
        return pathlib.Path(tempfile.gettempdir()) / "portrait_manifolds"


def free_path(folder, name):
    """A file name for a portrait in a folder that is not taken yet; the folder is created. Safe in a thread."""
    from ...inference.files import make_folder

    make_folder(folder)
    stem = re.sub(r"[^\w.-]+", "_", name).strip("._") or "portrait"
    number = 0
    while True:
        path = folder / (f"{stem}{SUFFIX}" if number == 0 else f"{stem}_{number:03d}{SUFFIX}")
        if not path.exists():
            return path
        number += 1


def note_portrait(obj, portrait, path):
    """Keep on the object where its portrait file lies and what made it."""
    settings = obj.portrait_manifolds
    settings.portrait_path = stored_path(path)
    settings.portrait_absolute = os.path.abspath(path)
    packing.drop(settings, "portrait")
    settings.photo_size = portrait.photo_size
    settings.model_id, settings.model_sha256 = portrait.model_id, portrait.model_sha256
    settings.pose = [float(portrait.pose.get(key, 0.0)) for key in ("yaw", "pitch", "roll")]


def is_editable(obj):
    """False for an object that lives in another .blend and is no override the user may change."""
    override = obj.override_library
    return obj.library is None and (override is None or not override.is_system_override)


def keep_photo(obj, path):
    """Keep on the object where its photo lies."""
    settings = obj.portrait_manifolds
    settings.photo_path, settings.photo_absolute = stored_path(path), os.path.abspath(path)
    packing.drop(settings, "photo")


def check_editable(obj):
    """Raise PortraitError for an object that lives in another .blend and is no override the user may change."""
    from ...inference.errors import PortraitError

    if not is_editable(obj):
        raise PortraitError(strings.LINKED.format(name=obj.name))


def stored_path(path):
    """Path as kept in the .blend: relative to it when both are saved on one drive."""
    if bpy.data.filepath:
        try:
            return bpy.path.relpath(str(path))
        except ValueError:
            pass
    return str(path)


def absolute_path(obj, stored):
    """Absolute path of a path kept on `obj`, which may be linked from a library or override an object there."""
    if not stored:
        return ""
    override = obj.override_library
    if override is not None and override.reference is not None:
        inherited = override.reference.portrait_manifolds
        if stored in (inherited.portrait_path, inherited.photo_path):
            return absolute_path(override.reference, stored)
    return bpy.path.abspath(stored, library=obj.library)


def load(obj):
    """The object's Portrait, read once and kept while the file does not change. Raises PortraitError."""
    return load_file(file_of(obj))


def file_of(obj):
    """Absolute path of the object's portrait file. Raises PortraitError when it has none yet."""
    from ...inference.errors import PortraitError

    settings = obj.portrait_manifolds
    if not settings.portrait_path:
        raise PortraitError(strings.NOT_INVERTED.format(name=obj.name))
    if settings.packed is not None and packing.holds(settings.packed, "portrait"):
        return packing.unpacked(settings.packed, "portrait")
    return _existing(obj, settings.portrait_path, settings.portrait_absolute)


def photo_of(obj):
    """Absolute path of the object's photo, which may be missing; "" when it came without one. Raises PortraitError."""
    settings = obj.portrait_manifolds
    if settings.packed is not None and packing.holds(settings.packed, "photo"):
        return packing.unpacked(settings.packed, "photo")
    return _existing(obj, settings.photo_path, settings.photo_absolute) if settings.photo_path else ""


def _existing(obj, stored, last):
    """The absolute path of a stored one; where the file was last if it is only there: appended to another .blend."""
    path = os.path.abspath(absolute_path(obj, stored))
    return last if last and not os.path.isfile(path) and os.path.isfile(last) else path


def load_file(path):
    """Portrait of an absolute path, read once and kept while the file does not change. Safe in a thread."""
    from ...inference.errors import PortraitError
    from ...inference.portrait import load_portrait

    try:
        info = os.stat(path)
    except OSError:
        raise PortraitError(strings.PORTRAIT_MISSING.format(path=path)) from None
    key = (path, info.st_mtime_ns, info.st_size)
    with _cache_lock:
        if key in _cache:
            _cache[key] = _cache.pop(key)  # most recently used last
            return _cache[key]
    portrait = load_portrait(path)
    with _cache_lock:
        _cache[key] = portrait
        while len(_cache) > _CACHE_SIZE:
            _cache.pop(next(iter(_cache)))
    return portrait


def forget_portraits():
    """Drop all portraits kept in memory."""
    with _cache_lock:
        _cache.clear()


def keep_beside(blend_path):
    """Get paths ready for a .blend that is about to be saved there; returns what :func:`put_back` needs.

    Portraits in the user folder are copied to a folder beside it, and all paths become relative to it, so the
    .blend and that folder can move together. What is packed, linked, or inherited by an override stays as it is.
    """
    folder = os.path.dirname(os.path.abspath(blend_path))
    before = []
    for obj in bpy.data.objects:
        if obj.library is not None or not is_portrait(obj):
            continue
        settings = obj.portrait_manifolds
        for name, last in (("portrait_path", "portrait_absolute"), ("photo_path", "photo_absolute")):
            stored = getattr(settings, name)
            packed = settings.packed is not None and packing.holds(settings.packed, name.partition("_")[0])
            if not stored or packed or _inherited(obj, name):
                continue
            path = _existing(obj, stored, getattr(settings, last))
            if name == "portrait_path":
                path = _copied_beside(path, storage_folder(blend_path))
            before.append((obj, name, stored))
            setattr(settings, last, path)
            setattr(settings, name, _relative(path, folder))
    return before


def adopt(obj, blend_path):
    """Make the paths of an object that was appended from another .blend point to the same files from here."""
    settings = obj.portrait_manifolds
    folder = os.path.dirname(os.path.abspath(bpy.path.abspath(blend_path)))
    for name, last in (("portrait_path", "portrait_absolute"), ("photo_path", "photo_absolute")):
        stored = getattr(settings, name)
        if stored.startswith("//"):
            path = os.path.abspath(bpy.path.abspath(stored, start=folder))
            if os.path.isfile(path):
                setattr(settings, name, stored_path(path))
                setattr(settings, last, path)


def _inherited(obj, name):
    """True when an override takes a property from the object it overrides."""
    override = obj.override_library
    if override is None or override.reference is None:
        return False
    return getattr(obj.portrait_manifolds, name) == getattr(override.reference.portrait_manifolds, name)


def _relative(path, folder):
    try:
        return bpy.path.relpath(path, start=folder)
    except ValueError:  # on another drive
        return path


def put_back(before):
    """Undo :func:`keep_beside` on the objects, after a copy was saved and the session stays with its own file."""
    for obj, name, stored in before:
        setattr(obj.portrait_manifolds, name, stored)


def _copied_beside(path, folder):
    """The portrait's new place: a copy in `folder` when it lies in the user folder, else where it is."""
    home = os.path.abspath(user_folder())
    if not path.startswith(home + os.sep) or not os.path.isfile(path):
        return path
    goal = folder / os.path.basename(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not goal.exists():
            partial = goal.with_name(f"{goal.name}.part")
            shutil.copyfile(path, partial)
            os.replace(partial, goal)
    except OSError as error:
        print(strings.NOT_COPIED.format(path=path, reason=error.strerror))
        return path
    return str(goal)
