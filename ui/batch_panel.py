"""Sidebar ▸ Portrait ▸ Batch: the photos of a folder with pictures and states, and what can be done with them."""

import os

import bpy

from ..operators.batch import batch_run, thumbnails
from ..operators.language import strings
from ..operators.state.doubts import doubts_of
from ..operators.state.option_groups import BatchOptions, hand_over
from .doubts import ICON, draw_doubts, wrapped
from .job_list import columns
from .panels import _Panel

ICONS = {
    "waiting": "SORTTIME",
    "working": "PLAY",
    "done": "CHECKMARK",
    "skipped": "CHECKMARK",
    "failed": "ERROR",
}
ROWS = 6  # of the list
SHEET = "index.html"  # as inference.batch.sheet writes it


class PORTRAIT_MANIFOLDS_UL_batch(bpy.types.UIList):
    """One row per photo: picture, name, state, and a sign where something is doubtful."""

    def draw_item(self, context, layout, data, item, icon, active_data, active_propname, index=0, flt_flag=0):
        row = layout.row(align=True)
        split = row.split(factor=0.62)
        picture = thumbnails.icon(picture_path(data, item))
        if picture:
            split.label(text=item.name, icon_value=picture, translate=False)
        else:
            split.label(text=item.name, icon="IMAGE_DATA", translate=False)
        state = split.row(align=True)
        state.label(text=strings.BATCH_STATES[item.status], icon=ICONS[item.status])
        if doubts_of(item):
            button = state.operator("portrait_manifolds.batch_doubts", text="", icon=ICON, emboss=False)
            button.name = item.name


class PORTRAIT_MANIFOLDS_PT_batch(_Panel, bpy.types.Panel):
    bl_label = strings.PANEL_BATCH
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        settings, state = context.scene.portrait_manifolds, context.window_manager.portrait_manifolds_batch
        run = batch_run.current()
        column = layout.column()
        column.enabled = run is None
        for name in ("folder", "out", "mesh", "topology", "views", "workers", "resume"):
            column.prop(settings, f"batch_{name}")
        if run is None:
            self._draw_start(layout, settings, state)
        else:
            self._draw_run(layout, run)
        if len(state.photos):
            self._draw_list(layout, state)
        if len(state.photos) and state.active() is not None:
            self._draw_photo(layout.box(), context, state, state.active())

    @staticmethod
    def _draw_start(layout, settings, state):
        row = layout.row(align=True)
        row.scale_y = 1.3
        button = row.operator("portrait_manifolds.batch", icon="PLAY")
        button.directory, button.out = settings.batch_folder, settings.batch_out
        hand_over(settings, BatchOptions, "batch_", button)
        row.operator("portrait_manifolds.batch_refresh", text="", icon="FILE_REFRESH")
        if state.message:
            layout.label(text=state.message, icon="INFO", translate=False)

    @staticmethod
    def _draw_run(layout, run):
        fraction, _ = run.job.state
        row = layout.row(align=True)
        text = strings.PROGRESS.format(percent=100 * fraction, text=run.text)
        row.progress(factor=fraction, type="BAR", text=text)
        row.operator("portrait_manifolds.batch_stop", text="", icon="CANCEL")

    @staticmethod
    def _draw_list(layout, state):
        layout.template_list(
            "PORTRAIT_MANIFOLDS_UL_batch", "", state, "photos", state, "index", rows=ROWS, maxrows=2 * ROWS
        )
        failed = state.count("failed")
        counts = {"done": state.count("done", "skipped"), "failed": failed}
        layout.label(text=strings.BATCH_COUNTS.format(waiting=state.count("waiting", "working"), **counts))
        row = layout.row(align=True)
        if failed:
            text = strings.BATCH_RETRY_FAILED.format(count=failed)
            row.operator("portrait_manifolds.batch_retry", text=text, icon="FILE_REFRESH").name = ""
        if state.out and os.path.isdir(state.out):
            row.operator("wm.path_open", text=strings.BATCH_SHOW_FOLDER, icon="FILE_FOLDER").filepath = state.out
            if os.path.isfile(sheet := os.path.join(state.out, SHEET)):
                row.operator("wm.path_open", text=strings.BATCH_SHEET, icon="IMGDISPLAY").filepath = sheet

    @staticmethod
    def _draw_photo(box, context, state, photo):
        picture = thumbnails.icon(picture_path(state, photo))
        if picture:
            box.template_icon(icon_value=picture, scale=6.0)
        box.label(text=photo.name, translate=False)
        status = strings.BATCH_STATES[photo.status]
        if photo.status in ("done", "failed") and photo.seconds > 0:
            status = strings.BATCH_SECONDS.format(state=status, seconds=photo.seconds)
        box.label(text=status, icon=ICONS[photo.status])
        lines = box.column(align=True)
        lines.scale_y = 0.8
        for line in wrapped(photo.error[:1].upper() + photo.error[1:], columns(context) - 4):
            lines.label(text=line, translate=False)
        draw_doubts(box, context, doubts_of(photo))
        row = box.column(align=True)
        if photo.status != "working":
            text = strings.BATCH_OPEN_DONE if photo.status in ("done", "skipped") else strings.BATCH_OPEN_FAILED
            row.operator("portrait_manifolds.batch_open", text=text, icon="IMPORT").name = photo.name
            retry = row.operator("portrait_manifolds.batch_retry", text=strings.BATCH_RETRY_ONE, icon="FILE_REFRESH")
            retry.name = photo.name


def picture_path(state, photo):
    """The picture that stands for a photo: the crop once there is one, else the photo."""
    if photo.status in ("done", "skipped"):
        return os.path.join(state.out, photo.folder, "crop.png")
    return os.path.join(state.folder, photo.name)


CLASSES = (PORTRAIT_MANIFOLDS_UL_batch, PORTRAIT_MANIFOLDS_PT_batch)
