"""Long work: jobs run one after another; progress, cancel and errors cross the thread; operators always clean up."""

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
    base, jobs, problems = part("operators.work.operator"), part("operators.work.jobs"), part("operators.work.problems")
    jobs.cancel_all(5.0)
    problems.forget()
    monkeypatch.setattr(base, "bpy", types.SimpleNamespace(app=types.SimpleNamespace(background=False)))

    class Operator(base.JobOperator):
        bl_label = "Test"

        def __init__(self, work, name=""):
            self.work, self.reports, self.finished = work, [], []
            self.subject, self.target = name, (0, name)

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
    return not context.window_manager.timers and context.workspace.text is None and not queue().pending()


def queue():
    return part("operators.work.jobs").queue


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.002)
    assert condition()


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
        bpy.ops.portrait_manifolds.cancel()
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


def test_work_does_not_begin_where_memory_is_short(operator, context, monkeypatch):
    """Else the system might end Blender."""
    running = operator(lambda progress: running.finished.append("ran"))
    monkeypatch.setattr(part("inference.limits"), "free_memory", lambda: running.memory - 1.0)
    assert run_modal(running, context) == {"CANCELLED"} and running.finished == [] and clean(context)
    assert "MB of memory are free and 400 are needed; end" in running.reports[0][1]
    monkeypatch.setattr(part("inference.limits"), "free_memory", lambda: None)
    assert run_modal(running, context) == {"FINISHED"}


def test_unexpected_errors_say_where_to_look(operator, context, capsys):
    def work(progress):
        raise KeyError("oops")

    running = operator(work)
    assert run_modal(running, context) == {"CANCELLED"}
    assert "KeyError" in running.reports[0][1] and "Traceback" not in running.reports[0][1]
    assert "Traceback" in capsys.readouterr().err and clean(context)


def test_jobs_wait_for_their_turn(operator, context):
    """Two jobs, then a third: all listed in their order, never two at once, each with its own result."""
    alive, most, release = [], [], threading.Event()

    def work(progress):
        alive.append(1)
        most.append(len(alive))
        release.wait(5)
        alive.pop()
        return len(most)

    running = [operator(work, name) for name in "abc"]
    for each in running:
        assert each.invoke(context, event()) == {"RUNNING_MODAL"}
    assert [job.subject for job in queue().pending()] == ["a", "b", "c"]
    assert [job.waiting for job in queue().pending()] == [False, True, True]
    state = bpy.context.window_manager.portrait_manifolds_job
    assert running[0].modal(context, event()) == {"PASS_THROUGH"}
    assert state.running and "2 waiting" in context.workspace.text
    release.set()
    for each in running:
        wait_for(lambda each=each: each._job.done)
        assert each.modal(context, event()) == {"FINISHED"}
    assert most == [1, 1, 1] and [each.finished for each in running] == [[1], [2], [3]]
    assert clean(context) and not state.running


def test_a_waiting_job_is_cancelled_alone(operator, context):
    release = threading.Event()
    first = operator(lambda progress: release.wait(5), "first")
    second = operator(lambda progress: second.finished.append("ran"), "second")
    for each in (first, second):
        each.invoke(context, event())
    waiting = queue().pending()[1]
    assert bpy.ops.portrait_manifolds.cancel(job=waiting.id) == {"FINISHED"}
    assert second.modal(context, event()) == {"CANCELLED"} and [j.subject for j in queue().pending()] == ["first"]
    release.set()
    wait_for(lambda: first._job.done)
    assert first.modal(context, event()) == {"FINISHED"}
    assert second.finished == [] and second._job.waiting and clean(context)


def test_escape_stops_what_runs_and_lets_the_next_begin(operator, context):
    """Escape reaches the operator that was added last first; only the running job may take it."""
    release = threading.Event()

    def endless(progress):
        while True:
            progress(0.5, "")
            time.sleep(0.005)

    first, second = operator(endless, "first"), operator(lambda progress: release.wait(5), "second")
    for each in (first, second):
        each.invoke(context, event())
    assert second.modal(context, event("ESC", "PRESS")) == {"PASS_THROUGH"}
    assert first.modal(context, event("ESC", "PRESS")) == {"CANCELLED"}
    wait_for(lambda: not second._job.waiting, CANCEL_SECONDS)
    release.set()
    wait_for(lambda: second._job.done)
    assert second.modal(context, event()) == {"FINISHED"} and clean(context)


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
    jobs = part("operators.work.jobs")
    ran = []

    def work(progress):
        ran.append(1)
        while True:
            progress(0.1, "")
            time.sleep(0.01)

    for lane in (jobs.queue, jobs.batches):
        for _ in range(3):
            lane.add(jobs.Job(work))
    wait_for(lambda: len(ran) == 2)
    assert jobs.cancel_all(2.0)
    assert len(ran) == 2 and not jobs.queue.pending() and not jobs.batches.pending()
    assert not [thread for thread in threading.enumerate() if thread.name == "portrait_manifolds"]


def test_loading_a_file_stops_its_jobs_and_leaves_the_batch(scene):
    jobs = part("operators.work.jobs")
    release = threading.Event()

    def endless(progress):
        while True:
            progress(0.1, "")
            time.sleep(0.01)

    for_file, batch = jobs.queue.add(jobs.Job(endless)), jobs.batches.add(jobs.Job(lambda progress: release.wait(5)))
    part("operators.work.problems").note(part("operators.work.problems").Problem("Test", ValueError("old"), "old"))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    wait_for(lambda: for_file.done)
    assert isinstance(for_file.error, part("inference.errors").Cancelled)
    assert not batch.cancelled and not batch.done and part("operators.work.problems").shown() == ()
    release.set()
    wait_for(lambda: batch.done)
    jobs.batches.take(batch)


def test_networks_stop_in_the_middle(extension):
    """A network that would run for long ends within 0.2 s of the cancel, though no progress is told."""
    model = part("operators.models.models").model({"path": None, "device": "cpu", "threads": 1})
    jobs, begun = part("operators.work.jobs"), threading.Event()
    import numpy as np

    points = np.zeros((1, session_inputs(model.session("decoder"))["points"], 1, 500_000), np.float32)

    def work(progress):
        session = part("operators.models.models").StoppableModel(model, progress).session("decoder")
        begun.set()
        for _ in range(10_000):  # for minutes, one short operation after the other
            session.run(None, {"points": points})

    job = jobs.queue.add(jobs.Job(work))
    try:
        assert begun.wait(5)
        time.sleep(0.3)
        assert not job.done
        start = time.monotonic()
        job.cancel()
        assert job.join(CANCEL_SECONDS), time.monotonic() - start
        assert isinstance(job.error, part("inference.errors").Cancelled)
    finally:
        job.join(60)
        jobs.queue.take(job)


def session_inputs(session):
    """{name: channels} of a network's inputs."""
    return {value.name: value.shape[1] for value in session.get_inputs()}


@pytest.fixture
def photo(tmp_path):
    """NASA's portrait of Eileen Collins (public domain), as scikit-image carries it."""
    data = pytest.importorskip("skimage.data")
    from PIL import Image

    path = tmp_path / "astronaut.png"
    Image.fromarray(data.astronaut()).save(path)
    return path


def prepared_invert(photo):
    """An Invert operator, as Python sees it, with the work for an imported photo."""
    assert bpy.ops.portrait_manifolds.import_portrait(filepath=str(photo)) == {"FINISHED"}
    invert = part("operators.portrait.invert").PORTRAIT_MANIFOLDS_OT_invert
    operator = types.SimpleNamespace(filepath="", report=lambda kind, text: None)
    for name in ("take", "work_on"):
        setattr(operator, name, types.MethodType(getattr(invert, name), operator))
    return operator, invert.prepare(operator, bpy.context)


def test_threads_run_the_engine_and_nothing_of_blender(scene, photo):
    """Every Python function that runs in the job's thread belongs to the engine, its libraries, or to what the
    operators hand over; none of them is a function of Blender's modules."""
    operator, work = prepared_invert(photo)
    seen = set()

    def record(frame, kind, argument):
        if kind == "call":
            seen.add((frame.f_globals.get("__name__", ""), frame.f_code.co_name))
        elif kind == "c_call":
            seen.add((getattr(argument, "__module__", "") or "", getattr(argument, "__name__", "")))

    jobs = part("operators.work.jobs")
    threading.setprofile(record)
    try:
        job = jobs.queue.add(jobs.Job(work))
        job.join(60)
    finally:
        threading.setprofile(None)
    jobs.queue.take(job)
    assert job.error is None and job.result[1].is_file()
    ours = {(name.rpartition(".operators.")[2], function) for name, function in seen if ".operators." in name}
    handed_over = {"work", "<lambda>", "free_path", "make_ready", "load_file"}
    strangers = [(name, f) for name, f in ours if name not in ("work.jobs", "models.models") and f not in handed_over]
    assert len(seen) > 100 and not strangers, strangers
    assert not [name for name, _ in seen if name.split(".")[0] in ("bpy", "_bpy", "bpy_types", "mathutils", "gpu")]


def test_cancelled_inversions_leave_no_file(scene, photo):
    """Cancelled at six moments, from the first to after the last: the thread ends, and no portrait stays behind."""
    jobs, folders = part("operators.work.jobs"), part("operators.state.folders")
    operator, work = prepared_invert(photo)
    folder = folders.storage_folder()
    before = sorted(folder.glob("*")) if folder.exists() else []
    done = jobs.Job(work).start()
    done.join(60)
    assert done.error is None
    done.result[1].unlink()
    again = jobs.Job(work).start()  # everything is loaded now
    assert again.join(60)
    again.result[1].unlink()
    slowest, seconds = 0.0, again.seconds
    for step in range(6):
        job = jobs.Job(work).start()
        time.sleep(step * seconds / 5)
        start = time.monotonic()
        job.cancel()
        assert job.join(5)
        slowest = max(slowest, time.monotonic() - start)
        if job.error is None:
            job.result[1].unlink()
        else:
            assert isinstance(job.error, part("inference.errors").Cancelled), job.error
        assert sorted(folder.glob("*")) == before
    print(f"slowest end of a cancelled thread: {1000 * slowest:.0f} ms")


def test_the_main_thread_goes_on_during_an_inversion(scene, photo):
    """The longest time for which the thread of an inversion keeps the main thread from running Python."""
    jobs = part("operators.work.jobs")
    operator, work = prepared_invert(photo)
    jobs.Job(work).start().join(60)  # libraries are loaded, tables made
    job = jobs.Job(work).start()
    longest, last = 0.0, time.perf_counter()
    while not job.done:
        time.sleep(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    assert job.error is None
    print(f"longest pause of the main thread: {1000 * longest:.0f} ms")
    assert longest < 0.25, "the interface would stand still"
