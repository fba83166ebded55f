"""The subject's matte: MediaPipe's segmentation as ONNX, and what the engine makes of it and of the model's matte."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from inference.geometry.curves import sigmoid
from inference.inversion.segmentation import combined, one_subject, subject_mask, subject_matte, to_edges
from inference.networks.model import load_model
from inference.photo.guided_filter import guided_filter, solve_symmetric

skimage = pytest.importorskip("skimage")
ASTRONAUT = Path(skimage.__file__).parent / "data" / "astronaut.png"
GOLDEN = Path(__file__).parent / "selfie_segmentation.npz"  # every fourth pixel of MediaPipe 0.10.21's own masks
FACE = np.array([(x, y) for x in (100, 156) for y in (90, 150)], np.float32)  # landmarks enough for a hull


def pictures():
    """The pictures of GOLDEN, (256, 256, 3) uint8 by name."""
    photo = cv2.cvtColor(cv2.imread(str(ASTRONAUT)), cv2.COLOR_BGR2RGB)[::2, ::2]
    noise = np.random.default_rng(0).integers(0, 256, photo.shape, np.uint8)
    return {"photo": photo, "noisy": photo // 4 * 3 + noise // 4, "noise": noise}


@pytest.fixture(scope="module")
def session():
    return load_model(threads=1).companion("selfie_segmentation")


@pytest.mark.parametrize("name", ["photo", "noisy", "noise"])
def test_masks_are_those_of_mediapipe(session, name):
    mask = subject_mask(pictures()[name], session)
    golden = np.load(GOLDEN)[name].astype(np.float32)
    assert mask.shape == (256, 256) and mask.dtype == np.float32
    assert np.abs(mask[::4, ::4] - golden).max() < 1e-3
    assert golden.max() < 1e-3 if name == "noise" else 0.3 < golden.mean() < 0.7


@pytest.mark.parametrize("name", ["photo", "noisy", "noise"])
def test_masks_are_those_of_tensorflow_lite(mediapipe_files, session, name):
    """Its interpreter runs all but MediaPipe's own last operator, which is spelled out here."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    model = schema.ModelT.InitFromPackedBuf(mediapipe_files["selfie_segmentation"], 0)
    graph = model.subgraphs[0]
    graph.outputs = graph.operators[-2].inputs  # features (1, 128, 128, 16), kernel (1, 2, 2, 16) and bias
    graph.operators = graph.operators[:-2]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES  # XNNPACK cannot hand out constants
    interpreter = Interpreter(model_content=bytes(builder.Output()), experimental_op_resolver_type=plain)
    interpreter.allocate_tensors()
    picture = pictures()[name]
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None].astype(np.float32) / 255)
    interpreter.invoke()
    features, kernel, bias = (interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details())
    logits = np.einsum("hwc,yxc->hywx", features[0], kernel[0]).reshape(256, 256) + bias[0]
    assert np.abs(subject_mask(picture, session) - sigmoid(logits)).max() < 1e-3


def disc(x, y, radius):
    return cv2.circle(np.zeros((256, 256), np.float32), (x, y), radius, 1.0, -1)


def test_the_segmentation_tells_person_from_place_and_the_own_matte_draws_the_edge():
    mask = cv2.GaussianBlur(disc(128, 120, 60), (0, 0), 6)  # a soft edge, about 12 pixels wide
    own = np.where(disc(128, 120, 55) + disc(220, 60, 30) > 0, 12.0, -12.0).astype(np.float32)
    matte = combined(own, mask)
    assert matte[disc(220, 60, 30) > 0].max() < 0.01  # a place taken for a person, with all certainty
    assert matte[disc(128, 120, 40) > 0].min() > 0.99
    line = matte[120, 128:]  # the blurred mask alone crosses a half at 60
    assert 54 <= np.argmax(line < 0.5) <= 57


def test_one_subject_is_joined_to_the_face_and_has_no_holes():
    body, stranger, hole = disc(128, 128, 60), disc(225, 40, 20), disc(128, 170, 8)
    matte = one_subject(np.maximum(body, stranger) * (1 - hole), disc(128, 110, 30) > 0)
    assert matte[stranger > 0].max() == 0.0
    assert matte[body > 0].min() == 1.0
    cove = np.zeros((256, 256), np.float32)
    cove[100:, 60:200], cove[180:, 120:140] = 1.0, 0.0  # open towards the border: between arm and body
    assert np.array_equal(one_subject(cove, disc(128, 130, 20) > 0), cove)


class Segmentation:
    """A model whose companion network answers with a given mask, or is missing."""

    def __init__(self, mask=None):
        self.mask = mask

    def companion(self, name, optional):
        assert name == "selfie_segmentation" and optional
        return None if self.mask is None else self

    def run(self, outputs, inputs):
        assert inputs["photo"].shape == (1, 3, 256, 256) and inputs["photo"].dtype == np.float32
        return [self.mask[None, None]]


def test_a_segmentation_that_misses_the_face_is_not_believed():
    """Of statues and paintings, and where its file is missing: the model's own matte is used."""
    own, crop = np.where(disc(128, 128, 60) > 0, 5.0, -5.0).astype(np.float32), np.zeros((256, 256, 3), np.uint8)
    for model in (Segmentation(), Segmentation(np.zeros((256, 256), np.float32)), Segmentation(disc(30, 30, 20))):
        matte = subject_matte(own, crop, FACE, model)
        assert matte.dtype == np.float32 and np.allclose(matte[disc(128, 128, 60) > 0], sigmoid(5.0), atol=1e-6)
    believed = subject_matte(own, crop, FACE, Segmentation(disc(128, 128, 50)))
    assert believed[128, 128 + 57] < 0.01


def test_symmetric_systems_are_solved_as_by_lapack():
    rng = np.random.default_rng(4)
    root, right = rng.normal(size=(5, 7, 3, 3)), rng.normal(size=(5, 7, 3)).astype(np.float32)
    matrix = (root @ root.swapaxes(2, 3) + 1e-3 * np.eye(3)).astype(np.float32)
    found = solve_symmetric(list(matrix.transpose(2, 3, 0, 1)), list(right.transpose(2, 0, 1)))
    wanted = np.linalg.solve(matrix.astype(np.float64), right[..., None])[..., 0]
    np.testing.assert_allclose(np.stack(found, -1), wanted, rtol=1e-5, atol=1e-5)


def test_a_guided_filter_is_affine_in_its_guide():
    """An affine function of the guide's colours stays what it is; a step beside the guide's moves onto it."""
    guide = np.random.default_rng(1).random((40, 50, 3), np.float32)
    affine = guide @ np.float32([0.5, -0.3, 0.2]) + np.float32(0.1)
    np.testing.assert_allclose(guided_filter(guide, affine, 4, 1e-7), affine, atol=1e-3)
    guide, image = np.zeros((40, 50, 3), np.float32), np.zeros((40, 50), np.float32)
    guide[:, 25:, 1], image[:, 23:] = 0.8, 1.0
    edge = guided_filter(guide, image, 5, 1e-3)[20]
    assert edge[24] < 0.5 < edge[25] and np.argmax(np.diff(edge)) == 24


def test_the_edge_is_the_photos():
    """A subject on a plain backdrop whose matte is two pixels too wide."""
    crop = np.where(disc(128, 128, 60)[..., None] > 0, np.uint8([200, 150, 120]), np.uint8([60, 70, 90]))
    matte = to_edges(disc(128, 128, 62), crop)
    assert matte.dtype == np.float32 and 0.0 <= matte.min() and matte.max() <= 1.0
    wrong = (matte > 0.5) != (disc(128, 128, 60) > 0.5)
    assert wrong.sum() < 0.1 * ((disc(128, 128, 62) > 0.5) != (disc(128, 128, 60) > 0.5)).sum()
