"""Training goes on from an exported model."""

import numpy as np
import pytest
import torch

from training.errors import TrainingError
from training.model.geometry import GEOMETRY
from training.model.model import PortraitModel
from training.run.checkpoint import load_checkpoint
from training.weights.from_onnx import read_geometry, start_from
from training.weights.to_onnx import TOLERANCE, compare, networks


@pytest.fixture(scope="module")
def original(trained):
    return load_checkpoint(trained / "last.pt")[0]


@pytest.fixture(scope="module")
def model(exported, original):
    geometry = read_geometry(exported)
    torch.manual_seed(5)
    model = PortraitModel(*(geometry[name] for name in GEOMETRY), original.config).eval().requires_grad_(False)
    assert start_from(model, exported) == []
    return model


def test_every_weight_comes_back(model, original):
    """Weights are stored as float16 at most, so they come back to half precision, biases and constants included."""
    for (name, ours), (_, theirs) in zip(model.named_parameters(), original.named_parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6, msg=name)


def test_torch_and_the_exported_files_agree(model, exported):
    """Every network, with the weights read from its file, gives the outputs that ONNX Runtime gives for the file."""
    for name, module, inputs, outputs, _ in networks(model):
        wanted = module.eval()(*inputs.values())
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        compare(exported / f"{name}.onnx", inputs, dict(zip(outputs, wanted)), TOLERANCE)


def test_a_changed_weight_is_noticed(model, exported):
    changed = list(networks(model))[-1]
    name, module, inputs, outputs, _ = changed
    with torch.no_grad():
        module.second.bias.add_(0.5)
        wanted = module(*inputs.values())
        module.second.bias.sub_(0.5)
    with pytest.raises(ValueError, match="differs between torch and ONNX Runtime"):
        compare(exported / f"{name}.onnx", inputs, dict(zip(outputs, wanted)), TOLERANCE)


def test_geometry_is_the_one_it_was_trained_on(exported, geometry):
    with np.load(geometry) as data:
        found = read_geometry(exported)
        for name in ("radii", "mean_landmarks", "landmark_bias"):
            np.testing.assert_allclose(found[name], data[name], atol=1e-7)
        np.testing.assert_allclose(found["mean_level"], data["mean_level"], rtol=1e-3)
        np.testing.assert_allclose(found["part_colour"], data["part_colour"], atol=1e-3)


def test_a_broken_folder_is_named(exported, tmp_path):
    (tmp_path / "geometry.npz").write_bytes((exported / "geometry.npz").read_bytes())
    with pytest.raises(TrainingError, match="efficient_gram.onnx is missing"):
        read_geometry(tmp_path)
    (tmp_path / "efficient_gram.onnx").write_bytes(b"not a model")
    with pytest.raises(TrainingError, match="cannot be read as ONNX"):
        read_geometry(tmp_path)
