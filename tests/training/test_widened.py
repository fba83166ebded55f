"""Larger networks take over what smaller ones have learnt, and compute the same."""

import dataclasses

import pytest
import torch

from training.model.geometry import GEOMETRY
from training.model.model import PortraitModel
from training.run.checkpoint import load_checkpoint
from training.weights.from_onnx import read_geometry, start_from

WIDER = {"encoder_channels": (12, 10, 16, 24), "encoder_width": 80, "detail_channels": (10, 12, 12, 20),
         "texture_channels": (12, 12, 20, 24), "fine_channels": 28}  # fmt: skip


@pytest.fixture(scope="module")
def small(trained):
    return load_checkpoint(trained / "last.pt")[0]


@pytest.fixture(scope="module")
def large(small, exported):
    geometry = read_geometry(exported)
    torch.manual_seed(6)
    model = PortraitModel(*(geometry[name] for name in GEOMETRY), dataclasses.replace(small.config, **WIDER)).eval()
    assert start_from(model, dict(small.named_parameters())) == []
    return model


@pytest.fixture(scope="module")
def example():
    generator = torch.Generator().manual_seed(3)
    photo = torch.rand(2, 3, 256, 256, generator=generator)
    landmarks = torch.rand(2, 468, 2, generator=generator) * 256
    camera = torch.eye(4).repeat(2, 1, 1)
    camera[:, 2, 3] = 1.6
    return photo, landmarks, camera


def flat(output):
    return [value for part in output.values() for value in (part if isinstance(part, tuple) else (part,))]


def test_a_larger_model_computes_the_same(small, large, example):
    with torch.no_grad():
        for ours, theirs in zip(flat(large(*example)), flat(small(*example)), strict=True):
            if ours.shape == theirs.shape:  # but for hidden features
                torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def test_what_is_new_learns(small, large, example):
    """Old outputs' weights of new inputs get gradients from the first step on, so the room is used."""
    sum(value.float().square().mean() for value in flat(large(*example))).backward()
    old = dict(small.named_parameters())
    widened = dict(large.named_parameters())
    for name in (
        "detail.up1.merge.weight", "detail.fine.2.first.weight", "detail_encoder.maps.weight", "encoder.codes.weight",
        "encoder.head.0.weight",
    ):  # fmt: skip
        new = widened[name]
        rows, columns = old[name].shape[:2]
        assert new.shape[1] > columns
        assert new.grad[:rows].abs().sum((0, *range(2, new.dim()))).gt(0).sum() > columns, name


def test_weights_that_are_larger_than_the_model_are_left_out(small, large):
    name = "encoder.head.0.weight"
    assert name in start_from(small, {name: large.encoder.head[0].weight.detach()})
