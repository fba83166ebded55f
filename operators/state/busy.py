"""Which portraits are being made at the moment."""

from ...inference.errors import PortraitError
from ..language import strings
from ..work import jobs
from .portrait import reference

REMAKING = strings.INVERT.label, strings.APPLY_EDIT.label  # titles of jobs


def check_free(obj):
    """Raise PortraitError while a job that remakes the portrait of an object is pending."""
    target = set(reference(obj))
    if any(job.title in REMAKING and target & set(job.target) for job in jobs.queue.pending()):
        raise PortraitError(strings.BEING_INVERTED.format(name=obj.name))
