"""The texture of a mesh: the portrait as the photo's camera sees it, and what its columns hold where that sees nothing.

The view of the photo's camera has all that the photo shows: sheets, detail and rim. Each texel looks its point of the
mesh up in it, so that whatever the mesh's shape is, the photo's camera sees the photo on it. Where the surface turns
away from that camera, or something stands before it, the columns' colours take over. What the camera then sees is
compared with the view: :mod:`.back_projection`.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from ..geometry import detail_maps
from ..geometry.cameras import CROP_SIZE
from ..geometry.filling import nearest_index
from ..geometry.rims import LEAST_DEPTH
from ..photo.warp import detail_side
from ..portrait import Portrait
from ..threads import in_parallel
from .back_projection import Seen
from .corners import facing_camera, normals_of
from .delight import Light, without
from .look import Look
from .texels import Texels, strips
from .textured import TexturedMesh

MAX_SIDE = 4096  # texels
COARSE = 1024  # texels per side, at most, for which points of the mesh are looked at; between them places are even
TEXELS = 2.5  # per pixel of the photo; with 1.5 a face of 256 pixels lost 0.7 dB, so it loses 0.2
LEAST_SIDE, DEFAULT_SIDE = 512, 2048  # the least and the most that are taken unasked


def texture_side(portrait: Portrait) -> int:
    """Texels per side that show all that the photo does, a power of two: :data:`LEAST_SIDE` to :data:`DEFAULT_SIDE`."""
    camera = portrait.camera.scaled(*[detail_side(portrait.crop_to_photo) or CROP_SIZE] * 2)
    away = 1.0 if camera.ortho_width is not None else max(float(np.linalg.norm(camera.position)), LEAST_DEPTH)
    wanted = TEXELS * detail_maps.SPAN * camera.pixels_per_unit()[0] / away
    return 2 ** math.ceil(math.log2(np.clip(wanted, LEAST_SIDE, DEFAULT_SIDE)))


def bake(
    look: Look, pieces: Sequence[TexturedMesh], side: int, light: Light | None = None, threads: int = 0
) -> np.ndarray:
    """A texture (side, side, 3) uint8 sRGB for pieces that share it; of their own textures nothing is used.

    light: what is taken off, None for nothing. Texels that no piece covers have the colours of the nearest ones, so
    that none bleed in where a viewer averages.
    """
    corners = [_corners(piece, look.camera) for piece in pieces]
    uv, points, facing = (np.concatenate(parts) for parts in zip(*corners))
    order = np.argsort(facing.mean((1, 2)), kind="stable")  # where triangles overlap, the one seen best is drawn last
    uv, points, facing = uv[order], points[order], facing[order]
    texels = Texels(uv, min(side, COARSE))
    seen = Seen(look.camera, points, uv, facing, look.skin(points.reshape(-1, 3)).reshape(-1, 3, 1))
    places = np.zeros((texels.side, texels.side, 4), np.float32)  # in the view, how far it shows them, and is seen
    hidden = np.zeros((texels.side, texels.side, 3), np.uint8)

    def find(rows):
        covered, point, cosine = texels.values(rows, points, facing)
        places[rows][covered] = look.places(point, cosine[:, 0], seen)
        hidden[rows][covered] = look.own(point)

    def painted(rows, side):
        found, columns = _enlarged(hidden, rows, side), _columns(places[..., 2], rows, side)
        own, place = found[:, columns], _enlarged(places, rows, side, columns)
        shown, share = _looked_up(look.view, place), place[..., 2:3]
        found[:, columns] = np.rint(share * shown + (1.0 - share) * own)
        return found

    def sharpen(rows):
        """Add to some rows of the texture what the camera lacks there."""
        columns = _columns(places[..., 3], rows, side)
        place = _enlarged(places, rows, side, columns)
        more = texture[rows, columns] + place[..., 3:] * _looked_up(lacks, place)
        texture[rows, columns] = np.rint(np.clip(more, 0.0, 255.0, out=more), out=more)

    def shaded(rows):
        covered, point = texels.values(rows, points)
        shade[rows][covered] = light.shading(point)

    with in_parallel(threads) as each:
        list(each(find, strips(texels.side)))
        nearest = nearest_index(texels.covered)
        places, hidden = (plane.reshape(-1, plane.shape[-1])[nearest] for plane in (places, hidden))
        texture = np.concatenate(list(each(lambda rows: painted(rows, side), strips(side))))
        lacks = seen.lacking(texture, look.view, look.trust(seen))
        list(each(sharpen, strips(side)))
        if light is None:
            return texture
        shade = np.ones((texels.side, texels.side), np.float32)
        list(each(shaded, strips(texels.side)))
        shade = shade.ravel()[nearest][..., None]

        def delighted(rows):
            return without(texture[rows], _enlarged(shade, rows, side).reshape(-1, side))

        return np.concatenate(list(each(delighted, strips(side))))


def _looked_up(picture, place):
    """A picture (h, w, 3) at places (m, n, 2 or more), bicubic."""
    return cv2.remap(picture, place[..., 0], place[..., 1], cv2.INTER_CUBIC, None, cv2.BORDER_REPLICATE)


def _enlarged(image, rows, side, columns=slice(None)):
    """Some rows and columns of an image (n, n, c) in side x side texels, bilinear."""
    count = len(image)
    if count == side:
        return image[rows, columns].copy()
    line = ((np.arange(side, dtype=np.float32) + 0.5) * np.float32(count / side)) - np.float32(0.5)
    x, y = np.meshgrid(line[columns], line[rows])
    return cv2.remap(image, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)


def _columns(weight, rows, side):
    """Those of side x side texels' columns in which some rows have weight (n, n): a slice, never of none."""
    scale = side / len(weight)
    near = weight[max(0, int(rows.start / scale) - 1) : int(rows.stop / scale) + 2]
    found = np.flatnonzero(near.any(0))
    first, last = (found[0], found[-1]) if len(found) else (0, 0)
    return slice(max(0, int((first - 1) * scale)), int((last + 2) * scale) + 1)


def _corners(piece, camera):
    """Of the triangles' corners, float32: uv (m, 3, 2), points (m, 3, 3) and cosines to the camera (m, 3, 1)."""
    cut = [[0, 1, 2]] if piece.faces.shape[1] == 3 else [[0, 1, 2], [0, 2, 3]]
    vertices = np.concatenate([piece.faces[:, corners] for corners in cut])
    rows = vertices if piece.face_uv is None else np.concatenate([piece.face_uv[:, corners] for corners in cut])
    facing = facing_camera(piece.vertices, normals_of(piece), camera)
    return piece.uv[rows], piece.vertices[vertices], facing[vertices][..., None]
