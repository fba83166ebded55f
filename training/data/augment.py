"""The look of photographs, whole chunks at a time on the device: batched twins of what :mod:`training.data.examples` draws
for one example with numpy. Pictures are (B, 3, H, W) float32 sRGB in [0, 1].
"""

import math

import torch
import torch.nn.functional as F

from inference.photo.warp import BORDER_BLUR
from training.data.examples import COLLAR

LUMINANCE = torch.tensor([  # quantisation tables of quality 50: annex K of ITU-T T.81, luminance and chrominance
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
], dtype=torch.float32).view(8, 8)  # fmt: skip
CHROMINANCE = torch.tensor([
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
], dtype=torch.float32).view(8, 8)  # fmt: skip
CUT, MOST_CUT, MEAN_ROLL = 0.2, 0.22, 6.0  # share of photos that end inside of the crop; by how much of its side; degrees of their turn
YCBCR = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])  # JFIF


def each(values):
    """One number per example (B,) or colours (B, 3) as (B, C, 1, 1)."""
    return values.view(len(values), -1, 1, 1)


def blur(pictures, sigma, reach):
    """Gaussian blur of pictures (B, C, H, W), each by its sigma (B,) pixels; reach: pixels on either side that count."""
    count, channels = pictures.shape[:2]
    at = torch.arange(-reach, reach + 1, device=pictures.device, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (at / sigma[:, None].clamp(min=0.05)).square())
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    flat = pictures.reshape(1, count * channels, *pictures.shape[2:])
    for shape, pad in (((1, 2 * reach + 1), (reach, reach, 0, 0)), ((2 * reach + 1, 1), (0, 0, reach, reach))):
        flat = F.conv2d(F.pad(flat, pad, mode="reflect"), kernel.reshape(count * channels, 1, *shape), groups=count * channels)
    return flat.view_as(pictures)


def colour_curves(dice, count):
    """Exposure, contrast, gamma and white balance of ``count`` photos: a function of their pictures."""
    gain = dice.normal(1.0, 0.12, count, 1) * (1.0 + dice.normal(0.0, 0.05, count, 3))
    gamma, contrast = torch.exp(dice.normal(0.0, 0.15, count, 1)), dice.normal(1.0, 0.1, count, 1)
    lift = dice.normal(0.0, 0.02, count, 3)

    def apply(pictures):
        bent = (pictures * each(gain)).clamp(0.0, 1.5) ** each(gamma)
        return ((bent - 0.5) * each(contrast) + 0.5 + each(lift)).clamp(0.0, 1.0)

    return apply


def dyes(dice, count):
    """Another colour for the clothes of half of ``count`` photos: a function of pictures and of how much of each pixel is
    cloth, (B, 1, H, W) in [0, 1]."""
    colour, gain = dice.uniform(0.1, 1.0, count, 3), dice.uniform(0.6, 2.0, count)
    offset, strength = dice.uniform(0.0, 80.0 / 255.0, count), dice.uniform(0.5, 1.0, count) * dice.chance(0.5, count)
    colour = colour / colour.amax(1, keepdim=True)

    def apply(pictures, cloth):
        grey = pictures.mean(1, keepdim=True)
        dyed = (grey * each(gain) + each(offset)).clamp(0.0, 1.0) * each(colour)
        return pictures + each(strength) * cloth * (dyed - pictures)

    return apply


def below_chin(mattes, chin):
    """How much of photos may be cloth, (B, 1, H, W) in [0, 1], by their mattes (B, 1, H, W) and the rows of their chins (B,)."""
    rows = torch.arange(mattes.shape[2], device=mattes.device, dtype=torch.float32)
    return ((rows - chin[:, None]) / COLLAR).clamp(0.0, 1.0)[:, None, :, None] * mattes


def degraded(dice, pictures):
    """Camera faults that only the input shows, each in half of the pictures: blur, noise, JPEG."""
    count = len(pictures)
    sigma = dice.uniform(0.3, 1.2, count) * dice.chance(0.5, count)
    pictures = blur(pictures, sigma, reach=4)
    noise = dice.uniform(0.003, 0.03, count) * dice.chance(0.5, count)
    pictures = (pictures + each(noise) * dice.normal(0.0, 1.0, *pictures.shape)).clamp(0.0, 1.0)
    coded = jpeg(pictures, dice.uniform(45.0, 96.0, count))
    return torch.where(each(dice.chance(0.5, count)), coded, pictures)


def jpeg(pictures, quality):
    """Pictures after JPEG with 4:2:0 chroma: what its quantisation leaves of every block. H and W multiples of 16;
    quality (B,) in [1, 100] as libjpeg counts it."""
    table = torch.stack([LUMINANCE, CHROMINANCE, CHROMINANCE]).to(pictures.device)
    scale = torch.where(quality < 50.0, 5000.0 / quality, 200.0 - 2.0 * quality) / 100.0
    table = (scale[:, None, None, None] * table).round().clamp(1.0, 255.0)
    matrix = YCBCR.to(pictures.device)
    planes = torch.einsum("pc,bchw->bphw", matrix, pictures) * 255.0
    planes[:, 0] -= 128.0
    light = _quantised(planes[:, :1], table[:, :1])
    chroma = _quantised(F.avg_pool2d(planes[:, 1:], 2), table[:, 1:])
    chroma = F.interpolate(chroma, scale_factor=2, mode="bilinear", align_corners=False)
    back = torch.einsum("cp,bphw->bchw", torch.linalg.inv(matrix), torch.cat([light + 128.0, chroma], 1))
    return (back / 255.0).clamp(0.0, 1.0)


def _quantised(planes, table):
    """Planes (B, C, H, W) whose 8 x 8 blocks' cosine coefficients are multiples of table (B, C, 8, 8)."""
    wave = torch.arange(8, device=planes.device, dtype=torch.float32)
    cosine = torch.cos((2.0 * wave + 1.0) * wave[:, None] * (math.pi / 16.0)) * 0.5
    cosine[0] *= math.sqrt(0.5)
    batch, channels, height, width = planes.shape
    blocks = planes.view(batch, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    table = table[:, :, None, None]
    blocks = cosine.T @ (((cosine @ blocks @ cosine.T) / table).round() * table) @ cosine
    return blocks.transpose(3, 4).reshape(planes.shape)


def cut(dice, pictures):
    """Pictures as of photos that end inside of the crop, a share of CUT, and where each is photo, (B, 1, H, W) bool.

    Any border may be inside, by up to MOST_CUT of the side, and all of them turned alike. Beyond, a picture goes on with the
    colours of its edge, blurred, as :func:`inference.photo.warp.warp_to_crop` continues a photo.
    """
    count, _, height, width = pictures.shape
    inside = dice.chance(CUT, count, 1) * dice.chance(0.5, count, 4)
    border = 1.0 - 2.0 * torch.where(inside > 0.5, dice.uniform(0.0, MOST_CUT, count, 4), -1.0)
    angle = dice.normal(0.0, math.radians(MEAN_ROLL), count)
    turn = torch.stack([torch.stack([angle.cos(), -angle.sin()], 1), torch.stack([angle.sin(), angle.cos()], 1)], 1)
    y, x = (((torch.arange(size, device=pictures.device) + 0.5) * 2.0 / size - 1.0) for size in (height, width))
    places = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).expand(count, -1, -1, -1)
    along = torch.einsum("bij,bhwj->bhwi", turn, places)
    low, high = -border[:, None, None, :2], border[:, None, None, 2:]
    near = torch.minimum(torch.maximum(along, low), high)
    known = (near == along).all(-1)[:, None]
    stretched = F.grid_sample(pictures, torch.einsum("bji,bhwj->bhwi", turn, near), padding_mode="border", align_corners=False)
    return torch.where(known, pictures, blur(stretched, torch.full((count,), BORDER_BLUR * width, device=pictures.device), 16)), known


def landmark_noise(dice, count, landmarks=468):
    """Detector-like errors (B, L, 2) px: independent, plus a shift that all landmarks share."""
    return dice.normal(0.0, 1.0, count, landmarks, 2) * dice.uniform(0.2, 1.0, count, 1, 1) + dice.normal(0.0, 0.5, count, 1, 2)


def without_fringe(pictures, alpha):
    """Twin of :func:`inference.inversion.matting.without_fringe`; alpha (B, 1, H, W)."""
    sure = -F.max_pool2d(-(alpha * 2.5 - 1.4).clamp(0.0, 1.0), 3, stride=1, padding=1)
    filled, missing = blurred_fill(pictures * sure, sure, sigmas=(1.5, 4.0, 12.0), gain=8.0)
    return filled + missing * pictures


def without_sitter(pictures, alpha):
    """Photos' own backdrops, continued behind the sitters from blurs of a quarter of their size; alpha (B, 1, H, W)."""
    keep = (-F.max_pool2d(alpha, 9, stride=1, padding=4) > -0.2).float()
    filled, missing = blurred_fill(F.avg_pool2d(pictures * keep, 4), F.avg_pool2d(keep, 4), sigmas=(1.0, 3.0, 9.0), gain=20.0)
    filled = filled / (1.0 - missing).clamp(min=1e-3)
    behind = F.interpolate(filled, size=pictures.shape[-2:], mode="bilinear", align_corners=False)
    return keep * pictures + (1.0 - keep) * behind


def blurred_fill(values, weight, sigmas, gain):
    """Twin of :func:`inference.geometry.filling.blurred_fill`: values (B, C, H, W), weight (B, 1, H, W)."""
    filled, missing = values, 1.0 - weight
    for sigma in sigmas:
        wide = blur(torch.cat([values, weight], 1), torch.full((len(values),), sigma, device=values.device), round(4 * sigma))
        share = missing * (gain * wide[:, -1:]).clamp(0.0, 1.0)
        filled, missing = filled + share * wide[:, :-1] / wide[:, -1:].clamp(min=1e-4), missing - share
    return filled, missing
