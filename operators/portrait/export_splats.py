"""Export Splats: the portrait as a cloud of 3-D Gaussians, for viewers, game engines, and Blender itself."""

import os

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ExportHelper

from ..language import strings
from ..state.loaded import load_file
from ..state.options import preferences
from ..state.portrait import INVERTED, active_inverted, reference
from ..state.portrait_files import file_of
from ..work.operator import JobOperator, needs


@needs(INVERTED)
class PORTRAIT_MANIFOLDS_OT_export_splats(JobOperator, bpy.types.Operator, ExportHelper):
    bl_idname = "portrait_manifolds.export_splats"
    bl_label = strings.EXPORT_SPLATS.label
    bl_description = strings.EXPORT_SPLATS.description

    filename_ext = ".ply"
    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default="*.ply", options={"HIDDEN"})
    count: IntProperty(
        name=strings.SPLAT_COUNT.label,
        description=strings.SPLAT_COUNT.description,
        min=20_000,
        max=4_000_000,
        default=400_000,
    )
    frame: EnumProperty(
        name=strings.SPLAT_FRAME.label,
        description=strings.SPLAT_FRAME.description,
        items=[(key, text.label, text.description) for key, text in strings.SPLAT_FRAMES.items()],
        default="y-down",
    )

    def invoke(self, context, event):
        if not self.filepath:
            folder = os.path.dirname(bpy.data.filepath)
            self.filepath = os.path.join(folder, bpy.path.clean_name(active_inverted(context).name) + ".ply")
        return ExportHelper.invoke(self, context, event)

    def execute(self, context):
        """Called with the chosen file, also by a window: then as a job."""
        if bpy.app.background or context.window is None:
            return super().execute(context)
        return JobOperator.invoke(self, context, None)

    def prepare(self, context):
        from ...inference.splats.files import check_splats_path, save_splats
        from ...inference.splats.make import make_splats

        obj = active_inverted(context)
        self.subject, self.target = obj.name, reference(obj)
        path, count, frame = bpy.path.abspath(self.filepath), self.count, self.frame
        threads = preferences().threads
        check_splats_path(path)
        source = file_of(obj)

        def work(progress):
            splats = make_splats(
                load_file(source), count, threads, lambda share, text: progress(0.9 * share, text)
            )
            progress(0.9, strings.SAVING_SPLATS)
            save_splats(splats, path, frame)
            return path, len(splats.positions)

        return work

    def finish(self, context, result):
        path, count = result
        self.report({"INFO"}, strings.SPLATS_DONE.format(count=count, name=os.path.basename(path)))


CLASSES = (PORTRAIT_MANIFOLDS_OT_export_splats,)
