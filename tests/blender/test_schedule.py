"""Which pictures a viewport makes while the mouse moves and when it rests, by a clock of its own."""

import pytest

pytest.importorskip("bpy")

from .conftest import part  # noqa: E402

PIXELS, HERTZ = 960 * 540, 60.0


class Mouse:
    """Orbits at 60 Hz, then rests, while a thread works by the schedule.

    cost: seconds per ray. overhead: seconds per picture.
    """

    def __init__(self, cost, overhead=0.01, samples=2):
        self.now, self.cost, self.overhead, self.samples = 0.0, cost, overhead, samples
        self.schedule = part("operators.engine.schedule").Schedule(lambda: self.now)
        self.shown = []  # (time, number of the view, coarseness, samples)
        self.views = 0

    def move_until(self, end):
        """Ask for the views of all redraws up to a time."""
        while self.views / HERTZ <= end:
            self.schedule.want(self.views, [self.views], PIXELS, self.samples)
            self.views += 1

    def work(self, seconds, moving):
        """Let time go by: steps are worked on, one after the other."""
        end = self.now + seconds
        while self.now < end:
            if moving:
                self.move_until(self.now)
            step = self.schedule.next()
            if step is None:
                self.now = min(end, self.now + 1 / HERTZ)
                continue
            rays = PIXELS / step.coarseness**2 * step.samples**2
            left = self.overhead + self.cost * rays
            while left > 0 and not self.schedule.outdated(step):  # band by band
                band = left if step.first else min(left, self.cost * self.schedule.band())
                left -= band
                self.now += band
                if moving:
                    self.move_until(self.now)
            if left <= 0:
                self.schedule.finished(step, rays)
                self.shown.append((self.now, step.view[0], step.coarseness, step.samples))


@pytest.mark.parametrize("cost", [2e-7, 1e-6, 4e-6, 1e-5])
def test_an_orbit_shows_ten_pictures_a_second(extension, cost):
    mouse = Mouse(cost)
    mouse.work(3.0, moving=True)
    times = [time for time, *_ in mouse.shown]
    assert len(times) >= 30 and times[0] < 0.25
    later = [(time, view) for time, view, *_ in mouse.shown if time > 0.5]
    assert max(b - a for (a, _), (b, _) in zip(later, later[1:])) < 0.2, "it never freezes"
    assert max(time - view / HERTZ for time, view in later) < 0.2, "what is shown is where the view just was"
    views = [view for _, view, *_ in mouse.shown]
    assert views == sorted(views)


def test_pictures_are_as_fine_as_their_cost_allows(extension):
    """A machine four times as fast shows twice the resolution; none is finer than the region."""
    coarseness = []
    for cost in (1e-8, 2e-6, 8e-6):
        mouse = Mouse(cost, overhead=0.0)
        mouse.work(3.0, moving=True)
        coarseness.append(mouse.shown[-1][2])
    assert coarseness[0] == 1.0 and coarseness[2] == pytest.approx(2 * coarseness[1])
    assert 0.03 < PIXELS * 2e-6 / coarseness[1] ** 2 <= 0.08


def test_it_becomes_fine_when_the_mouse_rests_and_moves_on_at_once(extension):
    mouse = Mouse(4e-6)
    mouse.work(1.0, moving=True)
    mouse.work(30.0, moving=False)
    assert mouse.shown[-1][1:] == (mouse.views - 1, 1.0, 2), "the newest view, with all samples"
    fine = [(coarseness, samples) for _, view, coarseness, samples in mouse.shown if view == mouse.views - 1]
    assert fine == sorted(fine, key=lambda step: (-step[0], step[1])) and len(fine) == len(set(fine))
    assert mouse.schedule.next() is None and not mouse.schedule.want(mouse.views - 1, [0], PIXELS, 2)
    count = len(mouse.shown)
    mouse.schedule.want("moved", ["moved"], PIXELS, 2)
    mouse.work(0.3, moving=False)
    rest = len(mouse.shown)
    assert rest > count and mouse.shown[-1][1] == "moved"
    mouse.schedule.want("again", ["again"], PIXELS, 2)  # in the midst of a finer picture
    mouse.work(0.3, moving=False)
    assert "again" in [view for _, view, *_ in mouse.shown[rest:]]


def test_what_fails_is_not_tried_again(extension):
    schedule = part("operators.engine.schedule").Schedule()
    schedule.want(1, ["view"], PIXELS, 4)
    schedule.failed(schedule.next())
    assert schedule.next() is None
    schedule.want(2, ["other"], PIXELS, 4)
    assert schedule.next().first
