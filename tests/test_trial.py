"""A stranger's model is tried out in a process apart: whatever it does there ends as one line."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from inference.errors import Cancelled, ModelUnusable
from inference.networks.model import DEFAULT_FOLDER, load_model
from inference.trial import try_out
from tests.fakes import write_model
from tests.hostile.models import fitting
from tests.hostile.wire import node, tensor

ONE = tensor("first", np.full(1, 0.5))


def with_encoder(folder, *nodes, weights):
    """The model that ships with another first network, which makes the tensor "number" on its way."""
    files = {file: (DEFAULT_FOLDER / file).read_bytes() for file in load_model().card["files"]}
    network = fitting("encoder_w", nodes=nodes, weights=[ONE, *weights], number="number")
    return load_model(write_model(folder, files | {"encoder_w.onnx": network}, id="mine"))


def hungry(folder):
    """Three tensors of 120 MB and their sum, all of them there at the same time."""
    columns = [tensor(f"column{i}", np.full((5500, 1), i, np.float32)) for i in range(3)]
    row = tensor("row", np.ones((1, 5500), np.float32))
    big = [node("MatMul", inputs=[f"column{i}", "row"], outputs=[f"big{i}"]) for i in range(3)]
    total = node("Sum", inputs=["big0", "big1", "big2"], outputs=["sum"])
    most = node("ReduceMax", inputs=["sum"], outputs=["number"])
    return with_encoder(folder, *big, total, most, weights=[*columns, row])


def slow(folder):
    """A product of 5·10¹⁰ multiplications, about as many as one network may have."""
    weights = [tensor("s", np.array((3600, 3600)))]
    big = node("Expand", inputs=["first", "s"], outputs=["big"])
    product = node("MatMul", inputs=["big", "big"], outputs=["product"])
    mean = node("ReduceMean", inputs=["product"], outputs=["number"])
    return with_encoder(folder, big, product, mean, weights=weights)


def children():
    done = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True)
    return [int(line.split()[0]) for line in done.stdout.splitlines() if "inference.trial" in line]


def refusal(model, **options):
    with pytest.raises(ModelUnusable) as caught:
        try_out(model, **options)
    assert "\n" not in str(caught.value) and str(caught.value).endswith("; use another one")
    assert os.name != "posix" or children() == []
    return str(caught.value)


def test_the_model_that_ships_passes():
    told = []
    try_out(load_model(), lambda share, text: told.append((share, text)))
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    assert {text for _, text in told} == {"checking the networks", "trying the model out"}


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_memory_limit(tmp_path):
    """So much is enough for the model that ships, and too little for one that wants 480 MB at once."""
    try_out(load_model(), memory=590)
    assert "mine needs more memory" in refusal(hungry(tmp_path / "mine"), memory=590)


def test_time_limit(tmp_path):
    model, start = slow(tmp_path / "mine"), time.monotonic()
    assert "mine was tried out for 0.5 seconds" in refusal(model, seconds=0.5)
    assert time.monotonic() - start < 5.0


@pytest.mark.skipif(os.name != "posix", reason="stops and kills as Unix does")
@pytest.mark.parametrize(
    "what, says", [(signal.SIGSTOP, "was tried out for 3 seconds"), (signal.SIGKILL, "died, perhaps for lack of")]
)
def test_a_process_that_hangs_or_dies(what, says):
    """As a driver or the system's hunt for memory might do it, in the middle."""
    seen = []

    def progress(share, text):
        if text == "trying the model out" and not seen:
            seen.extend(children())
            os.kill(seen[0], what)

    assert says in refusal(load_model(), progress=progress, seconds=3)


def test_cancelling_ends_the_process():
    def cancel(share, text):
        raise Cancelled

    with pytest.raises(Cancelled):
        try_out(load_model(), cancel)
    assert os.name != "posix" or children() == []


def test_an_incomplete_model(tmp_path):
    model = write_model(tmp_path / "mine", {"encoder_w.onnx": fitting("encoder_w")})
    with pytest.raises(ModelUnusable, match="install a complete model"):
        try_out(load_model(model))
