"""Ways of doing one thing, timed in turn, and what is written down of them."""

import dataclasses
import statistics
import time


@dataclasses.dataclass(frozen=True)
class Time:
    """Medians in milliseconds: wall, of the clock; cpu, of all threads of the process. spread: middle half of the
    walls, as a share of their median. best: the least wall."""

    wall: float
    cpu: float
    spread: float
    best: float


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table.

    stage: what it belongs to. name: what was done. value: in unit. floor: what bounds it, in the same unit and run, and
    floor_is, in words. plain: the obvious other way, likewise. bar: the largest ratio to the floor (of = "floor"), the
    largest value (of = "value") or the least value (of = "least") that is wanted. cpu, floor_cpu: ms of processor time.
    spread: as of :class:`Time`.
    """

    stage: str
    name: str
    value: float
    unit: str = "ms"
    floor: float | None = None
    floor_is: str = ""
    plain: float | None = None
    plain_is: str = ""
    bar: float | None = None
    of: str = "floor"
    cpu: float | None = None
    floor_cpu: float | None = None
    spread: float = 0.0

    @property
    def ratio(self):
        """Value by floor, or None."""
        return self.value / self.floor if self.floor else None

    @property
    def cpu_ratio(self):
        """The same of processor times, which other programs on the machine change less."""
        return self.cpu / self.floor_cpu if self.cpu and self.floor_cpu else None

    @property
    def met(self):
        """Whether the bar is met; None without one."""
        if self.bar is None or (self.of == "floor" and self.ratio is None):
            return None
        if self.of == "least":
            return self.value >= self.bar
        return (self.ratio if self.of == "floor" else self.value) <= self.bar


def in_turn(ways, runs, warm=1):
    """:class:`Time` of each way, by its name: functions without arguments, called in turn so that what disturbs the
    machine disturbs all alike."""
    walls, cpus = {name: [] for name in ways}, {name: [] for name in ways}
    for run in range(warm + runs):
        for name, way in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            way()
            if run >= warm:
                walls[name].append(1000.0 * (time.perf_counter() - wall))
                cpus[name].append(1000.0 * (time.process_time() - cpu))
    found = {}
    for name, wall in walls.items():
        found[name] = Time(statistics.median(wall), statistics.median(cpus[name]), spread(wall), min(wall))
    return found


def spread(values):
    """Middle half of values as a share of their median."""
    if len(values) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / max(middle, 1e-9)
