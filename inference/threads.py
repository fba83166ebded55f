"""Work shared among threads."""

import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor


@contextlib.contextmanager
def in_parallel(threads: int) -> Iterator[Callable]:
    """A map over items, in their order, by so many threads; 0 takes as many as the machine has cores.

    When the block is left early, what has not begun is dropped.
    """
    threads = threads or os.cpu_count() or 1
    if threads == 1:
        yield map
        return
    pool = ThreadPoolExecutor(threads)
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)
