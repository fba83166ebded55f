"""Losses of the method. Every term is a function of one idea; presets weigh them, zero switches one off."""

import torch
import torch.nn.functional as F

from training.model.colouring import part_tones
from training.model.emphasis import emphasis
from training.model.geometry import SHEETS


def masked_mean(value, mask):
    """Mean of value (B, C, ...) over mask (B, 1, ...), zero where the mask is empty."""
    return (value * mask).sum() / (mask.sum() * value.shape[1] + 1.0)


def geometry(level, occupancy, wanted, gap, real):
    """Level and occupancy of texel columns against the truth, all (B, 1, 160, 160); real (B,) switches heads off.

    gap: distance of neighbouring levels, in units of 4 mm, at the truth. Errors count by :func:`emphasis`. Returns the error
    of the surface (in 4 mm) and the occupancy loss (binary cross entropy).
    """
    use = (1.0 - real).view(-1, 1, 1, 1)
    hit = (wanted < SHEETS + 0.5).float()
    error = F.smooth_l1_loss(level.float() * gap, wanted * gap, reduction="none", beta=0.3).clamp(max=8.0)
    occupied = F.binary_cross_entropy_with_logits(occupancy.float(), hit, reduction="none")
    return masked_mean(error, hit * use * emphasis(wanted)), masked_mean(occupied, use.expand_as(hit))


def column_colour(colour, wanted, level, real):
    """L1 of the columns' colour (B, 3, 160, 160) where the ray meets the subject, with a little of its gradients."""
    hit = (level < SHEETS + 0.5).float() * (1 - real).view(-1, 1, 1, 1)
    error = (colour.float() - wanted).abs()
    return masked_mean(error, hit) + 0.5 * masked_mean((difference(colour.float()) - difference(wanted)).abs(), hit)


def unseen_colour(colour, wanted, seen, parts, level, real):
    """The colours that columns which the photo does not show will have, against the truth, with their gradients.

    The photo gives them their tones part by part, as in :func:`inference.inversion.colouring.match_colours`; what the networks must
    know is the structure. colour, wanted (B, 3, 160, 160); seen (B, 1, 160, 160), how far the photo shows a column; parts
    (B, 3, 160, 160), what it is made of; level and real as of :func:`column_colour`.
    """
    colour = colour.float()
    found = colour + part_tones(wanted - colour, seen, parts, parts)
    hidden = (level < SHEETS + 0.5).float() * (1 - real).view(-1, 1, 1, 1) * (1 - seen)
    error = masked_mean((found - wanted).abs(), hidden)
    return error + masked_mean((difference(found) - difference(wanted)).abs(), hidden)


def part_entropy(logits, wanted, real):
    """Cross entropy of part logits (B, 3, h, w) against shares (B, 3, h, w) of skin, hair and cloth, where there are any."""
    share = wanted * (1 - real).view(-1, 1, 1, 1)
    return -(share * F.log_softmax(logits.float(), 1)).sum() / (share.sum() + 1.0)


def difference(image):
    """Forward differences right and down, (B, 2 C, H, W), zero at the far borders."""
    return torch.cat([F.pad(image.diff(dim=3), (0, 1)), F.pad(image.diff(dim=2), (0, 0, 0, 1))], 1)


def matte_entropy(maps, alpha, known):
    """Binary cross entropy of the matte's logit, the first of maps (B, C, 256, 256), against alpha (B, 1, 256, 256)."""
    return masked_mean(F.binary_cross_entropy_with_logits(maps[:, :1].float(), alpha, reduction="none"), known)


def picture(colour, alpha, wanted, mask):
    """Rendered patch against the truth over a random backdrop.

    colour (B, 3, S, S) premultiplied, alpha (B, 1, S, S), wanted (B, 4, S, S) straight RGBA, mask (B, 1, S, S).
    Returns L1 of colour and its gradients, and L1 of alpha.
    """
    backdrop = torch.rand(colour.shape[0], 3, 1, 1, device=colour.device)
    ours = colour + (1 - alpha) * backdrop
    truth = wanted[:, :3] * wanted[:, 3:] + (1 - wanted[:, 3:]) * backdrop
    error = masked_mean((ours - truth).abs(), mask) + masked_mean((difference(ours) - difference(truth)).abs(), mask)
    return error, masked_mean((alpha - wanted[:, 3:]).abs(), mask)
