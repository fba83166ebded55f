"""Install, choose and remove models."""

import os

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ImportHelper

from ...inference.errors import ModelUnusable
from ..language import strings
from ..state.folders import user_folder
from ..state.options import model_folder, preferences
from ..work import problems
from ..work.operator import JobOperator, PortraitOperator, redraw_panels
from . import model_store


def store():
    """Folder of installed models (Path)."""
    return user_folder() / "models"


def choose(context, folder):
    """Use another model from now on; "" for the built-in one."""
    preferences().model_path = str(folder)
    problems.solved(kind=ModelUnusable)
    redraw_panels(context)


class PORTRAIT_MANIFOLDS_OT_install_model(JobOperator, bpy.types.Operator, ImportHelper):
    bl_idname = "portrait_manifolds.install_model"
    bl_label = strings.INSTALL_MODEL.label
    bl_description = strings.INSTALL_MODEL.description

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default="*.zip;card.json", options={"HIDDEN"})

    def invoke(self, context, event):
        return ImportHelper.invoke(self, context, event)

    def execute(self, context):
        """Called with the chosen file, also by a window: then as a job."""
        if bpy.app.background or context.window is None:
            return super().execute(context)
        return JobOperator.invoke(self, context, None)

    def prepare(self, context):
        source, folder = os.path.abspath(bpy.path.abspath(self.filepath)), store()
        self.subject = os.path.basename(source)
        return lambda progress: model_store.install(source, folder, progress)

    def finish(self, context, result):
        choose(context, result)
        found = model_store.facts(result)
        license = found.license or strings.MODEL_NO_LICENSE
        self.report({"INFO"}, strings.MODEL_INSTALLED.format(id=found.id, license=license))


class PORTRAIT_MANIFOLDS_OT_choose_model(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.choose_model"
    bl_label = strings.CHOOSE_MODEL.label
    bl_description = strings.CHOOSE_MODEL.description

    folder: StringProperty(name=strings.MODEL_FOLDER.label, description=strings.MODEL_FOLDER.description)

    def run(self, context):
        choose(context, self.folder)


class PORTRAIT_MANIFOLDS_OT_remove_model(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.remove_model"
    bl_label = strings.REMOVE_MODEL.label
    bl_description = strings.REMOVE_MODEL.description

    folder: StringProperty(name=strings.MODEL_FOLDER.label, description=strings.MODEL_FOLDER.description)

    def invoke(self, context, event):
        return context.window_manager.invoke_confirm(self, event)

    def run(self, context):
        model_store.remove(self.folder, store())
        if str(model_folder()) == self.folder:
            choose(context, "")


CLASSES = (
    PORTRAIT_MANIFOLDS_OT_install_model,
    PORTRAIT_MANIFOLDS_OT_choose_model,
    PORTRAIT_MANIFOLDS_OT_remove_model,
)
