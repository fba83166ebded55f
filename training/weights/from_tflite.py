"""TensorFlow Lite networks as ONNX, weight for weight.

Weights stay what they are, mostly float16; arithmetic is float32 as in TensorFlow Lite. The converter is our own, for the
two dozen kinds of operators MediaPipe's networks have: tf2onnx 1.17 brings along all of TensorFlow and knows no
``Convolution2DTransposeBias``, MediaPipe's operator at the end of its segmentation; tflite2onnx 0.4 knows neither that
one nor HARD_SWISH.
"""

import numpy as np

from training.errors import TrainingError
from training.weights.stored_weights import store

OPSET = 17


def convert(network, name, source, outputs):
    """A TensorFlow Lite network (bytes) as an onnx.ModelProto: image (n, 3, h, w) -> outputs of n rows.

    name: of the graph. source: what its only input is called. outputs: {name: shape of a row} in the network's order;
    where a shape is not the network's own, values are brought into it. Raises TrainingError for an unknown operator.
    """
    return Conversion(network).model(name, source, outputs)


class Conversion:
    """One network on its way from TensorFlow Lite (NHWC) to ONNX (NCHW): values keep their numbers as names."""

    def __init__(self, network):
        from ai_edge_litert import schema_py_generated as schema

        self.schema, self.lite = schema, schema.ModelT.InitFromPackedBuf(network, 0)
        self.graph = self.lite.subgraphs[0]
        self.constants = {}  # number of a tensor: its array as stored, in TensorFlow Lite's order of axes
        self.weights, self.nodes = {}, []

    def model(self, name, source, outputs):
        from onnx import TensorProto, checker, helper, numpy_helper

        for number, tensor in enumerate(self.graph.tensors):
            self._read_constant(number, tensor)
        kinds = {value: name for name, value in vars(self.schema.BuiltinOperator).items() if isinstance(value, int)}
        for operator in self.graph.operators:
            code = self.lite.operatorCodes[operator.opcodeIndex]
            kind = kinds[max(code.builtinCode, code.deprecatedBuiltinCode)]  # old files know the latter alone
            kind = code.customCode.decode() if kind == "CUSTOM" else kind
            make = getattr(self, f"_{kind.lower()}", None)
            if make is None:
                raise TrainingError(f"the network has the operator {kind}, which the converter does not know")
            make(operator, *operator.inputs.tolist())
            self._activate(getattr(operator.builtinOptions, "fusedActivationFunction", 0))

        (first,) = self.graph.inputs.tolist()
        ends = []
        for number, (title, shape) in zip(self.graph.outputs.tolist(), outputs.items(), strict=True):
            own = self.graph.tensors[number].shape.tolist()
            if tuple(shape) == tuple(own[1:] if len(own) < 4 else [own[3], *own[1:3]]):
                self._node("Identity", [str(number)], title)
            else:
                self._node("Reshape", [str(number), self._integers(f"{title}_shape", [-1, *shape])], title)
            ends.append(helper.make_tensor_value_info(title, TensorProto.FLOAT, ["n", *shape]))
        for node in self.nodes:
            node.input[:] = [source if value == str(first) else value for value in node.input]
        start = helper.make_tensor_value_info(source, TensorProto.FLOAT, ["n", 3, *self._size(first)])
        weights = [numpy_helper.from_array(array, key) for key, array in self.weights.items()]
        graph = helper.make_graph(self.nodes, name, [start], ends, weights)
        store(graph, "float16")
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        checker.check_model(model, full_check=True)
        return model

    def _activate(self, activation):
        """What TensorFlow Lite does within an operator, as a node behind it."""
        kinds = self.schema.ActivationFunctionType
        if activation not in (kinds.NONE, kinds.RELU):
            raise TrainingError("the network has a fused activation, which the converter does not know")
        if activation == kinds.RELU:
            output = self.nodes[-1].output[0]
            self.nodes[-1].output[0] = f"{output}_linear"
            self._node("Relu", [f"{output}_linear"], output)

    def _read_constant(self, number, tensor):
        data = self.lite.buffers[tensor.buffer].data
        if data is not None and len(data):
            kinds = {self.schema.TensorType.FLOAT32: "<f4", self.schema.TensorType.FLOAT16: "<f2"}
            kinds[self.schema.TensorType.INT32] = "<i4"
            values = np.asarray(data, np.uint8).view(kinds[tensor.type])
            self.constants[number] = (
                self._densified(values, tensor) if tensor.sparsity else values.reshape(tensor.shape)
            )

    def _densified(self, values, tensor):
        """An array of its values other than zero: every row (all axes but the last) says in which columns they are."""
        *rows, last = tensor.sparsity.dimMetadata
        kinds, order = self.schema.DimensionType, list(tensor.sparsity.traversalOrder)
        formats = [axis.format for axis in rows] + [last.format]
        if formats != [kinds.DENSE] * len(rows) + [kinds.SPARSE_CSR] or order != sorted(order):
            raise TrainingError("the network has weights in a sparse order that the converter does not know")
        dense = np.zeros((int(np.prod(tensor.shape[:-1])), tensor.shape[-1]), values.dtype)
        counts = np.diff(np.asarray(last.arraySegments.values, np.int64))
        dense[np.repeat(np.arange(len(dense)), counts), np.asarray(last.arrayIndices.values)] = values
        return dense.reshape(tensor.shape)

    def _size(self, number):
        """Height and width of a value."""
        return self.graph.tensors[number].shape[1:3].tolist()

    def _node(self, kind, inputs, output, **attributes):
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    def _weight(self, name, array):
        self.weights[name] = np.ascontiguousarray(array, np.float32)
        return name

    def _integers(self, name, values):
        self.weights[name] = np.array(values, np.int64)
        return name

    def _simple(self, kind, operator, *inputs):
        self._node(kind, [str(number) for number in inputs], str(operator.outputs[0]))

    def _dequantize(self, operator, values):
        self.constants[operator.outputs[0]] = self.constants[values].astype(np.float32)

    def _densify(self, operator, values):
        self.constants[operator.outputs[0]] = self.constants[values]  # read as a dense array already

    def _hard_swish(self, operator, values):
        self._simple("HardSwish", operator, values)

    def _relu(self, operator, values):
        self._simple("Relu", operator, values)

    def _logistic(self, operator, values):
        self._simple("Sigmoid", operator, values)

    def _mul(self, operator, *inputs):
        self._simple("Mul", operator, *inputs)

    def _add(self, operator, *inputs):
        self._simple("Add", operator, *inputs)

    def _prelu(self, operator, values, slope):
        slopes = self._weight(f"{operator.outputs[0]}_slope", self.constants[slope].transpose(2, 0, 1))
        self._node("PRelu", [str(values), slopes], str(operator.outputs[0]))

    def _pad(self, operator, values, paddings):
        pads = self._integers(f"{operator.outputs[0]}_pads", self.constants[paddings][[0, 3, 1, 2]].T.ravel())
        self._node("Pad", [str(values), pads], str(operator.outputs[0]))

    def _max_pool_2d(self, operator, values):
        options = operator.builtinOptions
        kernel, strides = [options.filterHeight, options.filterWidth], [options.strideH, options.strideW]
        pads = self._pads(operator, values, kernel, strides)
        self._node("MaxPool", [str(values)], str(operator.outputs[0]), kernel_shape=kernel, strides=strides, pads=pads)

    def _depth_to_space(self, operator, values):
        self._node("DepthToSpace", [str(values)], str(operator.outputs[0]), blocksize=operator.builtinOptions.blockSize)

    def _reshape(self, operator, values, _):
        """Of a map into rows, in TensorFlow Lite's order of axes."""
        output = str(operator.outputs[0])
        wanted = self.graph.tensors[operator.outputs[0]].shape.tolist()
        if len(self.graph.tensors[values].shape) != 4 or len(wanted) > 3:
            raise TrainingError("the network reshapes in a way the converter does not know")
        self._node("Transpose", [str(values)], f"{output}_last", perm=[0, 2, 3, 1])
        self._node("Reshape", [f"{output}_last", self._integers(f"{output}_shape", [-1, *wanted[1:]])], output)

    def _average_pool_2d(self, operator, values):
        options = operator.builtinOptions
        if [options.filterHeight, options.filterWidth] != self._size(values):
            raise TrainingError("the network has a local pooling, which the converter does not know")
        self._simple("GlobalAveragePool", operator, values)

    def _conv_2d(self, operator, values, kernel, bias):
        self._convolve(operator, values, self.constants[kernel].transpose(0, 3, 1, 2), bias)

    def _depthwise_conv_2d(self, operator, values, kernel, bias):
        weights = self.constants[kernel].transpose(3, 0, 1, 2)  # one input channel for each of the outputs
        self._convolve(operator, values, weights, bias, len(weights))

    def _convolve(self, operator, values, weights, bias, group=1):
        """weights (out, in, h, w)."""
        options, output = operator.builtinOptions, operator.outputs[0]
        if (options.dilationHFactor, options.dilationWFactor) != (1, 1):
            raise TrainingError("the network has a dilated convolution, which the converter does not know")
        strides = [options.strideH, options.strideW]
        pads = self._pads(operator, values, weights.shape[2:], strides)
        inputs = self._kernel_and_bias(operator, values, weights, bias)
        self._node("Conv", inputs, str(output), strides=strides, pads=pads, group=group)

    def _pads(self, operator, values, kernel, strides):
        """Pixels above, left, below and right: TensorFlow's SAME puts the odd one below and to the right."""
        if operator.builtinOptions.padding != self.schema.Padding.SAME:
            return [0, 0, 0, 0]
        sizes = zip(self._size(values), self._size(operator.outputs[0]), strides, kernel, strict=True)
        total = [max((there - 1) * stride + size - here, 0) for here, there, stride, size in sizes]
        before = [pad // 2 for pad in total]
        return before + [pad - first for pad, first in zip(total, before, strict=True)]

    def _kernel_and_bias(self, operator, values, weights, bias):
        kernel = self._weight(f"{operator.outputs[0]}_kernel", weights)
        return [str(values), kernel, self._weight(f"{operator.outputs[0]}_bias", self.constants[bias])]

    def _resize_bilinear(self, operator, values, size):
        options, output = operator.builtinOptions, operator.outputs[0]
        if options.alignCorners or not options.halfPixelCenters:
            raise TrainingError("the network resizes by corners, which the converter does not know")
        scales = self._weight(f"{output}_scales", [1.0, 1.0, *self.constants[size] / np.array(self._size(values))])
        mode = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        self._node("Resize", [str(values), "", scales], str(output), **mode)

    def _convolution2dtransposebias(self, operator, values, kernel, bias):
        """MediaPipe's own operator; its options are three int32: padding (1 is SAME) and the two strides."""
        padding, *strides = np.asarray(operator.customOptions, np.uint8).view("<i4").tolist()
        weights = self.constants[kernel].transpose(3, 0, 1, 2)
        if padding != 1 or strides != list(weights.shape[2:]):
            raise TrainingError("the network's transposed convolution overlaps, which the converter does not know")
        inputs = self._kernel_and_bias(operator, values, weights, bias)
        self._node("ConvTranspose", inputs, str(operator.outputs[0]), strides=strides)
