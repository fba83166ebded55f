"""How the weights of an ONNX file are stored: as float32, float16 or int8, always computed with as float32.

A large weight ``name`` is kept as ``name_half``, or as ``name_int8`` with a scale per row in ``name_scale``. A node at the
head of the graph turns it back when the file is loaded.
"""

import numpy as np

KINDS = ("float32", "float16", "int8")
SMALL = 1024  # values up to which an array stays as it is
FEWEST_ROWS = 16  # of an array that is stored as int8; means, which have fewer, are worth more
STEPS = 127.0


def store(graph, kind):
    """Change the large float32 initialisers of an ONNX graph in place. kind: one of KINDS."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, kept = [], []
    for tensor in graph.initializer:
        name, values = tensor.name, numpy_helper.to_array(tensor)
        if kind == "float32" or values.dtype != np.float32 or values.size < SMALL:
            kept.append(tensor)
        elif kind == "int8" and len(values) >= FEWEST_ROWS:
            whole, scale = rounded(values)
            kept += [numpy_helper.from_array(whole, f"{name}_int8"), numpy_helper.from_array(scale, f"{name}_scale")]
            nodes.append(helper.make_node("Cast", [f"{name}_int8"], [f"{name}_whole"], to=TensorProto.FLOAT))
            nodes.append(helper.make_node("Mul", [f"{name}_whole", f"{name}_scale"], [name]))
        else:
            kept.append(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
            nodes.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes += graph.node
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)


def rounded(values):
    """Weights (rows, ...) float32 as int8 and scales (rows, 1, ...) float32, so that their product is near them."""
    scale = np.abs(values).max(axis=tuple(range(1, values.ndim)), keepdims=True) / STEPS
    scale = np.maximum(scale, 1e-12).astype(np.float32)
    return np.rint(values / scale).astype(np.int8), scale


def restored(graph):
    """{name: array} of the initialisers of an ONNX graph as they were before :func:`store`, floats as float32."""
    from onnx import numpy_helper

    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found = {}
    for name, value in arrays.items():
        if name.endswith("_int8"):
            found[name.removesuffix("_int8")] = value * arrays[name.removesuffix("_int8") + "_scale"]
        elif not name.endswith("_scale"):
            found[name.removesuffix("_half")] = value.astype(np.float32) if value.dtype.kind == "f" else value
    return found
