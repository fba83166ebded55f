"""Camera files that must be refused."""

import json

from inference.geometry.cameras import orbit_camera

GOOD = orbit_camera().to_json()
HUGE = 10**400  # a whole number that no float holds
NUMBERS = ("width", "height", "fx", "fy", "cx", "cy")
VALUES = {
    "null": None,
    "text": "256",
    "true": True,
    "list": [256],
    "object": {},
    "not a number": float("nan"),
    "infinite": float("inf"),
    "huge": HUGE,
    "minus huge": -HUGE,
    "large": 1e300,
}
MATRICES = {
    "null": None,
    "text": "identity",
    "empty": [],
    "flat": list(range(16)),
    "3 x 4": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]],
    "ragged": [[1], [0, 1], [0, 0, 1], [0]],
    "of texts": [["1"] * 4] * 3 + [["x"] * 4],
    "of zeros": [[0] * 4] * 4,
    "of nulls": [[None] * 4] * 4,
    "mirrored": [[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    "scaled": [[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]],
    "perspective": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0]],
    "far away": [[1, 0, 0, 1e200], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    "huge": [[HUGE, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    "large": [[1e200, 0, 0, 0], [0, 1e200, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    "deep": [[[[[[1]]]]]] * 4,
}


def changed(**values):
    return json.dumps(GOOD | values).encode()


def without(*keys):
    return json.dumps({key: value for key, value in GOOD.items() if key not in keys}).encode()


def cameras():
    """All of them, {name: bytes}."""
    return {
        **{f"{key} {name}": changed(**{key: value}) for key in NUMBERS for name, value in VALUES.items()},
        **{
            f"{key} {value}": changed(**{key: value})
            for key in ("width", "height", "fx", "fy")
            for value in (0, -5, 1e-30)
        },
        **{f"{key} of 16385": changed(**{key: 16385}) for key in ("width", "height")},
        **{
            f"{key} {value}": changed(**{"ortho_width": 1.0, key: value})
            for key in ("ortho_width", "ortho_height")
            for value in (0, -1, 1e-308, 5e-324, 1e308, HUGE, None, "1", float("nan"))
        },
        **{f"matrix {name}": changed(camera_to_world=matrix) for name, matrix in MATRICES.items()},
        **{f"without {key}": without(key) for key in ("camera_to_world", *NUMBERS)},
        "unknown key": changed(hack=1),
        "key of control characters": changed(**{"\x1b[2J\x9b31m\0\r\n": 1}),
        "key of a lone surrogate": changed(**{"\ud800": 1}),
        "key of 50 kB": changed(**{"k" * 50_000: 1}),
        "key of 5 MB": changed(**{"k" * 5_000_000: 1}),
        "a thousand keys": changed(**{f"k{index}": index for index in range(1000)}),
        "10 MB of nothing": b" " * 10_000_000 + changed(),
        "empty": b"",
        "zeros": bytes(100),
        "text": b"hello",
        "list": b"[]",
        "number": b"1",
        "cut": changed()[:-10],
        "two": changed() * 2,
        "deep": b"[" * 30_000,
        "deep objects": b'{"width":' * 7_000,
        "not utf-8": b"\xff\xfe{}",
        "many digits": b'{"width": ' + b"9" * 6_000 + b"}",
    }
