"""Writing views and depth maps."""

import io
import struct
from pathlib import Path

import numpy as np

from ..errors import PortraitError
from ..files import PathLike, write_atomically


def save_png(pixels: np.ndarray, path: PathLike) -> None:
    """Write (H, W, 3) or (H, W, 4) uint8 as PNG. Raises PortraitError."""
    from PIL import Image

    packed = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(packed, "PNG", compress_level=4)
    write_atomically(path, lambda stream: stream.write(packed.getvalue()))


def save_depth(depth: np.ndarray, path: PathLike) -> None:
    """Write a depth map (H, W) float32 in metres as .npy or .exr (one channel Z). Raises PortraitError."""
    kind = Path(path).suffix.lower()
    if kind not in (".npy", ".exr"):
        raise PortraitError(f"cannot write depth as {Path(path).name}; name it .exr or .npy")
    depth = np.ascontiguousarray(depth, "<f4")
    if kind == ".npy":
        write_atomically(path, lambda stream: np.save(stream, depth, allow_pickle=False))
    else:
        write_atomically(path, lambda stream: stream.write(exr_bytes({"Z": depth})))


def exr_bytes(channels: dict[str, np.ndarray]) -> bytes:
    """An uncompressed scan-line OpenEXR file (version 2).

    channels: name -> (H, W) float32, all of one shape; infinities are kept. Returns the file's bytes.
    """
    names = sorted(channels)
    height, width = channels[names[0]].shape
    pixel_type_float = 2
    listed = b"".join(
        name.encode() + b"\0" + struct.pack("<iB3xii", pixel_type_float, 0, 1, 1) for name in names
    ) + b"\0"  # fmt: skip
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    attributes = (
        ("channels", "chlist", listed),
        ("compression", "compression", b"\0"),
        ("dataWindow", "box2i", window),
        ("displayWindow", "box2i", window),
        ("lineOrder", "lineOrder", b"\0"),
        ("pixelAspectRatio", "float", struct.pack("<f", 1.0)),
        ("screenWindowCenter", "v2f", struct.pack("<2f", 0.0, 0.0)),
        ("screenWindowWidth", "float", struct.pack("<f", 1.0)),
    )
    header = struct.pack("<2I", 20000630, 2)
    for name, kind, value in attributes:
        header += name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value
    header += b"\0"
    # every line: its number, its size, then the channels' rows in alphabetical order
    rows = np.stack([np.asarray(channels[name], "<f4") for name in names], 1)
    size = rows[0].nbytes
    start = len(header) + 8 * height
    offsets = np.arange(height, dtype="<u8") * (8 + size) + start
    lines = np.empty((height, 2 + size // 4), "<i4")
    lines[:, 0], lines[:, 1] = np.arange(height), size
    lines[:, 2:] = rows.reshape(height, -1).view("<i4")
    return header + offsets.tobytes() + lines.tobytes()
