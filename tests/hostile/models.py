"""Models that must be refused: networks, cards, geometries, and whole folders."""

import io
import json
import zipfile

import numpy as np

from inference.networks.contract import NETWORKS, OPEN_SIZES
from tests.portraits import sheet_radii

from .wire import FLOAT, INT64, ints, message, node, onnx, tensor, whole

RELU = onnx(node("Relu"))
EXTERNAL = message((1, 2), (2, 1), (8, "w"), (13, message((1, "location"), (2, "../../etc/passwd"))), (14, 1))
INSIDE = message((1, 2), (2, 1), (8, "w"), (9, b"\0" * 8))
MANY = 1 << 20
# What the program's own model chooses for the contract's words
SIZES = {
    "grid": 80,
    "fine": 160,
    "sheets": 69,
    "hidden": 48,
    "layers": 11,
    "code": 128,
    "shape": 40,
    "voxel": 64,
    "voxel_side": 64,
    "maps": 5,
    "lifted": 96,
    "manifolds": 23,
    "features": 3,
    "inputs": 17,
}


def of_constant(operator, *values, shape=(2,), attributes=()):
    """One operator that is told by constants what to make of x."""
    names = [f"c{index}" for index in range(len(values))]
    weights = [tensor(name, array) for name, array in zip(names, values) if array is not None]
    inputs = ["x"] + [name if array is not None else "" for name, array in zip(names, values)]
    return onnx(node(operator, *attributes, inputs=inputs), weights=weights, inputs={"x": shape})


def chain(operator, count, first, *values, attributes=(), shape=(2,)):
    """An operator that is applied to what it made, again and again."""
    weights = [tensor(f"c{index}", array) for index, array in enumerate(values)]
    names = ["x", *(f"t{index}" for index in range(count - 1)), "y"]
    extra = [f"c{index}" for index in range(len(values))]
    nodes = [node(operator, *attributes, inputs=[a] * first + extra, outputs=[b]) for a, b in zip(names, names[1:])]
    return onnx(*nodes, weights=weights, inputs={"x": shape})


def fitting(name, change=None, cut=None, nodes=(), weights=(), number="one"):
    """A network that keeps the contract and says nothing: every output is an expanded number.

    change: (inputs, outputs) -> None changes what it declares. cut: node that is put before the first output. nodes,
    weights: what makes the tensor `number`.
    """
    sizes = SIZES | OPEN_SIZES
    inputs, outputs = ({k: tuple(sizes.get(n, n) for n in shape) for k, shape in io.items()} for io in NETWORKS[name])
    if change:
        change(inputs, outputs)
    nodes, weights = [*nodes], [*weights, tensor("one", np.full(1, 0.5))]
    for index, (output, shape) in enumerate(outputs.items()):
        weights.append(tensor(f"s{index}", np.array(shape)))
        made = output if index or cut is None else "cut"
        nodes.append(node("Expand", inputs=[number, f"s{index}"], outputs=[made]))
        if made == "cut":
            nodes.append(node(cut, inputs=["cut"], outputs=[output]))
    return onnx(*nodes, weights=weights, inputs=inputs, outputs=outputs)


def networks():
    """{name: (file, bytes)} of files that the check itself refuses."""
    image = (1, 3, 64, 64)
    plain = {
        "loop": onnx(node("Loop")),
        "if": onnx(node("If")),
        "scan": onnx(node("Scan")),
        "constant of shape": of_constant("ConstantOfShape"),
        "range": of_constant("Range", np.array(1 << 40), np.array(1)),
        "non-zero": onnx(node("NonZero")),
        "non-maximum suppression": onnx(node("NonMaxSuppression")),
        "recurrent": onnx(node("LSTM")),
        "einsum": onnx(node("Einsum")),
        "random": onnx(node("RandomNormal")),
        "string": onnx(node("StringNormalizer")),
        "custom domain": onnx(node("Relu", domain="evil")),
        "contrib": onnx(node("FusedConv", domain="com.microsoft")),
        "no operator": onnx(message((1, "x"))),
        "odd name": onnx(node("Re\nlu")),
        "subgraph": onnx(node("Relu", message((1, "body"), (6, message((2, "g")))))),
        "subgraphs": onnx(node("Relu", message((1, "body"), (11, message((2, "g")))))),
        "list of tensors": onnx(node("Relu", message((1, "body"), (10, INSIDE)))),
        "function": onnx(node("Relu"), extra_model=((25, message((1, "f"))),)),
        "external weights": onnx(node("Relu"), extra_graph=((5, EXTERNAL),)),
        "external constant": onnx(node("Constant", message((1, "value"), (5, EXTERNAL)))),
        "sparse": onnx(node("Relu"), extra_graph=((15, message((1, INSIDE))),)),
        "sparse attribute": onnx(node("Relu", message((1, "v"), (22, message((1, INSIDE)))))),
        "many nodes": onnx(*[node("Relu")] * 20_001),
        "two graphs": RELU + message((7, b"")),
        "no graph": message((1, 8)),
        "empty": b"",
        "text": b"hello, this is text",
        "pickle": b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
        "cut": RELU[:-3],
        "endless number": b"\xff" * 50,
        "long field": b"\x3a\xff\xff\xff\xff\x0f",
        "graph is a number": message((7, 5)),
        "name is a number": message((7, message((1, message((4, 1 << 40)))))),
        "weights are a number": onnx(node("Relu"), extra_graph=((5, message((1, 2), (2, 1), (9, 1 << 40))),)),
        # large tensors from small files
        "expand": of_constant("Expand", np.array([MANY, MANY])),
        "expand overflows": of_constant("Expand", np.array([1 << 62, 1 << 62])),
        "tile": of_constant("Tile", np.array([1 << 40])),
        "tile again and again": chain("Tile", 30, 1, np.array([2])),
        "pad": of_constant("Pad", np.array([0, 1 << 40])),
        "pad takes away": of_constant("Pad", np.array([-5, 0])),
        "pad of three": of_constant("Pad", np.array([0, 1, 2])),
        "resize by scales": of_constant("Resize", None, np.array([1.0, 1.0, 1e6, 1e6]), shape=image),
        "resize by infinite scales": of_constant("Resize", None, np.array([1.0, 1.0, 1e38, 1e38]), shape=image),
        "resize to sizes": of_constant("Resize", None, None, np.array([1, 3, MANY, MANY]), shape=image),
        "resize, scales of one": of_constant("Resize", None, np.array([1.0]), shape=image),
        "concat again and again": chain("Concat", 40, 2, attributes=[whole("axis", 0)]),
        "concat beside itself": chain("Concat", 1, 2000, attributes=[whole("axis", 0)], shape=(1, 1000, 1000)),
        "add, broadcast": of_constant("Add", np.zeros((1000, 1)), shape=(1, MANY)),
        "matmul, outer": of_constant("MatMul", np.zeros((1, 1000)), shape=(MANY, 1)),
        "matmul, work": chain("MatMul", 60, 2, shape=(1024, 1024)),
        "gemm does not fit": of_constant("Gemm", np.zeros((3, 3)), shape=(2, 2)),
        "gather": onnx(node("Gather", inputs=["x", "i"]), inputs={"x": (1000, 1000), "i": (1000, 1000)}),
        "conv of large pads": of_constant(
            "Conv", np.zeros((1, 3, 1, 1)), attributes=[ints("pads", *[1 << 30] * 4)], shape=image
        ),
        "conv, work": of_constant(
            "Conv", np.zeros((1, 1, 61, 61)), attributes=[ints("pads", *[30] * 4)], shape=(1, 1, 5000, 5000)
        ),
        "conv of no strides": of_constant(
            "Conv", np.zeros((1, 3, 1, 1)), attributes=[ints("strides", 0, 0)], shape=image
        ),
        "conv of other channels": of_constant("Conv", np.zeros((1, 4, 1, 1)), shape=image),
        "transposed conv": of_constant(
            "ConvTranspose", np.zeros((3, 1, 1, 1)), attributes=[ints("strides", MANY, MANY)], shape=image
        ),
        "pool of a large window": onnx(
            node("MaxPool", ints("kernel_shape", 1999, 1999), ints("pads", *[999] * 4)),
            inputs={"x": (1, 1, 2000, 2000)},
        ),
        "unsqueeze twenty times": of_constant("Unsqueeze", np.arange(20)),
        "unsqueeze an axis twice": of_constant("Unsqueeze", np.array([0, 0])),
        "softmax of nothing": onnx(node("Softmax", inputs=[""])),
        "softmax without inputs": onnx(node("Softmax", inputs=[])),
        "reshape that does not fit": of_constant("Reshape", np.array([3])),
        "reshape to minus two": of_constant("Reshape", np.array([-2, -1])),
        "transpose of nothing": onnx(node("Transpose", ints("perm", 5))),
        "depth to space by zero": onnx(node("DepthToSpace", whole("blocksize", 0)), inputs={"x": image}),
        "cast to strings": onnx(node("Cast", whole("to", 8))),
        "cast to a tensor": onnx(node("Cast", message((1, "to"), (5, INSIDE)))),
        "shape that is computed": onnx(
            node("Relu", inputs=["x"], outputs=["s"]), node("Reshape", inputs=["x", "s"]), inputs={"x": (2,)}
        ),
        "input of a huge size": onnx(node("Relu"), inputs={"x": (1 << 40,)}),
        "input of a negative size": onnx(node("Relu"), inputs={"x": (-1,)}),
        "input left open": onnx(node("Relu"), inputs={"x": ("batch",)}),
        "input of forty dimensions": onnx(node("Relu"), inputs={"x": (1,) * 40}),
        "uses what nothing makes": onnx(node("Relu", inputs=["other"])),
        "output that nothing makes": onnx(node("Relu", outputs=["other"])),
        # weights
        "weights are not finite": onnx(node("Relu"), weights=[tensor("w", np.array([1.0, np.nan]))]),
        "weights are infinite": onnx(node("Relu"), weights=[tensor("w", np.array([1.0, np.inf]))]),
        "half weights are not finite": onnx(node("Relu"), weights=[tensor("w", np.array([np.nan], "<f2"), kind=10)]),
        "constant is not finite": onnx(
            node("Constant", message((1, "value"), (5, tensor("", np.array([np.nan])))), inputs=[], outputs=["c"]),
            node("Relu"),
        ),
        "typed weights are not finite": onnx(
            node("Relu"), weights=[message((1, 1), (2, FLOAT), (8, "w"), (4, np.float32(np.nan).tobytes()))]
        ),
        "weights of another size": onnx(node("Relu"), weights=[tensor("w", np.zeros(2), shape=(MANY, MANY))]),
        "weights of a negative size": onnx(node("Relu"), weights=[tensor("w", np.zeros(2), shape=(-2,))]),
        "weights of text": onnx(node("Relu"), weights=[tensor("w", np.zeros(2), kind=8)]),
        "weights in pieces": onnx(node("Relu"), weights=[tensor("w", np.zeros(2)) + message((3, message((1, 0))))]),
        "whole weights cut": onnx(node("Relu"), weights=[message((1, 2), (2, INT64), (8, "w"), (9, b"\0" * 9))]),
    }
    made = {name: ("net.onnx", data) for name, data in plain.items()}

    def drop(inputs, outputs):
        inputs.pop(next(iter(inputs)))

    def drop_output(inputs, outputs):
        outputs.pop(next(reversed(outputs)))

    def more(inputs, outputs):
        inputs["more"] = (1,)

    def rename(inputs, outputs):
        inputs["\x1b[31m\ud7ff"] = inputs.pop(next(iter(inputs)))

    def wider(inputs, outputs):
        name = next(iter(outputs))
        outputs[name] = (2, *outputs[name][1:])

    def flat(inputs, outputs):
        name = next(iter(inputs))
        inputs[name] = inputs[name][:-1]

    for network in NETWORKS:
        for change in (drop, drop_output, more, rename, wider, flat):
            made[f"{network}: {change.__name__}"] = (f"{network}.onnx", fitting(network, change))
    return made


def npz(**arrays):
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return packed.getvalue()


def npy(shape, kind="<f4", data=b"\0" * 16):
    """A member of an archive that says any shape."""
    header = repr({"descr": kind, "fortran_order": False, "shape": shape}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + data


def zipped(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return out.getvalue()


def geometries():
    """Contents of geometry.npz, {name: bytes}."""
    radii, mean = sheet_radii(), np.zeros((468, 3), np.float32)
    good = {"radii": radii, "mean_landmarks": mean}
    landmarks = npy((468, 3), data=bytes(468 * 12))
    changes = {
        "no radii": {"radii": None},
        "flat radii": {"radii": radii.ravel()},
        "radii as doubles": {"radii": radii.astype(float)},
        "radii as objects": {"radii": np.array([object()], dtype=object)},
        "radii as texts": {"radii": np.array(["a"])},
        "no sheets": {"radii": radii[:0]},
        "one sheet": {"radii": radii[:1]},
        "oblong radii": {"radii": radii[:, :40]},
        "fine radii": {"radii": np.full((2, 300, 300), 0.1, np.float32)},
        **{f"radii of {n}": {"radii": np.full_like(radii, n)} for n in (0.0, -1.0, 1e-30, 50.0, np.nan, np.inf)},
        "no landmarks": {"mean_landmarks": None},
        "few landmarks": {"mean_landmarks": mean[:5]},
        "landmarks that are not finite": {"mean_landmarks": mean + np.nan},
        "complex landmarks": {"mean_landmarks": mean.astype(complex)},
        "grid of zero": {"grid": np.int32(0)},
        "huge grid": {"grid": np.int64(1 << 40)},
        "two grids": {"grid": np.array([80, 80])},
        "sheets that are not there": {"lift_sheets": np.array([0, 99])},
        "negative sheets": {"lift_sheets": np.array([-1])},
    }
    made = {
        name: npz(**{key: array for key, array in (good | change).items() if array is not None})
        for name, change in changes.items()
    }
    return made | {
        "no zip": b"PK not really",
        "empty": b"\0",
        "cut": npz(**good)[:-100],
        "says a terabyte": zipped(radii=npy((1 << 20, 1 << 10, 1 << 10)), mean_landmarks=landmarks),
        "says more than there is": zipped(radii=npy((23, 81, 81)), mean_landmarks=landmarks),
        "says a negative size": zipped(radii=npy((-1, 81, 81)), mean_landmarks=landmarks),
        "says code": zipped(radii=npy("__import__('os').system('true')"), mean_landmarks=landmarks),
        "unpacks to a gigabyte": zipped(radii=bytes(1 << 28), mean_landmarks=landmarks),
        "says an open bracket": zipped(radii=npy("(23, 81, 81").replace(b"}", b""), mean_landmarks=landmarks),
        "members are rubbish": zipped(radii=b"rubbish", mean_landmarks=b""),
    }


ODD_CARD = {"null": None, "list": [], "number": 1, "true": True, "huge": 10**400, "float": 1.5, "object": {}}


def cards(good):
    """Contents of card.json, {name: bytes}, made from a good card."""

    def changed(**values):
        return json.dumps(good | values).encode()

    def entry(**values):
        return changed(files=good["files"] | {"geometry.npz": good["files"]["geometry.npz"] | values})

    return {
        "not json": b"{",
        "empty": b"",
        "list": b"[]",
        "not utf-8": b"\xff\xfe{}",
        "huge": b" " * ((1 << 20) + 1),
        "deep": b"[" * 100000,
        "deep text": b'{"id":' * 100000,
        "many digits": b'{"id": ' + b"9" * 6000 + b"}",
        **{f"id is {name}": changed(id=value) for name, value in ODD_CARD.items()},
        **{
            f"id {index}": changed(id=value)
            for index, value in enumerate(("", "a\0b", "\ud800", "a\nb", "\x1b[2J", "x" * 101))
        },
        **{f"version is {name}": changed(format_version=v) for name, v in ODD_CARD.items() if v is not True and v != 1},
        "version is true": changed(format_version=True),
        "version is newer": changed(format_version=2),
        **{f"files are {name}": changed(files=value) for name, value in ODD_CARD.items()},
        **{f"bytes are {name}": entry(bytes=value) for name, value in ODD_CARD.items() if name != "number"},
        **{f"bytes are {n}": entry(bytes=n) for n in (0, -1, 1 << 40)},
        **{f"hash is {name}": entry(sha256=value) for name, value in ODD_CARD.items()},
        **{
            f"hash {n}": entry(sha256=value)
            for n, value in enumerate(("", "0" * 63, "g" * 64, "\ud800" * 64, "é" * 64))
        },
        **{
            f"file {name!a}": changed(files=good["files"] | {name: {"sha256": "0" * 64, "bytes": 1}})
            for name in (
                "../net.onnx",
                "/etc/passwd",
                "a/b",
                "a\\b",
                "..",
                ".",
                "",
                "card.json",
                "a\0b",
                "\ud800",
                "a\nb",
                "C:net.onnx",
                "é.onnx",
                " ",
                "n" * 300,
            )
        },
        "thousand files": changed(
            files=good["files"] | {f"f{index}": {"sha256": "0" * 64, "bytes": 1} for index in range(1000)}
        ),
        "text with control characters": changed(license="\x1b]0;title\x07"),
        "text with NUL": changed(name="a\0b"),
        "text with a lone surrogate": changed(data="\udcff"),
        "key with a lone surrogate": changed(**{"\udcff": 1}),
        "long text": changed(name="n" * 100_000),
    }
