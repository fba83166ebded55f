"""Fine texture where the photo shows none: the other side's, or of the same row, in the mirror.

What a detail map holds is finer than tones, so a lock or a pore in another place is right in all that anybody knows of
what the photo hides. Skin takes only its own mirror image; hair and cloth go on mirrored at the border of what is seen.

Constants were chosen by looking at views of eight test portraits from 20 and 35 degrees aside.
"""

import cv2
import numpy as np

from ..geometry.curves import linear_step
from ..geometry.sampling import sample_image
from .colouring import TEXTURED, mirrored_columns
from .columns import GRID, Columns
from .visibility import blurred

ALIKE = 0.3, 0.7  # chances of parts that two columns share, between which one comes to take the other's texture
STRONG = 2.0, 4.0  # strength of detail by its part's mean, between which it is a thing (glasses, a seam) and no texture
APART = 16.0, 32.0  # columns of GRID beyond the border between which what is mirrored there fades


def carried_on(detail: np.ndarray, seen: np.ndarray, shown_parts: np.ndarray, columns: Columns) -> np.ndarray:
    """A detail map's residuals with texture where the photo shows none, (s, s, 3) float32.

    detail: (s, s, 3) float32, taken from the photo wherever a column projects to. seen: (GRID, GRID) in [0, 1], how far
    the photo shows a column there. shown_parts: (GRID, GRID, 3), chances of the parts where it projects to.
    """
    side, parts = len(detail), columns.parts.transpose(1, 2, 0)
    fit = seen * _textured(detail, seen, shown_parts)
    twin = (1.0 - seen) * fit[:, ::-1] * _alike(shown_parts[:, ::-1], parts) * columns.valid
    found = detail * _enlarged(seen, side)[..., None] + detail[:, ::-1] * _enlarged(twin, side)[..., None]
    # On both sides of the border, what is known is there with the same weight.
    known = seen + twin
    kinds = fit[..., None] * shown_parts + twin[..., None] * shown_parts[:, ::-1]
    source = mirrored_columns(known)
    rows = np.arange(GRID, dtype=np.float32)[:, None].repeat(GRID, 1)
    there = np.dstack([kinds, known]).astype(np.float32)
    there = cv2.remap(there, source, rows, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    share = (1.0 - known) * _alike(there[..., TEXTURED], parts[..., TEXTURED]) / np.maximum(there[..., -1], 0.5)
    away = np.abs(source - np.arange(GRID, dtype=np.float32)) / 2.0
    share = _enlarged(share * linear_step(*APART[::-1], away) * columns.valid, side)
    where = np.flatnonzero(share > 0.0)
    x = (_enlarged(source, side).ravel()[where] + np.float32(0.5)) * np.float32(side / GRID)
    y = np.float32(where // side) + np.float32(0.5)
    found.reshape(-1, 3)[where] += share.ravel()[where, None] * sample_image(found, x, y)
    return found


def _textured(detail, seen, parts):
    """How far detail is texture, (GRID, GRID) float32 in [0, 1]: no stronger than most of its part."""
    strength = cv2.resize(np.abs(detail[..., 1]), (GRID, GRID), interpolation=cv2.INTER_AREA)
    strength = blurred(strength, 1.0)
    weight = seen[..., None] * parts
    usual = (strength[..., None] * weight).sum((0, 1)) / (weight.sum((0, 1)) + 1e-3)
    strong = linear_step(*STRONG[::-1], strength / ((parts * usual).sum(-1) + 1e-3))
    return cv2.erode(strong.astype(np.float32), np.ones((5, 5), np.uint8))


def _alike(parts, others):
    return linear_step(*ALIKE, np.minimum(parts, others).sum(-1))


def _enlarged(plane, side):
    return cv2.resize(plane.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
