"""What the photo sees of a surface: batched torch twin of :mod:`inference.inversion.visibility` for training.

A surface is its columns' points (B, h, w, 3) metres. Everything stays on the device, and nothing waits for it.
"""

import torch
import torch.nn.functional as F

from inference.inversion.columns import GRID
from inference.inversion.visibility import GRAZING
from training.model.curves import smooth_step


def facing_camera(points, direction, camera):
    """Cosine (B, h, w) between the surface's normal and the direction to a camera (B, 4, 4), smoothed over about a
    centimetre; direction (h, w, 3) of the columns."""
    sigma = 2.0 * points.shape[1] / GRID
    points = blurred(points.permute(0, 3, 1, 2), sigma).permute(0, 2, 3, 1)
    normal = torch.linalg.cross(*torch.gradient(points, dim=(1, 2)))
    normal = normal * torch.sign((normal * direction).sum(-1, keepdim=True))
    towards = camera[:, None, None, :3, 3] - points
    length = torch.linalg.norm(normal, dim=-1) * torch.linalg.norm(towards, dim=-1)
    cosine = (normal * towards).sum(-1) / length.clamp(min=1e-12)
    return blurred(cosine[:, None], sigma)[:, 0]


def grazing_weight(facing):
    """How far colours of the photo serve a surface, (...) in [0, 1], by :func:`facing_camera`."""
    return smooth_step(*GRAZING, facing)


def blurred(image, sigma, border="replicate"):
    """Images (B, C, h, w) blurred by a Gaussian of sigma texels as OpenCV does, which cuts it off at four sigma.

    border: how images go on beyond their borders, as :func:`torch.nn.functional.pad` has it.
    """
    reach = round(8.0 * sigma + 1.0) // 2
    place = torch.arange(-reach, reach + 1, dtype=torch.float32, device=image.device)
    kernel = torch.softmax(-0.5 * (place / sigma).square(), 0)
    planes = image.float().contiguous().view(1, -1, *image.shape[-2:])
    count = planes.shape[1]
    down, across = (kernel.view(shape).expand(count, 1, -1, -1).contiguous() for shape in ((1, 1, -1, 1), (1, 1, 1, -1)))
    # As many groups as planes: quick on CPUs, and on GPUs in float32, where one group would be rounded to TF32. In
    # bfloat16 a surface's points would lie a millimetre off.
    with torch.autocast(image.device.type, enabled=False):
        planes = F.conv2d(F.pad(planes, (reach,) * 4, border), down, groups=count)
        return F.conv2d(planes, across, groups=count).view(image.shape)
