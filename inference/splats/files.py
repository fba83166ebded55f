"""Splats as a .ply file, in the layout of the program of "3D Gaussian Splatting for Real-Time Radiance Field Rendering"
(Kerbl et al. 2023), which viewers and engines read."""

from pathlib import Path

import numpy as np

from ..errors import PortraitError
from ..files import PathLike, write_atomically
from .discs import Splats

SH_C0 = 0.28209479177387814  # the spherical harmonic of degree 0: colour = 0.5 + SH_C0 * f_dc
LARGEST = 0.999  # opacity whose logit is written at most
PROPERTIES = (
    *("x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity"),
    *("scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"),
)
# From portrait space (x to the right, y up, z towards the viewer). Splats come from photogrammetry with y down, and
# SuperSplat, PlayCanvas and others turn every file by 180 degrees around z: then the head is upright and looks at one.
FRAMES = {
    "y-down": np.diag([-1.0, -1.0, 1.0]),
    "z-up": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),  # Blender's, looking along -Y
}


def check_splats_path(path: PathLike) -> None:
    """Raise PortraitError unless splats can be written under this name."""
    if Path(path).suffix.lower() != ".ply":
        raise PortraitError(f"cannot write splats as {Path(path).name}; name it .ply")


def save_splats(splats: Splats, path: PathLike, frame: str = "y-down") -> None:
    """Write splats as a binary .ply, whole or not at all; metres.

    Properties, all float: position, normal, f_dc (degree 0 only), opacity as a logit, logarithms of the scales, and the
    rotation as a quaternion w x y z. frame: of :data:`FRAMES`. Raises PortraitError.
    """
    check_splats_path(path)
    turned = FRAMES[frame].astype(np.float32)
    axes = turned @ splats.axes
    opacity = np.clip(splats.opacities, 1.0 - LARGEST, LARGEST)
    table = np.concatenate(
        [
            splats.positions @ turned.T,
            axes[:, :, 2],
            (splats.colours - 0.5) / SH_C0,
            np.log(opacity / (1.0 - opacity))[:, None],
            np.log(splats.scales),
            quaternions(axes),
        ],
        axis=1,
    ).astype("<f4")
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(table)}"]
    header += [f"property float {name}" for name in PROPERTIES] + ["end_header", ""]
    write_atomically(path, lambda stream: (stream.write("\n".join(header).encode()), stream.write(table.tobytes())))


def quaternions(rotations: np.ndarray) -> np.ndarray:
    """Unit quaternions (n, 4) w x y z of rotations (n, 3, 3), w >= 0."""
    xx, yy, zz = np.diagonal(rotations, axis1=1, axis2=2).T
    squares = 0.25 * np.stack([1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz], -1)
    wx, wy, wz = (0.25 * (rotations[:, i, j] - rotations[:, j, i]) for i, j in ((2, 1), (0, 2), (1, 0)))
    xy, xz, yz = (0.25 * (rotations[:, i, j] + rotations[:, j, i]) for i, j in ((0, 1), (0, 2), (1, 2)))
    w2, x2, y2, z2 = squares.T  # rows of the quaternion's products with itself; the largest one is safe to divide by
    products = np.stack([w2, wx, wy, wz, wx, x2, xy, xz, wy, xy, y2, yz, wz, xz, yz, z2], -1).reshape(-1, 4, 4)
    rows = products[np.arange(len(products)), squares.argmax(1)]
    rows /= np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.where(rows[:, :1] < 0.0, -rows, rows)
