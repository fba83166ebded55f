"""First the shape that people have: components, expression and place of the base, by Gauss-Newton steps.

The landmarks pull in the photo's plane, the surface along its normals where it is skin. Hair and cloth only bound the
head from outside. Errors count robustly (Geman-McClure weights, as in :mod:`inference.alignment.pose`). The priors are
those of the principal components (each of variance 1) and, for the expression, weights that are few and not negative.
"""

import dataclasses

import numpy as np

from ..geometry.curves import geman_mcclure
from .base import HeadBase
from .expression import moved_by_expression
from .smooth import vertex_areas
from .target import Target

STEPS = 12
LANDMARK_ERROR = 0.002  # metres in the photo's plane, what the network and a face's points are wrong by together
SURFACE_ERROR = 0.002  # metres along the normal, of the portrait's surface
GROSS = 0.006  # metres beyond which an error of either kind is more likely another thing than the head
INDEPENDENT = 150.0  # how many points of the surface err independently; landmarks: half of them
COVER = 0.004  # metres by which skin may stick out of hair and cloth here: what is hair is itself uncertain
COMPONENT = 1.0  # standard deviation of a component
USE, SPARSE = 0.35, 1.5  # an expression's weights: standard deviation, and what each costs linearly
FOUND = 0.15  # standard deviation of weights about those that were found
MOVED_ERROR, TOGETHER = 0.0005, 20.0  # metres by which shapes differ from what moves faces; landmarks that do so alone
SIZE = 0.05  # standard deviation of the scale's logarithm


@dataclasses.dataclass(frozen=True, eq=False)
class Shape:
    """A head of the space: scale * rotation @ (vertices + components modes + expression shapes) + shift."""

    scale: float
    rotation: np.ndarray
    shift: np.ndarray
    components: np.ndarray
    expression: np.ndarray


class ShapeSpace:
    """The base's space with arrays as the steps need them.

    trust: (n,) in [0, 1], how far each vertex may follow the surface. The root of its area multiplies it: by area
    alone, scalp would outweigh eyes and mouth; by number alone, those would outweigh all else.
    """

    def __init__(self, base: HeadBase, trust: np.ndarray) -> None:
        area = np.zeros(len(base.vertices))
        area[base.parts["skin"]] = vertex_areas(base.vertices[base.parts["skin"]], base.faces)
        self.base, self.trust = base, trust * np.sqrt(area)
        self.keys = np.stack(list(base.shapes.values()))
        self.modes = np.concatenate([base.modes, self.keys])
        self.chosen = np.flatnonzero(trust > 0.0)
        self.few = self.modes[:, self.chosen]
        corners, weights = base.landmark_corners, base.landmark_weights
        self.landmarks = np.einsum("lc,lcx->lx", weights, base.vertices[corners])
        self.landmark_modes = np.einsum("lc,klcx->klx", weights, self.modes[:, corners])

    def at_rest(self, shape: Shape) -> np.ndarray:
        """Vertices (n, 3) in the base's frame."""
        weights = np.concatenate([shape.components, shape.expression]).astype(np.float32)
        return self.base.vertices + np.tensordot(weights, self.modes, 1)

    def placed(self, shape: Shape) -> np.ndarray:
        """Vertices (n, 3) in portrait space, metres."""
        return place(shape, self.at_rest(shape))


def place(shape: Shape, points: np.ndarray) -> np.ndarray:
    """Points (n, 3) of the base's frame in portrait space."""
    return shape.scale * points @ shape.rotation.T + shape.shift


def fit_shape(space: ShapeSpace, target: Target, expression: np.ndarray | None = None) -> Shape:
    """The likeliest shape of the space for a target.

    expression: (k,) in [0, 1], weights of the base's shapes where something else has found them: they are kept near.
    """
    components, keys = len(space.base.modes), len(space.keys)
    known = expression is not None
    expected = np.asarray(expression, np.float64) if known else np.zeros(keys)
    prior = (expected, FOUND**-2, 0.0) if known else (expected, USE**-2, SPARSE)
    shape = Shape(1.0, np.eye(3), np.zeros(3), np.zeros(components), expected)
    for step in range(STEPS):
        shape = _step(space, target, shape, prior, rigid=step < 2)
    return shape


def expression_in(space: ShapeSpace, points: np.ndarray, shape: Shape) -> np.ndarray:
    """Weights (k,) in [0, 1] of the base's shapes that together move its landmarks as :mod:`.expression` finds those of
    a fitted face moved, (468, 3) metres, portrait space."""
    moved = moved_by_expression(points) @ shape.rotation / shape.scale
    keys = space.landmark_modes[len(space.base.modes) :].reshape(len(space.keys), -1).astype(np.float64)
    trust = TOGETHER / len(points) / MOVED_ERROR**2
    normal = trust * keys @ keys.T + USE**-2 * np.eye(len(keys))
    start = np.zeros(len(keys))
    return np.clip(_bounded(normal, SPARSE - trust * keys @ moved.ravel(), start), 0.0, 1.0)


def _step(space, target, shape, use, rigid):
    count = len(space.base.modes)
    weights = np.concatenate([shape.components, shape.expression])
    rows, errors, trust = [], [], []
    for block in (_landmark_rows, _surface_rows):
        r, e, t = block(space, target, shape, weights)
        rows.append(r), errors.append(e), trust.append(t)
    rows, errors, trust = np.concatenate(rows), np.concatenate(errors), np.concatenate(trust)
    free = slice(0, 7 if rigid else None)
    expected, certainty, cost = use
    free_weights = np.full(count, COMPONENT**-2), np.full(len(space.keys), certainty)
    prior = np.concatenate([np.full(6, 1e-6), [SIZE**-2], *free_weights])
    pull = np.concatenate([np.zeros(6), [np.log(shape.scale) * SIZE**-2], shape.components * COMPONENT**-2,
                           (shape.expression - expected) * certainty + cost])  # fmt: skip
    normal = (rows * trust[:, None]).T @ rows + np.diag(prior)
    gradient = rows.T @ (trust * errors) + pull
    step = np.zeros(len(gradient))
    if rigid:
        step[free] = -np.linalg.solve(normal[free, free], gradient[free])
    else:
        step = _bounded(normal, gradient, shape.expression)
    turn = _rotation(step[:3])
    return Shape(
        shape.scale * float(np.exp(np.clip(step[6], -0.1, 0.1))),
        turn @ shape.rotation,
        shape.shift + step[3:6],
        shape.components + step[7 : 7 + count],
        np.clip(shape.expression + step[7 + count :], 0.0, 1.0),
    )


def _bounded(normal, gradient, expression):
    """The step to the minimum of a quadratic whose last unknowns, the expression's weights, stay within 0 and 1."""
    last = len(gradient) - len(expression)
    held, step = np.zeros(len(gradient), bool), np.zeros(len(gradient))
    for _ in range(12):
        free = np.flatnonzero(~held)
        right = -gradient[free] - normal[np.ix_(free, np.flatnonzero(held))] @ step[held]
        step[free] = np.linalg.solve(normal[np.ix_(free, free)], right)
        goal = expression + step[last:]
        wrong = ((goal < -1e-9) | (goal > 1.0 + 1e-9)) & ~held[last:]
        if not wrong.any():
            break
        step[last:][wrong] = np.clip(goal, 0.0, 1.0)[wrong] - expression[wrong]
        held[last:] |= wrong
    return step


def _landmark_rows(space, target, shape, weights):
    """Errors of the landmarks in metres at their depth, and how they change."""
    if target.landmarks is None:
        return np.zeros((0, 7 + len(weights))), np.zeros(0), np.zeros(0)
    rest = space.landmarks + np.tensordot(weights, space.landmark_modes, 1)
    points = place(shape, rest)
    error, along = target.landmark_errors(points)
    trust = 0.5 * INDEPENDENT / len(points) / LANDMARK_ERROR**2 * robust(np.linalg.norm(error, axis=1))
    rows = [_derivatives(shape, points, rest, along[:, axis], space.landmark_modes) for axis in (0, 1)]
    return np.concatenate(rows), error.T.ravel(), np.tile(trust, 2)


def _surface_rows(space, target, shape, weights):
    """Errors of vertices along the surface's normals, in metres, and how they change."""
    rest = space.base.vertices[space.chosen] + np.tensordot(weights.astype(np.float32), space.few, 1)
    points = place(shape, rest)
    error, normals, worth = target.surface_errors(points, -COVER)
    share = space.trust[space.chosen]
    trust = INDEPENDENT / share.sum() / SURFACE_ERROR**2 * share * worth * robust(error)
    return _derivatives(shape, points, rest, normals, space.few), error, trust


def robust(error: np.ndarray) -> np.ndarray:
    """Geman-McClure weights of errors in metres."""
    return geman_mcclure(error, GROSS)


def _derivatives(shape, points, rest, along, modes):
    """Of points (n, 3) along directions (n, 3) by turn, shift, log scale and weights of modes: (n, 7 + k)."""
    back = shape.scale * along @ shape.rotation  # the directions in the base's frame, times the scale
    by_modes = np.einsum("nx,knx->nk", back.astype(np.float32), modes, optimize=True)
    around = points - shape.shift
    return np.column_stack([np.cross(around, along), along, (around * along).sum(1), by_modes])


def _rotation(vector):
    """Rodrigues' formula, (3,) radians to (3, 3)."""
    import cv2

    return cv2.Rodrigues(np.asarray(vector, np.float64))[0]
