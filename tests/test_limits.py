"""What is short is told from what is wrong, and named before the system ends a program."""

import subprocess
import sys

import pytest

from inference import limits
from inference.errors import MachineExhausted
from inference.networks.run import run_network


@pytest.mark.skipif(sys.platform not in ("linux", "win32"), reason="other systems do not say")
def test_free_memory_is_about_what_there_is():
    assert 10.0 < limits.free_memory() < 1e8
    limits.check_memory(1.0)


def test_too_little_memory_is_one_line(monkeypatch):
    monkeypatch.setattr(limits, "free_memory", lambda: 99.6)
    limits.check_memory(99.0)
    with pytest.raises(MachineExhausted, match="^100 MB of memory are free and 400 are needed; end other programs$"):
        limits.check_memory(400)


def test_a_network_that_gets_no_memory_is_not_the_models_fault():
    """ONNX Runtime has an error of its own for it."""

    class Fail(Exception):
        __module__ = "onnxruntime.capi"

    class Starved:
        device, id = "cpu", "mine"

        def session(self, name):
            return self

        def run(self, names, inputs):
            raise Fail("Failed to allocate memory for requested buffer of size 121000192")

    with pytest.raises(MemoryError, match="^decoder: Failed to allocate"):
        run_network(Starved(), "decoder", {})


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone asks")
def test_the_process_apart_ends_before_others():
    code = "from inference.apart import limit_memory; limit_memory(0); print(open('/proc/self/oom_score_adj').read())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["1000"], done.stderr
