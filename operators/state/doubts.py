"""What is doubtful about a portrait or a photo of a batch, kept as text on its property group."""

import collections
import json

from ...inference.report import warnings_in

Doubt = collections.namedtuple("Doubt", "code text")


def keep_doubts(owner, warnings):
    """Keep warnings, [{"code", "text"}] as in report.json, on a group with the property `doubts`."""
    owner.doubts = json.dumps(warnings_in({"warnings": warnings}), ensure_ascii=False)


def doubts_of(owner):
    """The :class:`Doubt` list kept on a group; none where there are none or they are damaged. Cheap, never raises."""
    try:
        kept = json.loads(owner.doubts or "[]")
    except (ValueError, RecursionError):
        return []
    return [Doubt(**warning) for warning in warnings_in({"warnings": kept})]
