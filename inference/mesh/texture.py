"""The texture of a mesh: the portrait as the photo's camera sees it, and what its columns hold where that sees nothing.

The view of the photo's camera has all that the photo shows: sheets, detail and rim. Each texel looks its point of the
mesh up in it, so that whatever the mesh's shape is, the photo's camera sees the photo on it. Where the surface turns
away from that camera, or something stands before it, the columns' colours take over.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from ..geometry import detail_maps
from ..geometry.cameras import CROP_SIZE
from ..geometry.curves import linear_step, smooth_step
from ..geometry.filling import nearest_index
from ..geometry.rims import LEAST_DEPTH
from ..geometry.sampling import sample_image
from ..photo.warp import detail_side
from ..portrait import PARTS, Portrait
from ..threads import in_parallel
from ..view.render import render_view
from .around import all_round, look_up
from .corners import normals_of
from .delight import shading, without
from .groups import all_parts
from .surface import Surface
from .texels import Texels, strips
from .textured import TexturedMesh

MAX_SIDE = 4096  # texels
COARSE = 1024  # texels per side, at most, for which points of the mesh are looked at; between them places are even
TEXELS = 2.5  # per pixel of the photo; with 1.5 a face of 256 pixels lost 0.7 dB, so it loses 0.2
LEAST_SIDE, DEFAULT_SIDE = 512, 2048  # the least and the most that are taken unasked
GRAZING = 0.05, 0.25  # cosines to the photo's camera between which its view comes to be trusted
SOLID = 0.5, 0.8  # opacities of the view between which it does
BEHIND = 0.008, 0.016  # metres behind what the view shows near it between which a point comes to be hidden
BEFORE = 0.010, 0.020  # metres before what the view shows between which it shows something else
SKIN = PARTS.index("skin")
BORDER = 2.0, 9.0  # pixels of the crop from its border between which the view comes to be trusted


def texture_side(portrait: Portrait) -> int:
    """Texels per side that show all that the photo does, a power of two: :data:`LEAST_SIDE` to :data:`DEFAULT_SIDE`."""
    camera = portrait.camera.scaled(*[detail_side(portrait.crop_to_photo) or CROP_SIZE] * 2)
    away = 1.0 if camera.ortho_width is not None else max(float(np.linalg.norm(camera.position)), LEAST_DEPTH)
    wanted = TEXELS * detail_maps.SPAN * camera.pixels_per_unit()[0] / away
    return 2 ** math.ceil(math.log2(np.clip(wanted, LEAST_SIDE, DEFAULT_SIDE)))


def bake(
    portrait: Portrait,
    surface: Surface,
    pieces: Sequence[TexturedMesh],
    side: int,
    delit: bool = False,
    threads: int = 0,
) -> np.ndarray:
    """A texture (side, side, 3) uint8 sRGB for pieces that share it; of their own textures nothing is used.

    surface: the portrait's. delit: without the photo's light, as far as :mod:`.delight` knows it. Texels that no piece
    covers have the colours of the nearest ones, so that none bleed in where a viewer averages.
    """
    corners = [_corners(piece, portrait.camera) for piece in pieces]
    uv, points, facing, normals = (np.concatenate(parts) for parts in zip(*corners))
    order = np.argsort(facing.mean((1, 2)), kind="stable")  # where triangles overlap, the one seen best is drawn last
    uv, points, facing, normals = uv[order], points[order], facing[order], normals[order]
    texels = Texels(uv, min(side, COARSE))
    look = _Look(portrait, surface, threads)
    places = np.zeros((texels.side, texels.side, 3), np.float32)  # in the view, and how far it is trusted
    hidden = np.zeros((texels.side, texels.side, 3), np.uint8)

    def find(rows):
        covered, point, cosine = texels.values(rows, points, facing)
        places[rows][covered] = look.places(point, cosine[:, 0])
        hidden[rows][covered] = look_up(look.columns, point)

    def painted(rows, side):
        own, place = _enlarged(hidden, rows, side), _enlarged(places, rows, side)
        shown = cv2.remap(look.view, place[..., 0], place[..., 1], cv2.INTER_CUBIC, None, cv2.BORDER_REPLICATE)
        share = place[..., 2:]
        return np.rint(share * shown + (1.0 - share) * own).astype(np.uint8)

    def lit(rows):
        """What :func:`shading` takes, of the covered texels."""
        covered, point, normal, cosine = texels.values(rows, points, normals, facing)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
        return painted(rows, texels.side)[covered], normal, places[rows][covered][:, 2] * look.skin(point), cosine[:, 0]

    with in_parallel(threads) as each:
        list(each(find, strips(texels.side)))
        nearest = nearest_index(texels.covered)
        places, hidden = (plane.reshape(-1, 3)[nearest] for plane in (places, hidden))
        if not delit:
            return np.concatenate(list(each(lambda rows: painted(rows, side), strips(side))))
        shade = np.ones((texels.side, texels.side), np.float32)
        shade[texels.covered] = shading(*map(np.concatenate, zip(*each(lit, strips(texels.side)))))
        shade = shade.ravel()[nearest][..., None]

        def delighted(rows):
            return without(painted(rows, side), _enlarged(shade, rows, side).reshape(-1, side))

        return np.concatenate(list(each(delighted, strips(side))))


def _enlarged(image, rows, side):
    """Some rows of an image (n, n, c) in side x side texels, bilinear."""
    count = len(image)
    if count == side:
        return image[rows]
    line = ((np.arange(side, dtype=np.float32) + 0.5) * np.float32(count / side)) - np.float32(0.5)
    x, y = np.meshgrid(line, line[rows])
    return cv2.remap(image, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)


def _corners(piece, camera):
    """Of the triangles' corners, float32: uv (m, 3, 2), points (m, 3, 3), cosines to the camera (m, 3, 1) and normals
    (m, 3, 3)."""
    cut = [[0, 1, 2]] if piece.faces.shape[1] == 3 else [[0, 1, 2], [0, 2, 3]]
    vertices = np.concatenate([piece.faces[:, corners] for corners in cut])
    rows = vertices if piece.face_uv is None else np.concatenate([piece.face_uv[:, corners] for corners in cut])
    to_camera = camera.position - piece.vertices
    normals = normals_of(piece)
    facing = (normals * to_camera).sum(-1) / np.maximum(np.linalg.norm(to_camera, axis=-1), 1e-9)
    return piece.uv[rows], piece.vertices[vertices], facing.astype(np.float32)[vertices][..., None], normals[vertices]


class _Look:
    """What is known of a portrait's points."""

    def __init__(self, portrait, surface, threads):
        self.parts = all_parts(portrait, surface)
        side = min(CROP_SIZE, 2 * max(portrait.textures.shape[1:3]))
        if portrait.detail is not None or portrait.rim is not None:  # else the sheets alone tell how fine a view can be
            side = detail_side(portrait.crop_to_photo) or CROP_SIZE
        self.camera = portrait.camera.resized(side, side)
        self.scale = side / CROP_SIZE
        view = render_view(portrait, self.camera, threads=threads)
        self.view = np.rint(255.0 * view.color).astype(np.uint8)
        near = np.ones((2 * round(self.scale) + 1,) * 2, np.uint8)
        depth = np.where(np.isfinite(view.depth), view.depth, np.float32(100.0))
        self.solid = linear_step(*SOLID, view.alpha)
        self.depth = np.dstack([depth, cv2.erode(depth, near)])
        self.columns = all_round(surface.color, surface.opacity, _with_detail(surface.color, portrait.detail))

    def skin(self, points):
        """How far points (n, 3) are skin, (n,) float32 in [0, 1]; all are where the portrait does not know."""
        if self.parts is None:
            return np.ones(len(points), np.float32)
        return look_up(self.parts, points)[:, SKIN] * np.float32(1 / 255)

    def places(self, points, facing):
        """Where the view shows points (n, 3) float32 metres, in pixels whose first has its centre at 0, and how far it
        does, in [0, 1]: (n, 3) float32. facing: (n,), cosines to the photo's camera."""
        pixel, depth = self.camera.project(points, np.float32)
        x, y = pixel[:, 0], pixel[:, 1]
        size = np.float32(self.camera.width)
        border = np.minimum(np.minimum(x, size - x), np.minimum(y, size - y)) / self.scale
        seen = smooth_step(*GRAZING, facing) * linear_step(*BORDER, border)
        there, nearest = sample_image(self.depth, x, y).T
        seen *= linear_step(*BEHIND[::-1], depth - nearest) * linear_step(*BEFORE[::-1], there - depth)
        seen *= sample_image(self.solid, x, y)
        return np.stack([x - np.float32(0.5), y - np.float32(0.5), seen], -1)


def _with_detail(colour, detail):
    """Colours (h, w, 3) uint8 of the columns with the detail map (h, w, 3) uint8 on them; None without one."""
    if detail is None:
        return None
    colour = cv2.resize(colour, detail.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(colour + 255.0 * detail_maps.decode(detail) + 0.5, 0, 255).astype(np.uint8)
