"""Which columns stand before an ear in the photo: batched torch twin of :mod:`inference.inversion.ears` for training."""

from inference.inversion.ears import BEFORE, IN_PHOTO
from training.model.curves import linear_step
from training.model.manifolds import project


def before_ears(ears, pixel, depth, camera):
    """How far columns stand before an ear that the photo shows in their place, (B, 1, h, w) in [0, 1].

    ears (B, n, k, 3) metres of :meth:`training.model.model.PortraitModel.ears`; pixel (B, h, w, 2), depth (B, h, w) metres
    of the columns.
    """
    points, distance = project(ears, camera)
    middle = points.mean(2)
    around = points - middle[:, :, None]
    (xx, xy), (_, yy) = (around[..., :, None] * around[..., None, :]).sum(2).div(ears.shape[2] - 1).permute(2, 3, 0, 1)
    x, y = (pixel[:, None] - middle[:, :, None, None]).unbind(-1)
    xx, xy, yy = (part[..., None, None] for part in (xx, xy, yy))
    deviations = ((yy * x * x - 2.0 * xy * x * y + xx * y * y) / (xx * yy - xy * xy)).sqrt()
    before = linear_step(*BEFORE, distance.mean(2)[..., None, None] - depth[:, None])
    return (linear_step(*IN_PHOTO, deviations) * before).amax(1, keepdim=True)
