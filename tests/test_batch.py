"""A folder of photos to a folder of portraits, with stand-ins for the networks.

tests/test_batch_processes.py has the real ones, in processes of their own.
"""

import base64
import dataclasses
import errno
import html.parser
import io
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

import pytest
from PIL import Image

from inference.__main__ import main
from inference.batch.claims import Claims
from inference.batch.items import Item, folder_names, list_photos
from inference.batch.job import is_complete
from inference.batch.journal import Journal
from inference.batch.process import WorkerLost
from inference.batch.run import run_batch
from inference.batch.sheet import write_sheet
from inference.errors import Cancelled, FolderFull, PortraitError
from inference.pipeline import invert_photo, save_inversion
from inference.report import read_report, warnings_in
from inference.temporary import remove_abandoned, temporary_path
from tests.fakes import Here, fake_model, fake_stages

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def here(monkeypatch):
    """Workers are this process."""
    monkeypatch.setattr("inference.networks.model.load_model", lambda *a, **k: fake_model(Path("fake")))
    monkeypatch.setattr("inference.batch.run.Process", Here)


@pytest.fixture
def stages(monkeypatch, here):
    fake_stages(monkeypatch)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, size in (("a.png", 300), ("b.jpg", 310), ("b.png", 320)):
        Image.new("RGB", (size, size), (90, 120, 150)).save(folder / name)
    (folder / "bad.jpg").write_bytes(b"not a photo")
    (folder / "notes.txt").write_text("ignored")
    return folder


def test_batch(stages, photos, tmp_path):
    out, told = tmp_path / "out", []
    items = run_batch(photos, out, views=(-15, 15), progress=lambda *a: told.append(a))
    assert [(item.name, item.status) for item in items] == [
        ("a.png", "done"), ("b.jpg", "done"), ("b.png", "done"), ("bad.jpg", "failed"),
    ]  # fmt: skip
    assert "not a picture" in items[3].error and told[-1][0] == 1.0
    assert sorted(path.name for path in out.iterdir()) == ["a", "b_jpg", "b_png", "batch.jsonl", "index.html"]
    names = ["crop.png", "portrait.manifolds", "report.json", "view_+15.png", "view_-15.png"]
    assert sorted(path.name for path in (out / "a").iterdir()) == names
    assert list_photos(photos, out) == items


def test_batch_keeps_what_is_doubtful(monkeypatch, stages, photos, tmp_path, capsys):
    """In its items, in batch.json, and when it is resumed; the command line says it."""
    fake_stages(monkeypatch, faces=2)
    out = tmp_path / "out"
    items = run_batch(photos, out)
    assert [[warning["code"] for warning in item.warnings] for item in items] == [["several-faces"]] * 3 + [[]]
    assert list_photos(photos, out) == items
    assert [item.warnings for item in run_batch(photos, out, resume=True)] == [item.warnings for item in items]
    assert main(["batch", str(photos), "--out", str(out), "--resume", "--quiet"]) == 3
    assert "warning: b.png: 2 faces were found" in capsys.readouterr().err
    for damaged in ("[]", '{"warnings": 7}', '{"warnings": [7, {"code": 1}]}', "[" * 100_000, "\0"):
        (out / "a" / "report.json").write_text(damaged)
        assert warnings_in(read_report(out / "a")) == []


def test_batch_command(stages, photos, tmp_path, capsys):
    (photos / "bad.jpg").unlink()
    out = tmp_path / "out"
    assert main(["batch", str(photos), "--out", str(out), "--views", "-30,30", "--mesh", "--quiet"]) == 0
    assert {"view_-30.png", "view_+30.png", "mesh.glb"} <= {path.name for path in (out / "a").iterdir()}
    for photo in photos.iterdir():
        photo.write_bytes(b"bad")
    assert main(["batch", str(photos), "--out", str(out), "--quiet"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: no photo could be inverted")


def test_resume(stages, photos, tmp_path):
    out = tmp_path / "out"
    run_batch(photos, out)
    (out / "b_jpg" / "crop.png").unlink()
    before = (out / "a" / "portrait.manifolds").stat().st_mtime_ns
    items = run_batch(photos, out, resume=True)
    assert [item.status for item in items] == ["skipped", "done", "skipped", "failed"]
    assert (out / "a" / "portrait.manifolds").stat().st_mtime_ns == before
    assert [item.status for item in run_batch(photos, out, views=(10,), resume=True)][:3] == ["done"] * 3
    Image.new("RGB", (300, 300), (1, 2, 3)).save(photos / "a.png")
    assert [i.status for i in run_batch(photos, out, views=(10,), resume=True)][:3] == ["done", "skipped", "skipped"]


@pytest.mark.parametrize("key, other", [("model", "0" * 64), ("mesh", True), ("views", [10.0, 20.0])])
def test_resume_makes_anew_what_was_made_otherwise(stages, photos, tmp_path, key, other):
    """Even where all files are there."""
    out = tmp_path / "out"
    run_batch(photos, out, views=(10,))
    report = json.loads((out / "a" / "report.json").read_text())
    report["batch"][key] = other
    (out / "a" / "report.json").write_text(json.dumps(report))
    assert [i.status for i in run_batch(photos, out, views=(10,), resume=True)][:3] == ["done", "skipped", "skipped"]


def test_batch_survives_crashes(monkeypatch, here, photos, tmp_path):
    fake_stages(monkeypatch, fail_on=(31.0,))
    items = run_batch(photos, tmp_path / "out")
    assert [item.status for item in items] == ["done", "failed", "done", "failed"]
    assert "boom" in items[1].error and not (tmp_path / "out" / "b_jpg").exists()


def test_batch_refusals(stages, photos, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(PortraitError, match="no photos"):
        run_batch(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(PortraitError, match="cannot write"):
        run_batch(photos, photos / "a.png" / "out")
    assert not (tmp_path / "out").exists()

    def stop(fraction, text):
        raise Cancelled

    with pytest.raises(Cancelled):
        run_batch(photos, tmp_path / "out", progress=stop)


def test_only_some_photos(stages, photos, tmp_path):
    """A retry works on the named photos; what is known of the others stays in batch.json."""
    out, seen = tmp_path / "out", []
    run_batch(photos, out)
    Image.new("RGB", (300, 300)).save(photos / "bad.jpg")
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/report.json")}
    items = run_batch(photos, out, only=["bad.jpg"], changed=lambda item: seen.append((item.name, item.status)))
    assert [item.status for item in items] == ["done"] * 4 and items[3].error == ""
    assert seen == [("bad.jpg", "waiting"), ("bad.jpg", "working"), ("bad.jpg", "done")]
    assert len(before) == 3 and all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert list_photos(photos, out) == items
    known = (out / "batch.jsonl").read_text()
    odd = ['{"name": "a.png", "status": "odd"}', "[]", "{", "\0", '{"name": 7}', "[" * 100_000, "x" * 200_000]
    for changes in ({"name": []}, {"seconds": 10**400}, {"seconds": float("nan")}, {"status": {}}, {"error": 7}):
        odd.append(json.dumps(dataclasses.asdict(items[0]) | changes))
    (out / "batch.jsonl").write_text("\n".join(odd) + "\n" + known.splitlines()[1])
    assert [item.status for item in list_photos(photos, out)] == ["waiting"] * 4, "the last line was cut off"
    (out / "batch.jsonl").write_text("\n".join(odd) + "\n" + known)
    assert list_photos(photos, out) == items


def test_cancel_within_a_photo(stages, photos, tmp_path):
    """Cancelled while the second photo is worked on: it waits again, and the first is complete."""
    out, seen = tmp_path / "out", []

    def stop(fraction, text):
        seen.append(fraction)
        if text.startswith("1 of 4: b.jpg") and fraction > 0.25:
            raise Cancelled

    with pytest.raises(Cancelled):
        run_batch(photos, out, progress=stop)
    assert seen == sorted(seen)
    assert [item.status for item in list_photos(photos, out)] == ["done", "waiting", "waiting", "waiting"]
    items = run_batch(photos, out, resume=True)
    assert [item.status for item in items] == ["skipped", "done", "done", "failed"]


def test_names_of_folders():
    assert folder_names([Path("a.jpg"), Path("b.jpg"), Path("B.PNG")]) == ["a", "b_jpg", "B_PNG"]


def test_incomplete_report(tmp_path):
    job = {"photo": "x", "folder": str(tmp_path), "wishes": {"mesh": False, "views": [], "model": "m"}}
    for text in ("", "{", "[]", "{}", '{"batch": 3}'):
        (tmp_path / "report.json").write_text(text)
        assert not is_complete(job)


def test_exit_codes_say_how_much_was_done(stages, photos, tmp_path, capsys):
    """0: all; 3: some; 2: none. With --json each photo that ended is a line on standard output, and nothing else."""
    line = ["batch", str(photos), "--out", str(tmp_path / "out"), "--json"]
    assert main(line) == 3
    shown = capsys.readouterr()
    told = [Item(**json.loads(line)) for line in shown.out.splitlines()]
    assert {item.name: item.status for item in told} == {
        "a.png": "done", "b.jpg": "done", "b.png": "done", "bad.jpg": "failed",
    }  # fmt: skip
    assert "warning: bad.jpg: " in shown.err
    (photos / "bad.jpg").unlink()
    assert main(line + ["--resume"]) == 0
    assert {json.loads(line)["status"] for line in capsys.readouterr().out.splitlines()} == {"skipped"}


def test_chunks_are_the_whole(stages, photos, tmp_path):
    """Each photo is in one of the chunks; the last one to end writes the sheet; more chunks than photos are empty."""
    out, seen = tmp_path / "out", []
    for index in (1, 2, 3):
        assert not (out / "index.html").exists()
        seen += [item.name for item in run_batch(photos, out, chunk=(index, 3))]
    assert sorted(seen) == ["a.png", "b.jpg", "b.png", "bad.jpg"] and (out / "index.html").is_file()
    assert run_batch(photos, out, chunk=(7, 9)) == []
    assert [item.status for item in list_photos(photos, out)] == ["done"] * 3 + ["failed"]
    for wrong in ("0/2", "3/2", "1", "a/b", "1/2/3"):
        with pytest.raises(SystemExit) as caught:
            main(["batch", str(photos), "--out", str(out), "--chunk", wrong])
        assert caught.value.code == 2


@pytest.mark.parametrize("resume", (False, True))
def test_two_batches_share_a_folder(stages, photos, tmp_path, monkeypatch, resume):
    """Each photo is worked on once, both batches return all of them, and nothing of either is left."""
    worked = []

    class Slow(Here):
        def run(self, job, progress):
            worked.append(Path(job["photo"]).name)
            time.sleep(0.05)
            return super().run(job, progress)

    monkeypatch.setattr("inference.batch.run.Process", Slow)
    for number in range(5):
        out = tmp_path / str(number)
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(run_batch, photos, out, resume=resume) for _ in range(2)]
        for one in both:
            assert [item.status.replace("skipped", "done") for item in one.result()] == ["done"] * 3 + ["failed"]
        assert sorted(path.name for path in out.iterdir()) == ["a", "b_jpg", "b_png", "batch.jsonl", "index.html"]
        assert len((out / "batch.jsonl").read_text().splitlines()) == 4 and not list(out.rglob(".unfinished-*"))
    assert sorted(worked) == sorted(5 * ["a.png", "b.jpg", "b.png", "bad.jpg"])


def test_photos_outlive_their_machine(stages, photos, tmp_path, monkeypatch):
    """A photo whose machine is gone is begun again elsewhere; one that takes every machine with it fails alone."""
    lost = []

    class Fragile(Here):
        def run(self, job, progress):
            name = Path(job["photo"]).name
            if name == "b.jpg" or (name == "a.png" and name not in lost):
                lost.append(name)
                raise WorkerLost("the machine is gone")
            return super().run(job, progress)

    monkeypatch.setattr("inference.batch.run.Process", Fragile)
    items = run_batch(photos, tmp_path / "out", workers=2)
    assert [item.status for item in items] == ["done", "failed", "done", "failed"]
    assert items[1].error == "the machine is gone" and sorted(lost) == ["a.png"] + ["b.jpg"] * 3


def test_a_batch_with_other_wishes_is_told_to_wait(stages, photos, tmp_path):
    claims = Claims(tmp_path, {"model": "m", "mesh": False, "views": []})
    with pytest.raises(PortraitError, match="another batch makes something else"):
        run_batch(photos, tmp_path)
    claims.close()
    assert len(run_batch(photos, tmp_path)) == 4 and not (tmp_path / ".batch").exists()


def test_claims_of_killed_batches_fall_to_others(tmp_path):
    """What a process claimed that was killed with -9 can be claimed at once, whatever it wished for."""
    code = (
        "import pathlib, sys, time\nfrom inference.batch.claims import Claims\n"
        f"claims = Claims(pathlib.Path({str(tmp_path)!r}), {{'other': 1}})\n"
        "print(claims.claim('anna'), flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "True\n"
        with pytest.raises(PortraitError, match="another batch"):
            Claims(tmp_path, {})
        process.kill()
    claims = Claims(tmp_path, {})
    assert claims.claim("anna") and not Claims(tmp_path, {}).claim("anna")
    claims.release("anna")
    second = Claims(tmp_path, {})
    assert second.claim("anna")
    for one in (second, claims):
        one.close()


def test_temporary_files_belong_to_somebody(tmp_path):
    """Those of processes that live are kept, those of dead ones go at once, unknown ones when they are old."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mine = temporary_path(tmp_path)
    other = mine.with_name(mine.name.replace(f"-{os.getpid()}-", f"-{os.getppid()}-"))
    dead = mine.with_name(mine.name.replace(f"-{os.getpid()}-", f"-{ended.pid}-"))
    far, old = tmp_path / ".unfinished-0123456789-1-ab", tmp_path / ".unfinished-0123456789-2-ab"
    for path in (mine, other, far, old, tmp_path / "photo.png"):
        path.write_bytes(b"half")
    dead.mkdir()
    (dead / "crop.png").write_bytes(b"half")
    os.utime(old, (time.time() - 48 * 3600,) * 2)
    remove_abandoned(tmp_path)
    assert set(tmp_path.iterdir()) == {mine, other, far, tmp_path / "photo.png"}
    remove_abandoned(tmp_path, owned=True)
    assert set(tmp_path.iterdir()) == {mine, other, tmp_path / "photo.png"}


def test_a_process_that_nobody_waits_for_is_dead(tmp_path):
    """A worker whose batch was killed stays as a zombie where process 1 does not reap, in many containers."""
    zombie = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    zombie.stdout.read()  # its end closes the pipe
    mine = temporary_path(tmp_path)
    left = mine.with_name(mine.name.replace(f"-{os.getpid()}-", f"-{zombie.pid}-"))
    left.mkdir()
    try:
        end = time.monotonic() + 10
        while left.exists() and time.monotonic() < end:
            remove_abandoned(tmp_path)
        assert not left.exists()
    finally:
        zombie.wait()


def test_what_a_killed_batch_left_beside_complete_results_goes(stages, photos, tmp_path):
    """It died between the last file's move and the removal of the folder that the files came from."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    out = tmp_path / "out"
    run_batch(photos, out)
    before = sorted(out.rglob("*"))
    name = temporary_path(out / "a").name.replace(f"-{os.getpid()}-", f"-{ended.pid}-")
    (out / "a" / name).mkdir()
    (out / "b_png" / ".unfinished-0123456789-1-ab").mkdir()  # of another machine: the photo is claimed, so its, too
    items = run_batch(photos, out, resume=True)
    assert [item.status for item in items] == ["skipped", "skipped", "skipped", "failed"]
    assert sorted(out.rglob("*")) == before


def test_a_full_disk_ends_the_batch_in_one_line(stages, photos, tmp_path, monkeypatch, capsys):
    """At whichever file: what was there stays, nothing half-written comes to it, and no further photo is tried."""
    out, real = tmp_path / "out", os.fsync
    run_batch(photos, out)
    before = {path: path.read_bytes() for path in out.rglob("*.*")}
    (photos / "a.png").write_bytes((photos / "b.png").read_bytes())
    for written in range(4):
        left = [written]

        def fsync(handle, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(handle)

        monkeypatch.setattr(os, "fsync", fsync)
        assert main(["batch", str(photos), "--out", str(out), "--quiet"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: cannot write") and "No space left" in line and ".unfinished" not in line
        if written < 3:  # then come the journal and the sheet
            assert {path: path.read_bytes() for path in out.rglob("*.*")} == before
    assert not (out / ".batch").exists()


def test_an_inversion_is_written_whole_or_not_at_all(stages, photos, tmp_path, monkeypatch):
    inversion = invert_photo(photos / "a.png", fake_model())
    monkeypatch.setattr("inference.pipeline.save_portrait", lambda *_: (_ for _ in ()).throw(FolderFull("full")))
    with pytest.raises(FolderFull):
        save_inversion(inversion, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "crop.png").write_bytes(b"mine")
    with pytest.raises(FolderFull):
        save_inversion(inversion, tmp_path / "old")
    assert [path.read_bytes() for path in (tmp_path / "old").iterdir()] == [b"mine"]


def test_a_report_comes_last(stages, photos, tmp_path, monkeypatch):
    """A kill between any two moves leaves a folder that does not look complete; nothing temporary stays."""
    moved, move = [], os.replace
    monkeypatch.setattr("os.replace", lambda source, goal: (moved.append(Path(goal).name), move(source, goal)))
    save_inversion(invert_photo(photos / "a.png", fake_model()), tmp_path / "new")
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert sorted(moved[-len(names) :]) == names and moved[-1] == "report.json"


def test_a_journal_survives_half_a_line(tmp_path):
    """As a kill leaves it: what was whole is read, once, and what is written after it as well."""
    journal = Journal(tmp_path)
    journal.append({"name": "a"})
    with open(tmp_path / "batch.jsonl", "ab") as stream:
        stream.write(b'{"name": "b')
    assert journal.news() == [{"name": "a"}] and journal.news() == []
    Journal(tmp_path).append({"name": "c"})
    assert journal.news() == [{"name": "c"}] and Journal(tmp_path).news() == [{"name": "a"}, {"name": "c"}]


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode there")
def test_names_that_are_not_text(stages, photos, tmp_path, capsys):
    """Latin-1 names from old disks: they get all of their results, and come back from the journal as they are."""
    name = os.fsdecode(b"m\xfcller.png")
    (photos / "a.png").rename(photos / name)
    out = tmp_path / "out"
    assert main(["batch", str(photos), "--out", str(out), "--json"]) == 3
    assert name in [json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()]
    (item,) = (item for item in list_photos(photos, out) if item.name == name)
    assert item.status == "done" and read_report(out / item.folder)["photo"]["name"] == "m?ller.png"
    assert main(["batch", str(photos), "--out", str(out), "--resume", "--quiet"]) == 3
    assert "m?ller.png" in (out / "index.html").read_text("utf-8")


class _Sheet(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.opened = [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img"):
            self.opened.append(tag)

    def handle_endtag(self, tag):
        assert self.opened.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_contact_sheet(monkeypatch, here, photos, tmp_path):
    """Every photo with picture, state, numbers and doubts; it asks nobody for anything, however photos are called."""
    fake_stages(monkeypatch, faces=2)
    odd = '<img src=x onerror="alert(1)">&.png'
    (photos / "a.png").rename(photos / odd)
    run_batch(photos, tmp_path / "out")
    sheet = _Sheet((tmp_path / "out" / "index.html").read_text("utf-8"))
    assert not sheet.opened and {tag for tag, _ in sheet.tags}.isdisjoint({"script", "link", "iframe", "object"})
    pictures = [attributes["src"] for tag, attributes in sheet.tags if tag == "img"]
    assert len(pictures) == 3
    for data in pictures:
        picture = Image.open(io.BytesIO(base64.b64decode(data.removeprefix("data:image/jpeg;base64,"))))
        assert picture.size == (128, 128) and abs(picture.convert("RGB").getpixel((64, 64))[2] - 150) < 8
    links = [attributes["href"] for tag, attributes in sheet.tags if tag == "a"]
    assert len(links) == 3 and all((tmp_path / "out" / unquote(link)).is_dir() for link in links)
    report = tmp_path / "out" / "b_jpg" / "report.json"
    for damaged in ('{"photo": [], "pose": {"yaw": 1}}', '{"peak_memory_mb": 1' + 400 * "0" + "}", "[]", "\0"):
        report.write_text(damaged)
        write_sheet(list_photos(photos, tmp_path / "out"), tmp_path)
    for text in (odd, "3 done, 1 failed, 3 doubtful", "2 faces were found", "not a picture", "300 × 300 pixels"):
        assert text in sheet.text
    assert all("http" not in str(attributes) or tag == "meta" for tag, attributes in sheet.tags)


def test_pages_of_a_large_sheet(tmp_path, monkeypatch):
    from inference.batch import sheet

    monkeypatch.setattr(sheet, "PER_PAGE", 2)
    items = [Item(f"{number}.png", str(number), "failed", "why") for number in range(5)]
    sheet.write_sheet(items, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index-2.html", "index-3.html", "index.html"]
    assert _Sheet((tmp_path / "index-3.html").read_text()).text.count("why") == 1
    sheet.write_sheet(items[:1], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
