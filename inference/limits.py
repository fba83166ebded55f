"""What one photo may take, and what the machine has run out of, told from what is wrong with a photo."""

import ctypes
import errno
import sys
from pathlib import Path

from .errors import MachineExhausted

MEMORY = 4096  # MB of a worker's own; measured: docs/reliability.md
SECONDS = 900  # for a photo; the slowest take 60 on one core

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # no further file can be written, whatever the photo
OUT_OF_FILES = (errno.EMFILE, errno.ENFILE)
OUT_OF_MEMORY_SIGNS = ("bad alloc", "bad_alloc", "allocate memory", "insufficient memory", "out of memory")


def out_of_files(error: BaseException) -> bool:
    """Whether a system call failed because too many files are open; a library may have said so in its own words."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in OUT_OF_FILES or "too many open files" in str(error).lower():
            return True
        error = error.__cause__ or error.__context__
    return False


def out_of_memory(error: BaseException) -> bool:
    """Whether memory could not be had; OpenCV and ONNX Runtime have errors of their own for it."""
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in OUT_OF_MEMORY_SIGNS)


def free_memory() -> float | None:
    """MB that programs can still have, with what is swapped out; None where the system does not say."""
    if sys.platform == "linux":
        try:
            lines = Path("/proc/meminfo").read_text().splitlines()
        except OSError:
            return None
        kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        return (kilobytes["MemAvailable"] + kilobytes["SwapFree"]) / 1024.0
    if sys.platform == "win32":
        numbers = (ctypes.c_uint64 * 8)(64)  # MEMORYSTATUSEX: its size and the load, then totals and what is free
        if ctypes.windll.kernel32.GlobalMemoryStatusEx(numbers):
            return numbers[4] / (1 << 20)  # of memory and page file
    return None  # macOS makes room by itself


def check_memory(megabytes: float) -> None:
    """Raise MachineExhausted where that much memory is not free: the system would end a program, perhaps this one."""
    free = free_memory()
    if free is not None and free < megabytes:
        raise MachineExhausted(f"{free:.0f} MB of memory are free and {megabytes:.0f} are needed; end other programs")
