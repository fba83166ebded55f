"""TIFF with three floating-point channels, which Pillow does not know: decoded by OpenCV.

Values are taken as they are shown, 0 to 1, unless a profile says otherwise.
"""

from typing import TYPE_CHECKING, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

_WIDTH, _HEIGHT, _PHOTOMETRIC, _ORIENTATION, _SAMPLES, _SAMPLE_FORMAT, _PROFILE = 256, 257, 262, 274, 277, 339, 34675
FLOATING_POINT = 3  # TIFF's SampleFormat
LOG_LUV = 32845  # TIFF's PhotometricInterpretation of SGI's LogLuv, OpenCV's own way to write colours as float


def read_size(stream: BinaryIO) -> tuple[int, int] | None:
    """Size (width, height) of such a file, None of any other; nothing is decoded."""
    tags = _tags(stream)
    floating = tags.get(_PHOTOMETRIC) == LOG_LUV or set(tags.get(_SAMPLE_FORMAT, ())) == {FLOATING_POINT}
    if not floating or tags.get(_SAMPLES) != 3 or not {_WIDTH, _HEIGHT} <= tags.keys():
        return None
    return int(tags[_WIDTH]), int(tags[_HEIGHT])


def read_image(stream: BinaryIO) -> "Image.Image":
    """The picture as 8-bit RGB, with its profile and orientation. Raises ValueError when it is damaged."""
    import cv2
    from PIL import Image

    stream.seek(0)
    try:
        values = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error:
        values = None
    if values is None or values.dtype != np.float32:
        raise ValueError("its floating-point pixels cannot be read")
    values = np.nan_to_num(values[..., ::-1], nan=0.0, posinf=1.0, neginf=0.0)
    image, tags = Image.fromarray(np.rint(255.0 * np.clip(values, 0.0, 1.0)).astype(np.uint8)), _tags(stream)
    if _PROFILE in tags:
        image.info["icc_profile"] = bytes(tags[_PROFILE])
    if _ORIENTATION in tags:
        image.getexif()[_ORIENTATION] = tags[_ORIENTATION]
    return image


def _tags(stream):
    """The first directory of a TIFF file, empty when there is none."""
    from PIL import TiffImagePlugin

    stream.seek(0)
    if stream.read(4) not in (b"II*\0", b"MM\0*"):
        return {}
    stream.seek(0)
    try:
        directory = TiffImagePlugin.ImageFileDirectory_v2(stream.read(8))
        stream.seek(directory.next)
        directory.load(stream)
        return dict(directory)
    except Exception:  # Pillow's reader raises many kinds over a broken directory
        return {}
