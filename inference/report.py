"""report.json as it is read again: how an inversion went and what is doubtful about it."""

import json
from pathlib import Path

from .files import PathLike, open_regular

REPORT = "report.json"
MAX_REPORT_BYTES = 1 << 20  # a report has about 2 kB
MAX_TEXT = 300  # characters of a warning that are shown


def read_report(folder: PathLike) -> dict:
    """The report in a folder of results; empty where there is none, or none that can be read."""
    try:
        with open_regular(Path(folder) / REPORT) as stream:
            report = json.loads(stream.read(MAX_REPORT_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return report if isinstance(report, dict) else {}


def warnings_in(report: dict) -> list[dict[str, str]]:
    """The warnings of a report as [{"code", "text"}], each text one line; what is damaged is left out."""
    warnings = report.get("warnings")
    return [
        {key: " ".join(warning[key].split())[:MAX_TEXT] for key in ("code", "text")}
        for warning in (warnings if isinstance(warnings, list) else ())
        if isinstance(warning, dict) and all(isinstance(warning.get(key), str) for key in ("code", "text"))
    ]
