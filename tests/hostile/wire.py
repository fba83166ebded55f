"""ONNX files written by hand, as protocol buffers (onnx.proto3), so that they may say what no exporter would."""

import numpy as np

FLOAT, INT64 = 1, 7


def message(*fields):
    """A protocol buffer message of (number, int | bytes | str)."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def varint(value):
    value &= (1 << 64) - 1
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def tensor(name, values, kind=None, shape=None):
    """A weight with its numbers as raw bytes."""
    values = np.asarray(values)
    kind = kind or {"f": FLOAT, "i": INT64}[values.dtype.kind]
    raw = values.astype({FLOAT: "<f4", INT64: "<i8"}.get(kind, values.dtype)).tobytes()
    sizes = values.shape if shape is None else shape
    return message(*((1, int(size)) for size in sizes), (2, kind), (8, name), (9, raw))


def value(name, shape=(2,)):
    """A declared input or output of floats; sizes are ints, or texts where they are left open."""
    sizes = message(*((1, message((1, n) if isinstance(n, int) else (2, n))) for n in shape))
    return message((1, name), (2, message((1, message((1, FLOAT), (2, sizes))))))


def ints(name, *values):
    """An attribute of whole numbers."""
    return message((1, name), *((8, number) for number in values), (20, 7))


def whole(name, number):
    return message((1, name), (3, number), (20, 2))


def node(operator, *attributes, domain=None, inputs=("x",), outputs=("y",)):
    fields = [*((1, name) for name in inputs), *((2, name) for name in outputs), (4, operator)]
    fields += [(5, attribute) for attribute in attributes]
    return message(*fields, *([(7, domain)] if domain else []))


def onnx(*nodes, weights=(), extra_graph=(), extra_model=(), inputs=None, outputs=None):
    """A model. inputs, outputs: name -> shape, by default one of each, x and y, of shape (2,)."""
    graph = message(
        *((1, one) for one in nodes),
        (2, "g"),
        *((5, weight) for weight in weights),
        *extra_graph,
        *((11, value(name, shape)) for name, shape in (inputs or {"x": (2,)}).items()),
        *((12, value(name, shape)) for name, shape in (outputs or {"y": (2,)}).items()),
    )
    return message((1, 8), (7, graph), (8, message((2, 17))), *extra_model)
