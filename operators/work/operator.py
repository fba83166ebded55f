"""What all operators share: errors become one-line reports, long work runs in a job with a modal twin."""

import os
import traceback

import bpy

from ...inference.errors import Cancelled, PortraitError
from ...inference.limits import check_memory
from ..language import strings
from ..language.translate import Speaker, translate
from . import jobs, problems

_TICK = 0.05  # seconds between looks at the job


def one_line(error):
    """Text of an exception for a report, in the user's language."""
    return translate(" ".join(str(error).split())) or type(error).__name__


def error_text(error):
    """One line for the user about an exception.

    PortraitError tells the user what to do. Anything else is a fault of the extension or of the machine: the
    traceback goes to the console and the line says so.
    """
    if isinstance(error, PortraitError):
        return one_line(error)
    if isinstance(error, MemoryError):
        return strings.OUT_OF_MEMORY
    if isinstance(error, ImportError):
        return library_text(error)
    traceback.print_exception(error)
    return strings.UNEXPECTED.format(kind=type(error).__name__, error=one_line(error))


def library_text(error):
    """One line about an ImportError: whose library it is, and where it lies."""
    path = getattr(error, "path", None) or ""
    for frame in traceback.extract_tb(error.__traceback__):  # a library that fails while it is imported
        if "site-packages" in frame.filename or "dist-packages" in frame.filename:
            path = path or frame.filename
    if not path:
        return strings.LIBRARY_MISSING.format(error=one_line(error))
    ours = os.path.realpath(bpy.utils.user_resource("EXTENSIONS"))  # where Blender unpacks the zips' libraries
    text = strings.LIBRARY_BROKEN if os.path.realpath(path).startswith(ours + os.sep) else strings.LIBRARY_FOREIGN
    return text.format(path=path, error=one_line(error))


def report_error(operator, error):
    """Report an exception in one line and, where a button helps, keep it in the panel; returns {'CANCELLED'}."""
    if isinstance(error, Cancelled):
        operator.report({"INFO"}, strings.CANCELLED.format(what=translate(operator.bl_label)))
        return {"CANCELLED"}
    text = error_text(error)
    operator.report({"ERROR"}, text)
    problem = problems.Problem(operator.bl_label, error, text, getattr(operator, "subject", ""))
    if problem.repairs or isinstance(operator, JobOperator):
        problems.note(problem)
    return {"CANCELLED"}


def needs(*conditions):
    """Class decorator: the operator can be pressed where all conditions hold; else Blender says why not.

    conditions: pairs of a function of the context, whose truth is asked, and a text of what is missing without it.
    """

    @classmethod
    def poll(cls, context):
        for holds, missing in conditions:
            if not holds(context):
                cls.poll_message_set(missing)
                return False
        return True

    def decorate(cls):
        cls.poll = poll
        return cls

    return decorate


class PortraitOperator(Speaker):
    """Mix-in: ``run(context)`` does the work, `execute` guards it.

    subject: name of the portrait object it works on, for errors; to be set by `run` where there is one.
    """

    subject = ""

    def execute(self, context):
        try:
            result = self.run(context) or {"FINISHED"}
        except Exception as error:
            return report_error(self, error)
        problems.solved(self.bl_label, self.subject)
        return result


class JobOperator(Speaker):
    """Mix-in for long work.

    ``prepare(context)`` (main thread) returns a function ``work(progress)`` that touches no bpy; ``finish(context,
    result)`` (main thread) puts its result into the scene. With a window the work waits in `jobs.queue` for its turn,
    runs in a thread, and the operator is modal; from a script or in background it runs at once.

    subject: name of the portrait object and target: its `state.portrait.reference`; to be set by `prepare`, as is
    memory, MB that the work takes where that is more than usual: it does not begin where less is free.
    """

    subject = ""
    target = None
    memory = 400  # measured: docs/performance.md, less what Blender has loaded
    _job = None
    _timer = None
    _shown = None

    def execute(self, context):
        manager = context.window_manager
        try:
            work = self._prepared(context)
            manager.progress_begin(0, 100)
            try:
                result = work(jobs.Progress(lambda fraction, text: manager.progress_update(int(100 * fraction))))
            finally:
                manager.progress_end()
        except Exception as error:
            return report_error(self, error)
        return self._finish(context, result)

    def invoke(self, context, event):
        if bpy.app.background or context.window is None:
            return self.execute(context)
        try:
            work = self._prepared(context)
        except Exception as error:
            return report_error(self, error)
        self._job = jobs.queue.add(jobs.Job(work, self.bl_label, self.subject, self.target))
        self._timer = context.window_manager.event_timer_add(_TICK, window=context.window)
        context.window_manager.modal_handler_add(self)
        self._show(context)
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        job = self._job
        if event.type == "ESC" and event.value == "PRESS" and job is jobs.queue.running:
            job.cancel()
        if job.cancelled and not job.done:  # the thread stops by itself; the user need not wait for it
            self._end(context)
            self.report({"INFO"}, strings.CANCELLED.format(what=translate(self.bl_label)))
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if not job.done:
            self._show(context)
            return {"PASS_THROUGH"}
        try:
            if job.error is not None:
                return report_error(self, job.error)
            return self._finish(context, job.result)
        finally:
            self._end(context)

    def cancel(self, context):
        """Called by Blender when it ends the operator itself (another file is loaded, Blender quits)."""
        if self._job is not None:
            self._job.cancel()
        self._end(context)

    def _prepared(self, context):
        work, memory = self.prepare(context), self.memory

        def guarded(progress):
            check_memory(memory)
            return work(progress)

        return guarded

    def _finish(self, context, result):
        try:
            outcome = self.finish(context, result) or {"FINISHED"}
        except Exception as error:
            return report_error(self, error)
        problems.solved(self.bl_label, self.subject)
        return outcome

    def _show(self, context):
        job = self._job
        shown = (*job.state, int(4 * job.seconds), len(jobs.queue.pending()))
        if shown == self._shown:
            return
        self._shown = shown
        if job is jobs.queue.running:
            context.workspace.status_text_set(status(job))
        redraw_panels(context)

    def _end(self, context):
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        jobs.queue.take(self._job)
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        redraw_panels(context)


def status(job):
    """Line for the status bar about the running job."""
    fraction, text = job.state
    line = strings.STATUS.format(
        what=translate(job.title), percent=100 * fraction, text=translate(text), seconds=job.seconds
    )
    waiting = len(jobs.queue.pending()) - 1
    return line + strings.STATUS_WAITING.format(count=waiting) if waiting > 0 else line


def redraw_panels(context):
    """Redraw the sidebars that show a job or a portrait."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "IMAGE_EDITOR"):
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
