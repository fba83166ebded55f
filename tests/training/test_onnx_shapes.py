"""The model door's shapes of every tensor against those that the onnx package infers."""

import numpy as np
import pytest

import inference.networks.onnx_shapes as door
from inference.networks.contract import OPEN_SIZES
from inference.networks.model import DEFAULT_FOLDER
from inference.networks.onnx_file import read_graph
from inference.networks.onnx_shapes import MAX_LIVE_BYTES, MAX_TENSOR_BYTES, MAX_WORK, tensor_shapes

onnx = pytest.importorskip("onnx")
FILES = sorted(DEFAULT_FOLDER.parent.glob("*/*.onnx"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shapes_of_the_networks_that_ship(path):
    shapes, seen = tensor_shapes(read_graph(path.read_bytes()), OPEN_SIZES), 0
    inferred = onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    for value in (*inferred.value_info, *inferred.output):
        sizes = value.type.tensor_type.shape.dim
        known = [size.dim_value or OPEN_SIZES.get(size.dim_param) for size in sizes]
        assert len(shapes[value.name]) == len(known)
        assert all(size is None or size == ours for size, ours in zip(known, shapes[value.name])), value.name
        seen += 1
    assert seen >= len(inferred.node)


def made(operator, inputs, constants=(), **attributes):
    """A file of one operator. inputs: shapes of floats; constants: arrays that follow them."""
    names = [f"x{index}" for index in range(len(inputs) + len(constants))]
    helper = onnx.helper
    values = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, shape) for n, shape in zip(names, inputs)]
    weights = [onnx.numpy_helper.from_array(array, n) for n, array in zip(names[len(inputs) :], constants)]
    node = helper.make_node(operator, names, ["y"], **attributes)
    outputs = [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)]
    graph = helper.make_graph([node], "g", values, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def cases():
    whole, real = (lambda *n: np.array(n, np.int64)), (lambda *n: np.array(n, np.float32))
    image = (1, 6, 20, 30)
    yield (
        "Conv",
        [image],
        [np.zeros((4, 3, 3, 5), np.float32)],
        dict(group=2, strides=[2, 3], pads=[1, 2, 0, 1], dilations=[2, 1]),
    )
    yield "Conv", [image], [np.zeros((4, 6, 3, 3), np.float32)], dict(auto_pad="SAME_UPPER", strides=[2, 2])
    yield "Conv", [image], [np.zeros((4, 6, 3, 3), np.float32)], dict(auto_pad="VALID")
    yield (
        "ConvTranspose",
        [image],
        [np.zeros((6, 2, 3, 3), np.float32)],
        dict(strides=[2, 3], pads=[1, 0, 1, 0], output_padding=[1, 0], group=2),
    )
    yield "MaxPool", [image], [], dict(kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    yield "AveragePool", [image], [], dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    yield "MatMul", [(5, 1, 2, 3), (4, 3, 6)], [], {}
    yield "MatMul", [(3,), (4, 3, 6)], [], {}
    yield "Gemm", [(3, 5), (7, 3)], [], dict(transA=1, transB=1)
    yield "Slice", [image], [whole(18, -1), whole(2, -100), whole(2, 3), whole(-3, -2)], {}
    yield "Slice", [image], [whole(1), whole(2**62), whole(-1)], {}
    yield "Pad", [image], [whole(0, 1, 2, 3, 0, 4, -5, 6)], {}
    yield "Tile", [(2, 3)], [whole(4, 5)], {}
    yield "Expand", [(3, 1)], [whole(2, 1, 6)], {}
    yield "Reshape", [image], [whole(0, -1, 15)], {}
    yield "Resize", [image], [real(), real(1, 1, 2.5, 0.3)], {}
    yield "Split", [image], [], dict(axis=2, num_outputs=1)
    yield "Gather", [image], [np.zeros((2, 5), np.int64)], dict(axis=2)
    yield "Concat", [(2, 3), (2, 5)], [], dict(axis=-1)
    yield "ReduceMean", [image], [whole(-1, 1)], dict(keepdims=0)
    yield "ReduceSum", [image], [], {}
    yield "Transpose", [(2, 3, 4)], [], {}
    yield "Squeeze", [(1, 3, 1)], [whole(-1)], {}
    yield "Unsqueeze", [(3, 4)], [whole(0, -1)], {}
    yield "Flatten", [image], [], dict(axis=2)
    yield "DepthToSpace", [(1, 8, 3, 5)], [], dict(blocksize=2)
    yield "SpaceToDepth", [(1, 2, 6, 10)], [], dict(blocksize=2)
    yield "GridSample", [(1, 3, 8, 9), (1, 5, 6, 2)], [], {}
    yield "Add", [(4, 1, 2), (3, 1)], [], {}
    yield "GlobalAveragePool", [image], [], {}


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case[0])
def test_rules(case):
    """Each rule against the package's own inference, with what is odd about its operator."""
    operator, inputs, constants, attributes = case
    model = made(operator, inputs, constants, **attributes)
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph.output[0].type.tensor_type.shape.dim
    ours = tensor_shapes(read_graph(model.SerializeToString()), {})["y"]
    assert ours == tuple(size.dim_value for size in inferred)


def test_bounds_leave_room():
    """A network with four times the tensors, or the work, of each that ships would pass."""
    for path in FILES:
        graph = read_graph(path.read_bytes())
        for name, bound in (
            ("MAX_TENSOR_BYTES", MAX_TENSOR_BYTES),
            ("MAX_LIVE_BYTES", MAX_LIVE_BYTES),
            ("MAX_WORK", MAX_WORK),
        ):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(door, name, bound / 4)
                tensor_shapes(graph, OPEN_SIZES)
