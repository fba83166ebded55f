"""What the two renderers share: ranges, labels, the projection, vertex normals, and samples that become pixels."""

import cv2
import numpy as np
import scipy.sparse

from inference.geometry import domes

NEAR, FAR = 0.7, 3.0  # metres, of the perspective passes
DOME_RADIUS = 0.6  # metres; depth range of the dome passes
DOME_SPAN = 0.3  # texture widths; larger triangles wrap round behind the axis
DEPTH_BLUR = 0.006  # metres; samples of one pixel further apart than this are not averaged
DOME_MATRIX = np.array([[2, 0, 0, -1], [0, 2, 0, -1], [0, 0, 2 / DOME_RADIUS, -1], [0, 0, 0, 1.0]])  # u, v, radius to clip space
OCCLUSION_SIZE = 160  # samples along a side of the shadow maps
OCCLUSION_EXTENT = 0.24  # metres, half width of the shadow maps
OCCLUSION_CENTRE = (0.0, -0.02, 0.02)  # metres
SHADOW_OFFSET, SHADOW_BIAS = 0.004, 0.003  # metres along the normal and towards the light: no surface shades itself
LABELS = {"hair": (0, 1, 0), "strands": (0, 1, 0), "suit": (0, 0, 1), "hat": (0, 0, 1), "glasses": (0, 0, 0)}  # others: skin
COLOUR, LABEL, LIGHT = range(3)  # what a picture holds: what it looks like; how much of it is skin, hair and cloth; the light on it
BRIGHTEST = 4.0  # light that a picture of it holds as white, by the colours' gamma; 1 shows albedo as it is
KINDS = {"skin": 0, "hair": 1, "brow": 1, "lash": 1, "plain": 3, "strands": 4}  # others: 2


def smooth_normals(part, verts):
    """Unit vertex normals of a mesh (n, 3), area weighted. part gives the triangles."""
    if not hasattr(part, "incidence"):
        t = part.mesh_triangles
        rows, cols = t.ravel(), np.repeat(np.arange(len(t)), 3)
        part.incidence = scipy.sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, cols)), (len(verts), len(t)))
    a, b, c = (verts[part.mesh_triangles[:, i]] for i in range(3))
    normals = part.incidence @ np.cross(b - a, c - a)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def projection_matrix(camera):
    """(4, 4) world to clip space, image row 0 at the bottom of the GL viewport so that reads come out upright."""
    intrinsics = np.zeros((4, 4))
    intrinsics[0, 0] = 2.0 * camera.fx / camera.width
    intrinsics[1, 1] = -2.0 * camera.fy / camera.height
    intrinsics[0, 2] = 1.0 - 2.0 * camera.cx / camera.width
    intrinsics[1, 2] = 1.0 - 2.0 * camera.cy / camera.height
    intrinsics[2, 2] = -(FAR + NEAR) / (FAR - NEAR)
    intrinsics[2, 3] = -2.0 * FAR * NEAR / (FAR - NEAR)
    intrinsics[3, 2] = -1.0
    return intrinsics @ np.linalg.inv(camera.camera_to_world)


def metres(stored):
    """Distance along the view axis from what a depth buffer of :func:`projection_matrix` holds, 0 at NEAR to 1 at FAR."""
    return 2.0 * FAR * NEAR / (FAR + NEAR - (2.0 * stored - 1.0) * (FAR - NEAR))


def dome_mesh(positions, triangles):
    """Dome coordinates (k, 3) float32 of points (k, 3), metres, and triangles (t, 3) int32: u, v in texture widths and
    the radius in metres; triangles that wrap round behind the axis or lie outside the texture become degenerate."""
    u, v, radius = domes.dome_coordinates(positions)
    corners_u, corners_v = u[triangles], v[triangles]
    low, high = corners_u.min(1), corners_u.max(1)
    keep = (high - low < DOME_SPAN) & (np.ptp(corners_v, axis=1) < DOME_SPAN) & (high > 0.0) & (low < 1.0)
    return np.stack([u, v, radius], -1).astype(np.float32), np.where(keep[:, None], triangles, 0).astype(np.int32)


def shadow_axes(direction):
    """Rows (3, 3) of a light's frame: right, up and away from the light at direction (3,), unit."""
    right = np.cross((0.0, 1.0, 0.0) if abs(direction[1]) < 0.9 else (1.0, 0.0, 0.0), direction)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(direction, right), -np.asarray(direction)])


def shadow_matrix(axes):
    """(4, 4) world to clip space of the shadow map of a light with these axes (3, 3)."""
    matrix = np.eye(4)
    matrix[:3, :3] = axes / OCCLUSION_EXTENT
    matrix[:3, 3] = -matrix[:3, :3] @ OCCLUSION_CENTRE
    return matrix


def shadow_points(points, normals):
    """Where surface points (n, 3) with normals (n, 3) look up shadow maps, metres from the maps' centre."""
    return points + SHADOW_OFFSET * normals - OCCLUSION_CENTRE


def reduce_color(color, factor):
    """Supersampled (H, W, 4) uint8 with alpha 0 or 255 to straight alpha at 1 / factor of the size."""
    if factor == 1:
        return color
    size = (color.shape[1] // factor, color.shape[0] // factor)
    mean = cv2.resize(color.astype(np.float32), size, interpolation=cv2.INTER_AREA)  # cleared samples are all 0
    alpha = mean[..., 3:]
    return np.concatenate([mean[..., :3] * (255.0 / np.maximum(alpha, 1e-3)), alpha], -1).clip(0, 255).round().astype(
        np.uint8
    )


def reduce_depth(depth, factor, nearest):
    """Mean of the samples of each pixel that lie within a few millimetres of the nearest; 0 where there is none.

    depth: (H, W) float32 metres, 0 = none. nearest: np.minimum (cameras) or np.maximum (outermost radius).
    """
    blocks = depth.reshape(depth.shape[0] // factor, factor, depth.shape[1] // factor, factor)
    blocks = blocks.transpose(0, 2, 1, 3).reshape(blocks.shape[0], blocks.shape[2], -1)
    empty = np.inf if nearest is np.minimum else -np.inf
    first = nearest.reduce(np.where(blocks > 0, blocks, empty), -1)
    near = (blocks > 0) & (np.abs(blocks - first[..., None]) < DEPTH_BLUR)
    return (blocks * near).sum(-1) / np.maximum(near.sum(-1), 1)
