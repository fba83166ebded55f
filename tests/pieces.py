"""Textured meshes of several pieces whose every number has a closed form: a barrel of quads, and a lid of triangles."""

import numpy as np

from inference.mesh.textured import TexturedMesh

AROUND, ALONG, RADIUS, HEIGHT = 24, 8, 0.08, 0.2


def barrel(texture=None, **more):
    """An open cylinder of quads, upright around the origin, with a seam at x = 0 behind."""
    ring, row = np.meshgrid(np.arange(AROUND), np.arange(ALONG + 1))
    angle = 2 * np.pi * ring / AROUND + np.pi  # from the back around to it
    directions = np.stack([np.sin(angle), np.zeros(angle.shape), np.cos(angle)], -1).reshape(-1, 3)
    heights = HEIGHT * (row.reshape(-1, 1) / ALONG - 0.5)
    vertices = RADIUS * directions + heights * np.array([0, 1, 0])
    i, j = (index.ravel() for index in np.meshgrid(np.arange(ALONG), np.arange(AROUND), indexing="ij"))
    corners = [(i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j)]
    faces = np.stack([i * AROUND + j % AROUND for i, j in corners], -1)
    face_uv = np.stack([i * (AROUND + 1) + j for i, j in corners], -1)
    u, v = np.meshgrid(np.arange(AROUND + 1) / AROUND, np.arange(ALONG + 1) / ALONG)
    upper = np.repeat(np.arange(ALONG + 1) > ALONG // 2, AROUND).astype(np.float32)
    wide = np.float32(0.02 * directions) * upper[:, None]
    return TexturedMesh(
        vertices=vertices.astype(np.float32),
        faces=faces.astype(np.int32),
        uv=np.stack([u, v], -1).reshape(-1, 2).astype(np.float32),
        texture=pattern(3) if texture is None else texture,
        face_uv=face_uv.astype(np.int32),
        groups={"upper": upper, "all": np.ones(len(vertices), np.float32)},
        shape_keys={"mouthWide": wide, "jawOpen": np.float32([[0, -0.01, 0]]) * (1 - upper[:, None])},
        weights={"jawOpen": 0.25},
        name="barrel",
        **more,
    )


def lid(**more):
    """A horizontal square of two triangles over the barrel."""
    x, z = np.float32([-1, 1, 1, -1]), np.float32([1, 1, -1, -1])
    return TexturedMesh(
        vertices=np.stack([RADIUS * x, np.full(4, HEIGHT, np.float32), RADIUS * z], -1),
        faces=np.int32([[0, 1, 2], [0, 2, 3]]),
        uv=np.stack([0.5 + 0.5 * x, 0.5 - 0.5 * z], -1),
        texture=pattern(4),
        name="lid",
        **more,
    )


def pattern(channels):
    """(48, 64, channels) uint8, a ramp each along the columns, the rows and both; alpha is 0 or 255."""
    rows, columns = np.mgrid[:48, :64]
    planes = [4 * columns, 5 * rows, 2 * (columns + rows), np.where(columns < 32, 0, 255)]
    return np.stack(planes[:channels], -1).astype(np.uint8)


def normal_pattern():
    """(16, 16, 3) uint8: leaning to the right on the left half, upright on the right."""
    leaning = np.array([0.6, 0.0, 0.8])
    normals = np.tile(np.array([0.0, 0.0, 1.0]), (16, 16, 1))
    normals[:, :8] = leaning
    return np.rint(127.5 + 127.5 * normals).astype(np.uint8)
