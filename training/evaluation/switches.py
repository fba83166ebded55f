"""An exported model with parts of the method switched off, or with exact answers in the networks' place, for ablations.

The parts meet at the inputs and outputs of the networks, so each is switched off there; the engine runs as ever.
"""

import cv2
import numpy as np

from inference.inversion.completion import COMPLETION
from training.model.geometry import levels

LANDMARKS = "landmarks"  # offsets of the landmarks: the mean face's are given instead
VOXEL = "voxel"  # everything lifted from the photo onto the manifolds: coarse manifolds remain
PIXELS = "pixels"  # the photo's colours and features in the decoder: the manifolds' own colours remain
SWITCHES = {  # variant: parts that are off
    "coarse manifolds": (VOXEL, PIXELS, COMPLETION),
    "+ voxel detail": (PIXELS, COMPLETION),
    "+ pixel-aligned detail": (COMPLETION,),
    "+ completion (whole)": (),
    "whole, without voxel detail": (VOXEL,),
    "whole, without landmarks": (LANDMARKS,),
}
SURFACE, COLOURS = ("fused_level", "fused_occupancy"), ("fused_colour", "fused_parts")  # outputs of the detail manifolds
ANSWERS = {"whole": (), "with the true surface": SURFACE, "with true surface and colours": SURFACE + COLOURS}
CERTAIN = 8.0  # logit
DECODER_COARSE, DECODER_PHOTO = slice(0, 3), slice(3, 6)  # channels of the decoder's points


class _Changed:
    """What a model for :func:`inference.inversion.invert.invert_crop` has, but for what a subclass changes."""

    def __init__(self, model):
        self.model = model

    def __getattr__(self, name):
        return getattr(self.model, name)


class Switched(_Changed):
    """A model in which ``parts`` are off."""

    def __init__(self, model, parts):
        super().__init__(model)
        self.parts = frozenset(parts)

    def has(self, name):
        return name not in self.parts and self.model.has(name)

    def session(self, name):
        wrap = {"encoder_w": (LANDMARKS, _without_landmarks), "detail_manifolds": (VOXEL, _coarse_alone),
                "decoder": (PIXELS, _without_pixels)}  # fmt: skip
        session = self.model.session(name)
        part, way = wrap.get(name, (None, None))
        return _Session(self.model, session, way) if part in self.parts else session


class Told(_Changed):
    """A model whose detail manifolds give exact answers: arrays by output."""

    def __init__(self, model, answers):
        super().__init__(model)
        self.answers = answers

    def has(self, name):
        return not (name == COMPLETION and self.answers) and self.model.has(name)

    def session(self, name):
        session = self.model.session(name)
        return _Session(self.model, session, self._answer) if name == "detail_manifolds" else session

    def _answer(self, model, session, outputs, inputs):
        found = session.run(outputs, inputs)
        return [self.answers.get(output.name, value) for output, value in zip(session.get_outputs(), found)]


def exact_answers(shard, row, radii):
    """What the detail manifolds should say of a head of a shard: arrays by output, as the networks give them."""
    rgba = np.array(shard["dome_rgba"][row])
    known = rgba[..., 3] > 127
    level = levels(np.where(known, np.array(shard["dome_radius"][row], np.float32), 0.0), radii)
    parts = np.log(np.array(shard["dome_label"][row]).astype(np.float32) / 255.0 + 1e-3)
    return {
        "fused_level": level[None, None],
        "fused_occupancy": np.where(known, CERTAIN, -CERTAIN).astype(np.float32)[None, None],
        "fused_colour": (rgba[..., :3].astype(np.float32) / 255.0).transpose(2, 0, 1)[None],
        "fused_parts": parts.transpose(2, 0, 1)[None],
    }


class _Session:
    def __init__(self, model, session, way):
        self.model, self.session, self.way = model, session, way

    def run(self, outputs, inputs):
        return self.way(self.model, self.session, outputs, inputs)


def _without_landmarks(model, session, outputs, inputs):
    return session.run(outputs, inputs | {"landmark_offsets": np.zeros_like(inputs["landmark_offsets"])})


def _coarse_alone(model, session, outputs, inputs):
    """What the detail manifolds are added to: coarse level and occupancy enlarged, coarse colours and features."""
    level, occupancy = (enlarged(inputs[name][0])[None] for name in ("level", "occupancy"))
    colour, sheets = inputs["colour"], inputs["sheets"]
    shape = next(o.shape for o in session.get_outputs() if o.name == "features")  # (1, N, C, G, G)
    parts = session.run(["fused_parts"], inputs)[0]  # what a column is made of gives it no detail
    return [level, occupancy, colour, sheets.reshape(1, shape[1], shape[2], *sheets.shape[2:]), parts]


def enlarged(planes):
    """(C, h, w) float32 to twice the size, bilinear with texel centres."""
    size = planes.shape[2] * 2, planes.shape[1] * 2
    return np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in planes])


def _without_pixels(model, session, outputs, inputs):
    """The decoder sees the manifolds' own colour in place of the photo's, and learned pixel features of zero."""
    points = inputs["points"].copy()
    points[:, DECODER_PHOTO] = np.clip(points[:, DECODER_COARSE], 0.0, 1.0)
    maps = next(o.shape for o in model.session("detail_encoder").get_outputs() if o.name == "maps")
    learned = maps[1] - 1  # beside the matte
    points[:, -2 - learned : -2] = 0.0
    return session.run(outputs, inputs | {"points": points})
