"""The model door: hashes, cards, and ONNX files that must not be run."""

import json
import types

import numpy as np
import pytest

from inference.errors import PortraitError
from inference.networks.model import load_model, table_hash
from inference.networks.onnx_check import check_onnx
from tests.fakes import write_model


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
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def onnx(*nodes, extra_graph=(), extra_model=()):
    """A model with one float input and output of shape (2,)."""

    def value(name):
        shape = message((1, message((1, 2))))
        return message((1, name), (2, message((1, message((1, 1), (2, shape))))))

    graph = message(
        *((1, node) for node in nodes), (2, "g"), *extra_graph, (11, value("x")), (12, value("y"))
    )  # fmt: skip
    return message((1, 8), (7, graph), (8, message((2, 17))), *extra_model)


def node(operator, *attributes, domain=None):
    fields = [(1, "x"), (2, "y"), (4, operator), *((5, attribute) for attribute in attributes)]
    return message(*fields, *([(7, domain)] if domain else []))


RELU = onnx(node("Relu"))
EXTERNAL = message((1, 2), (2, 1), (8, "w"), (13, message((1, "location"), (2, "../../etc/passwd"))), (14, 1))
INSIDE = message((1, 2), (2, 1), (8, "w"), (9, b"\0" * 8))

REFUSED = {
    "loop": onnx(node("Loop")),
    "if": onnx(node("If")),
    "scan": onnx(node("Scan")),
    "constant of shape": onnx(node("ConstantOfShape")),
    "random": onnx(node("RandomNormal")),
    "string": onnx(node("StringNormalizer")),
    "custom domain": onnx(node("Relu", domain="evil")),
    "contrib": onnx(node("FusedConv", domain="com.microsoft")),
    "no operator": onnx(message((1, "x"))),
    "odd name": onnx(node("Re\nlu")),
    "subgraph": onnx(node("Relu", message((1, "body"), (6, message((2, "g")))))),
    "subgraphs": onnx(node("Relu", message((1, "body"), (11, message((2, "g")))))),
    "function": onnx(node("Relu"), extra_model=((25, message((1, "f"))),)),
    "external weights": onnx(node("Relu"), extra_graph=((5, EXTERNAL),)),
    "external constant": onnx(node("Constant", message((1, "value"), (5, EXTERNAL)))),
    "sparse": onnx(node("Relu"), extra_graph=((15, message((1, INSIDE))),)),
    "many nodes": onnx(*[node("Relu")] * 20_001),
    "two graphs": RELU + message((7, b"")),
    "no graph": message((1, 8)),
    "empty": b"",
    "text": b"hello, this is text",
    "pickle": b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
    "truncated": RELU[:-3],
    "endless number": b"\xff" * 50,
    "long field": b"\x3a\xff\xff\xff\xff\x0f",
    "graph is a number": message((7, 5)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_networks(name):
    with pytest.raises(PortraitError) as caught:
        check_onnx(REFUSED[name], "net.onnx")
    assert "\n" not in str(caught.value) and ";" in str(caught.value)


def test_good_network_runs(tmp_path):
    check_onnx(onnx(node("Relu"), extra_graph=((5, INSIDE),)), "net.onnx")
    model = load_model(write_model(tmp_path / "m", {"net.onnx": RELU}), device="cpu", threads=1)
    session = model.session("net")
    assert session is model.session("net")
    (out,) = session.run(None, {"x": np.array([-1.0, 2.0], np.float32)})
    np.testing.assert_array_equal(out, [0.0, 2.0])
    assert model.id == "test" and model.sha256 == table_hash(model.card["files"]) and model.device == "cpu"
    assert model.geometry["radii"].shape == (23, 81, 81)


def test_random_damage():
    random = np.random.default_rng(0)
    good = onnx(node("Relu"), extra_graph=((5, INSIDE),))
    for _ in range(300):
        data = bytearray(good)
        for place in random.integers(0, len(data), random.integers(1, 5)):
            data[place] = random.integers(0, 256)
        try:
            check_onnx(bytes(data), "net.onnx")
        except PortraitError:
            continue


def refused(folder, says, **options):
    with pytest.raises(PortraitError, match=says) as caught:
        load_model(folder, **options)
    assert "\n" not in str(caught.value)


def test_changed_and_missing_files(tmp_path):
    folder = write_model(tmp_path / "m", {"net.onnx": RELU})
    (folder / "net.onnx").write_bytes(RELU[:-1] + b"\1")
    with pytest.raises(PortraitError, match="damaged or was changed"):
        load_model(folder).session("net")
    (folder / "net.onnx").write_bytes(RELU + b"\0")
    refused(folder, "bytes instead of")
    (folder / "net.onnx").unlink()
    refused(folder, "missing")
    with pytest.raises(PortraitError, match="has no other.onnx"):
        load_model(write_model(tmp_path / "n")).session("other")
    refused(tmp_path / "nothing", "no model in")


CARDS = {
    "not json": (b"{", "cannot be used"),
    "list": (b"[]", "id"),
    "no files": (json.dumps({"id": "x", "format_version": 1}).encode(), "files"),
    "newer": (json.dumps({"id": "x", "format_version": 2, "files": {}}).encode(), "format version"),
    "huge": (b" " * ((1 << 20) + 1), "too large"),
    "deep": (b"[" * 100000, "cannot be used"),
}


@pytest.mark.parametrize("name", CARDS)
def test_bad_cards(tmp_path, name):
    folder = write_model(tmp_path / "m")
    (folder / "card.json").write_bytes(CARDS[name][0])
    refused(folder, CARDS[name][1])


@pytest.mark.parametrize("name", ["../net.onnx", "/etc/passwd", "a/b", "a\\b", "..", "card.json"])
def test_card_names_no_other_places(tmp_path, name):
    folder = write_model(tmp_path / "m")
    card = json.loads((folder / "card.json").read_text())
    card["files"][name] = {"sha256": "0" * 64, "bytes": 1}
    (folder / "card.json").write_text(json.dumps(card))
    refused(folder, "odd name")


def test_bad_geometry(tmp_path):
    refused(write_model(tmp_path / "a", {"geometry.npz": b"PK not really"}), "geometry.npz")
    import io

    packed = io.BytesIO()
    np.savez(packed, radii=np.array([object()], dtype=object), mean_landmarks=np.zeros((468, 3)))
    refused(write_model(tmp_path / "b", {"geometry.npz": packed.getvalue()}), "geometry.npz")


def test_devices(tmp_path):
    folder = write_model(tmp_path / "m")
    refused(folder, "no device 'tpu'", device="tpu")
    refused(folder, "not available", device="directml")
    assert load_model(folder, "auto").device in ("cpu", "cuda")


class Runtime:
    """onnxruntime on a machine with accelerators: CUDA that raises, WebGPU that gives way silently, OpenVINO."""

    def __init__(self, monkeypatch, *works):
        import onnxruntime

        self.tried, self.works = [], works
        have = ["OpenVINOExecutionProvider", "CUDAExecutionProvider", "WebGpuExecutionProvider", "CPUExecutionProvider"]
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: have)
        monkeypatch.setattr(onnxruntime, "InferenceSession", self.session)

    def session(self, data, options, providers):
        self.tried.append(providers[0])
        if providers[0].startswith("CUDA"):
            raise RuntimeError("no driver")
        used = providers if providers[0].startswith(self.works) else ["CPUExecutionProvider"]
        return types.SimpleNamespace(get_providers=lambda: used)


@pytest.mark.parametrize("works, device", [("OpenVINO", "openvino"), ("CPU", "cpu")])
def test_accelerators_are_tried_in_order(monkeypatch, caplog, works, device):
    """Each that fails is named with its reason, and not asked again for the next network."""
    runtime = Runtime(monkeypatch, works)
    model = load_model(device="accelerated")
    with caplog.at_level("WARNING", "portrait_manifolds"):
        model.session("encoder_w")
        model.session("decoder")
    order = ["CUDA", "WebGpu", "OpenVINO", "CPU"]
    order = order[: order.index(works) + 1]
    assert [name.removesuffix("ExecutionProvider") for name in runtime.tried] == [*order, works]
    assert model.device == device
    assert "does not run on cuda (no driver); trying webgpu" in caplog.text


def test_a_device_by_name_gives_way_to_the_processor(monkeypatch, caplog):
    Runtime(monkeypatch, "CPU")
    model = load_model(device="cuda")
    assert model.device == "cuda"
    with caplog.at_level("WARNING", "portrait_manifolds"):
        model.session("decoder")
    assert model.device == "cpu" and "trying cpu" in caplog.text


def test_no_accelerator_is_said(caplog, monkeypatch):
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with caplog.at_level("WARNING", "portrait_manifolds"):
        assert load_model(device="accelerated").device == "cpu"
    assert "no accelerator" in caplog.text
