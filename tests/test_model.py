"""The model door: hashes, cards, and ONNX files that must not be run."""

import types

import numpy as np
import onnxruntime
import pytest

from inference.errors import PortraitError
from inference.networks.contract import NETWORKS
from inference.networks.model import load_model, table_hash
from inference.networks.onnx_check import check_onnx
from inference.networks.run import run_network
from tests.fakes import write_model
from tests.hostile.models import INSIDE, RELU, SIZES, fitting
from tests.hostile.wire import node, onnx


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


def test_networks_that_keep_the_contract():
    """All five, and what the first say of sizes holds for the next."""
    sizes = {"grid": 80, "lift_sheets": 8}
    for name in NETWORKS:
        check_onnx(fitting(name), f"{name}.onnx", sizes)
    assert sizes == SIZES | {"lift_sheets": 8}


@pytest.mark.parametrize("word", ["grid", "lift_sheets", "maps", "features", "hidden", "code", "voxel"])
def test_networks_of_different_models(word):
    sizes = {word: 7}
    with pytest.raises(PortraitError, match="fit"):
        for name in NETWORKS:
            check_onnx(fitting(name), f"{name}.onnx", sizes)


@pytest.mark.parametrize("name, tensor", [("detail_manifolds", "lifted"), ("decoder", "points")])
def test_networks_that_take_other_channels_than_inversion_puts_together(name, tensor):
    """No word is at odds, as no other network says how many these are."""
    sizes = {"grid": 80, "lift_sheets": 8}
    for other in list(NETWORKS)[: list(NETWORKS).index(name)]:
        check_onnx(fitting(other), f"{other}.onnx", sizes)

    def one_more(inputs, outputs):
        shape = inputs[tensor]
        inputs[tensor] = (shape[0], shape[1] + 1, *shape[2:])

    with pytest.raises(PortraitError, match="does not fit the other networks"):
        check_onnx(fitting(name, one_more), f"{name}.onnx", sizes)


@pytest.mark.parametrize("cut", ["Log", "Sqrt", "Exp"])
def test_numbers_that_are_not_finite_go_no_further(tmp_path, cut):
    """The weights are fine and what is made of them is not: of minus one, and of a thousand."""
    number = {"Log": -1.0, "Sqrt": -1.0, "Exp": 1000.0}[cut]
    network = fitting("encoder_w", cut=cut).replace(np.float32(0.5).tobytes(), np.float32(number).tobytes())
    model = load_model(write_model(tmp_path / "m", {"encoder_w.onnx": network}), device="cpu", threads=1)
    inputs = {one.name: np.zeros(one.shape, np.float32) for one in model.session("encoder_w").get_inputs()}
    with pytest.raises(PortraitError, match="not finite"):
        run_network(model, "encoder_w", inputs)
    with pytest.raises(PortraitError, match="fails"):
        run_network(model, "encoder_w", inputs | {"photo": np.zeros((1, 3, 5, 5), np.float32)})


@pytest.mark.parametrize("own", [True, False])
def test_nothing_of_a_strangers_is_computed_while_it_loads(tmp_path, monkeypatch, own):
    """Of the program's own model constants are folded, which makes it faster."""
    folder = write_model(tmp_path / "m", {"net.onnx": RELU})
    if own:
        monkeypatch.setattr("inference.networks.model.DEFAULT_FOLDER", folder)
    told, plain = {}, onnxruntime.InferenceSession

    def session(*arguments, **options):
        told.update(options)
        return plain(*arguments, **options)

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    load_model(folder, "cpu", 1).session("net")
    assert told["disabled_optimizers"] == (None if own else ["ConstantFolding"])


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

    def session(self, data, options, providers, disabled_optimizers=None):
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
