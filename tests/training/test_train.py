"""A run is a function of its settings, its data and its step; whatever goes wrong, its last good checkpoint stays."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from inference.errors import FolderUnusable
from tests.training.conftest import command_line
from training import train
from training.data import batches
from training.errors import TrainingError
from training.run import checkpoint as ck

ROOT = Path(__file__).resolve().parents[2]


def curve(folder):
    """Step to loss terms of a run."""
    clock = ("seconds", "samples_per_second", "wait")
    lines = [json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()]
    return {line["step"]: {k: v for k, v in line.items() if k not in clock} for line in lines}


@pytest.fixture(scope="module")
def whole(shards, geometry, environment, tmp_path_factory):
    """An uninterrupted run of six steps, views from the third on, in a process of its own like those it is compared
    with: sums of numpy differ in the last bit between numbers of threads."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("runs") / "whole"
    command = [sys.executable, "-m", "training.train", *command_line(shards, geometry, out, samples=12)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return out


def test_a_killed_run_resumes_to_the_same_curve_and_weights(whole, arguments, environment, tmp_path):
    """SIGKILL after the first checkpoint, then --resume: loss terms, weights, average and moments are bit-equal."""
    out = tmp_path / "killed"
    line = arguments(out, samples=12)
    child = subprocess.Popen([sys.executable, "-m", "training.train", *line], cwd=ROOT, env=environment)
    deadline = time.monotonic() + 120
    while not (out / "last.pt").exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    child.kill()
    child.wait()
    assert 2 <= ck.read_checkpoint(out / "last.pt")["step"] < 6, "the run was over before it could be killed"
    subprocess.run([sys.executable, "-m", "training.train", *line, "--resume"], cwd=ROOT, env=environment, check=True)
    assert curve(out) == curve(whole)
    ours, theirs = ck.read_checkpoint(out / "last.pt"), ck.read_checkpoint(whole / "last.pt")
    for part in ("model", "average"):
        for name, value in theirs[part].items():
            assert torch.equal(ours[part][name], value), f"{part} {name}"
    for name, moments in theirs["moments"].items():
        assert all(torch.equal(a, b) for a, b in zip(ours["moments"][name], moments)), name


def test_two_processes_take_the_course_of_one(whole, arguments, environment, tmp_path):
    out = tmp_path / "two"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29517"]
    done = subprocess.run([*torchrun, "-m", "training.train", *arguments(out, samples=12)], cwd=ROOT, env=environment,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    ours, theirs = curve(out), curve(whole)
    assert ours.keys() == theirs.keys()
    for step, terms in theirs.items():
        assert ours[step] == pytest.approx(terms, rel=1e-3, abs=1e-5), f"step {step}"


def test_workers_do_not_change_the_data(shards, geometry):
    """Chunks read by a worker process are those read in the run's own process, from any step on."""
    import numpy as np

    from training.run.presets import PRESETS, override

    preset = override(PRESETS["cpu"], ["batch=4", "chunk=2"])
    means = dict(np.load(geometry))
    found = []
    for workers, first in ((0, 0), (1, 1)):
        reader = batches.Batches(preset, [shards], None, means, 3, workers, lambda items: items)
        reader.open(batches.look([shards], 0), first, True)
        found.append([next(reader) for _ in range(6)])
        reader.close()
    for ours, theirs in zip(found[0][2:], found[1]):
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert not torch.equal(found[0][0]["photo"], found[0][1]["photo"])


def test_every_head_comes_once_an_epoch():
    order = batches.Shuffle(7, [1, 2])
    epochs = [[order[7 * epoch + i] for i in range(7)] for epoch in range(3)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert epochs[0] != epochs[1]


def test_a_loss_that_is_no_number_ends_the_run(arguments, tmp_path, monkeypatch):
    """The weights of the last checkpoint are finite, the message names the term, and the command's exit code is 2."""
    from training import errors

    out, real = tmp_path / "run", train.texture_losses

    def poisoned(*arguments):
        terms = real(*arguments)
        return terms | {"matte": terms["matte"] * (float("nan") if run_steps.pop(0) else 1.0)}

    run_steps = [False] * 6 + [True] * 100  # two chunks a step: three good steps
    monkeypatch.setattr(train, "texture_losses", poisoned)
    with pytest.raises(SystemExit) as end:
        errors.command(lambda: train.main(arguments(out, samples=60, settings=("view_from=2.0",))))
    assert end.value.code == 2
    state = ck.read_checkpoint(out / "last.pt")
    assert state["step"] == 2
    assert all(torch.isfinite(value).all() for part in ("model", "average") for value in state[part].values())


def test_the_message_names_the_term_and_the_checkpoint(arguments, tmp_path, monkeypatch):
    real = train.texture_losses
    monkeypatch.setattr(train, "texture_losses", lambda *a: {n: v * float("inf") for n, v in real(*a).items()})
    with pytest.raises(TrainingError, match="no number any more at step 0 .*matte.*no checkpoint was due"):
        train.main(arguments(tmp_path / "run"))


def test_a_full_disk_keeps_the_last_checkpoint_and_the_run_tries_again(arguments, tmp_path, monkeypatch, capsys):
    """Writing fails from the second checkpoint on: the run goes on to its end, then says what is wrong."""
    out, real, calls = tmp_path / "run", ck.write_atomically, []

    def failing(path, write):
        calls.append(path)
        real(path, full if sum(Path(p).name == "last.pt" for p in calls) > 1 else write)

    def full(stream):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ck, "write_atomically", failing)
    with pytest.raises(TrainingError, match="disk is full or not writable: .*No space left"):
        train.main(arguments(out, samples=12, settings=("view_from=2.0",)))
    assert ck.read_checkpoint(out / "last.pt")["step"] == 2
    assert "step 4 cannot be saved" in capsys.readouterr().err
    monkeypatch.undo()
    assert train.main([*arguments(out, samples=12, settings=("view_from=2.0",)), "--resume"]) == 0
    assert ck.read_checkpoint(out / "last.pt")["step"] == 6


def test_a_failed_write_leaves_the_old_checkpoint_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "last.pt"
    ck.save_checkpoint(path, {"step": 1})
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(FolderUnusable, match="cannot write .*last.pt .No space left"):
        ck.save_checkpoint(path, {"step": 2})
    assert ck.read_checkpoint(path)["step"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["last.pt"]


def test_a_signal_saves_and_stops(arguments, tmp_path, monkeypatch):
    import signal

    out, real = tmp_path / "run", train.texture_losses

    def interrupted(*arguments):
        if not out.joinpath("sent").exists():
            out.joinpath("sent").touch()
            os.kill(os.getpid(), signal.SIGTERM)
        return real(*arguments)

    monkeypatch.setattr(train, "texture_losses", interrupted)
    assert train.main(arguments(out)) == 128 + signal.SIGTERM
    assert ck.read_checkpoint(out / "last.pt")["step"] == 1


def test_a_signal_to_the_whole_group_saves_and_stops(arguments, environment, tmp_path):
    """As torchrun, schedulers and a terminal's Ctrl-C send it: the workers that prepare examples get it too."""
    import signal

    out = tmp_path / "run"
    line = [sys.executable, "-m", "training.train", *arguments(out, samples=4000), "--workers", "1"]
    child = subprocess.Popen(line, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 120
    while not (out / "last.pt").exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    before = ck.read_checkpoint(out / "last.pt")["step"]
    os.killpg(child.pid, signal.SIGTERM)
    said = child.communicate(timeout=60)[1]
    assert child.returncode == 128 + signal.SIGTERM, said[-2000:]
    saved = ck.read_checkpoint(out / "last.pt")["step"]
    assert saved >= before and f"stopped at step {saved};" in said


def test_bad_input_is_one_clear_line(arguments, shards, geometry, whole, tmp_path):
    """Nothing is written, and what is said names the file and the way out."""
    import shutil

    def said(*line):
        with pytest.raises(TrainingError) as error:
            train.main(list(line))
        assert "\n" not in str(error.value)
        return str(error.value)

    line = arguments(tmp_path / "run")
    assert "holds a run already: add --resume" in said(*arguments(whole))
    assert "no checkpoint" in said(*line, "--resume")
    assert "no shards in" in said(*line, "--heads", str(tmp_path))
    (tmp_path / "broken.npz").write_bytes(b"PK nothing")
    assert "broken.npz cannot be read" in said(*line, "--geometry", str(tmp_path / "broken.npz"))
    assert "cannot be read" in said(*line, "--real", str(tmp_path / "broken.npz"))
    (tmp_path / "last.pt").write_bytes((whole / "last.pt").read_bytes()[:5000])
    assert "last.pt cannot be read" in said(*line, "--resume", str(tmp_path / "last.pt"))
    assert "is missing" in said(*line, "--start-from", str(tmp_path))
    assert "processes cannot share" in _with_size(3, lambda: said(*line))
    copy = tmp_path / "heads"
    shutil.copytree(shards, copy)
    photo = copy / "shard_0000" / "photo.npy"
    photo.write_bytes(photo.read_bytes()[:100_000])
    assert "photo.npy is broken" in said(*line, "--heads", str(copy))
    photo.unlink()
    assert "lacks photo.npy" in said(*line, "--heads", str(copy))
    (copy / "shard_0000").rename(copy / "shard_0001")
    shutil.copy(shards / "shard_0000" / "photo.npy", copy / "shard_0001")
    again = ("--heads", str(copy), "--resume", str(whole / "last.pt"), "--samples", "20")
    assert "shard_0000 is missing" in said(*line, *again)
    assert not (tmp_path / "run").exists() or not list((tmp_path / "run").iterdir())


def _with_size(size, action):
    import unittest.mock

    from training.run.processes import Group

    class Several(Group):
        def __init__(self, device):
            super().__init__(device)
            self.size = size

    with unittest.mock.patch.object(train, "Group", Several):
        return action()


def test_new_shards_join_a_run(arguments, tmp_path):
    """A shard that appears is used from the next look at the folders on; a broken one is named and left out."""
    from tests.training.heads import write_shard

    folder = tmp_path / "heads"
    write_shard(folder, 0, range(2))
    opening = batches.look([folder], 0)
    write_shard(folder, 1, range(2, 4))
    assert batches.newer([folder], opening, 5) == batches.Opening(5, ((0, "shard_0000"), (0, "shard_0001")))
    (folder / "shard_0001" / "camera.npy").unlink()
    assert batches.newer([folder], opening, 5) == opening


def test_a_bf16_run_from_a_checkpoint_with_other_widths(whole, arguments, tmp_path, capsys):
    """--start-from takes over what fits and says what is new."""
    out = tmp_path / "run"
    more = ("network.decoder_width=12", "bfloat16=True")
    line = arguments(out, "--start-from", str(whole / "last.pt"), settings=more, samples=4)
    assert train.main(line) == 0
    assert "new here: decoder.first.weight" in capsys.readouterr().err
    assert all(term == term for line in curve(out).values() for term in line.values())
