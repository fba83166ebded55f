"""Colours of the columns: what the photo shows of a head says most about what it does not show.

A column that the photo shows has the photo's colour, and one that it shows only on the other side of the head the
mirror image's. For the rest the networks' guess has the structure (hairline, ear, collar), and the photo the tones: how
far the guess is off where the truth is known goes on smoothly to what is hidden, for skin, hair and cloth apart.

Constants without another source were chosen on unseen heads (the first half of seed 90210 in docs/results.md) and by
looking at twelve test portraits.
"""

import cv2
import numpy as np

from ..geometry.cameras import Camera
from ..geometry.filling import push_pull
from ..geometry.sampling import sample_image
from .columns import CLOTH, GRID, HAIR, Columns
from .visibility import seen_by_photo

TEXTURED = slice(HAIR, CLOTH + 1)  # parts whose fine texture goes on beyond what the photo shows
COARSE = 4.0  # texels of GRID; what is finer is texture
BESIDE = 12.0  # columns of GRID within which completed colours are held to those that the photo shows
SETTLED = 4.0  # rows of GRID over which the border of what is seen is smoothed


def match_colours(
    columns: Columns, photo: np.ndarray, photo_parts: np.ndarray, matte: np.ndarray, camera: Camera
) -> tuple[np.ndarray, np.ndarray]:
    """Colours (3, h, w) float32 of the columns, and the share (h, w) that the networks' own ones have in them.

    columns: their colour is the networks' guess. photo: (3, 256, 256) in [0, 1] without fringe; photo_parts:
    (3, 256, 256), chances of skin, hair and cloth; matte: (256, 256) in [0, 1]; camera: of the photo.
    """
    seen, glimpsed, shown, shown_parts = _looked_up(columns, photo, photo_parts, matte, camera)
    guess, parts = columns.colour.transpose(1, 2, 0), columns.parts.transpose(1, 2, 0)
    # A mirror image serves only where it is the same part.
    twin, alike = shown[:, ::-1], (parts * shown_parts[:, ::-1]).sum(-1)
    mirrored = seen[:, ::-1] * alike
    twin = twin + push_pull(shown - twin, seen * mirrored)
    rest = guess + part_tones(shown - guess, glimpsed, shown_parts * parts, parts)
    rest = rest + mirrored_texture(shown, seen, shown_parts[..., TEXTURED], parts[..., TEXTURED])
    missing, mirrored = (1.0 - seen)[..., None], mirrored[..., None]
    found = (1.0 - missing) * shown + missing * (mirrored * twin + (1.0 - mirrored) * rest)
    share = missing * (1.0 - mirrored)
    return found.transpose(2, 0, 1).astype(np.float32), share[..., 0].astype(np.float32)


def with_photo(
    columns: Columns, photo: np.ndarray, photo_parts: np.ndarray, matte: np.ndarray, camera: Camera
) -> np.ndarray:
    """Colours (3, h, w) float32 of the columns: the photo's as far as it shows them, else their own, beside those in
    the photo's tones. Arguments as of :func:`match_colours`."""
    seen, glimpsed, shown, shown_parts = _looked_up(columns, photo, photo_parts, matte, camera)
    guess, parts = columns.colour.transpose(1, 2, 0), columns.parts.transpose(1, 2, 0)
    away = cv2.distanceTransform((glimpsed < 0.5).astype(np.uint8), cv2.DIST_L2, 5) * np.float32(GRID / len(glimpsed))
    beside = np.exp(-np.square(away / BESIDE))[..., None]
    rest = guess + beside * part_tones(shown - guess, glimpsed, shown_parts * parts, parts)
    return (rest + seen[..., None] * (shown - rest)).transpose(2, 0, 1).astype(np.float32)


def _looked_up(columns, photo, photo_parts, matte, camera):
    """How far the photo shows columns (h, w), how far its colour there serves others (h, w), and what it shows there:
    colours and chances of parts, (h, w, 3) each. Arguments as of :func:`match_colours`."""
    seen, glimpsed, pixel = seen_by_photo(columns.radius, columns.facing, columns.occlusion_depth, matte, camera)
    shown = sample_image(np.dstack([*photo, *photo_parts]).astype(np.float32), pixel[..., 0], pixel[..., 1])
    return seen, glimpsed, shown[..., :3], shown[..., 3:]


def part_tones(error: np.ndarray, weight: np.ndarray, seen_parts: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Errors of a guess, known in some columns, gone on to all columns part by part: (h, w, C) float32.

    error: (h, w, C); weight: (h, w), where it is known; seen_parts: (h, w, P), what is seen there; parts: (h, w, P),
    what every column is made of. A part that is seen nowhere has no error.
    """
    tones = [push_pull(error, weight * seen_parts[..., k]) * parts[..., k, None] for k in range(parts.shape[-1])]
    return np.sum(tones, 0)


def mirrored_texture(shown: np.ndarray, seen: np.ndarray, seen_parts: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Fine texture of hair and cloth, mirrored where a row of columns leaves what the photo shows: (h, w, C) float32.

    shown (h, w, C), seen (h, w) in [0, 1]; seen_parts and parts (h, w, P), chances of the textured parts.
    """
    height, width = seen.shape
    weight = (seen * seen_parts.sum(-1))[..., None].astype(np.float32)
    coarse = cv2.GaussianBlur(np.dstack([shown * weight, weight]), (0, 0), COARSE * width / GRID)
    fine = (shown - coarse[..., :-1] / (coarse[..., -1:] + 1e-3)) * weight
    image = np.dstack([fine, seen_parts * seen[..., None]]).astype(np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None].repeat(width, 1)
    found = cv2.remap(image, mirrored_columns(seen), rows, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT)
    alike = (found[..., shown.shape[-1] :] * parts).sum(-1, keepdims=True)
    return found[..., : shown.shape[-1]] * alike


def mirrored_columns(seen: np.ndarray) -> np.ndarray:
    """Which column of its row every column is the mirror image of, (h, w) float32: the row is mirrored where it leaves
    what the photo shows, seen (h, w) in [0, 1]; what it shows stays where it is."""
    height, width = seen.shape
    columns, middle = np.arange(width, dtype=np.float32), width // 2
    last = np.where(seen > 0.5, columns, middle)
    right, left = np.maximum(last.max(1), middle), np.minimum(last.min(1), middle)
    right, left = (cv2.GaussianBlur(edge[:, None], (0, 0), SETTLED * height / GRID) for edge in (right, left))
    source = np.where(columns > right, 2 * right - columns, np.where(columns < left, 2 * left - columns, columns))
    return source.astype(np.float32)
