"""Samples where they show: one in the middle of a pixel, and more in pixels in or beside which the picture changes."""

import dataclasses

import numpy as np

from . import composite

# What may differ between a pixel and its neighbours without being sampled more finely: chosen by eye on hair and rims,
# and by PSNR against all samples everywhere.
ALPHA = 0.03
DEPTH = 12.0  # pixels' widths; twelve on either side are a surface seen at 10 degrees
COLOUR = 0.08  # of sRGB in [0, 1]


def render_sampled(found, camera, samples, backdrop=None, threads=0, stop=None):
    """Render portraits through one camera with samples x samples places a pixel, as :func:`composite.render_portraits`.

    Where alpha, depth and colour are even around a pixel, one sample in its middle stands for all.
    """
    if samples == 1:
        return composite.render_portraits(found, camera, backdrop, threads, stop)
    width, height = camera.width, camera.height
    around = camera.cropped(-1, -1, width + 1, height + 1)  # bands of a picture must not show
    picture = composite.render_portraits(found, around, backdrop, threads, stop)
    if picture is None:
        return None
    chosen = uneven(picture, camera)[1:-1, 1:-1]
    picture = composite.Picture(*(np.ascontiguousarray(plane[1:-1, 1:-1]) for plane in _planes(picture)))
    if not chosen.any():
        return picture
    where = chosen.repeat(samples, 0).repeat(samples, 1)
    finer = camera.scaled(width * samples, height * samples)
    finer = composite.render_portraits(found, finer, backdrop, threads, stop, where)
    if finer is None:
        return None
    order = np.zeros(where.shape, np.intp)
    order[where] = np.arange(np.count_nonzero(where))
    blocks = order.reshape(height, samples, width, samples).swapaxes(1, 2)[chosen]  # (n, samples, samples)
    picture.combined[chosen] = finer.combined[blocks].mean((1, 2))
    picture.depth[chosen] = finer.depth[blocks].min((1, 2))
    picture.rim_depth[chosen] = finer.rim_depth[blocks].min((1, 2))
    picture.alpha[chosen] = finer.alpha[blocks].mean((1, 2))
    return picture


def uneven(picture, camera):
    """Pixels (H, W) bool of a :class:`composite.Picture` beside which something changes."""
    colour = np.sqrt(np.clip(picture.combined[..., :3], 0.0, 1.0))  # about sRGB
    found = (spread(colour) > COLOUR).any(-1) | (spread(picture.alpha) > ALPHA)
    pixel = 1.0 / min(camera.pixels_per_unit())
    if camera.ortho_width is None:
        pixel = pixel * picture.depth
    seen = picture.depth < composite.FAR  # where it ends, alpha says so
    depth = np.where(seen, picture.depth, 0.0).astype(np.float32)
    whole = spread(seen.astype(np.uint8)) == 0
    return found | (seen & whole & (spread(depth) > DEPTH * pixel))


def spread(image):
    """By how much an image (H, W) or (H, W, C), float32 or uint8, differs in the 3 x 3 pixels around each."""
    import cv2

    square = np.ones((3, 3), np.uint8)
    return cv2.dilate(image, square) - cv2.erode(image, square)


def _planes(picture):
    return (getattr(picture, field.name) for field in dataclasses.fields(picture))
