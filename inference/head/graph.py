"""Values on a mesh's vertices, spread along its edges."""

import numpy as np


class Graph:
    """The vertices of quads (m, 4) and their neighbours along edges."""

    def __init__(self, faces: np.ndarray, count: int) -> None:
        edges = np.concatenate([faces[:, [a, (a + 1) % 4]] for a in range(4)]).astype(np.int64)
        edges = np.unique(np.concatenate([edges @ (count, 1), edges @ (1, count)]))
        edges = np.stack(np.divmod(edges, count), -1)
        degree = np.bincount(edges[:, 0], minlength=count)
        slot = np.arange(len(edges)) - np.repeat(np.cumsum(degree) - degree, degree)
        # a vertex with fewer neighbours than others is its own in the slots that are left
        self.neighbours = np.repeat(np.arange(count)[:, None], degree.max(), 1)
        self.neighbours[edges[:, 0], slot] = edges[:, 1]
        self.real = self.neighbours != np.arange(count)[:, None]
        self.count = count

    def smoothed(self, values: np.ndarray, steps: int, held: np.ndarray | None = None) -> np.ndarray:
        """values (n, c) after so many averages with their neighbours; held (n,) in [0, 1]: how far each stays."""
        values = np.asarray(values, np.float64)
        start = values
        share = self.real / self.real.sum(1, keepdims=True)
        for _ in range(steps):
            mean = np.einsum("nk,nkc->nc", share, values[self.neighbours])
            values = 0.5 * (values + mean) if held is None else held[:, None] * start + (1.0 - held[:, None]) * mean
        return values

    def filled(self, values: np.ndarray, weight: np.ndarray, steps: int = 120) -> np.ndarray:
        """values (n, c) where their weight (n,) in [0, 1] is 1, spread smoothly to where it is 0."""
        known = weight > 0.25
        if not known.any():
            return np.zeros_like(values, np.float64)
        found = np.where(known[:, None], values, 0.0).astype(np.float64)
        reached = known.copy()
        while not reached.all():
            ring = self.real & reached[self.neighbours]
            count = ring.sum(1)
            new = ~reached & (count > 0)
            if not new.any():  # parts that nothing is known of
                found[~reached] = values[known].mean(0)
                break
            total = np.einsum("nk,nkc->nc", ring.astype(np.float64), found[self.neighbours])
            found[new] = total[new] / count[new, None]
            reached |= new
        return self.smoothed(found, steps, np.where(known, np.clip(weight, 0.0, 1.0), 0.0))

    def rings(self, seeds: np.ndarray, most: int) -> np.ndarray:
        """How many edges each vertex is from the nearest of the seeds (n,) bool; most + 1 where it is more."""
        distance = np.where(seeds, 0, most + 1)
        for ring in range(1, most + 1):
            distance = np.where((distance > ring) & (distance[self.neighbours] == ring - 1).any(1), ring, distance)
        return distance
