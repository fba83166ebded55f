"""Changed copies of inputs, without a look at what they reach: for where atheris is not installed."""

import numpy as np

TELLING = (b"\0", b"\xff", b"\x7f\xff\xff\xff", b"\xff" * 4, b"\x80\0\0\0", b"\0\0\0\x80", b"\xff" * 8)
TELLING += (b"1e999", b"NaN", b"-1", b"9" * 30, b"[", b"{", b"\\ud800", b'"')


def mutated(random: np.random.Generator, seeds: list[bytes]) -> bytes:
    """One of the seeds with one to six changes: bytes flipped, dropped, repeated, or replaced by telling ones or a part
    of another seed."""
    data = bytearray(seeds[random.integers(len(seeds))])
    for _ in range(random.integers(1, 7)):
        at = int(random.integers(len(data) + 1))
        size = int(random.integers(1, 17))
        way = random.integers(6)
        if way == 0 and at < len(data):
            data[at] ^= 1 << random.integers(8)
        elif way == 1:
            data[at : at + size] = random.bytes(size)
        elif way == 2:
            del data[at : at + size]
        elif way == 3:
            data[at:at] = data[at : at + size]
        elif way == 4:
            new = TELLING[random.integers(len(TELLING))]
            data[at : at + len(new) * int(random.integers(2))] = new
        else:
            other = seeds[random.integers(len(seeds))]
            start = int(random.integers(len(other) + 1))
            data[at : at + size] = other[start : start + size]
    return bytes(data)
