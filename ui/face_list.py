"""The faces of a photo with what tells them apart; a click on one takes it."""

import bpy

from ..operators.language import strings

ROWS = 4  # of the list before it scrolls


class PORTRAIT_MANIFOLDS_UL_faces(bpy.types.UIList):
    """One row per face: number, score, size."""

    def draw_item(self, context, layout, data, item, icon, active_data, active_propname, index=0, flt_flag=0):
        split = layout.split(factor=0.2, align=True)
        split.label(text=str(index), icon="USER", translate=False)
        row = split.row(align=True)
        row.label(text=strings.FACE_SCORE.format(score=item.score))
        row.label(text=strings.FACE_EYES.format(eyes=item.eyes))


def draw_faces(layout, settings):
    """The list of a portrait's faces, where there are several."""
    if len(settings.faces) > 1:
        rows = min(len(settings.faces), ROWS)
        layout.template_list(
            "PORTRAIT_MANIFOLDS_UL_faces", "", settings, "faces", settings, "face_row", rows=rows, maxrows=ROWS
        )


CLASSES = (PORTRAIT_MANIFOLDS_UL_faces,)
