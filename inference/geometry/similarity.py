"""The similarity transform between two sets of points (Umeyama, IEEE PAMI 13, 1991)."""

import numpy as np


def similarity(
    points: np.ndarray, goals: np.ndarray, weights: np.ndarray | None = None
) -> tuple[float, np.ndarray, np.ndarray]:
    """Scale s, rotation R (3, 3) and shift t (3,) for which s R p + t comes closest to the goals.

    points, goals: (n, 3), any unit. weights: (n,) of the squared distances, or None for all alike.
    """
    weights = np.full(len(points), 1.0 / len(points)) if weights is None else weights / weights.sum()
    centre, aim = weights @ points, weights @ goals
    around, about = points - centre, goals - aim
    u, values, vt = np.linalg.svd((about * weights[:, None]).T @ around)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = float((values * sign).sum() / (weights @ (around**2).sum(1)))
    return scale, rotation, aim - scale * rotation @ centre


def affine(points: np.ndarray, goals: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Matrix A (3, 3) and shift t (3,) for which A p + t comes closest to the goals; arguments as of similarity."""
    weights = weights / weights.sum()
    centre, aim = weights @ points, weights @ goals
    root = np.sqrt(weights)[:, None]
    matrix = np.linalg.lstsq((points - centre) * root, (goals - aim) * root, rcond=None)[0].T
    return matrix, aim - matrix @ centre
