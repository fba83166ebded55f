"""Displacements of a mesh's vertices that are smooth and meet what pulls at single vertices, by conjugate gradients.

The energy is an integral over the mesh: of the pulls' squared errors, of DETAIL**4 times the squared Laplacian of the
displacement, which rounds off what is finer than that length, and of (DETAIL**2 / REACH**2)**2 times its square, which
lets it fade over that length where nothing pulls (a bending and a Tikhonov term; Botsch and Sorkine, "On Linear
Variational Surface Deformation Methods", 2008).
"""

import dataclasses

import numpy as np

from .graph import Graph

DETAIL = 0.006  # metres: finer than this the mesh keeps its own shape
REACH = 0.03  # metres: how far beyond what pulls the mesh still moves
STIFFER = 2.5  # how many times longer the first length is where the mesh shall keep its shape
SHORTEST = 2e-4  # metres: edges count as no shorter
MOST_STEPS, SETTLED = 200, 1e-3  # of conjugate gradients; the part of the first residual at which they end


@dataclasses.dataclass(frozen=True, eq=False)
class Pulls:
    """Sums of vertices, of shares times displacements of corners, that should move along directions by what is wanted.

    corners: (m, c) int and shares: (m, c) float. directions: (m, 3) unit vectors. wanted: (m,) metres. worth: (m,)
    square metres of the mesh that each stands for.
    """

    corners: np.ndarray
    shares: np.ndarray
    directions: np.ndarray
    wanted: np.ndarray
    worth: np.ndarray

    def along(self, moved: np.ndarray) -> np.ndarray:
        """By how much (m,) displacements (n, 3) move the sums along their directions."""
        there = np.einsum("mc,mcx->mx", self.shares, moved[self.corners])
        return np.einsum("mx,mx->m", there, self.directions)

    def back(self, values: np.ndarray, count: int) -> np.ndarray:
        """The transpose of :meth:`along`, times the worth: values (m,) to (count, 3)."""
        spread = (self.shares * (self.worth * values)[:, None]).ravel()
        vectors = np.repeat(self.directions, self.corners.shape[1], 0) * spread[:, None]
        return np.stack([np.bincount(self.corners.ravel(), vectors[:, k], count) for k in range(3)], -1)

    def diagonal(self, count: int) -> np.ndarray:
        """Of the normal equations, mean over the axes, (count,)."""
        return np.bincount(self.corners.ravel(), (self.shares**2 * self.worth[:, None] / 3).ravel(), count)


class Sheet:
    """A mesh's Laplacian and vertex areas. points: (n, 3) float, metres; quads: (m, 4) int; stiff: (n,) in [0, 1]."""

    def __init__(self, points: np.ndarray, quads: np.ndarray, stiff: np.ndarray) -> None:
        graph = Graph(quads, len(points))
        self.neighbours = graph.neighbours
        length = np.linalg.norm(points[:, None] - points[graph.neighbours], axis=-1)
        self.weights = np.where(graph.real, 1.0 / np.maximum(length, SHORTEST) ** 2, 0.0)
        self.total = self.weights.sum(1)
        self.area = vertex_areas(points, quads)
        self.bending = self.area * (DETAIL * (1.0 + (STIFFER - 1.0) * stiff)) ** 4
        self.holding = self.area * (DETAIL / REACH) ** 4

    def laplacian(self, values: np.ndarray) -> np.ndarray:
        """Of values (n, 3) at the vertices."""
        near = np.take(values, self.neighbours, 0)
        return np.einsum("nk,nkx->nx", self.weights, near) - self.total[:, None] * values

    def diagonal(self) -> np.ndarray:
        """Of what the two smoothness terms add to the normal equations, (n,)."""
        others = np.einsum("nk,nk->n", self.weights**2, self.bending[self.neighbours])
        return self.bending * self.total**2 + others + self.holding

    def displaced(self, start: np.ndarray, pulls: list[Pulls], steps: int | None = None) -> np.ndarray:
        """Displacements (n, 3) of least energy under a list of :class:`Pulls`. start: (n, 3), where to begin. steps: as
        many at most, None for MOST_STEPS."""
        count = len(start)

        def normal(values):
            bent = self.laplacian(self.bending[:, None] * self.laplacian(values))  # it is its own transpose
            bent += self.holding[:, None] * values
            return sum((pull.back(pull.along(values), count) for pull in pulls), bent)

        diagonal = sum((pull.diagonal(count) for pull in pulls), self.diagonal())
        scale, found = 1.0 / diagonal[:, None], start.copy()
        residual = sum(pull.back(pull.wanted, count) for pull in pulls) - normal(found)
        direction = ahead = scale * residual
        energy = first = float((residual * ahead).sum())
        for _ in range(steps or MOST_STEPS):
            if energy <= SETTLED**2 * first:
                break
            along = normal(direction)
            step = energy / float((direction * along).sum())
            found += step * direction
            residual -= step * along
            ahead = scale * residual
            before, energy = energy, float((residual * ahead).sum())
            direction = ahead + (energy / before) * direction
        return found


def vertex_areas(points: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """The area of a mesh (n, 3), quads (m, 4), that each vertex stands for, (n,); more than 0."""
    corners = points[quads]
    area = 0.5 * np.linalg.norm(np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]), axis=1)
    return np.maximum(np.bincount(quads.ravel(), np.repeat(area / 4, 4), len(points)), 1e-9)
