"""All portraits of a scene through one camera: at every pixel what is nearer covers what is behind it."""

import dataclasses
import functools

import numpy as np

from ...inference.photo.srgb import to_linear
from .placement import planes_through

FAR = 1e10  # Blender's depth of what is not there
LEAST_SEEN = 1 / 255  # opacity that shows in a picture of 8 bits


@dataclasses.dataclass(frozen=True)
class Picture:
    """combined (H, W, 4) float32, scene linear and premultiplied; depth (H, W) float32, units of the scene along the
    view axis, FAR where less than half of the pixel is covered; alpha (H, W) float32, how much is covered by portraits,
    whatever is behind them; rim_depth (H, W) float32, as depth, but wherever anything of a portrait is seen."""

    combined: np.ndarray
    depth: np.ndarray
    alpha: np.ndarray
    rim_depth: np.ndarray


def render_portraits(found, camera, backdrop=None, threads=0, stop=None, where=None):
    """Render portraits through one camera; where they run into each other every pixel decides for itself.

    found: [`scene.Placed`]; a portrait's own background is sorted by depth like a portrait, so others may stand before
    it; where a holdout is in front, nothing is seen, and no depth either. camera: in world space. backdrop: (3,)
    scene-linear colour or None. threads: 0 for all. stop: function asked before each portrait. where: (H, W) bool, the
    pixels that are wanted; the picture's arrays then have those, (n,), row by row. Returns a :class:`Picture`, or None
    when stopped.
    """
    from ...inference.view.render import render_plane

    shape = (camera.height, camera.width) if where is None else (np.count_nonzero(where),)
    depth, rim, hole = (np.full(shape, FAR, np.float32) for _ in range(3))
    colours, covers, orders = [], [], []
    for portrait, matrix, background, holdout in found:
        if stop is not None and stop():
            return None
        frames = [portrait_planes(portrait, camera, matrix, threads, where=where)]
        if background == "source":
            plane = functools.partial(render_plane, portrait.textures[len(portrait.radii)])
            frames.append(planes_through(camera, matrix, plane, where))
        for frame in frames:
            if frame is None:
                continue
            if where is not None:
                frame = frame[:, where]
            alpha = np.minimum(frame[3], np.float32(1))
            if not alpha.any():
                continue
            order = np.full(shape, np.inf, np.float32)
            np.divide(frame[4], alpha, out=order, where=alpha > 0.0)
            nearest = hole if holdout else depth
            np.minimum(nearest, order, out=nearest, where=alpha >= 0.5)
            if not holdout:
                np.minimum(rim, order, out=rim, where=alpha >= LEAST_SEEN)
            colours.append(np.zeros((*shape, 4), np.float32) if holdout else np.moveaxis(frame[:4], 0, -1))
            covers.append(alpha)
            orders.append(order)
    combined, through = _over(colours, covers, orders) if colours else _nothing(shape)
    depth[hole < depth], rim[hole < rim] = FAR, FAR
    alpha = np.minimum(combined[..., 3], np.float32(1))
    combined = _premultiplied_linear(combined, alpha)
    if backdrop is not None:
        combined[..., :3] += through[..., None] * np.asarray(backdrop, np.float32)
        combined[..., 3] = alpha + through if any(placed.holdout for placed in found) else 1.0
    return Picture(combined, depth, alpha, rim)


def portrait_planes(portrait, camera, matrix_world, threads=0, with_plane=False, where=None):
    """Planes (5, H, W) of one portrait with a world matrix, as of `render_layers`, depth in units of the scene.

    camera: in world space. with_plane: with its own background behind it. where: (H, W) bool, the pixels that are
    wanted. None where its scale makes it invisible.
    """
    from ...inference.view.render import intersections, render_layers

    def draw(local, where):
        sheets = intersections(portrait.radii, local)
        look = portrait.detail, portrait.rim
        return render_layers(portrait.textures, sheets, threads, with_plane, *look, where)

    return planes_through(camera, matrix_world, draw, where)


def _over(colours, covers, orders):
    """Composite pictures by their distances [(H, W)], nearest in front.

    colours: [(H, W, 4)] premultiplied sRGB values. covers: [(H, W)] in [0, 1], how much of what is behind each hides.
    Returns the picture (H, W, 4) and (H, W), how much of what is behind all of them shows.
    """
    if len(colours) == 1:
        return colours[0], np.float32(1) - covers[0]
    ranks = np.argsort(np.stack(orders), axis=0, kind="stable")
    combined, through = _nothing(orders[0].shape)
    layers = np.take_along_axis(np.stack(colours), ranks[..., None], axis=0)
    for layer, cover in zip(layers, np.take_along_axis(np.stack(covers), ranks, axis=0), strict=True):
        combined += through[..., None] * layer
        through *= np.float32(1) - cover
    return combined, through


def _nothing(shape):
    """What is seen where there is nothing, as of :func:`_over`."""
    return np.zeros((*shape, 4), np.float32), np.ones(shape, np.float32)


def _premultiplied_linear(combined, alpha):
    """From sRGB values, in which portraits are made of their sheets, to linear light: (H, W, 4), premultiplied."""
    weight = np.divide(1.0, alpha, out=np.zeros_like(alpha), where=alpha > 0.0)
    colour = to_linear(combined[..., :3] * weight[..., None]) * alpha[..., None]
    return np.concatenate([colour, alpha[..., None]], axis=-1)
