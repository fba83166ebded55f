"""A matte that is given, by a file or the photo's alpha channel, in the crop. It is taken as it is."""

import dataclasses

import numpy as np

from ..alignment.align import Alignment
from ..errors import MatteUnusable
from ..photo.warp import rescaled, warp_to_crop
from .segmentation import face_pixels

EMPTY = 0.02  # matte up to which nobody is there
CUT_OUT = 0.01  # share of the crop that a cut-out leaves empty, at least; rounded corners of a picture leave less


def crop_matte(matte: np.ndarray, alignment: Alignment) -> np.ndarray:
    """A photo's matte (H, W) uint8 in its crop, (256, 256) float32 in [0, 1].

    Raises MatteUnusable where it leaves the face out, as one does that is black where the subject is.
    """
    found = warp_to_crop(matte, alignment.crop_to_photo).astype(np.float32) / 255.0
    face = face_pixels(alignment.landmarks)
    if face.any() and not (found[face] > 0.5).mean() > 0.5:
        raise MatteUnusable("the matte leaves the face out; it must be white where the subject is and black elsewhere")
    return found


def fine_matte(matte: np.ndarray, alignment: Alignment) -> np.ndarray:
    """The same as fine as the alignment's detail, (s, s) float32 in [0, 1], or as its crop where that shows as much."""
    side = len(alignment.crop if alignment.detail is None else alignment.detail)
    return warp_to_crop(matte, rescaled(alignment.crop_to_photo, side), side).astype(np.float32) / 255.0


def is_cut_out(matte: np.ndarray) -> bool:
    """Whether an alpha channel in the crop, (256, 256) in [0, 1], cuts anybody out."""
    return bool((matte <= EMPTY).mean() > CUT_OUT)


def shown_by(matte: np.ndarray, alignment: Alignment) -> Alignment:
    """The alignment with as unknown only what lies beyond the photo's border and the matte does not end before.

    matte: (256, 256) in [0, 1], continued beyond the border: a cut-out's transparent margin may be as narrow as it is.
    """
    if alignment.beyond is None:
        return alignment
    beyond = alignment.beyond & (matte > 0.5)
    return dataclasses.replace(alignment, beyond=beyond if beyond.any() else None)
