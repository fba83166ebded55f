"""Flat Gaussians, and lattices of them that cover a surface.

A lattice of discs with a standard deviation of sigma of their distance and an opacity o each covers

    a(o) = 1 - mean over x of prod_i (1 - o exp(-|x - x_i|^2 / (2 sigma^2)))

of what is behind, from wherever it is seen, as discs and lattice are foreshortened alike. So o follows from a.
"""

import dataclasses
import functools

import numpy as np

OPAQUE = 0.99  # opacity to which rasterisers cut a splat, as that of Kerbl et al. (2023) does
THICKNESS = 0.05  # of a disc's smaller standard deviation


@dataclasses.dataclass(frozen=True, eq=False)
class Splats:
    """Gaussians in portrait space, metres.

    positions: (n, 3) float32. axes: (n, 3, 3) float32, rotations whose columns are the directions of the scales, the
    last one the outward normal. scales: (n, 3) float32 metres, standard deviations. opacities: (n,) float32 in [0, 1].
    colours: (n, 3) float32 sRGB in [0, 1].
    """

    positions: np.ndarray
    axes: np.ndarray
    scales: np.ndarray
    opacities: np.ndarray
    colours: np.ndarray


def joined(parts: list[Splats]) -> Splats:
    """Splats of several together."""
    names = [field.name for field in dataclasses.fields(Splats)]
    return Splats(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def discs(
    points: np.ndarray, across: np.ndarray, down: np.ndarray, coverage: np.ndarray, colours: np.ndarray, sigma: float
) -> Splats:
    """Discs of a lattice, sheared as it is.

    points: (n, 3) metres. across, down: (n, 3) metres to the next point of the lattice. coverage: (n,) in [0, 1], what
    the lattice shall hide of what is behind. colours: (n, 3) sRGB in [0, 1]. sigma: standard deviation in distances.
    """
    u, v, mixed = (np.einsum("ij,ij->i", *pair) for pair in ((across, across), (down, down), (across, down)))
    turn = 0.5 * np.arctan2(2.0 * mixed, u - v)[:, None]  # singular vectors of the matrix [across down]
    axes, scales = np.empty((len(points), 3, 3), np.float32), np.empty((len(points), 3), np.float32)
    for index, angle in enumerate((turn, turn + 0.5 * np.pi)):
        axis = np.cos(angle) * across + np.sin(angle) * down
        length = np.maximum(np.linalg.norm(axis, axis=-1), 1e-7)
        scales[:, index], axes[:, :, index] = sigma * length, axis / length[:, None]
    axes[:, :, 2] = np.cross(axes[:, :, 0], axes[:, :, 1])
    inward = np.einsum("ij,ij->i", axes[:, :, 2], np.cross(down, across)) < 0.0
    axes[inward, :, 1:] *= -1.0
    scales[:, 2] = THICKNESS * scales[:, :2].min(1)
    peaks, covered = _coverage(sigma)
    return Splats(
        np.float32(points), axes, scales, np.float32(np.interp(coverage, covered, peaks)), np.float32(colours)
    )


@functools.lru_cache(maxsize=4)
def _coverage(sigma):
    """Opacities of discs, and what their lattice covers with them, as at the top of this file."""
    place = (np.arange(16) + 0.5) / 16 - 0.5
    away = np.arange(-4, 5) - place[:, None]
    falloff = np.exp(-0.5 * (away / sigma) ** 2)
    falloff = np.einsum("ai,bj->abij", falloff, falloff)
    peaks = np.linspace(0.0, OPAQUE, 100)
    return peaks, np.array([1.0 - np.exp(np.log1p(-peak * falloff).sum((-2, -1))).mean() for peak in peaks])
