"""What an ONNX file says: its nodes, weights, inputs and outputs, or an error where it says what must not be run.

Reads the protocol buffer's wire format directly (onnx.proto3, IR version 3 and later), so that the onnx package is
not needed. Local functions, nested graphs, sparse tensors and weights in other files are refused as they are met.
"""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

MAX_NODES = 5_000  # the largest network that ships has 313
MAX_CONSTANT = 1 << 10  # numbers of a weight that may say a shape; larger ones are never looked into

_MODEL_GRAPH, _MODEL_FUNCTIONS = 7, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_SPARSE = 1, 5, 11, 12, 15
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 4, 5, 7
_ATTRIBUTE_NAME, _ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_STRING, _ATTRIBUTE_TENSOR = 1, 2, 3, 4, 5
_ATTRIBUTE_FLOATS, _ATTRIBUTE_INTS, _ATTRIBUTE_TENSORS = 7, 8, 10
_ATTRIBUTE_NESTED = (6, 11, 22, 23)  # graph, graphs, sparse tensor, sparse tensors
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_SEGMENT, _TENSOR_NAME, _TENSOR_RAW = 1, 2, 3, 8, 9
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14
_TENSOR_FLOATS, _TENSOR_INTS, _TENSOR_LONGS, _TENSOR_DOUBLES = 4, 5, 7, 10
_VALUE_NAME, _VALUE_TYPE, _TYPE_TENSOR, _TENSOR_TYPE_SHAPE, _SHAPE_DIM, _DIM_VALUE, _DIM_NAME = 1, 2, 1, 2, 1, 1, 2

# TensorProto.DataType of numbers. Strings, complex numbers and what is packed below a byte are in no network of ours.
TYPES = {
    1: np.dtype("<f4"),
    2: np.dtype("u1"),
    3: np.dtype("i1"),
    4: np.dtype("<u2"),
    5: np.dtype("<i2"),
    6: np.dtype("<i4"),
    7: np.dtype("<i8"),
    9: np.dtype("?"),
    10: np.dtype("<f2"),
    11: np.dtype("<f8"),
    12: np.dtype("<u4"),
    13: np.dtype("<u8"),
}


class Refused(Exception):
    """Why a network must not be run, as the end of a sentence that begins with its name."""


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A weight. shape: tuple of ints. dtype: of its numbers. values: (n,) of a small one, else None."""

    shape: tuple
    dtype: np.dtype
    values: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Node:
    """One operation. attributes: name -> int, float, bytes, tuple of ints or floats, or :class:`Tensor`."""

    operator: str
    inputs: tuple
    outputs: tuple
    attributes: dict


@dataclasses.dataclass(frozen=True)
class Graph:
    """nodes: tuple of :class:`Node` as they are run. weights: name -> :class:`Tensor`. inputs: name -> shape, whose
    sizes are ints, or texts where they are left open. outputs: names."""

    nodes: tuple
    weights: dict
    inputs: dict
    outputs: tuple


def read_graph(data: bytes) -> Graph:
    """The graph of an ONNX file. Raises Refused; ValueError, IndexError when it is no well-formed model."""
    graphs = []
    for field, value in _fields(memoryview(data)):
        if field == _MODEL_FUNCTIONS:
            raise Refused("defines its own functions")
        if field == _MODEL_GRAPH:
            graphs.append(value)
    (graph,) = graphs  # raises ValueError
    nodes, weights, inputs, outputs = [], {}, {}, []
    for field, value in _fields(graph):
        if field == _GRAPH_NODE:
            nodes.append(_node(value))
            if len(nodes) > MAX_NODES:
                raise Refused(f"has more than {MAX_NODES} nodes")
        elif field == _GRAPH_INITIALIZER:
            name, weight = _tensor(value)
            weights[name] = weight
        elif field == _GRAPH_INPUT:
            name, shape = _declared(value)
            inputs[name] = shape
        elif field == _GRAPH_OUTPUT:
            outputs.append(_declared(value)[0])
        elif field == _GRAPH_SPARSE:
            raise Refused("holds sparse tensors")
    return Graph(tuple(nodes), weights, {n: s for n, s in inputs.items() if n not in weights}, tuple(outputs))


def _node(message):
    inputs, outputs, operator, domain, attributes = [], [], "", "", {}
    for field, value in _fields(message):
        if field == _NODE_INPUT:
            inputs.append(_text(value))
        elif field == _NODE_OUTPUT:
            outputs.append(_text(value))
        elif field == _NODE_OPERATOR:
            operator = _text(value)
        elif field == _NODE_DOMAIN:
            domain = _text(value)
        elif field == _NODE_ATTRIBUTE:
            name, content = _attribute(value)
            attributes[name] = content
    if domain not in ("", "ai.onnx"):
        operator = f"{domain}.{operator}"
    return Node(operator, tuple(inputs), tuple(outputs), attributes)


def _attribute(message):
    name, content, ints, floats = "", None, [], []
    for field, value in _fields(message):
        if field in _ATTRIBUTE_NESTED:
            raise Refused("holds nested graphs or sparse tensors")
        if field == _ATTRIBUTE_NAME:
            name = _text(value)
        elif field == _ATTRIBUTE_FLOAT:
            content = float(_numbers(value, "<f4")[0])
        elif field == _ATTRIBUTE_INT:
            content = _signed(value)
        elif field == _ATTRIBUTE_STRING:
            content = _bytes(value)
        elif field == _ATTRIBUTE_TENSOR:
            content = _tensor(value)[1]
        elif field == _ATTRIBUTE_INTS:
            ints += _longs(value)
        elif field == _ATTRIBUTE_FLOATS:
            floats += _numbers(value, "<f4").tolist()
        elif field == _ATTRIBUTE_TENSORS:
            raise Refused("holds lists of tensors")
    return name, tuple(ints or floats) if ints or floats else content


def _tensor(message):
    """Name and :class:`Tensor`. All of its numbers are there and finite, or it is refused."""
    name, shape, kind, raw, typed = "", [], 0, None, []
    for field, value in _fields(message):
        if field == _TENSOR_EXTERNAL or (field == _TENSOR_LOCATION and value != 0):
            raise Refused("keeps its weights in another file")
        if field == _TENSOR_DIMS:
            shape += _longs(value)
        elif field == _TENSOR_TYPE:
            kind = value
        elif field == _TENSOR_NAME:
            name = _text(value)
        elif field == _TENSOR_RAW:
            raw = value
        elif field == _TENSOR_SEGMENT:
            raise Refused("holds weights in pieces")
        elif field == _TENSOR_FLOATS:
            typed.append(_numbers(value, "<f4"))
        elif field == _TENSOR_DOUBLES:
            typed.append(_numbers(value, "<f8"))
        elif field in (_TENSOR_INTS, _TENSOR_LONGS):
            typed.append(np.array(_longs(value), np.int64))
    if kind not in TYPES:
        raise Refused("holds weights that are no numbers")
    dtype = TYPES[kind]
    if raw is not None:
        values = _numbers(raw, dtype)
    else:
        values = np.concatenate(typed) if typed else np.empty(0, dtype)
        if kind == 10:  # half floats are kept as the bits of integers
            values = values.astype(np.uint16).view(np.float16)
    if any(size < 0 for size in shape) or len(shape) > 8 or math.prod(shape) != len(values):
        raise Refused("has weights of other sizes than it says")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise Refused("has weights that are not finite numbers")
    return name, Tensor(tuple(shape), dtype, values.copy() if len(values) <= MAX_CONSTANT else None)


def _declared(message):
    """Name and shape of an input or output; sizes are ints, or texts where they are left open."""
    name, shape = "", []
    for field, value in _fields(message):
        if field == _VALUE_NAME:
            name = _text(value)
        elif field == _VALUE_TYPE:
            for _, kind in (pair for pair in _fields(value) if pair[0] == _TYPE_TENSOR):
                for _, sizes in (pair for pair in _fields(kind) if pair[0] == _TENSOR_TYPE_SHAPE):
                    shape = [_dimension(size) for number, size in _fields(sizes) if number == _SHAPE_DIM]
    return name, tuple(shape)


def _dimension(message):
    size = ""
    for field, value in _fields(message):
        if field == _DIM_VALUE:
            size = _signed(value)
        elif field == _DIM_NAME:
            size = _text(value)
    return size


def _text(value):
    return _bytes(value).decode("utf-8")


def _bytes(value):
    if not isinstance(value, memoryview):
        raise ValueError("bytes were expected")
    return bytes(value)


def _numbers(value, dtype):
    if not isinstance(value, memoryview):
        raise ValueError("bytes were expected")
    return np.frombuffer(value, dtype)  # raises ValueError where bytes are left over


def _longs(value):
    """Whole numbers of a repeated field, packed or one at a time."""
    if isinstance(value, int):
        return [_signed(value)]
    numbers, position = [], 0
    while position < len(value):
        number, position = _varint(value, position)
        numbers.append(_signed(number))
    return numbers


def _signed(value):
    if not isinstance(value, int):
        raise ValueError("a number was expected")
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def _fields(message) -> Iterator:
    """Yield (field number, value) of a message; values are ints or memoryviews. Raises ValueError, IndexError."""
    if not isinstance(message, memoryview):
        raise ValueError("a message was expected")
    position, end = 0, len(message)
    while position < end:
        key, position = _varint(message, position)
        kind = key & 7
        if kind == 0:
            value, position = _varint(message, position)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, position = message[position : position + size], position + size
        elif kind == 2:
            size, position = _varint(message, position)
            value, position = message[position : position + size], position + size
        else:
            raise ValueError("unknown wire type")
        if position > end:
            raise ValueError("a field ends beyond its message")
        yield key >> 3, value


def _varint(message, position):
    value = 0
    for shift in range(0, 70, 7):
        byte = message[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ValueError("a number has too many bytes")
