"""What runs, what waits, and what went wrong: parts of the sidebar's panels."""

from ..operators.language import strings
from ..operators.language.translate import translate
from ..operators.work import jobs, problems

CHARACTER = 6.5  # pixels of the interface's font at a scale of 1, on average


def draw_jobs(layout, context):
    """A progress bar with a cancel button for every job, in the order in which they run."""
    for job in jobs.queue.pending():
        row = layout.row(align=True)
        title = translate(job.title)
        name = strings.JOB_OF.format(title=title, subject=job.subject) if job.subject else title
        if job.waiting:
            row.label(text=strings.JOB_WAITING.format(job=name), icon="SORTTIME")
        else:
            column = row.column(align=True)
            column.label(text=name, icon="PLAY")
            fraction, text = job.state
            text = strings.PROGRESS.format(percent=100 * fraction, text=translate(text))
            column.progress(factor=fraction, type="BAR", text=text)
        row.operator("portrait_manifolds.cancel", text="", icon="CANCEL").job = job.id


def draw_problems(layout, context):
    """The errors nobody has repaired or dismissed yet."""
    for problem in problems.shown():
        problem.draw(layout, columns(context))


def columns(context):
    """How many characters fit beside one another into the region."""
    scale = context.preferences.system.ui_scale if context.preferences else 1.0
    return int(context.region.width / (CHARACTER * scale)) if context.region else 40
