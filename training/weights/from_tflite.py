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


def convert(network):
    """A TensorFlow Lite network (bytes) as an onnx.ModelProto: photo (n, 3, h, w) in [0, 1] -> subject (n, 1, h, w).

    Raises TrainingError for an operator it does not know.
    """
    return Conversion(network).model()


class Conversion:
    """One network on its way from TensorFlow Lite (NHWC) to ONNX (NCHW): values keep their numbers as names."""

    def __init__(self, network):
        from ai_edge_litert import schema_py_generated as schema

        self.schema, self.lite = schema, schema.ModelT.InitFromPackedBuf(network, 0)
        self.graph = self.lite.subgraphs[0]
        self.constants = {}  # number of a tensor: its array as stored, in TensorFlow Lite's order of axes
        self.weights, self.nodes = {}, []

    def model(self):
        from onnx import TensorProto, checker, helper, numpy_helper

        for number, tensor in enumerate(self.graph.tensors):
            self._read_constant(number, tensor)
        kinds = {value: name for name, value in vars(self.schema.BuiltinOperator).items() if isinstance(value, int)}
        for operator in self.graph.operators:
            code = self.lite.operatorCodes[operator.opcodeIndex]
            kind = code.customCode.decode() if kinds[code.builtinCode] == "CUSTOM" else kinds[code.builtinCode]
            make = getattr(self, f"_{kind.lower()}", None)
            if make is None:
                raise TrainingError(f"the network has the operator {kind}, which the converter does not know")
            if getattr(operator.builtinOptions, "fusedActivationFunction", 0):
                raise TrainingError("the network has a fused activation, which the converter does not know")
            make(operator, *operator.inputs.tolist())

        (first,), (last,) = self.graph.inputs.tolist(), self.graph.outputs.tolist()
        self._node("Identity", [str(last)], "subject")
        for node in self.nodes:
            node.input[:] = ["photo" if name == str(first) else name for name in node.input]
        size = self._size(first)
        photo = helper.make_tensor_value_info("photo", TensorProto.FLOAT, ["n", 3, *size])
        subject = helper.make_tensor_value_info("subject", TensorProto.FLOAT, ["n", 1, *size])
        weights = [numpy_helper.from_array(array, name) for name, array in self.weights.items()]
        graph = helper.make_graph(self.nodes, "selfie_segmentation", [photo], [subject], weights)
        store(graph, "float16")
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        checker.check_model(model, full_check=True)
        return model

    def _read_constant(self, number, tensor):
        data = self.lite.buffers[tensor.buffer].data
        if data is not None and len(data):
            kinds = {self.schema.TensorType.FLOAT32: "<f4", self.schema.TensorType.FLOAT16: "<f2"}
            kinds[self.schema.TensorType.INT32] = "<i4"
            self.constants[number] = np.asarray(data, np.uint8).view(kinds[tensor.type]).reshape(tensor.shape)

    def _size(self, number):
        """Height and width of a value."""
        return self.graph.tensors[number].shape[1:3].tolist()

    def _node(self, kind, inputs, output, **attributes):
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    def _weight(self, name, array):
        self.weights[name] = np.ascontiguousarray(array, np.float32)
        return name

    def _simple(self, kind, operator, *inputs):
        self._node(kind, [str(number) for number in inputs], str(operator.outputs[0]))

    def _dequantize(self, operator, values):
        self.constants[operator.outputs[0]] = self.constants[values].astype(np.float32)

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
        """weights (out, in, h, w). TensorFlow's SAME pads the odd pixel below and to the right."""
        options, output = operator.builtinOptions, operator.outputs[0]
        if (options.dilationHFactor, options.dilationWFactor) != (1, 1):
            raise TrainingError("the network has a dilated convolution, which the converter does not know")
        strides, before, after = [options.strideH, options.strideW], [0, 0], [0, 0]
        if options.padding == self.schema.Padding.SAME:
            sizes = zip(self._size(values), self._size(output), strides, weights.shape[2:], strict=True)
            total = [max((there - 1) * stride + size - here, 0) for here, there, stride, size in sizes]
            before = [pad // 2 for pad in total]
            after = [pad - first for pad, first in zip(total, before, strict=True)]
        inputs = self._kernel_and_bias(operator, values, weights, bias)
        self._node("Conv", inputs, str(output), strides=strides, pads=before + after, group=group)

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
