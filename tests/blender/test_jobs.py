"""Long work: progress, cancel and errors cross the thread; the modal operator always cleans up."""

import threading
import time
import types

import pytest

bpy = pytest.importorskip("bpy")

from .conftest import part  # noqa: E402

CANCEL_SECONDS = 0.2


class Manager:
    """As much of a window manager as a modal operator needs."""

    def __init__(self):
        self.portrait_manifolds_job = types.SimpleNamespace(
            running=False, cancelled=False, fraction=0.0, text="", seconds=0.0
        )
        self.windows, self.timers, self.handlers = [], [], []

    def event_timer_add(self, seconds, window):
        self.timers.append(seconds)
        return seconds

    def event_timer_remove(self, timer):
        self.timers.remove(timer)

    def modal_handler_add(self, operator):
        self.handlers.append(operator)


class Workspace:
    text = None

    def status_text_set(self, text):
        self.text = text


@pytest.fixture
def context():
    return types.SimpleNamespace(window_manager=Manager(), workspace=Workspace(), window=object())


@pytest.fixture
def operator(extension, monkeypatch):
    """An operator whose work follows instructions."""
    base = part("operators.base")
    monkeypatch.setattr(base, "bpy", types.SimpleNamespace(app=types.SimpleNamespace(background=False)))

    class Operator(base.JobOperator):
        bl_label = "Test"

        def __init__(self, work):
            self.work, self.reports, self.finished = work, [], []

        def report(self, kind, text):
            self.reports.append((kind, text))

        def prepare(self, context):
            return self.work

        def finish(self, context, result):
            self.finished.append(result)

    return Operator


def event(kind="TIMER", value="NOTHING"):
    return types.SimpleNamespace(type=kind, value=value)


def run_modal(operator, context, seconds=5.0):
    assert operator.invoke(context, event()) == {"RUNNING_MODAL"}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = operator.modal(context, event())
        if result != {"PASS_THROUGH"}:
            return result
        time.sleep(0.01)
    raise AssertionError("the operator did not end")


def clean(context):
    state = context.window_manager.portrait_manifolds_job
    return not context.window_manager.timers and context.workspace.text is None and not state.running


def test_result_and_progress_arrive(operator, context):
    seen = []

    def work(progress):
        for step in range(4):
            progress(step / 4, f"step {step}")
            time.sleep(0.05)
        return 42

    running = operator(work)
    running._show = lambda context: seen.append(running._job.state)
    assert run_modal(running, context) == {"FINISHED"}
    assert running.finished == [42] and clean(context)
    assert any(text == "step 3" for _, text in seen)


@pytest.mark.parametrize("how", ["escape", "button"])
def test_cancel_is_immediate_even_when_the_work_is_not(operator, context, how):
    """The user is free within 0.2 s though the thread is busy for longer; its result is dropped."""
    release = threading.Event()

    def work(progress):
        release.wait(5)
        progress(0.5, "never shown")
        return 1

    running = operator(work)
    assert running.invoke(context, event()) == {"RUNNING_MODAL"}
    start = time.monotonic()
    if how == "escape":
        result = running.modal(context, event("ESC", "PRESS"))
    else:
        context.window_manager.portrait_manifolds_job.cancelled = True
        result = running.modal(context, event())
    assert result == {"CANCELLED"} and time.monotonic() - start <= CANCEL_SECONDS
    assert clean(context) and running.reports[-1][0] == {"INFO"}
    release.set()
    assert running._job.join(5) and running.finished == []


def test_errors_are_carried_over(operator, context):
    errors = part("inference.errors")

    def work(progress):
        raise errors.PortraitError("no face was found; use another photo")

    running = operator(work)
    assert run_modal(running, context) == {"CANCELLED"}
    assert running.reports == [({"ERROR"}, "no face was found; use another photo")] and clean(context)


def test_unexpected_errors_say_where_to_look(operator, context, capsys):
    def work(progress):
        raise KeyError("oops")

    running = operator(work)
    assert run_modal(running, context) == {"CANCELLED"}
    assert "KeyError" in running.reports[0][1] and "Traceback" not in running.reports[0][1]
    assert "Traceback" in capsys.readouterr().err and clean(context)


def test_only_one_job_at_a_time(operator, context):
    first = operator(lambda progress: time.sleep(0.2))
    assert first.invoke(context, event()) == {"RUNNING_MODAL"}
    second = operator(lambda progress: None)
    assert second.invoke(context, event()) == {"CANCELLED"}
    assert second.reports[0][0] == {"WARNING"}
    first._job.join(5)
    assert first.modal(context, event()) == {"FINISHED"}


def test_loading_another_file_ends_the_job(operator, context):
    """Blender calls cancel(); the thread stops at its next step."""

    def work(progress):
        while True:
            progress(0.5, "")
            time.sleep(0.01)

    running = operator(work)
    running.invoke(context, event())
    running.cancel(context)
    assert clean(context)
    assert running._job.join(2)
    assert isinstance(running._job.error, part("inference.errors").Cancelled)


def test_no_thread_survives_cancel_all(extension):
    jobs = part("operators.jobs")

    def work(progress):
        while True:
            progress(0.1, "")
            time.sleep(0.01)

    started = [jobs.Job(work).start() for _ in range(3)]
    jobs.cancel_all(2.0)
    assert all(job.done for job in started)
    assert not [thread for thread in threading.enumerate() if thread.name == "portrait_manifolds"]
