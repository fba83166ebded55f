"""MediaPipe's networks as ONNX: what ships is what the converter makes, and says what TensorFlow Lite says."""

import numpy as np
import pytest

from inference.networks.model import DEFAULT_FOLDER, load_model

MODELS = DEFAULT_FOLDER.parent
NAMES = ("selfie_segmentation", "face_detector", "face_landmarks")
FACES = {"face_detector": (-1.0, 1.0), "face_landmarks": (0.0, 1.0)}  # and the range of their pictures


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_network_is_what_the_converter_makes(mediapipe_files, name):
    from training.convert_mediapipe import as_onnx

    assert as_onnx(name, mediapipe_files[name]) == (MODELS / name / f"{name}.onnx").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_its_licence_ships_with_it(name):
    assert "Apache License" in (MODELS / name / "LICENSE").read_text()
    assert (MODELS / name / f"{name}.onnx").stat().st_size < 1_300_000


@pytest.mark.parametrize("name", FACES)
def test_answers_are_those_of_tensorflow_lite(mediapipe_files, name):
    from ai_edge_litert.interpreter import Interpreter

    session = load_model(threads=1).companion(name)
    interpreter = Interpreter(model_content=mediapipe_files[name], num_threads=1)
    interpreter.allocate_tensors()
    (source,) = interpreter.get_input_details()
    for seed in range(3):
        low, high = FACES[name]
        picture = np.random.default_rng(seed).uniform(low, high, source["shape"]).astype(np.float32)
        interpreter.set_tensor(source["index"], picture)
        interpreter.invoke()
        expected = [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]
        found = session.run(None, {session.get_inputs()[0].name: picture.transpose(0, 3, 1, 2)})
        for ours, theirs in zip(found, expected, strict=True):
            assert np.abs(theirs).max() > 1.0  # pixels or logits
            np.testing.assert_allclose(ours.ravel(), theirs.ravel(), atol=2e-3)


def test_an_unknown_operator_is_refused(mediapipe_files):
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    from training.convert_mediapipe import as_onnx
    from training.errors import TrainingError

    model = schema.ModelT.InitFromPackedBuf(mediapipe_files["selfie_segmentation"], 0)
    for code in model.operatorCodes:
        if code.builtinCode == schema.BuiltinOperator.HARD_SWISH:
            code.builtinCode = schema.BuiltinOperator.TANH
            code.deprecatedBuiltinCode = schema.BuiltinOperator.TANH
    builder = flatbuffers.Builder(len(mediapipe_files["selfie_segmentation"]))
    builder.Finish(model.Pack(builder), b"TFL3")
    with pytest.raises(TrainingError, match="TANH"):
        as_onnx("selfie_segmentation", bytes(builder.Output()))


def test_a_missing_network_is_an_error_unless_it_is_optional(tmp_path, monkeypatch):
    from inference.errors import PortraitError
    from tests.fakes import fake_model

    monkeypatch.setattr("inference.networks.model.DEFAULT_FOLDER", tmp_path / "models" / "default")
    model = fake_model()
    with pytest.raises(PortraitError, match="face_landmarks.onnx cannot be read"):
        model.companion("face_landmarks")
    assert model.companion("selfie_segmentation", optional=True) is None
