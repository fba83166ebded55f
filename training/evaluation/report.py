"""The table of an evaluation: what, on, bar, ours, peers; as plain text, Markdown and JSON."""

import dataclasses
from collections.abc import Callable

import numpy as np

MISSING = "–"


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the table: how a number comes from measured rows, and the bar it is held against.

    value: from the rows (dicts) of one method to (number, text), or None where nothing was measured.
    bar: number; ``higher`` says which side of it is good. No bar: reported only. strict: also better than every peer.
    elsewhere: what measures it in place of an evaluation.
    """

    what: str
    on: str
    value: Callable = lambda rows: None
    bar: float | None = None
    higher: bool = True
    bar_text: str = ""
    strict: bool = False
    elsewhere: str = ""

    def passed(self, ours, peers):
        """Whether our number (and, if strict, that of no peer) meets the bar; None where there is no bar or number."""
        if ours is None or self.bar is None:
            return None
        sign = 1.0 if self.higher else -1.0
        beaten = all(sign * ours > sign * peer for peer in peers if peer is not None)
        return bool(sign * ours >= sign * self.bar and (beaten or not self.strict))


def median(*names, digits=2, unit="", of=np.median):
    """Median, or another kind ``of`` middle, over all rows of one or more measures; text with unit."""

    def value(rows):
        found = [row[name] for row in rows for name in names if row.get(name) is not None and np.isfinite(row[name])]
        if not found:
            return None
        middle = float(of(found))
        return middle, f"{middle:.{digits}f}{unit}"

    return value


def share(test, *names):
    """Share of the rows' measures that pass a test; a measure that is None (nothing was found) fails."""

    def value(rows):
        found = [row[name] for row in rows for name in names if name in row]
        if not found:
            return None
        good = sum(x is not None and bool(test(x)) for x in found)
        return good / len(found), f"{100 * good / len(found):.1f} % ({good} of {len(found)})"

    return value


def fill_in(lines, rows, ours, peers):
    """The table as a list of dicts.

    rows: {data set: {method: list of dicts}}; a line's ``on`` starts with its data set's name. ours, peers: methods.
    """
    table = []
    for line in lines:
        data = next((methods for name, methods in rows.items() if line.on.startswith(name)), {})
        found = {method: line.value(data[method]) if data.get(method) else None for method in (ours, *peers)}
        numbers = {method: value[0] if value else None for method, value in found.items()}
        table.append({
            "what": line.what, "on": line.on, "bar": line.bar_text, "ours": numbers[ours],
            "passed": line.passed(numbers[ours], [numbers[peer] for peer in peers]),
            "peers": {peer: numbers[peer] for peer in peers},
            "texts": {method: value[1] if value else MISSING for method, value in found.items()},
        })  # fmt: skip
        if line.elsewhere:
            table[-1]["texts"][ours] = f"see {line.elsewhere}"
    return table


def cells(table, ours, peers):
    """Header and lines of strings."""
    verdicts = {True: "yes", False: "no", None: ""}
    head = ["what", "on", "bar", "ours", "met", *peers]
    return [head] + [
        [row["what"], row["on"], row["bar"] or MISSING, row["texts"][ours], verdicts[row["passed"]],
         *(row["texts"][peer] for peer in peers)] for row in table
    ]  # fmt: skip


def as_text(lines):
    """Aligned columns."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def as_markdown(lines):
    """A Markdown table."""
    rule = ["---"] * len(lines[0])
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]]) + "\n"


def statistics(rows):
    """{measure: median, mean, tenths and count} over rows of one method; texts are left out."""
    out = {}
    for name in sorted({name for row in rows for name in row}):
        values = [row[name] for row in rows if isinstance(row.get(name), (int, float)) and not isinstance(row[name], bool)]
        values = np.array(values, np.float64)
        values = values[np.isfinite(values)]
        if values.size:
            low, middle, high = np.percentile(values, (10, 50, 90))
            out[name] = {"median": middle, "mean": values.mean(), "tenth": low, "ninetieth": high, "count": len(values)}
            out[name] = {key: float(value) if key != "count" else int(value) for key, value in out[name].items()}
    return out
