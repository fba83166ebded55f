"""The surface shader of :mod:`training.synthetic.shaders` in torch: which samples a surface keeps, and their colours."""

import dataclasses

import torch

from .passes import BRIGHTEST, KINDS, LABEL, LIGHT

CLOTH = 2  # of KINDS, and of what is not in it
SKIN, HAIR, PLAIN, STRANDS = (KINDS[name] for name in ("skin", "hair", "plain", "strands"))
SMOOTHEST_DITHER = 0.97  # above the highest threshold of :func:`dither`


@dataclasses.dataclass
class Samples:
    """What a surface's samples interpolate. All float32 with the samples along the first axis."""

    uv: torch.Tensor  # (f, 2)
    slopes: torch.Tensor  # (f, 2, 2) change of uv per screen sample: [along columns or rows, u or v]
    cover: torch.Tensor  # (f,) of strands
    normal: torch.Tensor  # (f, 3), not normalised
    light: torch.Tensor  # (f, 3) relative irradiance

    def __getitem__(self, index):
        return Samples(self.uv[index], self.slopes[index], self.cover[index], self.normal[index], self.light[index])


@dataclasses.dataclass
class Surface:
    """How one part looks: its kind (of KINDS), its material's numbers by name, and textures, None for plain white."""

    kind: int
    material: dict
    image: object
    paint: object
    noise: object

    def texel(self, at):
        """Values (f, 4) of the part's picture."""
        return at.uv.new_ones(len(at.uv), 4) if self.image is None else self.image.sample(at.uv, at.slopes)

    def grain(self, at, scale, shift=0.0):
        """Values (f, 4) of the noise, (2,) times as dense as the texture coordinates."""
        scale = at.uv.new_tensor(scale)
        return self.noise.sample(at.uv * scale + shift, at.slopes * scale)

    @property
    def solid(self):
        """Whether no sample is ever left out."""
        return self.kind in (SKIN, CLOTH) or (self.kind == PLAIN and self.material["opacity"] > SMOOTHEST_DITHER)


def smooth_step(low, high, value):
    """Torch twin of :func:`inference.geometry.curves.smooth_step`; low may lie above high."""
    t = ((value - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def dither(primitive, column, row):
    """Thresholds (f,) in (0, 1): four levels in a block of 2 x 2 samples, shuffled per primitive so that layers add up.

    primitive: (f,) int64, number of the triangle in its part. column, row: (f,) int64 of the screen sample.
    """
    cell = (column & 1) + 2 * (row & 1)
    shuffle = (primitive * 2654435 + (column >> 1) * 374761 + (row >> 1) * 668265) ^ (primitive >> 3)
    rank = (cell + (shuffle >> 4)) & 3
    jitter = ((shuffle >> 9) & 255).float() / 255.0
    return (rank.float() + 0.15 + 0.7 * jitter) / 4.0


def _fine(surface, at):
    return surface.grain(at, [surface.material["noise_scale"][0] * 3.3, surface.material["noise_scale"][1] * 1.7], 0.31)


def opacity(surface, at):
    """How much of the samples (f,) a surface covers, in [0, 1]."""
    if surface.kind == HAIR:
        return (surface.texel(at)[:, 3] * surface.material["opacity"]).clamp(0, 1)
    if surface.kind == STRANDS:
        fine, grain = _fine(surface, at)[:, 2], surface.grain(at, surface.material["noise_scale"])[:, 2]
        return smooth_step(0.0, 0.3, at.cover * surface.material["opacity"] - 0.6 * fine - 0.4 * grain)
    return torch.full_like(at.cover, surface.material["opacity"] if surface.kind == PLAIN else 1.0)


def albedo(surface, at):
    """Linear colours (f, 3) of samples, and how much of them (f,) is painted hair."""
    kind, gain = surface.kind, at.uv.new_tensor(surface.material["gain"])
    hairy = torch.zeros_like(at.cover)
    if kind == SKIN:
        return _skin(surface, at, gain)
    if kind == HAIR:
        weights = at.uv.new_tensor([0.3, 0.59, 0.11])
        luminance = surface.texel(at)[:, :3] ** 2.2 @ weights / surface.material["mean_luminance"]
        return gain * (luminance.clamp(0.05, 2.6) ** surface.material["power"])[:, None], hairy
    if kind == CLOTH:
        return surface.texel(at)[:, :3] ** (2.2 * surface.material["power"]) * gain, hairy
    grain = surface.grain(at, surface.material["noise_scale"])
    if kind == STRANDS:
        return gain * ((0.45 + 0.75 * grain[:, 2] + 0.35 * _fine(surface, at)[:, 2]) ** surface.material["power"])[:, None], hairy
    return gain * (0.9 + 0.2 * grain[:, :1]), hairy


def _skin(surface, at, gain):
    """:func:`albedo` of skin: blotches, make-up, painted beard and shaved scalp."""
    vector = at.uv.new_tensor
    colour = surface.texel(at)[:, :3] ** (2.2 * surface.material["power"]) * gain
    grain = surface.grain(at, surface.material["noise_scale"])
    mask = at.uv.new_ones(len(at.uv), 4) if surface.paint is None else surface.paint.sample(at.uv, at.slopes)
    blotch = surface.grain(at, [7.0, 7.0])[:, 1:2]
    colour = colour * (1 + surface.material["blotches"] * (vector([0.5, 1.0, 1.0]) * (blotch - 0.5) + 0.6 * (grain[:, 1:2] - 0.5)))
    colour = colour * torch.lerp(vector([1.0, 1, 1]), vector(surface.material["lip_colour"]), mask[:, 2:3] * surface.material["lips"])
    colour = colour * torch.lerp(vector([1.0, 1, 1]), vector(surface.material["lid_colour"]), mask[:, 3:] * surface.material["lids"])
    hairs = smooth_step(0.75, 0.35, grain[:, 0] + 0.6 * (0.5 - mask[:, 0]))
    bearded = (mask[:, 0] * surface.material["beard"] * (0.35 + 0.65 * hairs)).clamp(0, 0.97)
    shaved = (mask[:, 1] * surface.material["scalp"]).clamp(0, 1)
    colour = torch.lerp(colour, vector(surface.material["beard_colour"]), bearded[:, None])
    scalp = vector(surface.material["scalp_colour"]) * (0.75 + 0.5 * grain[:, :1])
    return torch.lerp(colour, scalp, shaved[:, None]), torch.maximum(bearded, shaved * surface.material["scalp_hair"])


def lit(surface, at, colour, half_vectors, light_colours):
    """sRGB-like colours (f, 3) in [0, 1] of linear ones (f, 3): irradiance, two highlights, a soft shoulder.

    half_vectors, light_colours: (2, 3) float32.
    """
    normal = torch.nn.functional.normalize(at.normal, dim=1)
    colour = colour * at.light
    if surface.material["shine"]:
        shaded = (0.4 * at.light.sum(1, keepdim=True)).clamp(max=1.0)
        facing = (normal @ half_vectors.T).clamp(min=0) ** surface.material["gloss"]
        colour = colour + surface.material["shine"] * (facing @ light_colours) * shaded
    colour = torch.where(colour >= 0.8, 0.8 + 0.2 * (1 - torch.exp(-(colour - 0.8) / 0.2)), colour)
    return colour.clamp(min=0) ** (1 / 2.2)


def painted(surface, at, label, half_vectors, light_colours, holds):
    """Colours (f, 3) in [0, 1] of samples: as lit, the mixture of the part's label (3,) and hair, or the light.

    holds: COLOUR, LABEL or LIGHT of :mod:`.passes`.
    """
    if holds == LIGHT:
        return (at.light / BRIGHTEST).clamp(0, 1) ** (1 / 2.2)
    colour, hairy = albedo(surface, at)
    if holds == LABEL:
        return torch.lerp(at.uv.new_tensor([float(x) for x in label]), at.uv.new_tensor([0.0, 1.0, 0.0]), hairy[:, None])
    return lit(surface, at, colour, half_vectors, light_colours).clamp(max=1)
