"""What the machine can do at best: bytes and multiplications a second, by the plainest loops there are."""

import functools
import os
import platform

import numpy as np

from .timing import in_turn

COPIED = 1 << 26  # bytes; far more than the caches hold
MATRIX = 1024  # rows and columns


@functools.cache
def measured(runs=5):
    """{"copy": bytes per ms, read and written into memory that is there; "gemm": multiply-adds per ms, float32}."""
    source, target = np.ones(COPIED, np.uint8), np.ones(COPIED, np.uint8)
    one, other, out = (np.ones((MATRIX, MATRIX), np.float32) for _ in range(3))
    times = in_turn(
        {"copy": lambda: np.copyto(target, source), "gemm": lambda: np.matmul(one, other, out=out)}, runs
    )
    return {"copy": 2 * COPIED / times["copy"].best, "gemm": MATRIX**3 / times["gemm"].best}


def described(threads):
    """One line about where this ran."""
    found = measured()
    load = f"load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"
    return (
        f"{platform.machine()}, {os.cpu_count()} processors, {threads} threads, {load}; "
        f"copies {found['copy'] / 1e6:.1f} GB/s, multiplies {found['gemm'] / 1e6:.0f} GMAC/s; "
        f"Python {platform.python_version()}, numpy {np.__version__}"
    )
