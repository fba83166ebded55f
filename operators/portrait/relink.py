"""Relink: give portraits back their files, their photos, or the model that made them."""

import os

import bpy
from bpy.props import BoolProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ...inference.errors import PortraitError
from ...inference.networks.model import load_model
from ...inference.photo.open import SUFFIXES as PHOTOS
from ...inference.photo.open import open_photo
from ..crop import crops
from ..language import strings
from ..state import health, proxy
from ..state.folders import SUFFIX
from ..state.loaded import load_file
from ..state.options import preferences
from ..state.portrait import PORTRAIT, active_portrait, check_editable, is_editable, is_portrait
from ..state.portrait_files import file_of, keep_photo, note_portrait, photo_of
from ..work.operator import PortraitOperator, needs
from .import_portrait import EXTENSIONS

MAX_FILES = 100_000  # looked at in one search


@needs(PORTRAIT)
class PORTRAIT_MANIFOLDS_OT_relink(PortraitOperator, bpy.types.Operator, ImportHelper):
    bl_idname = "portrait_manifolds.relink"
    bl_label = strings.RELINK.label
    bl_description = strings.RELINK.description
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=";".join(f"*{suffix}" for suffix in EXTENSIONS), options={"HIDDEN"})
    all_portraits: BoolProperty(
        name=strings.RELINK_ALL.label, description=strings.RELINK_ALL.description, default=True
    )

    def run(self, context):
        obj, path = active_portrait(context), os.path.abspath(bpy.path.abspath(self.filepath))
        if os.path.isfile(path):
            check_editable(obj)
            relink_file(obj, path)
            folder, found = os.path.dirname(path), 1
        else:
            folder, found = path if os.path.isdir(path) else os.path.dirname(path), 0
        wanted = missing_files([obj] if not self.all_portraits else bpy.data.objects)
        total = found + len(wanted)
        if wanted:
            found += relink_from_folder(wanted, folder)
        health.forget()
        if not found:
            raise PortraitError(strings.RELINK_NOTHING.format(folder=folder))
        self.report({"INFO"}, strings.RELINKED.format(count=found, missing=total))


def relink_file(obj, path):
    """Take a portrait file, or the same photo elsewhere, for an object. Raises PortraitError."""
    name, suffix = os.path.basename(path), os.path.splitext(path)[1].lower()
    if suffix == SUFFIX:
        portrait = load_file(path)
        note_portrait(obj, portrait, path)
        proxy.update(obj)
        crops.show_preview(obj, portrait.crop)
    elif suffix in PHOTOS:
        height, width = open_photo(path).shape[:2]
        old = tuple(int(value) for value in obj.portrait_manifolds.photo_size)
        if (width, height) != old and all(old):
            raise PortraitError(
                strings.RELINK_WRONG_SIZE.format(
                    name=name, width=width, height=height, old_width=old[0], old_height=old[1]
                )
            )
        keep_photo(obj, path)
    else:
        raise PortraitError(strings.RELINK_WRONG_KIND.format(name=name))


def missing_files(objects):
    """[(portrait object, its missing file's name in lower case)] of all that can be changed here."""
    wanted = []
    for obj in objects:
        if not is_portrait(obj) or not is_editable(obj):
            continue
        settings = obj.portrait_manifolds
        for function, stored in ((file_of, settings.portrait_path), (photo_of, settings.photo_path)):
            if stored:
                try:
                    path = function(obj)
                except PortraitError:  # packed and damaged: the file that it was packed from would do
                    path = ""
                if not os.path.isfile(path):
                    wanted.append((obj, os.path.basename(stored.replace("\\", "/")).lower()))
    return wanted


def relink_from_folder(wanted, folder):
    """Search a folder and those in it for files of these names; returns how many were found. Raises PortraitError."""
    names, paths, seen = {name for _, name in wanted}, {}, 0
    for parent, _, files in os.walk(folder):
        seen += len(files)
        if seen > MAX_FILES:
            raise PortraitError(strings.RELINK_SEARCH_LIMIT.format(folder=folder))
        for file in files:
            if file.lower() in names:
                paths.setdefault(file.lower(), []).append(os.path.join(parent, file))
    found = 0
    for obj, name in wanted:
        for path in paths.get(name, ()):
            try:
                if name.endswith(SUFFIX) and not _same_portrait(obj, load_file(path)):
                    continue
                relink_file(obj, path)
            except PortraitError:  # one of that name, but another file
                continue
            found += 1
            break
    return found


def _same_portrait(obj, portrait):
    settings = obj.portrait_manifolds
    return settings.model_sha256 in ("", portrait.model_sha256) and tuple(settings.photo_size) in (
        (0.0, 0.0),
        tuple(float(value) for value in portrait.photo_size),
    )


@needs(PORTRAIT)
class PORTRAIT_MANIFOLDS_OT_relink_model(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.relink_model"
    bl_label = strings.RELINK_MODEL.label
    bl_description = strings.RELINK_MODEL.description
    bl_options = {"REGISTER"}

    directory: StringProperty(
        name=strings.MODEL_PATH.label,
        description=strings.MODEL_PATH.description,
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context, event):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context):
        settings = active_portrait(context).portrait_manifolds
        folder = os.path.abspath(bpy.path.abspath(self.directory))
        model = load_model(folder, device="cpu")
        if settings.model_sha256 and model.sha256 != settings.model_sha256:
            raise PortraitError(strings.MODEL_NOT_THAT.format(folder=folder, id=model.id, wanted=settings.model_id))
        preferences().model_path = folder
        health.forget()
        self.report({"INFO"}, strings.MODEL_FOUND.format(id=model.id))


CLASSES = (PORTRAIT_MANIFOLDS_OT_relink, PORTRAIT_MANIFOLDS_OT_relink_model)
