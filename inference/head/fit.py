"""The base fitted to a portrait: where each of its vertices lies, and the expression that the photo shows.

Stages: what the portrait shows (:mod:`.target`), the likeliest head of the shape space (:mod:`.shape`), a smooth
displacement of its skin to what is seen of it (:mod:`.drape`), which eyes and teeth follow (:mod:`.eyes`), and a mesh
that does not cut through itself (:mod:`.crossings`).
"""

import dataclasses

import numpy as np

from ..portrait import Portrait
from ..progress import Progress, silent
from .base import HeadBase
from .crossings import skin_untangler
from .drape import drape
from .eyes import carry_parts, open_lids
from .shape import ShapeSpace, expression_in, fit_shape
from .target import target_of

EARS = 0.3  # how far ears follow the surface; chosen on unseen synthetic heads


@dataclasses.dataclass(frozen=True, eq=False)
class HeadFit:
    """A base as a portrait shows it.

    vertices: (n, 3) float32, metres, portrait space, in the base's order, with the photo's expression.
    expression: {ARKit's name: weight in [0, 1]} of that expression, for all of the base's shapes. What a shape adds in
    portrait space at a weight of 1 is scale * rotation @ its row; the vertices less all of that are the neutral head.
    scale, rotation (3, 3), shift (3,): metres; take the base's frame to portrait space.
    """

    vertices: np.ndarray
    expression: dict[str, float]
    scale: float
    rotation: np.ndarray
    shift: np.ndarray


def fit_head(
    portrait: Portrait, base: HeadBase, progress: Progress = silent, expression: dict[str, float] | None = None
) -> HeadFit:
    """Fit a base to a portrait. Deterministic. Raises ValueError when the portrait has no surface.

    expression: {ARKit's name: weight in [0, 1]} of the photo where it is known; what is not named has 0. None: what
    people of whom a face like this is known have for one, see :mod:`.expression`.
    """
    progress(0.0, "reading the surface")
    target = target_of(portrait)
    progress(0.1, "fitting the shape space")
    trust = surface_trust(base)
    space = ShapeSpace(base, trust)
    known = None if expression is None else np.array([expression.get(name, 0.0) for name in base.shapes])
    shape = fit_shape(space, target, known)
    vertices = space.placed(shape)
    progress(0.4, "following the surface")
    skin = base.parts["skin"]
    draped = drape(vertices[skin], base, trust[skin], target, shape.rotation[:, 1])
    moved = draped - vertices[skin]
    vertices[skin] = draped
    carry_parts(vertices, moved, base)
    open_lids(vertices, base, shape.scale)
    skin_untangler(base).untangle(vertices[skin])
    weights = shape.expression
    if known is None:  # what explains a face best says little about what of it is expression
        points = np.einsum("lc,lcx->lx", base.landmark_weights, vertices[base.landmark_corners])
        weights = expression_in(space, points, shape)
    progress(1.0, "done")
    expression = dict(zip(base.shapes, (float(weight) for weight in weights)))
    return HeadFit(vertices.astype(np.float32), expression, shape.scale, shape.rotation, shape.shift)


def surface_trust(base: HeadBase) -> np.ndarray:
    """How far each vertex may follow a portrait's surface, (n,) in [0, 1]: what it shows of lids and lips is coarse, of
    ears coarser, of mouth and sockets nothing."""
    groups, trust = base.groups, np.zeros(len(base.vertices))
    hidden = np.max([groups[name] for name in ("mouth", "sockets", "bust")], axis=0)
    coarse = 0.5 * np.maximum(groups["lids"], groups["lips"]) + (1.0 - EARS) * groups["ears"]
    trust[base.parts["skin"]] = (1.0 - hidden) * (1.0 - coarse)
    return trust
