"""Import a photo: find the faces, show the crop, make the portrait object that Invert fills."""

import json
import os

import bpy
from bpy.props import CollectionProperty, EnumProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ...inference.errors import FaceUnusable, PortraitError
from ...inference.photo.open import SUFFIXES as PHOTOS
from ...inference.report import read_report
from ..crop import crops
from ..language import strings
from ..state import proxy
from ..state.doubts import keep_doubts
from ..state.folders import SUFFIX
from ..state.loaded import load_file
from ..state.option_groups import FaceOptions, options_of
from ..state.portrait import PORTRAIT, active_portrait, check_editable, new_portrait_object
from ..state.portrait_files import keep_photo, note_portrait
from ..work.operator import PortraitOperator, needs, one_line
from .show import frame

EXTENSIONS = (*PHOTOS, SUFFIX)
DISPLAYS = "DEFAULT", "LIST_VERTICAL", "LIST_HORIZONTAL", "THUMBNAIL"  # of file dialogs, as Blender numbers them


class PORTRAIT_MANIFOLDS_OT_import_portrait(FaceOptions, PortraitOperator, bpy.types.Operator, ImportHelper):
    bl_idname = "portrait_manifolds.import_portrait"
    bl_label = strings.IMPORT.label
    bl_description = strings.IMPORT.description
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE", "HIDDEN"})
    filter_glob: StringProperty(default=";".join(f"*{suffix}" for suffix in EXTENSIONS), options={"HIDDEN"})
    display_type: EnumProperty(
        items=[(name, name, "", number) for number, name in enumerate(DISPLAYS)],
        default="THUMBNAIL",
        options={"HIDDEN", "SKIP_SAVE"},
    )

    def invoke(self, context, event):
        if self.files or os.path.isfile(self.filepath):  # dropped on the viewport
            return self.execute(context)
        return super().invoke(context, event)

    def run(self, context):
        paths = [os.path.join(self.directory, item.name) for item in self.files if item.name] or [self.filepath]
        obj, errors = None, []
        for path in (bpy.path.abspath(path) for path in paths):
            try:
                if path.lower().endswith(SUFFIX):
                    obj = import_file(context, path)
                else:
                    obj = import_photo(context, path, self.face, self)
            except PortraitError as error:  # the others are imported all the same
                errors.append((os.path.basename(path), error))
        if obj is None:
            raise errors[0][1]
        for name, error in errors:
            self.report({"WARNING"}, strings.IMPORT_SOME.format(name=name, reason=one_line(error)))
        frame(context, obj)


def import_file(context, path):
    """Make a portrait object of a portrait file, such as a batch leaves. Raises PortraitError."""
    portrait = load_file(os.path.abspath(path))
    obj = new_portrait_object(context, os.path.splitext(portrait.photo_name or os.path.basename(path))[0])
    try:
        note_portrait(obj, portrait, path)
        note_report(obj, portrait, path)
        proxy.update(obj)
        crops.show_preview(obj, portrait.crop)
    except Exception:
        bpy.data.objects.remove(obj)
        raise
    context.collection.objects.link(obj)
    return obj


def note_report(obj, portrait, path):
    """Keep the report that lies beside a portrait file, where it is about this portrait, and what it warns of."""
    report, settings = read_report(os.path.dirname(path)), obj.portrait_manifolds
    made, photo = report.get("model"), report.get("photo")
    same = isinstance(made, dict) and isinstance(photo, dict)
    if same and made.get("sha256") == portrait.model_sha256 and photo.get("name") == portrait.photo_name:
        settings.report = json.dumps(report, default=str)
        keep_doubts(settings, report.get("warnings"))


def import_photo(context, path, face, operator):
    """Make the portrait object of one photo. Reports through `operator`. Raises PortraitError."""
    obj = new_portrait_object(context, os.path.splitext(os.path.basename(path))[0])
    try:
        note_photo(obj, path, face, operator)
    except Exception:
        bpy.data.objects.remove(obj)
        raise
    context.collection.objects.link(obj)
    return obj


def note_photo(obj, path, face, operator):
    """Give a portrait object its photo: find the faces and align one. Reports through `operator`.

    Where no face can be aligned the crop by hand is turned on. Raises PortraitError; the object is untouched when the
    photo cannot be read.
    """
    photo, faces = crops.look_at(path)
    settings = obj.portrait_manifolds
    keep_photo(obj, path)
    settings.landmarks = settings.doubts = ""
    settings.photo_size = photo.shape[1::-1]
    settings.faces.clear()
    for found in crops.listed(photo, faces):
        item = settings.faces.add()
        item.box, item.score, item.eyes = found.box, found.score, found.eyes
    settings.face = min(face, max(0, len(faces) - 1))
    settings.use_crop = settings.use_landmarks = settings.use_pose = False
    if not faces:
        crops.first_crop(settings)
        operator.report({"WARNING"}, strings.NO_FACE.format(name=obj.name))
    elif face >= len(faces):
        operator.report({"WARNING"}, strings.NO_SUCH_FACE.format(face=face, count=len(faces)))
    elif len(faces) > 1:
        operator.report({"INFO"}, strings.SEVERAL_FACES.format(count=len(faces), face=settings.face))
    try:
        if faces:
            crops.update_crop(obj, photo=photo, faces=faces)
    except FaceUnusable as error:
        crops.first_crop(settings)
        operator.report({"WARNING"}, one_line(error))
    if settings.use_crop:
        crops.show_preview(obj, crops.plain_crop(photo, settings))


@needs(PORTRAIT)
class PORTRAIT_MANIFOLDS_OT_update_crop(
    options_of(FaceOptions, default=-1, min=-1, options={"SKIP_SAVE"}), PortraitOperator, bpy.types.Operator
):
    bl_idname = "portrait_manifolds.update_crop"
    bl_label = strings.UPDATE_CROP.label
    bl_description = strings.UPDATE_CROP.description
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context):
        obj = active_portrait(context)
        self.subject = obj.name
        check_editable(obj)
        if self.face >= 0:
            crops.choose_face(obj, self.face)
        else:
            crops.update_crop(obj)


class PORTRAIT_MANIFOLDS_FH_photo(bpy.types.FileHandler):
    bl_idname = "PORTRAIT_MANIFOLDS_FH_photo"
    bl_label = strings.IMPORT.label
    bl_import_operator = "portrait_manifolds.import_portrait"
    bl_file_extensions = ";".join(EXTENSIONS)

    @classmethod
    def poll_drop(cls, context):
        return context.area is not None and context.area.type == "VIEW_3D"


CLASSES = (
    PORTRAIT_MANIFOLDS_OT_import_portrait,
    PORTRAIT_MANIFOLDS_OT_update_crop,
    PORTRAIT_MANIFOLDS_FH_photo,
)
