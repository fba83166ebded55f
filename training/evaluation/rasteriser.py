"""Pictures of triangles, slow and plain: every pixel's nearest triangle, and its texture there."""

import numpy as np

from inference.geometry.cameras import Camera
from inference.geometry.sampling import sample_image
from inference.mesh.corners import split_at_seams, triangulated
from inference.mesh.textured import TexturedMesh


def visible(vertices: np.ndarray, triangles: np.ndarray, camera: Camera):
    """The nearest triangle at every pixel's centre: index (H, W) int, -1 for none; the shares of its corners there,
    (H, W, 3); and its depth (H, W) metres, inf for none. vertices (n, 3) metres, triangles (m, 3)."""
    height, width = camera.height, camera.width
    pixel, depth = camera.project(vertices.astype(np.float64))
    corners, depths = pixel[triangles], depth[triangles]
    nearest = np.full(height * width, np.inf)
    index = np.full(height * width, -1)
    shares = np.zeros((height * width, 3))
    low = np.ceil(corners.min(1) - 0.5).astype(int)
    size = np.floor(corners.max(1) - 0.5).astype(int) - low + 1
    a, b, c = corners.transpose(1, 2, 0)
    area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    order = np.flatnonzero((size > 0).all(1) & (area != 0))
    for row in range(size[:, 1].max()):
        for column in range(size[:, 0].max()):
            which = order[(size[order, 0] > column) & (size[order, 1] > row)]
            if not len(which):
                break
            x, y = low[which, 0] + column, low[which, 1] + row
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            which, x, y = which[inside], x[inside], y[inside]
            p, q = x + 0.5, y + 0.5
            (ax, ay), (bx, by), (cx, cy) = a[:, which], b[:, which], c[:, which]
            u = ((bx - p) * (cy - q) - (by - q) * (cx - p)) / area[which]
            v = ((cx - p) * (ay - q) - (cy - q) * (ax - p)) / area[which]
            flat = np.stack([u, v, 1.0 - u - v], -1)
            true = flat if camera.ortho_width is not None else flat / depths[which]
            true = true / true.sum(-1, keepdims=True)
            z = (true * depths[which]).sum(-1)
            hit = np.flatnonzero((flat >= -1e-9).all(-1))
            hit = hit[np.argsort(-z[hit], kind="stable")]  # of several at one pixel, the nearest is written last
            place = y[hit] * width + x[hit]
            hit, place = hit[z[hit] < nearest[place]], place[z[hit] < nearest[place]]
            nearest[place], index[place], shares[place] = z[hit], which[hit], true[hit]
    shape = height, width
    return index.reshape(shape), shares.reshape(*shape, 3), nearest.reshape(shape)


def picture(mesh: TexturedMesh, camera: Camera, finer: int = 1):
    """A mesh's texture as a camera sees it, without light: (H, W, 3) float64 in [0, 1] and alpha (H, W).

    finer: samples per pixel along each side, averaged.
    """
    large = camera.resized(finer * camera.width, finer * camera.height)
    source, uv, faces = split_at_seams(mesh)
    vertices = mesh.vertices[source]
    triangles = triangulated(faces, vertices)
    index, shares, _ = visible(vertices, triangles, large)
    hit = index >= 0
    place = (shares[hit][..., None] * uv[triangles[index[hit]]]).sum(1)
    height, width = mesh.texture.shape[:2]
    seen = np.zeros((*hit.shape, 4))
    seen[hit, :3] = sample_image(mesh.texture, place[:, 0] * width, (1.0 - place[:, 1]) * height)[:, :3] / 255.0
    seen[hit, 3] = 1.0
    seen = seen.reshape(camera.height, finer, camera.width, finer, 4).mean((1, 3))
    return seen[..., :3] / np.maximum(seen[..., 3:], 1e-9), seen[..., 3]


def over_each_other(pieces: list[TexturedMesh], camera: Camera):
    """As :func:`picture` of meshes that hide each other: what the nearest shows at every pixel's centre."""
    pictures = [picture(piece, camera) for piece in pieces]
    depths = [visible(piece.vertices, triangulated(piece.faces, piece.vertices), camera)[2] for piece in pieces]
    nearest = np.argmin(depths, axis=0)[None]
    colour = np.take_along_axis(np.stack([colour for colour, _ in pictures]), nearest[..., None], 0)[0]
    return colour, np.take_along_axis(np.stack([alpha for _, alpha in pictures]), nearest, 0)[0]
