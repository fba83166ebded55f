"""How fast the processor is at the moment: virtual ones are twice as slow for minutes."""

import time

LOOP_MS = 16.0  # of 200,000 squares on the machine that the tests' bounds in seconds were measured on


def loop_ms():
    """Milliseconds of the processor that 200,000 squares take."""
    start = time.process_time()
    sum(i * i for i in range(200_000))
    return 1000.0 * (time.process_time() - start)


def slowdown():
    """How many times slower than that machine this one is just now, 1 at least."""
    return max(1.0, sorted(loop_ms() for _ in range(3))[1] / LOOP_MS)
