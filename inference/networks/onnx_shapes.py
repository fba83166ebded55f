"""The shape of every tensor a network makes, before it is loaded: what it costs in memory and work.

One rule per operator (ONNX operator sets 13 to 23). An operator without a rule is not run: control flow, and whatever
makes tensors of sizes that only its inputs' values tell. Shapes, paddings and scales must be constants of the file.
"""

import math
from collections.abc import Callable

import numpy as np

from .onnx_file import TYPES, Graph, Refused, Tensor

MAX_RANK = 8
MAX_TENSOR_BYTES = 1 << 27  # one tensor; the largest of the networks that ship has 29 MB
MAX_LIVE_BYTES = 1 << 29  # of tensors and weights that exist at one time
MAX_WORK = 6e10  # multiply-accumulates and elements made; the largest network that ships has 7e9

ELEMENTWISE = frozenset(
    """
    Abs Add And Cast Ceil Clip Cos Div Dropout Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish
    Identity LeakyRelu Less LessOrEqual Log Max Min Mish Mod Mul Neg Not Or PRelu Pow Reciprocal Relu Round Selu Sigmoid
    Sign Sin Softplus Softsign Sqrt Sub Sum Tanh Where
    """.split()
)
SAME_AS_FIRST = frozenset(
    "BatchNormalization DequantizeLinear GroupNormalization InstanceNormalization LayerNormalization LogSoftmax "
    "QuantizeLinear Softmax".split()
)
REDUCTIONS = frozenset("ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare".split())


def tensor_shapes(graph: Graph, sizes: dict[str, int]) -> dict[str, tuple]:
    """The shapes of all tensors by name. Raises Refused when they, or the work for them, are too large.

    sizes: what the open sizes of inputs are taken for, by their names.
    """
    shapes, bytes_of, weights = {}, {}, dict(graph.weights)
    for name, shape in graph.inputs.items():
        if unknown := [size for size in shape if not isinstance(size, int) and size not in sizes]:
            raise Refused(f"leaves the size {unknown[0]!r} of its input open")
        shapes[name] = tuple(sizes.get(size, size) for size in shape)
        bytes_of[name] = _checked(shapes[name], 4)
    for name, weight in weights.items():
        shapes[name], bytes_of[name] = weight.shape, _checked(weight.shape, weight.dtype.itemsize)
    last = {name: index for index, node in enumerate(graph.nodes) for name in node.inputs}
    live, work = sum(bytes_of.values()), 0
    kept = {*graph.inputs, *weights, *graph.outputs}
    for index, node in enumerate(graph.nodes):
        if any(name and name not in shapes for name in node.inputs):
            raise Refused("uses tensors that nothing makes")
        made, steps = _outputs(node, shapes, weights)
        width = _width(node, bytes_of, shapes)
        for name, shape in zip(node.outputs, made):
            if name:
                shapes[name], bytes_of[name] = shape, _checked(shape, width)
                live += bytes_of[name]
        work += steps + sum(math.prod(shape) for shape in made)
        if live > MAX_LIVE_BYTES or work > MAX_WORK:
            raise Refused("needs far more memory or work than a network of this program")
        for name in {*node.inputs, *node.outputs} - kept:
            if last.get(name, -1) <= index:
                live -= bytes_of.pop(name, 0)
    if missing := [name for name in graph.outputs if name not in shapes]:
        raise Refused(f"does not make its output {missing[0]!r}")
    return shapes


def _checked(shape, width):
    """Bytes of a tensor."""
    if len(shape) > MAX_RANK or any(size < 0 for size in shape) or width * math.prod(shape) > MAX_TENSOR_BYTES:
        raise Refused("makes tensors that are far too large")
    return width * math.prod(shape)


def _width(node, bytes_of, shapes):
    """Bytes of one number that a node makes: those of the widest input, or what it casts to."""
    if node.operator == "Cast":
        kind = node.attributes.get("to")
        if type(kind) is not int or kind not in TYPES:
            raise Refused("casts to what is no number")
        return TYPES[kind].itemsize
    widths = [bytes_of[n] // max(math.prod(shapes[n]), 1) for n in node.inputs if n in bytes_of]
    return max(4, *widths) if widths else 8


def _outputs(node, shapes, weights):
    """Shapes of a node's outputs and the multiply-accumulates it takes."""
    inputs = [shapes[name] if name else None for name in node.inputs]
    if node.operator == "Constant":
        value = node.attributes.get("value")
        if not isinstance(value, Tensor) or len(node.outputs) != 1:
            raise Refused("holds a constant that is no tensor")
        weights[node.outputs[0]] = value
        return [value.shape], 0
    if node.operator not in RULES:
        label = "".join(c if c.isprintable() else "?" for c in node.operator)[:60]
        raise Refused(f"uses the operator {label or 'without a name'}")
    try:
        made = RULES[node.operator](node, inputs, lambda index: _constant(node, index, weights))
        made, work = made if isinstance(made, tuple) else (made, 0)
        return [tuple(int(size) for size in shape) for shape in made], work
    except (ValueError, TypeError, IndexError, KeyError, ZeroDivisionError, OverflowError, AttributeError):
        raise Refused(f"uses the operator {node.operator} in a way that makes no sense") from None


def _constant(node, index, weights):
    """Numbers (n,) of an input that must be a constant of the file; None where the input is left out."""
    if index >= len(node.inputs) or not node.inputs[index]:
        return None
    weight = weights.get(node.inputs[index])
    if weight is None or weight.values is None:
        raise Refused(f"computes what its {node.operator} makes")
    return weight.values


def _axis(axis, rank):
    if not -rank <= axis < rank:
        raise ValueError("no such axis")
    return axis % rank


def _broadcast(*shapes):
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    out = []
    for sizes in zip(*padded):
        large = {size for size in sizes if size != 1}
        if len(large) > 1:
            raise ValueError("shapes do not fit")
        out.append(large.pop() if large else 1)
    return tuple(out)


def _elementwise(node, inputs, constant):
    if node.operator == "Clip":
        return [inputs[0]]
    shape = _broadcast(*(shape for shape in inputs if shape is not None))
    return [shape] * max(len(node.outputs), 1)


def _first(node, inputs, constant):
    return [inputs[0]] * max(len(node.outputs), 1)


def _given(node, constant, name, index):
    """Ints that are an attribute in older operator sets and an input in newer ones; None where left out."""
    value = node.attributes[name] if name in node.attributes else constant(index)
    return None if value is None else [int(number) for number in np.atleast_1d(value)]


def _reduce(node, inputs, constant):
    shape, axes = inputs[0], _given(node, constant, "axes", 1)
    if not axes:
        axes = [] if node.attributes.get("noop_with_empty_axes") else range(len(shape))
    axes = {_axis(axis, len(shape)) for axis in axes}
    keep = node.attributes.get("keepdims", 1)
    return [[1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes]], math.prod(shape)


def _arg(node, inputs, constant):
    shape, axis = inputs[0], _axis(node.attributes.get("axis", 0), len(inputs[0]))
    keep = node.attributes.get("keepdims", 1)
    return [[1 if i == axis else n for i, n in enumerate(shape) if keep or i != axis]], math.prod(shape)


def _window(node, spatial, kernel):
    """Sizes after sliding a window over an image."""
    rank, values = len(spatial), node.attributes
    strides, dilations = values.get("strides", (1,) * rank), values.get("dilations", (1,) * rank)
    pads = values.get("pads", (0,) * (2 * rank))
    mode = values.get("auto_pad", b"NOTSET")
    if min(*strides, *dilations, *kernel, 1) < 1 or min(pads, default=0) < 0 or len(kernel) != rank:
        raise ValueError("an impossible window")
    if mode in (b"SAME_UPPER", b"SAME_LOWER"):
        return [-(-n // s) for n, s in zip(spatial, strides, strict=True)]
    if mode == b"VALID":
        pads = (0,) * (2 * rank)
    reach = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
    room = [n + pads[i] + pads[i + rank] - reach[i] for i, n in enumerate(spatial)]
    if min(room) < 0:
        raise ValueError("a window larger than its image")
    up = values.get("ceil_mode", 0)
    return [(-(-r // s) if up else r // s) + 1 for r, s in zip(room, strides, strict=True)]


def _conv(node, inputs, constant):
    image, weight = inputs[0], inputs[1]
    group = node.attributes.get("group", 1)
    if len(image) != len(weight) or image[1] != weight[1] * group or group < 1:
        raise ValueError("channels do not fit")
    shape = [image[0], weight[0], *_window(node, image[2:], weight[2:])]
    return [shape], math.prod(shape) * math.prod(weight[1:])


def _conv_transpose(node, inputs, constant):
    image, weight, values = inputs[0], inputs[1], node.attributes
    rank = len(image) - 2
    strides, pads = values.get("strides", (1,) * rank), values.get("pads", (0,) * (2 * rank))
    dilations, more = values.get("dilations", (1,) * rank), values.get("output_padding", (0,) * rank)
    known = values.get("auto_pad", b"NOTSET") == b"NOTSET" and "output_shape" not in values
    if not known or image[1] != weight[0] or min(*strides, *dilations, 1) < 1 or min(*pads, *more, 0) < 0:
        raise ValueError("an impossible window")
    spatial = [
        strides[i] * (n - 1) + more[i] + dilations[i] * (weight[2 + i] - 1) + 1 - pads[i] - pads[i + rank]
        for i, n in enumerate(image[2:])
    ]
    return [[image[0], weight[1] * values.get("group", 1), *spatial]], math.prod(image) * math.prod(weight[1:])


def _pool(node, inputs, constant):
    image, kernel = inputs[0], node.attributes["kernel_shape"]
    shape = [*image[:2], *_window(node, image[2:], kernel)]
    return [shape] * len(node.outputs), math.prod(shape) * math.prod(kernel)


def _global_pool(node, inputs, constant):
    return [[*inputs[0][:2], *(1 for _ in inputs[0][2:])]], math.prod(inputs[0])


def _matmul(node, inputs, constant):
    a, b = inputs[0], inputs[1]
    a, b = ((1, *a) if len(a) == 1 else a), ((*b, 1) if len(b) == 1 else b)
    if a[-1] != b[-2]:
        raise ValueError("sizes do not fit")
    shape = [*_broadcast(a[:-2], b[:-2]), *([a[-2]] if len(inputs[0]) > 1 else [])]
    shape += [b[-1]] if len(inputs[1]) > 1 else []
    return [shape], math.prod(shape) * a[-1]


def _gemm(node, inputs, constant):
    (m, k), (l, n) = inputs[0], inputs[1]
    m, k = (k, m) if node.attributes.get("transA") else (m, k)
    l, n = (n, l) if node.attributes.get("transB") else (l, n)
    if k != l:
        raise ValueError("sizes do not fit")
    return [[m, n]], m * n * k


def _concat(node, inputs, constant):
    axis = _axis(node.attributes["axis"], len(inputs[0]))
    others = {tuple(n for i, n in enumerate(shape) if i != axis) for shape in inputs}
    if len(others) > 1:
        raise ValueError("shapes do not fit")
    return [[sum(s[axis] for s in inputs) if i == axis else n for i, n in enumerate(inputs[0])]]


def _reshape(node, inputs, constant):
    total, wanted = math.prod(inputs[0]), [int(n) for n in constant(1)]
    if not node.attributes.get("allowzero"):
        wanted = [inputs[0][i] if n == 0 else n for i, n in enumerate(wanted)]
    if wanted.count(-1) > 1 or min(wanted, default=0) < -1:
        raise ValueError("an impossible shape")
    rest = math.prod(n for n in wanted if n != -1)
    wanted = [total // rest if n == -1 else n for n in wanted]
    if math.prod(wanted) != total:
        raise ValueError("an impossible shape")
    return [wanted]


def _flatten(node, inputs, constant):
    axis = node.attributes.get("axis", 1)
    return [[math.prod(inputs[0][:axis]), math.prod(inputs[0][axis:])]]


def _transpose(node, inputs, constant):
    order = node.attributes.get("perm", tuple(range(len(inputs[0])))[::-1])
    if sorted(order) != list(range(len(inputs[0]))):
        raise ValueError("an impossible order")
    return [[inputs[0][i] for i in order]]


def _squeeze(node, inputs, constant):
    axes = _given(node, constant, "axes", 1)
    axes = {_axis(a, len(inputs[0])) for a in axes} if axes else {i for i, n in enumerate(inputs[0]) if n == 1}
    if any(inputs[0][axis] != 1 for axis in axes):
        raise ValueError("an axis that is not one")
    return [[n for i, n in enumerate(inputs[0]) if i not in axes]]


def _unsqueeze(node, inputs, constant):
    axes = _given(node, constant, "axes", 1)
    rank = len(inputs[0]) + len(axes)
    shape = list(inputs[0])
    for axis in sorted({_axis(axis, rank) for axis in axes}):
        shape.insert(axis, 1)
    if len(shape) != rank:
        raise ValueError("an axis twice")
    return [shape]


def _slice(node, inputs, constant):
    names = ("starts", "ends", "axes", "steps")
    starts, ends, axes, steps = (_given(node, constant, name, index + 1) for index, name in enumerate(names))
    shape = list(inputs[0])
    axes, steps = axes or range(len(starts)), steps or [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        axis = _axis(axis, len(shape))
        shape[axis] = len(range(inputs[0][axis])[start:end:step])
    return [shape]


def _split(node, inputs, constant):
    shape, axis = inputs[0], _axis(node.attributes.get("axis", 0), len(inputs[0]))
    count, parts = len(node.outputs), _given(node, constant, "split", 1)
    if parts is None:
        size = -(-shape[axis] // count)
        parts = [size] * (count - 1) + [shape[axis] - size * (count - 1)]
    if len(parts) != count or sum(parts) != shape[axis] or min(parts) < 0:
        raise ValueError("parts do not fit")
    return [[part if i == axis else n for i, n in enumerate(shape)] for part in parts]


def _gather(node, inputs, constant):
    axis = _axis(node.attributes.get("axis", 0), len(inputs[0]))
    return [[*inputs[0][:axis], *inputs[1], *inputs[0][axis + 1 :]]]


def _gather_elements(node, inputs, constant):
    return [inputs[1]]


def _gather_nd(node, inputs, constant):
    batch, last = node.attributes.get("batch_dims", 0), inputs[1][-1]
    return [[*inputs[1][:-1], *inputs[0][batch + last :]]]


def _resize(node, inputs, constant):
    shape, scales, sizes = inputs[0], constant(2), constant(3)
    axes = node.attributes.get("axes", range(len(shape)))
    policy = node.attributes.get("keep_aspect_ratio_policy", b"stretch")
    out = list(shape)
    if policy != b"stretch":
        raise ValueError("sizes that are not said")
    told = sizes if sizes is not None and len(sizes) else scales
    for axis, value in zip(axes, told, strict=True):
        out[_axis(axis, len(shape))] = int(value) if told is sizes else math.floor(shape[axis] * float(value))
    return [out], 16 * math.prod(out)


def _pad(node, inputs, constant):
    shape, pads = list(inputs[0]), _given(node, constant, "pads", 1)
    axes = constant(3)
    axes = range(len(shape)) if axes is None else [_axis(int(axis), len(shape)) for axis in axes]
    for index, axis in enumerate(axes):
        shape[axis] += pads[index] + pads[index + len(axes)]
    if len(pads) != 2 * len(axes):
        raise ValueError("paddings do not fit")
    return [shape]


def _expand(node, inputs, constant):
    return [_broadcast(inputs[0], tuple(int(n) for n in constant(1)))]


def _tile(node, inputs, constant):
    return [[n * int(times) for n, times in zip(inputs[0], constant(1), strict=True)]]


def _to_space(node, inputs, constant):
    (n, c, h, w), b = inputs[0], node.attributes["blocksize"]
    if b < 1 or c % (b * b):
        raise ValueError("channels do not fit")
    return [[n, c // (b * b), h * b, w * b]]


def _to_depth(node, inputs, constant):
    (n, c, h, w), b = inputs[0], node.attributes["blocksize"]
    return [[n, c * b * b, h // b, w // b]]


def _grid_sample(node, inputs, constant):
    shape = [*inputs[0][:2], *inputs[1][1:-1]]
    return [shape], 16 * math.prod(shape)


RULES: dict[str, Callable] = {
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    **dict.fromkeys(SAME_AS_FIRST, _first),
    **dict.fromkeys(REDUCTIONS, _reduce),
    "ArgMax": _arg,
    "AveragePool": _pool,
    "Concat": _concat,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "DepthToSpace": _to_space,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_pool,
    "GridSample": _grid_sample,
    "MatMul": _matmul,
    "MaxPool": _pool,
    "Pad": _pad,
    "Reshape": _reshape,
    "Resize": _resize,
    "Slice": _slice,
    "SpaceToDepth": _to_depth,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
