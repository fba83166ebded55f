"""The skin's texture: the photo where it sees the skin, the portrait's own colours beyond, and what is under hair,
inside or behind spread from around it."""

import dataclasses

import cv2
import numpy as np

from ..geometry import detail_maps, domes
from ..geometry.cameras import Camera
from ..geometry.curves import smooth_step
from ..mesh.delight import Light, without
from ..mesh.raster import rasterise
from ..mesh.surface import Surface
from ..portrait import Portrait
from ..threads import in_parallel
from ..view.render import View, render_view, view_pixels
from .apertures import openings
from .base import HeadBase
from .graph import Graph
from .texels import Texels, image

VIEW_SIDE = 1024  # pixels of the view that is projected onto a texture of 2048; proportional for others
GRAZING = 0.12, 0.4  # cosines between normal and view: below nothing of it is taken, above all
OFF = 0.009, 0.004  # metres between the head and what the portrait shows there: hair and cloth, or the skin itself
HIDDEN = 0.003  # metres by which another part of the head may lie in front before a texel is hidden
COARSE = 1024  # texels per side, at most, for which it is found out what shows them
STRIP = 128  # rows that are painted at once
LIPS = 4  # edges from where the lips meet over which their colour passes into that of the mouth
EDGE = 2  # edges from what is bare from which on covered skin has the face's colour
INSIDE = np.array([64.0, 26.0, 24.0])  # sRGB: flesh in the shade inside the mouth


@dataclasses.dataclass(frozen=True, eq=False)
class Photo:
    """What the portrait's camera sees, size squared. pixels (size, size, 4) uint8, straight alpha; depth (size, size)
    float32 metres; openings (size, size, 2) float32 [0, 1], of eyes and mouth."""

    camera: Camera
    pixels: np.ndarray
    depth: np.ndarray
    openings: np.ndarray


def photo_of(portrait: Portrait, size: int) -> Photo:
    """The view of a portrait from its own camera."""
    camera = portrait.camera.resized(size, size)
    view: View = render_view(portrait, camera)
    return Photo(camera, view_pixels(view), view.depth, openings(portrait, size))


def bake(
    portrait: Portrait,
    surface: Surface,
    photo: Photo,
    base: HeadBase,
    depths: np.ndarray,
    parts: list[Texels],
    covered: np.ndarray,
    size: int,
    light: Light | None = None,
) -> np.ndarray:
    """The texture (size, size, 3) uint8 sRGB of a fitted skin with the photo's expression.

    depths: by :func:`depths_of`, its own. parts: its texels, of a texture that may be coarser: between them places in
    the photo are even. covered: (n,) bool of its vertices, what lies under hair or clothes and has the colour of the
    face's skin where nothing is known. light: what is taken off, None for nothing.
    """
    columns, front = _Columns(portrait, surface), front_of(depths)

    def known(texels):
        """Colours and trust of the columns, places in the photo, trust in it, sums at the vertices."""
        place, colour, trust = _from_photo(photo, front, texels.points, texels.normals)
        shown, also = columns.at(photo, texels, texels.of_vertices(base.groups["bust"]))
        trust[texels.of_vertices(base.groups["sockets"]) > 0.0] = 0.0
        also *= (1.0 - trust) * (texels.of_vertices(np.maximum(base.groups["mouth"], base.groups["sockets"])) == 0.0)
        weight = trust + also
        mixed = (colour * trust[:, None] + shown * also[:, None]) / np.maximum(weight, 1e-6)[:, None]
        return shown, also, place, trust, texels.to_vertices(mixed, weight, len(covered))

    with in_parallel(0) as each:
        found = list(each(known, parts))
        filled = _filled(base, sum(sums for *_, sums in found), covered)

        def hidden(part):
            texels, (shown, also, place, trust, _) = part
            share = (also / np.maximum(1.0 - trust, 1e-3))[:, None]
            colour = share * shown + (1.0 - share) * texels.of_vertices(filled)
            planes = [colour, place, trust[:, None]]
            if light is not None:
                planes.append(light.shading(texels.points)[:, None])
            return np.concatenate(planes, 1)

        maps = image(parts, list(each(hidden, zip(parts, found, strict=True))))
        strips = [slice(first, min(first + STRIP, size)) for first in range(0, size, STRIP)]
        return np.concatenate(list(each(lambda rows: _painted(photo, maps, rows, size), strips)))


def _filled(base, sums, covered):
    """Colours (n, 3) at the vertices from sums of :meth:`.texels.Texels.to_vertices`, spread where none are known."""
    spread, sure = sums[:, :3] / np.maximum(sums[:, 3:4], 1e-9), sums[:, 3] / np.maximum(sums[:, 4], 1e-9)
    graph, lips = Graph(base.faces, len(spread)), np.zeros(len(spread), bool)
    lips[base.lip_seam] = True
    deep = (base.groups["mouth"] > 0.5) & (graph.rings(lips, LIPS) > LIPS)
    spread[deep], sure[deep] = INSIDE, 1.0
    face = (base.groups["face"] > 0.9) & (sure > 0.9)
    under = graph.rings(~covered, EDGE) > EDGE  # what lies near the edge goes on from beyond it
    bare = (sure < 0.5) & (base.groups["bust"] < 0.5) & (under | (base.groups["ears"] > 0.5))
    if face.any():
        spread[bare], sure[bare] = np.median(spread[face], 0), 0.5
    return graph.filled(spread, sure)


def _painted(photo, maps, rows, size):
    """Some rows of the texture. maps: (n, n, 6) float32 of colour, place in the photo and trust in it; (n, n, 7) with
    the light that is taken off."""
    line = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(len(maps) / size) - np.float32(0.5)
    x, y = np.meshgrid(line, line[rows])
    hidden, seen_at = (
        cv2.remap(np.ascontiguousarray(plane), x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
        for plane in (maps[..., :3], maps[..., 3:])
    )
    trusted = seen_at[..., 2] > 0.0
    if trusted.any():
        place, trust = seen_at[trusted, :2], seen_at[trusted, 2:3]
        hidden[trusted] += trust * (look_up(photo.pixels, place, cv2.INTER_CUBIC)[:, :3] - hidden[trusted])
    painted = np.rint(np.clip(hidden, 0.0, 255.0)).astype(np.uint8)
    return painted if maps.shape[2] == 6 else without(painted, seen_at[..., 3])


def seen(
    photo: Photo, points: np.ndarray, normals: np.ndarray, front: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What the photo shows at points with normals (k, 3): their places (k, 2) in it and depths (k,), colours (k, 3)
    float32 sRGB, and how well they are seen, (k,) float32 in [0, 1]. front: by :func:`front_of`, of what may hide them.
    """
    place, depth = photo.camera.project(points, np.float32)
    pixels = look_up(photo.pixels, place, cv2.INTER_CUBIC)
    towards = photo.camera.position.astype(np.float32) - points
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    trust = smooth_step(*GRAZING, np.einsum("kc,kc->k", towards, normals))
    trust *= depth < look_up(front, place, cv2.INTER_LINEAR) + HIDDEN
    trust *= smooth_step(0.7, 0.95, pixels[:, 3] / 255.0)
    return place, depth, pixels[:, :3], trust


def depths_of(camera: Camera, vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(h, w) float32 depth of a mesh as a camera sees it, inf beside it."""
    place, depth = camera.project(vertices)
    covered = rasterise(place[triangles], camera.width, camera.height, depth[triangles])
    found = np.full(camera.width * camera.height, np.inf, np.float32)
    found[covered.pixel] = covered.interpolated(depth[:, None], triangles)[:, 0]
    return found.reshape(camera.height, camera.width)


def front_of(depths: np.ndarray) -> np.ndarray:
    """(h, w) float32, of each pixel's neighbours the farthest by depths of :func:`depths_of`, 0 beside all."""
    return cv2.dilate(np.where(np.isinf(depths), np.float32(0.0), depths), np.ones((5, 5), np.uint8))


def _from_photo(photo, front, points, normals):
    """Places (k, 2) of points with normals (k, 3) in the photo, colours (k, 3) there, and how far they are the skin's,
    (k,) [0, 1]."""
    place, depth, colour, trust = seen(photo, points, normals, front)
    known = np.isfinite(photo.depth)
    shown = np.where(known, photo.depth, photo.depth[known].max() if known.any() else 0.0).astype(np.float32)
    trust *= smooth_step(*OFF, depth - look_up(shown, place, cv2.INTER_LINEAR))
    trust *= 1.0 - look_up(photo.openings, place, cv2.INTER_LINEAR).max(1)
    return place, colour, trust.astype(np.float32)


class _Columns:
    """The portrait's texel columns, which are complete wherever it has a surface."""

    def __init__(self, portrait, surface):
        self.texture = _detailed(surface.color, portrait.detail)
        self.maps = np.dstack([surface.radius, surface.opacity])

    def at(self, photo, texels, dressed):
        """Colours (k, 3) and how far they are the skin's, as of :func:`_from_photo`. dressed: (k,) in [0, 1], where the
        skin has the colour of what is worn on it, however far off that is."""
        u, v, radius = domes.dome_coordinates(texels.points)
        place = np.stack([u, v], -1)
        shown = look_up(self.texture, place * np.float32(self.texture.shape[1::-1]), cv2.INTER_LINEAR)
        surface, opacity = look_up(self.maps, place * np.float32(self.maps.shape[1::-1]), cv2.INTER_LINEAR).T
        outward = texels.points - np.float32([0.0, domes.EQUATOR_Y, domes.AXIS_Z])
        outward[:, 1] = np.maximum(outward[:, 1], 0.0)
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        trust = smooth_step(*GRAZING, np.einsum("kc,kc->k", outward, texels.normals))
        trust *= np.maximum(smooth_step(*OFF, np.abs(surface - radius)), dressed) * smooth_step(0.5, 0.9, opacity)
        trust *= (np.abs(u - 0.5) < 0.5) & (np.abs(v - 0.5) < 0.5)
        front, _ = photo.camera.project(texels.points, np.float32)
        trust *= 1.0 - look_up(photo.openings, front, cv2.INTER_LINEAR).max(1)
        return shown, trust.astype(np.float32)


def _detailed(colour, detail):
    """Colours (h, w, 3) uint8 of the columns with the detail map on them, in its resolution."""
    if detail is None:
        return colour
    colour = cv2.resize(colour, detail.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(colour + 255.0 * detail_maps.decode(detail) + 0.5, 0, 255).astype(np.uint8)


def look_up(picture: np.ndarray, place: np.ndarray, interpolation: int) -> np.ndarray:
    """Values (k, ...) float32 of an image at places (k, 2), pixels; clamped at its border."""
    rows = -(-len(place) // 32766)
    maps = np.zeros((rows * -(-len(place) // rows), 2), np.float32)
    maps[: len(place)] = place
    maps -= np.float32(0.5)
    maps = maps.reshape(rows, -1, 2)
    found = cv2.remap(picture, maps, None, interpolation, None, cv2.BORDER_REPLICATE)
    return found.reshape(-1, *picture.shape[2:])[: len(place)].astype(np.float32)
