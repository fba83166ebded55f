"""What was measured, as a table, as bars, as JSON, and beside the last record."""

import dataclasses
import json

from .timing import Row

RECORD = "record.json"  # the last committed result, beside this file
LEAST = 0.15  # change below which nothing is said, however even the times were
SPREADS = 2.0  # of both runs together, by which a change must stand out
BAR = 40  # characters of the longest bar

PAGE = """# Performance

How fast everything is, beside what bounds it. This page is written by `python -m benchmarks --docs`; the numbers behind
it are in [../benchmarks/record.json](../benchmarks/record.json).

Measured on {machine}.

* *floor*: what the step cannot do without, in the same run and process: its networks run once more, its look-ups with
  known coordinates, its multiplications at the machine's best, its libraries imported.
* *plain*: the obvious other way of doing the same, in the same run.
* Times are medians of the wall clock in milliseconds, of ways called in turn; F12 counts the time of all processors.
  On a machine that other programs use as well ratios say more than times, and those of processor time most.
* A bar says what is wanted: so many times the floor, at most, or at least, a value. Times mean little where the load
  average is well above the number of threads.

{table}

## Times by their floors

{bars}
"""


def number(value, unit=""):
    """A number as people write it: three digits, or all of a large one."""
    if value is None:
        return ""
    text = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{text} {unit}".strip()


def bar_of(row):
    """The bar of a :class:`Row` in words, and whether it is met."""
    if row.bar is None:
        return ""
    text = {"floor": f"≤ {row.bar:g} × floor", "value": f"≤ {row.bar:,.4g}", "least": f"≥ {row.bar:g}"}[row.of]
    return text + {True: ", met", False: ", **missed**", None: ""}[row.met]


def table(rows):
    """Markdown, a line for each :class:`Row`."""
    heads = "stage", "what", "now", "floor", "now ÷ floor", "of processor time", "plain", "plain ÷ now", "bar"
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        ratio, cpu = ("" if value is None else f"{value:.2f}" for value in (row.ratio, row.cpu_ratio))
        floor = f"{number(row.floor)} ({row.floor_is})" if row.floor else ""
        plain = f"{number(row.plain)} ({row.plain_is})" if row.plain else ""
        gain = f"{row.plain / row.value:.1f}" if row.plain else ""
        cells = row.stage, row.name, number(row.value, row.unit), floor, ratio, cpu, plain, gain, bar_of(row)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def bars(rows):
    """A picture in characters: ratios to the floors, a bar of each with its end where the bar is drawn."""
    shown = [row for row in rows if row.ratio is not None]
    if not shown:
        return ""
    longest = max(row.ratio for row in shown)
    names = [f"{row.stage}: {row.name}" for row in shown]
    wide = max(map(len, names))
    lines = [
        f"{name:{wide}}  {'█' * max(1, round(BAR * row.ratio / longest))} {row.ratio:.2f}"
        for name, row in zip(names, shown, strict=True)
    ]
    return "```\n" + "\n".join(lines) + "\n```"


def page(rows, machine):
    """docs/performance.md."""
    return PAGE.format(machine=machine, table=table(rows), bars=bars(rows))


def as_json(rows, machine):
    return json.dumps({"machine": machine, "rows": [dataclasses.asdict(row) for row in rows]}, indent=1) + "\n"


def rows_of(text):
    """Rows of what :func:`as_json` wrote."""
    return [Row(**row) for row in json.loads(text)["rows"]]


def changes(rows, before):
    """[(line, worse)] of what changed by more than the noise since rows measured before.

    Ratios to the floor are compared where there are any: another machine has other times, but similar ratios.
    """
    known, found = {(row.stage, row.name): row for row in before}, []
    for row in rows:
        old = known.get((row.stage, row.name))
        if old is None:
            continue
        now, then = (row.ratio, old.ratio) if row.ratio and old.ratio else (row.value, old.value)
        margin = max(LEAST, SPREADS * (row.spread + old.spread))
        change = now / then - 1.0
        if row.of == "least" or row.unit == "photos/min":  # more is better
            change = then / now - 1.0
        if abs(change) > margin:
            unit = " x floor" if row.ratio and old.ratio else f" {row.unit}"
            line = f"{row.stage}, {row.name}: {number(then)} before, {number(now)} now{unit}"
            found.append((f"{line}; noise {100 * margin:.0f} %", change > 0))
    return found
