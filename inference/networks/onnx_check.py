"""The door for ONNX files: one self-contained file of harmless operators, or an error.

Reads the protocol buffer's wire format directly (onnx.proto3, IR version 3 and later), so that the onnx package is
not needed. Only what can do harm is looked at: operator names, local functions, references to other files.
"""

from ..errors import PortraitError

MAX_BYTES = 1 << 28
MAX_NODES = 20_000

# Tensor arithmetic only. Absent on purpose: control flow and whatever makes large tensors of small numbers.
OPERATORS = frozenset(
    """
    Abs Add ArgMax AveragePool BatchNormalization Cast Ceil Clip Concat Constant Conv ConvTranspose Cos
    DepthToSpace DequantizeLinear Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand Flatten Floor
    Gather GatherElements GatherND Gelu Gemm GlobalAveragePool Greater GreaterOrEqual GridSample GroupNormalization
    HardSigmoid HardSwish Identity InstanceNormalization LayerNormalization LeakyRelu Less LessOrEqual Log
    LogSoftmax MatMul MatMulInteger Max MaxPool Min Mish Mod Mul Neg Not PRelu Pad Pow QLinearConv QLinearMatMul
    QuantizeLinear ConvInteger Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    ReduceSumSquare Relu Reshape Resize Round Selu Shape Sigmoid Sign Sin Slice Softmax Softplus Softsign
    SpaceToDepth Split Sqrt Squeeze Sub Sum Tanh Tile Transpose Unsqueeze Upsample Where
    """.split()
)

_MODEL_GRAPH, _MODEL_FUNCTIONS = 7, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS = 5, 6, 10, 11
_ATTRIBUTE_SPARSE, _ATTRIBUTE_SPARSES = 22, 23
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14


def check_onnx(data: bytes, name: str) -> None:
    """Raise PortraitError when an ONNX file must not be run.

    data: the file's bytes. name: what the user calls the file. Refused are local functions, operators outside of
    OPERATORS, nested graphs, tensors kept in other files, and anything that is not a well-formed ONNX model.
    """
    if len(data) > MAX_BYTES:
        raise PortraitError(f"{name} is larger than {MAX_BYTES >> 20} MB; use the model that belongs to this version")
    try:
        graphs = 0
        for field, value in _fields(memoryview(data)):
            if field == _MODEL_FUNCTIONS:
                raise _refused(name, "defines its own functions")
            if field == _MODEL_GRAPH:
                graphs += 1
                _check_graph(value, name)
    except (IndexError, ValueError) as error:
        if isinstance(error, PortraitError):
            raise
        raise PortraitError(f"{name} is not an ONNX model; install the model again") from None
    if graphs != 1:
        raise PortraitError(f"{name} is not an ONNX model; install the model again")


def _check_graph(graph, name):
    nodes = 0
    for field, value in _fields(graph):
        if field == _GRAPH_NODE:
            nodes += 1
            if nodes > MAX_NODES:
                raise _refused(name, f"has more than {MAX_NODES} nodes")
            _check_node(value, name)
        elif field == _GRAPH_INITIALIZER:
            _check_tensor(value, name)
        elif field == _GRAPH_SPARSE:
            raise _refused(name, "holds sparse tensors")


def _check_node(node, name):
    operator = domain = ""
    for field, value in _fields(node):
        if field == _NODE_OPERATOR:
            operator = bytes(value).decode("utf-8")
        elif field == _NODE_DOMAIN:
            domain = bytes(value).decode("utf-8")
        elif field == _NODE_ATTRIBUTE:
            for kind, content in _fields(value):
                if kind in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE, _ATTRIBUTE_SPARSES):
                    raise _refused(name, "holds nested graphs or sparse tensors")
                if kind in (_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS):
                    _check_tensor(content, name)
    if domain not in ("", "ai.onnx") or operator not in OPERATORS:
        label = "".join(c if c.isprintable() else "?" for c in f"{domain}.{operator}".lstrip("."))[:60]
        raise _refused(name, f"uses the operator {label or 'without a name'}")


def _check_tensor(tensor, name):
    for field, value in _fields(tensor):
        if field == _TENSOR_EXTERNAL or (field == _TENSOR_LOCATION and value != 0):
            raise _refused(name, "keeps its weights in another file")


def _refused(name, reason):
    return PortraitError(f"{name} {reason}, which is not allowed; use the model that belongs to this version")


def _fields(message):
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
