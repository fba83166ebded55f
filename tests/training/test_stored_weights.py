"""Weights stored as float16 or int8 give a smaller file that computes with what it holds."""

import numpy as np
import pytest

from training.weights.stored_weights import KINDS, SMALL, restored, store

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture
def model():
    """y = tanh(x a) b + c, with rows of very different size in a."""
    random = np.random.default_rng(0)
    arrays = {
        "a": random.normal(size=(64, 96)) * 10.0 ** random.uniform(-3, 0, (64, 1)),
        "b": random.normal(size=(96, 40)),
        "c": random.normal(size=40),
        "mean": random.uniform(5, 20, (1, SMALL)),
    }
    helper = onnx.helper
    weights = [onnx.numpy_helper.from_array(value.astype(np.float32), name) for name, value in arrays.items()]
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["xa"]),
        helper.make_node("Tanh", ["xa"], ["h"]),
        helper.make_node("MatMul", ["h", "b"], ["hb"]),
        helper.make_node("Add", ["hb", "c"], ["y"]),
        helper.make_node("Identity", ["mean"], ["m"]),
    ]
    value = helper.make_tensor_value_info
    inputs, outputs = [value("x", 1, [None, 64])], [value("y", 1, [None, 40]), value("m", 1, [1, SMALL])]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_computes_with_what_comes_back(model, kind):
    original, size = restored(model.graph), model.ByteSize()
    store(model.graph, kind)
    onnx.checker.check_model(model)
    weights = restored(model.graph)
    assert list(weights) == list(original)
    x = np.random.default_rng(1).normal(size=(7, 64)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    y, mean = session.run(None, {"x": x})
    np.testing.assert_allclose(y, np.tanh(x @ weights["a"]) @ weights["b"] + weights["c"], atol=2e-5)
    np.testing.assert_array_equal(mean, weights["mean"])
    assert model.ByteSize() < {"float32": 1.01, "float16": 0.6, "int8": 0.4}[kind] * size


@pytest.mark.parametrize("kind, error", [("float32", 0.0), ("float16", 2.0**-11), ("int8", 0.5 / 127)])
def test_weights_are_rounded_to_the_nearest(model, kind, error):
    """int8: relative to the largest of the row; biases and means lose nothing to it."""
    original = restored(model.graph)
    store(model.graph, kind)
    for name, value in restored(model.graph).items():
        largest = np.abs(original[name]).max(-1, keepdims=True) if kind == "int8" else np.abs(original[name])
        allowed = 2.0**-11 if kind == "int8" and name == "mean" else error
        assert (np.abs(value - original[name]) <= allowed * largest + 1e-7).all(), name
    np.testing.assert_array_equal(restored(model.graph)["c"], original["c"])
