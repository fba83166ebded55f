"""Face meshes of peers: pixels with a relative depth, brought to metres and to a depth map."""

import dataclasses
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from training.evaluation.metrics import eye_distance


class PeerError(RuntimeError):
    """A peer cannot run here; the message says what is missing."""


@dataclasses.dataclass(frozen=True)
class FaceMeshes:
    """Meshes of several photos in one topology, under weak perspective.

    points: (n, v, 3) float, pixels x and y, and depth away from the viewer in pixels too; nan where nothing was found.
    triangles: (t, 3) int. corners: (4,) int, the vertices at the right eye's corners, then the left eye's.
    """

    points: np.ndarray
    triangles: np.ndarray
    corners: np.ndarray

    def depth(self, index, shape, true_eye_distance):
        """Depth map (h, w) in metres up to a constant, inf beside the mesh; None when there was no face.

        true_eye_distance: metres; it gives the mesh its scale.
        """
        points = self.points[index].astype(np.float64)
        if not np.isfinite(points).all():
            return None
        metres = true_eye_distance / eye_distance(points[self.corners])
        return rasterised(points * [1.0, 1.0, metres], self.triangles, shape)


def rasterised(points, triangles, shape):
    """Nearest depth of a triangle mesh at every pixel centre, (h, w) float64; inf where there is no triangle.

    points: (v, 3) float, pixels x and y, and depth, which is interpolated linearly in the image.
    """
    height, width = shape
    out = np.full((height, width), np.inf)
    corners = points[triangles]
    low = np.floor(corners[..., :2].min(1) - 0.5).astype(int).clip(0)
    high = np.minimum(np.ceil(corners[..., :2].max(1) - 0.5).astype(int) + 1, [width, height])
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = edge1[:, 0] * edge2[:, 1] - edge1[:, 1] * edge2[:, 0]
    for i in np.flatnonzero((np.abs(area) > 1e-9) & (high > low).all(1)):
        (x0, y0), (x1, y1) = low[i], high[i]
        x, y = np.meshgrid(np.arange(x0, x1) + 0.5 - corners[i, 0, 0], np.arange(y0, y1) + 0.5 - corners[i, 0, 1])
        a = (x * edge2[i, 1] - y * edge2[i, 0]) / area[i]
        b = (y * edge1[i, 0] - x * edge1[i, 1]) / area[i]
        inside = (a >= 0) & (b >= 0) & (a + b <= 1)
        depth = corners[i, 0, 2] + a * edge1[i, 2] + b * edge2[i, 2]
        part = out[y0:y1, x0:x1]
        part[inside] = np.minimum(part[inside], depth[inside])
    return out


def run_peer(script, python, inputs, *arguments):
    """Run a peer's script in its interpreter: arrays in, arrays out, through files. Returns :class:`FaceMeshes`.

    script: path. python: path of the interpreter, None for this one. Raises PeerError with the script's last line.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(given, **inputs)
        command = [str(python or sys.executable), str(script), str(given), str(made), *map(str, arguments)]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except OSError as error:
            raise PeerError(f"{command[0]} does not run ({error.strerror})") from None
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise PeerError(lines[-1])
        with np.load(made, allow_pickle=False) as data:
            return FaceMeshes(data["points"], data["triangles"], data["corners"])
