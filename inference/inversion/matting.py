"""Subject and backdrop of the photo: edges freed from the backdrop's colour, and the backdrop without its sitter.

Constants without another source were chosen on unseen heads (the first half of seed 90210 in docs/results.md) and by
looking at twelve test portraits.
"""

import cv2
import numpy as np

from ..geometry import domes
from ..geometry.background import background_points
from ..geometry.cameras import CROP_SIZE, Camera
from ..geometry.filling import blurred_fill

FAINT, SCEPTICAL = 0.05, 2.0  # mixtures are by the matte from FAINT on and to this power: it promises too much at edges
SMOOTH = 1e-5  # how much neighbours are alike where the matte is flat; the paper's
COARSEST, COARSE = 8, 32  # pixels across the coarsest level, and up to which a level is a coarse one
COARSE_ROUNDS, FINE_ROUNDS = 10, 2  # of each level; the paper's
MAYBE = 0.1192  # matte (a logit of -2) from which on a pixel may be the sitter's and is not kept as backdrop


def foreground(photo: np.ndarray, matte: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The subject's own colours (3, n, n) float32 in and around the matte: no backdrop shines through its edge; and the
    backdrop's (3, n, n) float32, behind its edge too.

    photo (3, n, n) float32 in [0, 1]; matte (n, n) in [0, 1]; n: a power of two.
    """
    subject, backdrop = unmixed(photo, matte)
    return without_fringe(subject, matte), backdrop


def without_fringe(photo: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """The photo with pixels at and beyond the subject's edge replaced by colours from inside.

    Pixels at the edge mix in the backdrop and would be smeared over the sides of the head. photo (3, h, w) float32 in
    [0, 1], matte (h, w) in [0, 1]. Returns (3, h, w) float32.
    """
    sure = cv2.erode(np.clip(matte * 2.5 - 1.4, 0.0, 1.0), np.ones((3, 3), np.uint8))
    image = photo.transpose(1, 2, 0)
    filled, missing = blurred_fill(image * sure[..., None], sure, sigmas=(1.5, 4.0, 12.0), gain=8.0)
    return np.ascontiguousarray((filled + missing * image).transpose(2, 0, 1), np.float32)


def unmixed(photo: np.ndarray, matte: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The subject's and the backdrop's colours in mixed pixels; arguments and results as of :func:`foreground`.

    Every pixel mixes a colour of the subject and one of the backdrop, both smooth where the matte is. They are found
    from coarse to fine (Germer, Uelwer, Conrad and Harmeling, "Fast multi-level foreground estimation", ICPR 2020).
    """
    finest = (np.clip((matte - FAINT) / (1.0 - FAINT), 0.0, 1.0) ** SCEPTICAL).astype(np.float32)[None]
    step = photo.shape[-1] // COARSEST
    colours = np.concatenate([photo[:, ::step, ::step]] * 2)  # of the subject, of the backdrop
    while True:
        image, alpha = photo[:, ::step, ::step], finest[:, ::step, ::step]
        colours = _relaxed(image, alpha, colours, COARSE_ROUNDS if alpha.shape[-1] <= COARSE else FINE_ROUNDS)
        if step == 1:
            return np.ascontiguousarray(colours[:3]), np.ascontiguousarray(colours[3:])
        step //= 2
        colours = colours.repeat(2, 1).repeat(2, 2)


def _relaxed(image, alpha, colours, rounds):
    """Colours (6, n, n) of subject and backdrop whose mixture by alpha (1, n, n) is the image (3, n, n), and which
    are their neighbours' all the more where alpha changes: rounds of Jacobi's method."""
    ties = [SMOOTH + np.abs(alpha - other) for other in _beside(np.pad(alpha, ((0, 0), (1, 1), (1, 1)), mode="edge"))]
    rest, tied = 1.0 - alpha, sum(ties)
    first, second, mixed = alpha * alpha + tied, rest * rest + tied, alpha * rest
    scale = 1.0 / (first * second - mixed * mixed)
    first, second, mixed = first * scale, second * scale, mixed * scale
    own = np.concatenate([alpha * image, rest * image])
    for _ in range(rounds):
        wanted = own.copy()
        for tie, other in zip(ties, _beside(np.pad(colours, ((0, 0), (1, 1), (1, 1)), mode="edge")), strict=True):
            wanted += tie * other
        subject, backdrop = wanted[:3], wanted[3:]
        colours = np.concatenate([second * subject - mixed * backdrop, first * backdrop - mixed * subject])
        np.clip(colours, 0.0, 1.0, out=colours)
    return colours


def _beside(padded):
    """The four neighbours of all pixels of planes (c, n + 2, n + 2): views (c, n, n)."""
    return padded[:, :-2, 1:-1], padded[:, 2:, 1:-1], padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]


def background_texture(crop: np.ndarray, matte: np.ndarray, camera: Camera, size: int) -> np.ndarray:
    """Texture (size, size, 4) uint8 of the background plane: the photo's backdrop, with the subject painted out.

    crop: (256, 256, 3) uint8 sRGB; matte (256, 256) in [0, 1]; camera: the crop's.
    """
    subject = cv2.dilate((matte > MAYBE).astype(np.float32), np.ones((9, 9), np.uint8))[..., None]
    small = (CROP_SIZE // 4, CROP_SIZE // 4)  # what is painted in is smooth
    total = cv2.resize(crop * (1.0 - subject), small, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(1.0 - subject, small, interpolation=cv2.INTER_AREA)
    filled, missing = blurred_fill(total, weight, sigmas=(1.0, 2.5, 6.0, 15.0), gain=10.0)
    filled += missing * (total.sum((0, 1)) / max(weight.sum(), 1.0))
    result = crop * (1.0 - subject) + subject * cv2.resize(filled, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    pixel, _ = camera.project(background_points(*domes.texel_centres(size, size)))
    x, y = (pixel[..., axis].astype(np.float32) - 0.5 for axis in (0, 1))
    out = np.full((size, size, 4), 255, np.uint8)
    result = np.clip(result, 0, 255).astype(np.uint8)
    out[..., :3] = cv2.remap(result, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    return out
