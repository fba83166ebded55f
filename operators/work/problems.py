"""Errors that stay in the panel with buttons that repair them, until they are repaired or dismissed."""

import collections
import textwrap
import traceback

from ...inference.errors import FaceUnusable, FolderUnusable, ModelUnusable, PhotoUnusable, PortraitError
from ..language import strings
from ..language.translate import translate

MAX_SHOWN = 3

Repair = collections.namedtuple("Repair", "operator text icon options", defaults=({},))

_problems = []  # newest first


class Problem:
    """What failed, for whom, why, and what helps.

    what: label of the operator. subject: name of the portrait it was for, or "". text: one line, the error's own.
    repairs: list of Repair. kind: class of the error. trace: lines of its traceback.
    """

    _last = 0

    def __init__(self, what, error, text, subject=""):
        Problem._last += 1
        self.id = Problem._last
        self.what, self.subject, self.text, self.kind = what, subject, text, type(error)
        self.repairs = repairs(error, subject)
        self.trace = "".join(traceback.format_exception(error)).splitlines()

    def draw(self, layout, columns=40):
        """Draw the error into a layout that is about `columns` characters wide."""
        box = layout.box()
        row = box.row()
        what, text = translate(self.what), translate(self.text)
        about = strings.PROBLEM_OF.format(what=what, subject=self.subject) if self.subject else what
        row.label(text=about, icon="ERROR")
        row.operator("portrait_manifolds.dismiss_problem", text="", icon="X", emboss=False).problem = self.id
        column = box.column(align=True)
        column.scale_y = 0.8
        for line in textwrap.wrap(text[:1].upper() + text[1:], max(columns - 4, 16)):
            column.label(text=line)
        column = box.column(align=True)
        for repair in self.repairs:
            button = column.operator(repair.operator, text=repair.text, icon=repair.icon)
            for name, value in repair.options.items():
                setattr(button, name, value)


def repairs(error, subject=""):
    """What the user can press to get on after an error. subject: name of a portrait object, or "". List of Repair."""
    preferences = Repair("portrait_manifolds.open_preferences", strings.REPAIR_PREFERENCES, "PREFERENCES")
    if isinstance(error, FaceUnusable) and subject:
        return [
            Repair("portrait_manifolds.crop_by_hand", strings.REPAIR_CROP, "SELECT_SET", {"portrait": subject}),
            Repair("portrait_manifolds.choose_photo", strings.REPAIR_PHOTO, "FILE_IMAGE", {"portrait": subject}),
        ]
    if isinstance(error, (PhotoUnusable, FaceUnusable)) and subject:
        return [Repair("portrait_manifolds.choose_photo", strings.REPAIR_PHOTO, "FILE_IMAGE", {"portrait": subject})]
    if isinstance(error, (PhotoUnusable, FaceUnusable)):
        return [Repair("portrait_manifolds.import_portrait", strings.REPAIR_IMPORT, "FILE_IMAGE")]
    if isinstance(error, ModelUnusable):
        built_in = Repair("portrait_manifolds.use_built_in", strings.REPAIR_MODEL, "LOOP_BACK")
        return [built_in, preferences]
    if isinstance(error, FolderUnusable):
        return [preferences]
    if isinstance(error, (PortraitError, MemoryError)):
        return []
    return [Repair("portrait_manifolds.copy_diagnostics", strings.REPAIR_DIAGNOSTICS, "COPYDOWN")]


def note(problem):
    """Show a problem, in place of an older one about the same."""
    solved(problem.what, problem.subject)
    _problems.insert(0, problem)
    del _problems[MAX_SHOWN:]


def solved(what=None, subject=None, kind=None):
    """Take off the problems of an operator, of a portrait, of a class of errors, or where all that is given agrees."""
    _problems[:] = [
        problem
        for problem in _problems
        if (what is not None and problem.what != what)
        or (subject is not None and problem.subject != subject)
        or (kind is not None and not issubclass(problem.kind, kind))
    ]


def dismiss(problem_id):
    """Take off one problem."""
    _problems[:] = [problem for problem in _problems if problem.id != problem_id]


def shown():
    """The problems to show, newest first."""
    return tuple(_problems)


def forget():
    """Take off all, as another file was loaded."""
    _problems.clear()
