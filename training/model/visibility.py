"""What the photo sees of a surface: batched torch twin of :mod:`inference.inversion.visibility` for training.

A surface is its columns' points (B, h, w, 3) metres; planes over its columns are (B, C, h, w). The pixel of a column, in
[0, 1] of the image, and its distance are of :func:`training.model.manifolds.project`. Everything stays on the device, and
nothing waits for it.
"""

import torch
import torch.nn.functional as F

from inference.inversion.columns import GRID, SKIN
from inference.inversion.visibility import (
    ALIKE,
    BEHIND_HEAD,
    DEEPEST,
    EAR_GRAZED,
    ELSEWHERE,
    GLIMPSED,
    GRAZED,
    GRAZING,
    HIDDEN_AT,
    HIDDEN_FROM,
    SAME_SURFACE,
    SURE,
)
from training.model.curves import linear_step, smooth_step


def visible_depth(pixel, distance, valid, camera, size):
    """Depth (B, 1, size, size) metres of the surface that a camera (B, 4, 4) sees, far behind the head where it sees none.

    pixel (B, h, w, 2), distance (B, 1, h, w) metres, valid (B, 1, h, w) bool. The mean of the points of a pixel that lie
    within SAME_SURFACE of its nearest.
    """
    place = (pixel * size).floor().long()
    seen = valid[:, 0] & ((place >= 0) & (place < size)).all(-1)
    index = torch.where(seen, place[..., 1] * size + place[..., 0], size * size).flatten(1)  # the rest goes to one more bin
    far = torch.linalg.norm(camera[:, :3, 3], dim=1, keepdim=True) + BEHIND_HEAD
    distance, bins = distance.flatten(1), far.repeat(1, size * size + 1)
    nearest = bins.scatter_reduce(1, index, distance, "amin")
    front = (distance <= nearest.gather(1, index) + SAME_SURFACE).to(distance)
    empty = torch.zeros_like(bins)
    count, total = empty.scatter_add(1, index, front), empty.scatter_add(1, index, front * distance)
    found = torch.where(count > 0, total / count.clamp(min=1), far)
    return found[:, :-1].view(-1, 1, size, size)


def facing_camera(points, direction, camera):
    """Cosine (B, 1, h, w) between the surface's normal and the direction to a camera (B, 4, 4), smoothed over about a
    centimetre; direction (h, w, 3) of the columns."""
    sigma = 2.0 * points.shape[1] / GRID
    points, direction = blurred(points.permute(0, 3, 1, 2), sigma), direction.permute(2, 0, 1)
    normal = torch.linalg.cross(*torch.gradient(points, dim=(2, 3)), dim=1)
    normal = normal * torch.sign((normal * direction).sum(1, keepdim=True))
    towards = camera[:, :3, 3, None, None] - points
    length = (normal.square().sum(1, keepdim=True) * towards.square().sum(1, keepdim=True)).sqrt()
    return blurred((normal * towards).sum(1, keepdim=True) / length.clamp(min=1e-12), sigma)


def occluded_by(distance, depth):
    """Occlusion depth (B, 1, h, w) centimetres, smoothed: how far the surface lies behind what a camera sees.

    distance (B, 1, h, w) metres of the columns, and depth (B, 1, h, w) of what the camera sees in their pixels.
    """
    gap = ((distance - depth) * 100.0).clamp(-DEEPEST, DEEPEST)
    return blurred(gap, distance.shape[-2] / GRID)


def shows_elsewhere(facing, parts, shown_parts, ear):
    """How much further behind what the photo sees a column counts, (B, 1, h, w) centimetres, because its pixel shows
    something else. facing (B, 1, h, w); parts (B, 3, h, w) of the columns, and shown_parts of their pixels, chances; ear
    (B, 1, h, w) of :func:`.ears.before_ears`."""
    alike = (shown_parts * parts).sum(1, keepdim=True)
    other = (1.0 - alike / ALIKE).clamp(0.0, 1.0) * linear_step(*GRAZED[::-1], facing)
    bare = parts[:, SKIN, None] * shown_parts[:, SKIN, None]
    other = torch.maximum(other, ear * bare * linear_step(*EAR_GRAZED[::-1], facing))
    return ELSEWHERE * blurred(other, facing.shape[-2] / GRID, "reflect")


def grazing_weight(facing):
    """How far colours of the photo serve a surface, (...) in [0, 1], by :func:`facing_camera`."""
    return smooth_step(*GRAZING, facing)


def seen_by_photo(sure, facing, occlusion_depth):
    """How far the photo shows each column, and how far its colour there serves others, (B, 1, h, w) each in [0, 1].

    sure (B, 1, h, w): the matte in the columns' pixels, eroded by :func:`eroded`.
    """
    there = linear_step(SURE, 1.0, sure) * linear_step(HIDDEN_AT, HIDDEN_FROM, occlusion_depth)
    return there * grazing_weight(facing), there * linear_step(*GLIMPSED, facing)


def eroded(matte):
    """The least of the 5 x 5 pixels around every pixel: pixels at the edge of a matte (B, 1, h, w) mix in the backdrop."""
    return -F.max_pool2d(-matte.float(), 5, stride=1, padding=2)


def blurred(image, sigma, border="replicate"):
    """Images (B, C, h, w) blurred by a Gaussian of sigma texels as OpenCV does, which cuts it off at four sigma.

    border: how images go on beyond their borders, as :func:`torch.nn.functional.pad` has it.
    """
    return blurred_along(blurred_along(image, sigma, 2, border), sigma, 3, border)


def blurred_along(image, sigma, axis, border):
    """Like :func:`blurred`, along one axis alone: 2 is down, 3 across."""
    reach = round(8.0 * sigma + 1.0) // 2
    place = torch.arange(-reach, reach + 1, dtype=torch.float32, device=image.device)
    kernel = torch.softmax(-0.5 * (place / sigma).square(), 0)
    planes = image.float().contiguous().view(1, -1, *image.shape[-2:])
    count = planes.shape[1]
    kernel = kernel.view((-1, 1) if axis == 2 else (1, -1)).expand(count, 1, -1, -1).contiguous()
    # As many groups as planes: quick on CPUs, and on GPUs in float32, where one group would be rounded to TF32. In
    # bfloat16 a surface's points would lie a millimetre off.
    with torch.autocast(image.device.type, enabled=False):
        padded = F.pad(planes, (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0), border)
        return F.conv2d(padded, kernel, groups=count).view(image.shape)
