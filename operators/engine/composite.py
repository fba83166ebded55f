"""All portraits of a scene through one camera: at every pixel what is nearer covers what is behind it."""

import dataclasses
import functools

import numpy as np

from .placement import planes_through

FAR = 1e10  # Blender's depth of what is not there


@dataclasses.dataclass(frozen=True)
class Picture:
    """combined (H, W, 4) float32, scene linear and premultiplied; depth (H, W) float32, units of the scene along the
    view axis, FAR where less than half of the pixel is covered; alpha (H, W) float32, how much is covered by portraits,
    whatever is behind them."""

    combined: np.ndarray
    depth: np.ndarray
    alpha: np.ndarray


def render_portraits(found, camera, backdrop=None, threads=0, stop=None):
    """Render portraits through one camera; where they run into each other every pixel decides for itself.

    found: [(Portrait, 4x4 world matrix, "source" or "none")]; a portrait's own background is sorted by depth like a
    portrait, so others may stand before it. camera: in world space. backdrop: (3,) scene-linear colour or None.
    threads: 0 for all. stop: function asked before each portrait. Returns a :class:`Picture`, or None when stopped.
    """
    from ...inference.view.render import render_plane

    shape = camera.height, camera.width
    depth = np.full(shape, FAR, np.float32)
    colours, orders = [], []
    for portrait, matrix, background in found:
        if stop is not None and stop():
            return None
        frames = [portrait_planes(portrait, camera, matrix, threads)]
        if background == "source":
            plane = functools.partial(render_plane, portrait.textures[len(portrait.radii)])
            frames.append(planes_through(camera, matrix, plane))
        for frame in frames:
            if frame is None:
                continue
            alpha = np.minimum(frame[3], np.float32(1))
            if not alpha.any():
                continue
            order = np.full(shape, np.inf, np.float32)
            np.divide(frame[4], alpha, out=order, where=alpha > 0.0)
            np.minimum(depth, order, out=depth, where=alpha >= 0.5)
            colours.append(np.moveaxis(frame[:4], 0, -1))
            orders.append(order)
    combined = _over(colours, orders) if colours else np.zeros((*shape, 4), np.float32)
    alpha = np.minimum(combined[..., 3], np.float32(1))
    combined = _premultiplied_linear(combined, alpha)
    if backdrop is not None:
        combined[..., :3] += (1.0 - alpha)[..., None] * np.asarray(backdrop, np.float32)
        combined[..., 3] = 1.0
    return Picture(combined, depth, alpha)


def portrait_planes(portrait, camera, matrix_world, threads=0, with_plane=False):
    """Planes (5, H, W) of one portrait with a world matrix, as of `render_layers`, depth in units of the scene.

    camera: in world space. with_plane: with its own background behind it. None where its scale makes it invisible.
    """
    from ...inference.view.render import intersections, render_layers

    def draw(local):
        sheets = intersections(portrait.radii, local)
        return render_layers(portrait.textures, sheets, threads, with_plane, portrait.detail, portrait.rim)

    return planes_through(camera, matrix_world, draw)


def _over(colours, orders):
    """Composite premultiplied pictures of sRGB values [(H, W, 4)] by their distances [(H, W)], nearest in front."""
    if len(colours) == 1:
        return colours[0]
    ranks = np.argsort(np.stack(orders), axis=0, kind="stable")[..., None]
    combined = np.zeros_like(colours[0])
    for layer in np.take_along_axis(np.stack(colours), ranks, axis=0):
        combined += (1.0 - combined[..., 3:]) * layer
    return combined


def _premultiplied_linear(combined, alpha):
    """From sRGB values, in which portraits are made of their sheets, to linear light: (H, W, 4), premultiplied."""
    weight = np.divide(1.0, alpha, out=np.zeros_like(alpha), where=alpha > 0.0)
    colour = linear(combined[..., :3] * weight[..., None]) * alpha[..., None]
    return np.concatenate([colour, alpha[..., None]], axis=-1)


def reduce(picture, samples):
    """Average blocks of samples x samples pixels; depth takes each block's nearest."""
    if samples == 1:
        return picture
    height, width = picture.depth.shape[0] // samples, picture.depth.shape[1] // samples
    blocks = height, samples, width, samples
    return Picture(
        picture.combined.reshape(*blocks, 4).mean(axis=(1, 3)),
        picture.depth.reshape(blocks).min(axis=(1, 3)),
        picture.alpha.reshape(blocks).mean(axis=(1, 3)),
    )


def linear(color):
    """sRGB in [0, 1] to linear light, float32."""
    color = np.asarray(color, np.float32)
    return np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4).astype(np.float32)
