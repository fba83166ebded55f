"""A reference rasteriser of 3-D Gaussian splats, read from the file as every viewer reads it, apart from the engine.

EWA projection, depth order and front-to-back alpha compositing as in "3D Gaussian Splatting for Real-Time Radiance
Field Rendering" (Kerbl et al. 2023, sections 4 and 6, and its published rasteriser for the constants).
"""

import dataclasses

import numpy as np

from inference.geometry.cameras import orbit_angles
from inference.geometry.viewpoints import orbit_like
from inference.view.render import render_view

SH_C0 = 0.28209479177387814  # the spherical harmonic of degree 0
LOW_PASS = 0.3  # pixels squared that are added to a splat's variance in the picture
MOST, LEAST = 0.99, 1 / 255  # opacity to which a splat is cut, and below which it is left out
REACH = 3.0  # standard deviations up to which a splat is drawn
BAND = 32  # rows that are composited at once
Y_DOWN = np.diag([-1.0, -1.0, 1.0])  # how files are turned that viewers read
GREY = 0.5  # behind the subject, where pictures are compared


@dataclasses.dataclass(frozen=True)
class Read:
    """What the vertices of a file say; (n, 3) positions, (n, 3, 3) covariances, (n,) opacities, (n, 3) colours."""

    positions: np.ndarray
    covariances: np.ndarray
    opacities: np.ndarray
    colours: np.ndarray


def read_splats(path):
    """Splats of a binary .ply file by the names of its properties."""
    data = path.read_bytes()
    header, _, body = data.partition(b"end_header\n")
    lines = header.decode().splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    count = int(next(line for line in lines if line.startswith("element vertex")).split()[2])
    names = [line.split()[2] for line in lines if line.startswith("property")]
    assert all(line.split()[1] == "float" for line in lines if line.startswith("property"))
    table = np.frombuffer(body, np.dtype([(name, "<f4") for name in names]), count)
    assert len(body) == table.nbytes

    def columns(*wanted):
        return np.stack([table[name].astype(np.float64) for name in wanted], -1)

    w, x, y, z = columns("rot_0", "rot_1", "rot_2", "rot_3").T
    length = np.sqrt(w * w + x * x + y * y + z * z)
    w, x, y, z = w / length, x / length, y / length, z / length
    rotations = np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
            np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
            np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
        ],
        -2,
    )
    half = rotations * np.exp(columns("scale_0", "scale_1", "scale_2"))[:, None, :]
    return Read(
        columns("x", "y", "z"),
        half @ np.swapaxes(half, -1, -2),
        1.0 / (1.0 + np.exp(-table["opacity"].astype(np.float64))),
        np.maximum(0.5 + SH_C0 * columns("f_dc_0", "f_dc_1", "f_dc_2"), 0.0),
    )


def rasterise(splats, camera):
    """Premultiplied colours and alpha (H, W, 4) float64 of splats in the camera's frame of coordinates.

    camera: a perspective :class:`inference.geometry.cameras.Camera`; only its numbers are used.
    """
    rotation = np.diag([1.0, -1.0, -1.0]) @ camera.camera_to_world[:3, :3].T  # x right, y down, z away
    x, y, z = rotation @ (splats.positions - camera.camera_to_world[:3, 3]).T
    order = np.argsort(z)
    order = order[z[order] > 0.01]
    x, y, z = x[order], y[order], z[order]
    zero = np.zeros_like(z)
    jacobian = np.stack(
        [
            np.stack([camera.fx / z, zero, -camera.fx * x / z**2], -1),
            np.stack([zero, camera.fy / z, -camera.fy * y / z**2], -1),
        ],
        -2,
    )
    across = jacobian @ rotation
    covariance = across @ splats.covariances[order] @ np.swapaxes(across, -1, -2) + LOW_PASS * np.eye(2)
    a, b, c = covariance[:, 0, 0], covariance[:, 0, 1], covariance[:, 1, 1]
    conic = np.stack([c, -b, a], -1) / (a * c - b * b)[:, None]
    centre = np.stack([camera.cx + camera.fx * x / z, camera.cy + camera.fy * y / z], -1)
    reach = REACH * np.sqrt(np.stack([a, c], -1))
    size = np.array([camera.width, camera.height])
    first = np.clip(np.ceil(centre - reach - 0.5), 0, size).astype(int)
    last = np.clip(np.floor(centre + reach - 0.5), -1, size - 1).astype(int)
    picture = np.zeros((camera.height, camera.width, 4))
    for top in range(0, camera.height, BAND):
        bottom = min(top + BAND, camera.height)
        rows = np.maximum(first[:, 1], top), np.minimum(last[:, 1], bottom - 1)
        which = np.flatnonzero((rows[0] <= rows[1]) & (first[:, 0] <= last[:, 0]))
        wide = last[which, 0] - first[which, 0] + 1
        many = wide * (rows[1][which] - rows[0][which] + 1)
        owner = np.repeat(which, many)
        place = np.arange(len(owner)) - np.repeat(np.cumsum(many) - many, many)
        width = np.repeat(wide, many)
        column, row = first[owner, 0] + place % width, rows[0][owner] + place // width
        dx, dy = column + 0.5 - centre[owner, 0], row + 0.5 - centre[owner, 1]
        p, q, r = conic[owner].T
        alpha = splats.opacities[order][owner] * np.exp(-0.5 * (p * dx * dx + r * dy * dy) - q * dx * dy)
        alpha = np.minimum(alpha, MOST)
        seen = np.flatnonzero(alpha >= LEAST)
        pixel = (row[seen] - top) * camera.width + column[seen]
        by_pixel = np.argsort(pixel, kind="stable")  # nearest first within each
        alpha, pixel, owner = alpha[seen][by_pixel], pixel[by_pixel], owner[seen][by_pixel]
        behind = np.cumsum(np.log1p(-alpha))
        before = behind - np.log1p(-alpha)
        begins = np.flatnonzero(np.diff(pixel, prepend=-1))
        lengths = np.diff(np.append(begins, len(pixel)))
        weight = alpha * np.exp(before - np.repeat(before[begins], lengths))
        values = np.concatenate([splats.colours[order][owner], np.ones((len(owner), 1))], -1)
        for channel in range(4):
            sums = np.bincount(pixel, weight * values[:, channel], (bottom - top) * camera.width)
            picture[top:bottom, :, channel] = sums.reshape(bottom - top, camera.width)
    return picture


def seen(path, camera):
    """What a viewer shows of a file, (H, W, 4) premultiplied; camera: in portrait space."""
    read = read_splats(path)
    covariances = Y_DOWN @ read.covariances @ Y_DOWN
    return rasterise(dataclasses.replace(read, positions=read.positions @ Y_DOWN, covariances=covariances), camera)


def wanted(portrait, camera):
    """What the engine shows of a portrait, (H, W, 4) premultiplied."""
    view = render_view(portrait, camera)
    return np.dstack([view.color * view.alpha[..., None], view.alpha])


def turned(camera, yaw, size):
    """A portrait's camera, degrees further round its head, for pictures of size x size."""
    if yaw == 0.0:
        return camera.resized(size, size)
    own, pitch = orbit_angles(camera.camera_to_world)
    return orbit_like(camera, own + yaw, pitch, size=(size, size))


def psnr(first, second):
    """Of two pictures (H, W, 4), premultiplied, before GREY."""
    first, second = (picture[..., :3] + GREY * (1.0 - picture[..., 3:]) for picture in (first, second))
    return -10.0 * np.log10(np.mean((first - second) ** 2))
