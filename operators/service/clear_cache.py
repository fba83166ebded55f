"""Clear Cache: delete the portraits of unsaved files that the open file does not show."""

import bpy

from ..language import strings
from ..state.cache import clear, in_words
from ..work.operator import PortraitOperator


class PORTRAIT_MANIFOLDS_OT_clear_cache(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.clear_cache"
    bl_label = strings.CLEAR_CACHE.label
    bl_description = strings.CLEAR_CACHE.description

    def invoke(self, context, event):
        return context.window_manager.invoke_confirm(self, event)

    def run(self, context):
        count, size = clear()
        self.report({"INFO"}, strings.CACHE_CLEARED.format(count=count, size=in_words(size)))


CLASSES = (PORTRAIT_MANIFOLDS_OT_clear_cache,)
