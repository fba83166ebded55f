"""What is doubtful about a result, sentence by sentence, in a box."""

import textwrap

from ..operators.language.translate import translate
from .job_list import columns

ICON = "QUESTION"  # failures have ERROR


def draw_doubts(layout, context, doubts):
    """A box with one wrapped sentence per doubt; nothing where there is none."""
    if not doubts:
        return
    column = layout.box().column(align=True)
    column.scale_y = 0.8
    for doubt in doubts:
        text = translate(doubt.text)
        for number, line in enumerate(wrapped(text[:1].upper() + text[1:], columns(context) - 8)):
            column.label(text=line, icon="BLANK1" if number else ICON, translate=False)


def wrapped(text, width):
    """Lines of at most `width` characters."""
    return textwrap.wrap(text, max(width, 16))
