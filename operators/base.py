"""What all operators share: errors become one-line reports, long work runs in a job with a modal twin."""

import time

import bpy

from . import jobs, strings
from .language import Speaker, translate

_TICK = 0.05  # seconds between looks at the job


def one_line(error):
    """Text of an exception for a report, in the user's language."""
    return translate(" ".join(str(error).split())) or type(error).__name__


def report_error(operator, error):
    """Report an exception in one line; returns {'CANCELLED'}.

    PortraitError tells the user what to do. Anything else is a fault of the extension: the traceback goes to the
    console and the report says so.
    """
    from ..inference.errors import Cancelled, PortraitError

    if isinstance(error, Cancelled):
        operator.report({"INFO"}, strings.CANCELLED.format(what=translate(operator.bl_label)))
    elif isinstance(error, PortraitError):
        operator.report({"ERROR"}, one_line(error))
    elif isinstance(error, MemoryError):
        operator.report({"ERROR"}, strings.OUT_OF_MEMORY)
    elif isinstance(error, ImportError):
        operator.report({"ERROR"}, strings.LIBRARY_MISSING.format(error=one_line(error)))
    else:
        import traceback

        traceback.print_exception(error)
        operator.report({"ERROR"}, strings.UNEXPECTED.format(kind=type(error).__name__, error=one_line(error)))
    return {"CANCELLED"}


class PortraitOperator(Speaker):
    """Mix-in: ``run(context)`` does the work, `execute` guards it."""

    def execute(self, context):
        try:
            return self.run(context) or {"FINISHED"}
        except Exception as error:
            return report_error(self, error)


class JobOperator(Speaker):
    """Mix-in for long work.

    ``prepare(context)`` (main thread) returns a function ``work(progress)`` that touches no bpy; ``finish(context,
    result)`` (main thread) puts its result into the scene. With a window the work runs in a thread and the operator
    is modal; from a script or in background it runs at once.
    """

    _job = None
    _timer = None

    def execute(self, context):
        try:
            work = self.prepare(context)
            manager = context.window_manager
            manager.progress_begin(0, 100)
            try:
                result = work(lambda fraction, text="": manager.progress_update(int(100 * fraction)))
            finally:
                manager.progress_end()
            return self.finish(context, result) or {"FINISHED"}
        except Exception as error:
            return report_error(self, error)

    def invoke(self, context, event):
        if bpy.app.background or context.window is None:
            return self.execute(context)
        state = context.window_manager.portrait_manifolds_job
        if state.running:
            self.report({"WARNING"}, strings.BUSY)
            return {"CANCELLED"}
        try:
            self._job = jobs.Job(self.prepare(context)).start()
        except Exception as error:
            return report_error(self, error)
        state.running, state.cancelled, state.fraction, state.text, state.seconds = True, False, 0.0, "", 0.0
        self._timer = context.window_manager.event_timer_add(_TICK, window=context.window)
        context.window_manager.modal_handler_add(self)
        self._show(context)
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        job, state = self._job, context.window_manager.portrait_manifolds_job
        if event.type == "ESC" and event.value == "PRESS":
            job.cancel()
        if state.cancelled:
            job.cancel()
        if job.cancelled and not job.done:  # the thread stops at its next step; the user need not wait for it
            self._end(context)
            self.report({"INFO"}, strings.CANCELLED.format(what=translate(self.bl_label)))
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if not job.done:
            self._show(context)
            return {"PASS_THROUGH"}
        self._end(context)
        if job.error is not None:
            return report_error(self, job.error)
        try:
            return self.finish(context, job.result) or {"FINISHED"}
        except Exception as error:
            return report_error(self, error)

    def cancel(self, context):
        """Called by Blender when it ends the operator itself (another file is loaded, Blender quits)."""
        if self._job is not None:
            self._job.cancel()
        self._end(context)

    def _show(self, context):
        state = context.window_manager.portrait_manifolds_job
        fraction, text = self._job.state
        seconds = time.monotonic() - self._job.started
        if (fraction, text) == (state.fraction, state.text) and seconds - state.seconds < 0.25:
            return
        state.fraction, state.text, state.seconds = fraction, text, seconds
        context.workspace.status_text_set(
            strings.STATUS.format(
                what=translate(self.bl_label), percent=100 * fraction, text=translate(text), seconds=seconds
            )
        )
        redraw_panels(context)

    def _end(self, context):
        manager = context.window_manager
        if self._timer is not None:
            manager.event_timer_remove(self._timer)
            self._timer = None
        manager.portrait_manifolds_job.running = False
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        redraw_panels(context)


def redraw_panels(context):
    """Redraw the sidebars that show a job or a portrait."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
