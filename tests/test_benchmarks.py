"""`python -m benchmarks` in sizes that take seconds, and how its results are compared."""

import json

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import processes, report, splats
from benchmarks.timing import Row, in_turn, spread
from inference.portrait import save_portrait
from tests.portraits import analytic_portrait


@pytest.fixture(scope="module")
def portrait_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("portrait") / "ball.manifolds"
    save_portrait(analytic_portrait(), path)
    return path


def run(tmp_path, portrait, *stages):
    """Rows of the stages in the smallest sizes."""
    found = tmp_path / "found.json"
    arguments = ["--tiny", "--runs", "1", "--threads", "1", "--portrait", str(portrait), "--json", str(found)]
    assert benchmarks.main([*stages, *arguments]) == 0
    return report.rows_of(found.read_text(encoding="utf-8"))


def test_splats_beside_views(portrait_path, capsys):
    splats.main([str(portrait_path), "--count", "30000", "--size", "96"])
    name, count, *_, own, right, left = capsys.readouterr().out.splitlines()[1].split(" | ")
    assert name == portrait_path.parent.name and 20_000 < int(count) <= 30_000
    assert min(float(own), float(right), float(left)) > 20.0


def test_stages_in_this_process(tmp_path, portrait_path, capsys):
    pytest.importorskip("skimage")
    rows = run(tmp_path, portrait_path, "inversion", "views", "mesh")
    assert {row.stage for row in rows} == {"inversion", "networks", "views", "mesh"}
    whole, view = (next(row for row in rows if row.stage == stage) for stage in ("inversion", "views"))
    networks = sum(row.value for row in rows if row.stage == "networks")
    assert 0.0 < whole.floor < whole.value and 0.3 < networks / whole.floor < 3.0
    assert view.ratio > 1.0 and view.plain > view.floor
    assert all(row.value > 0.0 for row in rows)
    shown = capsys.readouterr().out
    assert shown.count("\n| ") >= len(rows) and "█" in shown


def test_the_wrapped_head(tmp_path, portrait_path):
    pytest.importorskip("skimage")
    whole, *parts = run(tmp_path, portrait_path, "head")
    assert whole.value > 0.0 and whole.cpu > 0.0 and whole.bar == 6000.0
    assert len(parts) == 3 and whole.value > 0.5 * sum(part.value for part in parts) > 0.0


def test_a_process_of_its_own(tmp_path, portrait_path):
    (row,) = run(tmp_path, portrait_path, "start")
    assert row.stage == "cold start" and row.value > 0.5 * row.floor > 0.0


def test_inside_blender(portrait_path):
    pytest.importorskip("bpy")
    skimage = pytest.importorskip("skimage")
    photo = next(processes.Path(skimage.__file__).parent.glob("data/astronaut.png"))
    rows = list(processes.blender_rows(portrait_path, photo, 1, 0.3, 5))
    assert {row.stage for row in rows} == {"register", "orbit", "F12", "interface"}
    assert all(row.value > 0.0 for row in rows)


def test_an_unknown_stage_is_refused(capsys):
    with pytest.raises(SystemExit):
        benchmarks.main(["viewss"])
    assert "viewss" in capsys.readouterr().err


def test_ways_are_timed_in_turn():
    called = []
    times = in_turn({"one": lambda: called.append(1), "two": lambda: called.append(2)}, runs=3)
    assert called == [1, 2] * 4 and set(times) == {"one", "two"}
    assert spread([1.0]) == 0.0 and spread([1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx(2.0 / 3.0)


def test_what_changed_stands_out_of_the_noise():
    def rows(value, floor=None, of="value", unit="ms", spread=0.0):
        return [Row("views", "small", value, unit, floor, of=of, spread=spread)]

    assert report.changes(rows(110.0), rows(100.0)) == []
    ((line, worse),) = report.changes(rows(130.0), rows(100.0))
    assert worse and "100 before, 130 now" in line
    assert report.changes(rows(130.0, spread=0.1), rows(100.0, spread=0.1)) == []
    ((_, worse),) = report.changes(rows(70.0), rows(100.0))
    assert not worse
    assert report.changes(rows(300.0, floor=150.0), rows(100.0, floor=50.0)) == [], "ratios, on a machine half as fast"
    ((_, worse),) = report.changes(rows(6.0, of="least", unit="a second"), rows(10.0, of="least", unit="a second"))
    assert worse, "fewer pictures"
    assert report.changes(rows(1.0), []) == []


def test_bars_and_tables():
    met, missed = Row("views", "a", 20.0, floor=10.0, bar=3.0), Row("views", "b", 40.0, floor=10.0, bar=3.0)
    least = Row("orbit", "c", 30.0, "a second", bar=10.0, of="least")
    assert (met.met, missed.met, least.met, Row("x", "d", 1.0).met) == (True, False, True, None)
    table = report.table([met, missed, least])
    assert table.count("\n") == 4 and "≤ 3 × floor, **missed**" in table and "≥ 10, met" in table
    assert report.bars([met, missed]).splitlines()[2].count("█") == report.BAR
    page = report.page([met], "a machine")
    assert page.startswith("# Performance") and "a machine" in page and table.splitlines()[2] in page
    assert report.rows_of(report.as_json([met, least], "a machine")) == [met, least]
    assert json.loads(report.as_json([met], "a machine"))["machine"] == "a machine"
