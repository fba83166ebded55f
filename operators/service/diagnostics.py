"""What a report about a fault needs to say, for the clipboard."""

import os
import traceback

import bpy

from ..language import strings
from ..models import model_store
from ..state import cache
from ..state.options import model_folder, preferences
from ..work import jobs, problems
from ..work.operator import PortraitOperator


def text():
    """Versions, device, model, cache, jobs and the last errors; the home folder is written as ~."""
    from ...inference.pipeline import versions

    chosen, model = preferences(), model_store.facts(model_folder())
    count, size = cache.measured()
    lines = [
        f"blender: {bpy.app.version_string} ({bpy.app.build_hash.decode(errors='replace')}), "
        f"{'background' if bpy.app.background else 'window'}",
        *(f"{name}: {version}" for name, version in versions().items()),
        f"device: {chosen.device}; threads: {chosen.threads}; processors: {os.cpu_count()}",
        f"providers: {_providers()}",
        f"model: {model.error or f'{model.id} {model.sha256} in {model_folder()}'}",
        f"cache: {count} portraits, {cache.in_words(size)}",
        *(f"job: {job.title} {job.state} after {job.seconds:.1f} s" for job in jobs.queue.pending()),
    ]
    for problem in problems.shown():
        lines += [f"problem: {problem.what}: {problem.text}", *problem.trace]
    return "\n".join(lines).replace(os.path.expanduser("~"), "~") + "\n"


def _providers():
    try:
        import onnxruntime

        return ", ".join(onnxruntime.get_available_providers())
    except Exception:  # a broken library is what this text is for
        return traceback.format_exc(limit=1).strip().splitlines()[-1]


class PORTRAIT_MANIFOLDS_OT_copy_diagnostics(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.copy_diagnostics"
    bl_label = strings.COPY_DIAGNOSTICS.label
    bl_description = strings.COPY_DIAGNOSTICS.description

    def run(self, context):
        context.window_manager.clipboard = text()
        self.report({"INFO"}, strings.DIAGNOSTICS_COPIED)


CLASSES = (PORTRAIT_MANIFOLDS_OT_copy_diagnostics,)
