"""Training goes on from the model that ships."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training.errors import TrainingError
from training.export import TOLERANCE, compare, networks
from training.from_onnx import read_geometry, start_from
from training.model import GEOMETRY, PortraitModel

MODEL = Path(__file__).resolve().parents[2] / "models" / "default"


@pytest.fixture(scope="module")
def model():
    geometry = read_geometry(MODEL)
    model = PortraitModel(*(geometry[name] for name in GEOMETRY)).eval().requires_grad_(False)
    assert start_from(model, MODEL) == []
    return model


def test_torch_and_the_shipped_files_agree(model):
    """Every network that ships, with the weights read from its file, gives the file's own outputs."""
    for name, module, inputs, outputs, _ in networks(model):
        wanted = module.eval()(*inputs.values())
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        compare(MODEL / f"{name}.onnx", inputs, dict(zip(outputs, wanted)), TOLERANCE)


def test_a_changed_weight_is_noticed(model):
    with torch.no_grad():
        model.decoder.second.weight.mul_(1.05)
    name, module, inputs, outputs, _ = list(networks(model))[-1]
    with pytest.raises(ValueError, match="differs between torch and ONNX Runtime"):
        compare(MODEL / f"{name}.onnx", inputs, dict(zip(outputs, module(*inputs.values()))), TOLERANCE)


def test_geometry_is_the_one_the_engine_uses(model):
    with np.load(MODEL / "geometry.npz") as data:
        geometry = read_geometry(MODEL)
        np.testing.assert_array_equal(geometry["radii"], data["radii"])
        seen = geometry["mean_landmarks"] + geometry["landmark_bias"]
        np.testing.assert_allclose(seen, data["mean_landmarks"], atol=1e-7)


def test_a_broken_folder_is_named(tmp_path):
    (tmp_path / "geometry.npz").write_bytes((MODEL / "geometry.npz").read_bytes())
    with pytest.raises(TrainingError, match="efficient_gram.onnx is missing"):
        read_geometry(tmp_path)
    (tmp_path / "efficient_gram.onnx").write_bytes(b"not a model")
    with pytest.raises(TrainingError, match="cannot be read as ONNX"):
        read_geometry(tmp_path)
